//! The run's time: which part follows which, which devices take part, and when each message starts.

use std::{collections::VecDeque, time::Duration};

use scenarios::model::{Arrival as Wanted, Part as Kind, Scenario};
use simulator::farm::{DeviceId, Farm};

use crate::{
    measure::StageSpan,
    schedule::{Arrival, Calendar, Natural, Paced, Rota, Schedule, Segment, Slope, Start},
};

/// One part of the run's time.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) span: StageSpan,
    /// Messages per second at its end, when it names a rate.
    pub(super) rate: Option<f64>,
    /// How many devices, in [`order`]'s order, take part at its end.
    pub(super) devices: usize,
    before: usize,
    slope: Option<Slope>,
    arrival: Wanted,
}

impl Part {
    /// How many devices took part before it.
    pub(super) fn devices_before(&self) -> usize {
        self.before
    }

    pub(super) fn length(&self) -> Duration {
        self.span.ends - self.span.begins
    }
}

/// The parts of a scenario, in order and without gaps. Of `devices` devices this process drives those in `mine`, a
/// subsequence of the scenario's order.
pub(super) fn parts(scenario: &Scenario) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut before = if scenario.stages.first().is_some_and(|stage| stage.ramp.is_zero()) {
        scenario.stages[0].devices as usize
    } else {
        0
    };
    for segment in scenario.timeline() {
        let stage = scenario.stage(segment.stage);
        let earlier = segment.stage.0.checked_sub(1).map(|index| &scenario.stages[usize::from(index)]);
        let rate = stage.load.rate().map(|rate| rate.per_second());
        let from = earlier.map_or(Some(0.0), |earlier| earlier.load.rate().map(|rate| rate.per_second()));
        let (name, slope) = match segment.part {
            // From a natural load there is no rate to begin the slope with, so it starts at the end's.
            Kind::Ramp => (
                format!("{} ramp", stage.name),
                rate.map(|rate| Slope::ramp(from.unwrap_or(rate), rate, segment.length)),
            ),
            Kind::WarmUp => (format!("{} warm-up", stage.name), rate.map(|rate| Slope::hold(rate, segment.length))),
            Kind::Hold => (stage.name.to_string(), rate.map(|rate| Slope::hold(rate, segment.length))),
        };
        let span = StageSpan {
            name,
            begins: segment.start,
            ends: segment.start + segment.length,
            measured: segment.part == Kind::Hold,
        };
        let devices = stage.devices as usize;
        parts.push(Part { span, rate, devices, before, slope, arrival: stage.arrival });
        before = devices;
    }
    parts
}

/// All devices in the order in which they connect: any beginning of it has each group in proportion.
pub(super) fn order(farm: &Farm) -> Vec<DeviceId> {
    let mut sizes: Vec<u32> = Vec::new();
    let mut keyed: Vec<(u32, u16, DeviceId)> = Vec::new();
    for device in farm.devices() {
        let group = farm.info(device).group;
        sizes.resize(sizes.len().max(usize::from(group) + 1), 0);
        keyed.push((sizes[usize::from(group)], group, device));
        sizes[usize::from(group)] += 1;
    }
    // (nth + 1/2) / size, compared without rounding.
    let key = |(nth, group, _): &(u32, u16, DeviceId)| (2 * u64::from(*nth) + 1, u64::from(sizes[usize::from(*group)]));
    keyed.sort_by(|a, b| {
        let ((x, of_x), (y, of_y)) = (key(a), key(b));
        (x * of_y).cmp(&(y * of_x)).then(a.2.cmp(&b.2))
    });
    keyed.into_iter().map(|(_, _, device)| device).collect()
}

/// When each message starts and who sends it, over all parts.
pub(super) struct Program {
    parts: VecDeque<(usize, Part)>,
    present: Option<Box<dyn Calendar>>,
    farm: std::sync::Arc<Farm>,
    order: Vec<DeviceId>,
    weights: Vec<f64>,
    seed: u64,
    natural: NaturalTime,
}

/// How the run's time and the devices' own go together.
#[derive(Clone, Copy, Debug)]
pub(super) struct NaturalTime {
    /// The farm's time when the run starts.
    pub(super) begins: Duration,
    /// How many of its seconds pass in one.
    pub(super) compression: f64,
}

impl NaturalTime {
    fn farm(self, at: Duration) -> Duration {
        self.begins + if self.compression == 1.0 { at } else { at.mul_f64(self.compression) }
    }

    fn run(self, farm: Duration) -> Duration {
        let since = farm.saturating_sub(self.begins);
        if self.compression == 1.0 { since } else { since.div_f64(self.compression) }
    }
}

impl Program {
    /// `farm` is asked for weights and natural intervals only, so it may be another instance than the fleet's.
    pub(super) fn new(parts: &[Part], farm: Farm, seed: u64, natural: NaturalTime) -> Self {
        let order = order(&farm);
        let weights = order.iter().map(|device| farm.info(*device).weight).collect();
        let parts = parts.iter().cloned().enumerate().collect();
        Self { parts, present: None, farm: farm.into(), order, weights, seed, natural }
    }

    /// The share of a segment, with whether each device is its own.
    pub(super) fn owned(farm: &Farm, segment: Segment) -> Vec<bool> {
        farm.devices().map(|device| segment.owns(u32::from(farm.info(device).unit.0))).collect()
    }

    fn open(&self, number: usize, part: &Part) -> Box<dyn Calendar> {
        match part.slope {
            Some(slope) => Box::new(self.paced(number, part, slope)),
            None => Box::new(self.natural(part)),
        }
    }

    fn paced(&self, number: usize, part: &Part, slope: Slope) -> Joining {
        let seed = self.seed ^ (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let arrival = match part.arrival {
            Wanted::Constant => Arrival::Constant,
            Wanted::Poisson => Arrival::Poisson { seed },
        };
        let there = part.devices.min(part.before).min(self.order.len());
        let all = part.devices.min(self.order.len());
        let member = |place: usize| (self.order[place].0, self.weights[place]);
        let joining = (there..all).enumerate().map(|(nth, place)| {
            let share = (nth + 1) as f64 / (all - there) as f64;
            (part.joins_at(share), member(place))
        });
        Joining {
            begins: part.span.begins,
            schedule: Paced::new(vec![slope], arrival),
            rota: Rota::new(seed, (0..there).map(member)),
            joining: joining.collect(),
        }
    }

    fn natural(&self, part: &Part) -> impl Calendar + use<> {
        let there = part.devices.min(part.before).min(self.order.len());
        let all = part.devices.min(self.order.len());
        let time = self.natural;
        let farm = std::sync::Arc::clone(&self.farm);
        // The farm is asked for what follows its own time of the last start: the run's time is rounded, and what it stands
        // for may lie before that start, which would then come twice.
        let mut last = vec![Duration::ZERO; self.order.len()];
        let mut next = move |device: u32, after: Option<Duration>| {
            let last = &mut last[device as usize];
            *last = farm.next_natural(DeviceId(device), after.map_or(*last, |after| time.farm(after)));
            time.run(*last)
        };
        let first = (0..all).map(|place| {
            let nth = place.saturating_sub(there) + 1;
            let joins = if place < there { Duration::ZERO } else { part.joins_at(nth as f64 / (all - there) as f64) };
            let device = self.order[place].0;
            (device, next(device, Some(part.span.begins + joins)))
        });
        let first: Vec<_> = first.collect();
        Natural::new(first, part.span.ends, move |device, at| Some(next(device, None).saturating_sub(at)))
    }
}

impl Part {
    /// When, after its beginning, a device joins that is this share along.
    fn joins_at(&self, share: f64) -> Duration {
        if self.span.measured { Duration::ZERO } else { self.length().mul_f64(share) }
    }
}

impl Calendar for Program {
    fn next_start(&mut self) -> Option<Start> {
        loop {
            if let Some(start) = self.present.as_mut().and_then(|present| present.next_start()) {
                return Some(start);
            }
            let (number, part) = self.parts.pop_front()?;
            self.present = Some(self.open(number, &part));
        }
    }
}

/// A paced part, with devices that join while it lasts.
struct Joining {
    begins: Duration,
    schedule: Paced,
    rota: Rota,
    joining: VecDeque<(Duration, (u32, f64))>,
}

impl Calendar for Joining {
    fn next_start(&mut self) -> Option<Start> {
        loop {
            let at = self.schedule.next_start()?;
            while let Some((_, (device, weight))) = self.joining.pop_front_if(|(joins, _)| *joins <= at) {
                self.rota.join(device, weight);
            }
            // While nobody has joined yet there is nobody to send.
            if let Some(device) = self.rota.next_device() {
                return Some(Start { at: self.begins + at, device });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use simulator::farm::Model;

    use super::*;

    /// Every start of a catalogue's day with the farm's time of it.
    fn day(name: &str) -> (Farm, Vec<(Duration, DeviceId)>) {
        let scenario = scenarios::load(name).unwrap();
        let farm = || Farm::new(&scenario, scenario.seed);
        let natural =
            NaturalTime { begins: scenario.day.start.since_midnight(), compression: scenario.day.compress.value() };
        let mut program = Program::new(&parts(&scenario), farm(), scenario.seed, natural);
        let starts = std::iter::from_fn(|| program.next_start());
        let starts = starts.map(|start| (natural.farm(start.at), DeviceId(start.device))).collect();
        (farm(), starts)
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn each_device_of_a_day_speaks_when_its_farm_says() {
        let (farm, starts) = day("phase-1-day");
        let (from, to) = (4 * HOUR, 6 * HOUR);
        for device in farm.devices() {
            let said = starts.iter().filter(|(at, who)| *who == device && (from..to).contains(at)).count();
            let mut at = from;
            let mut due: usize = 0;
            loop {
                at = farm.next_natural(device, at);
                if at >= to {
                    break;
                }
                due += 1;
            }
            // Times of the run are rounded, so one may fall on the other side of a border.
            assert!(due.abs_diff(said) <= 1, "{}: {said} starts, {due} due", farm.info(device).name);
        }
    }

    #[test]
    fn meters_are_silent_before_the_milking_and_report_each_round_once() {
        let (farm, starts) = day("phase-1-day");
        let meters = farm.devices().filter(|device| farm.info(*device).model == Model::MilkMeter).count();
        let milked = |from: Duration, to: Duration| {
            let by_meters = starts.iter().filter(|(_, device)| farm.info(*device).model == Model::MilkMeter);
            by_meters.filter(|(at, _)| (from..to).contains(at)).count()
        };
        let begins = 4 * HOUR + HOUR / 2;
        assert_eq!(milked(Duration::ZERO, begins), 0);
        // A round takes 12 minutes, so the hour and a half from the session's beginning have seven and a half.
        let rounds = milked(begins, 6 * HOUR) as f64 / meters as f64;
        assert!((6.5..=7.6).contains(&rounds), "{rounds} milkings of each stall");
    }
}
