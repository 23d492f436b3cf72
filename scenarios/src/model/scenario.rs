//! The whole of it.

use std::{fmt, path::PathBuf, time::Duration};

use serde::Serialize;

use super::{
    Address, Anchor, BarnId, Broker, BrokerId, Compare, Day, DeviceGroup, Event, GroupId, Load, Moment, Name,
    NetworkRule, Part, Requests, Search, Segment, Selector, Stage, StageId, SubscriberGroup, SubscriberId, Threshold,
    Trace,
};

/// A resolved, valid scenario.
///
/// The run's time: for each stage its ramp and its hold, in order; after the first stage's ramp the warm-up, at that
/// stage's full load; after the last hold the drain, in which nothing new is sent. Latency and rates are measured over the
/// holds; the ledger accounts for every message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scenario {
    /// Names the run's folder and its place in reports.
    pub name: Name,
    /// One line for people.
    pub title: String,
    /// What it is for; may be empty, may have several lines.
    pub description: String,
    /// The seed of everything random.
    pub seed: u64,
    /// Where the devices' time begins, in milliseconds since 1970-01-01T00:00:00Z. It is midnight on the farm.
    pub epoch_ms: i64,
    /// Time at full load before the first measured message; may be 0.
    pub warm_up: Duration,
    /// The longest time that deliveries may take to come in after the last hold; above 0.
    pub drain: Duration,
    /// The generator's lag above which the run is invalid; above 0. Absent where the text does not say: then it is
    /// [`Scenario::LAG_LIMIT`], or what a search for capacity makes of its SLO.
    pub lag_limit: Option<Duration>,
    /// Brokers; at least one. Referred to by [`BrokerId`].
    pub brokers: Vec<Broker>,
    /// The farm's barns; at least one.
    pub barns: Vec<BarnId>,
    /// Device groups; at least one. Referred to by [`GroupId`].
    pub devices: Vec<DeviceGroup>,
    /// Subscriber groups. Referred to by [`SubscriberId`].
    pub subscribers: Vec<SubscriberGroup>,
    /// Clients that ask devices.
    pub requests: Vec<Requests>,
    /// How the farm's day passes; uncompressed and without curves when the scenario does not say.
    pub day: Day,
    /// Stages; at least one. Referred to by [`StageId`].
    pub stages: Vec<Stage>,
    /// What stages read from files. Referred to by [`super::TraceId`].
    pub traces: Vec<Trace>,
    /// Events, in the order of the text.
    pub events: Vec<Event>,
    /// Thresholds, in the order of the text.
    pub thresholds: Vec<Threshold>,
    /// How `paddock compare` compares two sides of it.
    pub compare: Compare,
    /// Rules of the network. Referred to by [`super::RuleId`].
    pub network: Vec<NetworkRule>,
    /// How a search for capacity goes.
    pub search: Search,
    /// What is written when the run ends.
    pub output: Output,
}

/// What is written into the run's folder besides `observations.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The folder that run folders are made in.
    pub folder: PathBuf,
    /// `report.html`.
    pub html: bool,
    /// `summary.json`.
    pub json: bool,
    /// `junit.xml`.
    pub junit: bool,
    /// `latency.hlog`.
    pub hdr_log: bool,
    /// `windows.csv`.
    pub csv: bool,
    /// `metrics.om`.
    pub open_metrics: bool,
}

/// Something that the language settles and this version of Paddock does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The key, such as `events[0]`.
    pub path: String,
    /// A lowercase fragment, such as `events do not work yet`.
    pub message: String,
}

impl Scenario {
    /// The generator's lag above which a run is invalid that says nothing of it.
    pub const LAG_LIMIT: Duration = Duration::from_millis(5);

    /// The number of devices over all groups.
    #[must_use]
    pub fn device_count(&self) -> u32 {
        self.devices.iter().map(|group| group.count).sum()
    }

    /// The number of connections that are no devices.
    #[must_use]
    pub fn subscriber_count(&self) -> u32 {
        self.subscribers.iter().map(|group| group.count).sum()
    }

    /// The number of connections when everything is connected.
    #[must_use]
    pub fn connection_count(&self) -> u32 {
        let requesters: u32 = self.requests.iter().map(|requests| requests.requesters).sum();
        self.device_count() + self.subscriber_count() + requesters
    }

    /// The greatest rate that a stage asks for, in messages per second; absent when none asks for a rate.
    #[must_use]
    pub fn peak_rate(&self) -> Option<f64> {
        let rates = self.stages.iter().filter_map(|stage| {
            let points = stage.curve.map_or(&[][..], |curve| &self.day.curves[usize::from(curve)].points);
            let highest = points.iter().map(|(_, factor)| *factor).reduce(f64::max);
            Some(stage.load.rate()?.per_second() * highest.unwrap_or(1.0))
        });
        rates.reduce(f64::max)
    }

    /// Whether what a selector names is there; a QoS or a model names nothing.
    #[must_use]
    pub fn has(&self, selector: &Selector) -> bool {
        match selector {
            Selector::Qos(_) | Selector::Model(_) => true,
            Selector::Group(name) => {
                self.devices.iter().any(|group| group.name == *name)
                    || self.requests.iter().any(|requests| requests.name == *name)
            }
            Selector::Subscriber(name) => self.subscribers.iter().any(|group| group.name == *name),
            Selector::Stage(name) => self.stages.iter().any(|stage| stage.name == *name),
        }
    }

    /// A broker.
    #[must_use]
    pub fn broker(&self, id: BrokerId) -> &Broker {
        &self.brokers[usize::from(id.0)]
    }

    /// A device group.
    #[must_use]
    pub fn group(&self, id: GroupId) -> &DeviceGroup {
        &self.devices[usize::from(id.0)]
    }

    /// A subscriber group.
    #[must_use]
    pub fn subscriber(&self, id: SubscriberId) -> &SubscriberGroup {
        &self.subscribers[usize::from(id.0)]
    }

    /// A stage.
    #[must_use]
    pub fn stage(&self, id: StageId) -> &Stage {
        &self.stages[usize::from(id.0)]
    }

    /// Every part of the run's time that is longer than 0, in order and without gaps.
    #[must_use]
    pub fn timeline(&self) -> Vec<Segment> {
        let mut start = Duration::ZERO;
        let mut segments = Vec::new();
        for (index, stage) in (0u16..).zip(&self.stages) {
            let warm_up = if index == 0 { self.warm_up } else { Duration::ZERO };
            for (part, length) in [(Part::Ramp, stage.ramp), (Part::WarmUp, warm_up), (Part::Hold, stage.hold)] {
                if !length.is_zero() {
                    segments.push(Segment { stage: StageId(index), part, start, length });
                    start += length;
                }
            }
        }
        segments
    }

    /// An instant as time from the run's start.
    #[must_use]
    pub fn offset_of(&self, moment: Moment) -> Duration {
        let hold = |stage: StageId| {
            let timeline = self.timeline();
            let hold = timeline.iter().find(|segment| segment.stage == stage && segment.part == Part::Hold);
            hold.map_or(Duration::ZERO, |segment| segment.start)
        };
        moment.offset
            + match moment.anchor {
                Anchor::Start => Duration::ZERO,
                Anchor::Stage(stage) => hold(stage),
            }
    }

    /// Time from the run's start to the beginning of the drain.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.warm_up + self.stages.iter().map(|stage| stage.ramp + stage.hold).sum::<Duration>()
    }

    /// Stretches or shrinks the holds in proportion, so that together they last `hold`. Ramps, warm-up and drain stay, and
    /// so do the offsets of events. `hold` is above 0. (`--duration`)
    pub fn set_hold(&mut self, hold: Duration) {
        let before: Duration = self.stages.iter().map(|stage| stage.hold).sum();
        let factor = hold.as_secs_f64() / before.as_secs_f64();
        for stage in &mut self.stages {
            stage.hold = stage.hold.mul_f64(factor);
        }
    }

    /// Puts every broker of the scenario at `address`. (`--target`)
    pub fn set_target(&mut self, address: &Address) {
        for broker in &mut self.brokers {
            broker.address = address.clone();
        }
    }

    /// Whether a stage has natural load.
    #[must_use]
    pub fn is_natural(&self) -> bool {
        self.stages.iter().any(|stage| stage.load == Load::Natural)
    }

    /// What the scenario asks for and this version of Paddock does not do; empty when it can run.
    #[must_use]
    pub fn unsupported(&self) -> Vec<Unsupported> {
        let mut all = Vec::new();
        let mut not_yet = |path: String, message: &str| all.push(Unsupported { path, message: message.to_owned() });
        if self.brokers.len() > 1 {
            not_yet("brokers".to_owned(), "a run has one broker so far");
        }
        all
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not yet: {} ({})", self.message, self.path)
    }
}
