//! The parts of a run's time: ramps, warm-up, holds.

use std::{sync::Arc, time::Duration};

use scenarios::model::{Arrival, Curve, GroupId, Load, Part as Kind, Scenario, Stage, TraceStart};

use crate::{measure::StageSpan, schedule::Slope};

/// One part of the run's time.
#[derive(Clone, Debug)]
pub(in crate::run) struct Part {
    pub(in crate::run) span: StageSpan,
    /// Messages per second at its end, when it names a rate.
    pub(in crate::run) rate: Option<f64>,
    /// How many devices, in the order in which they connect, take part at its end.
    pub(in crate::run) devices: usize,
    pub(super) before: usize,
    /// How many messages of one device may be under way, in a closed loop: what comes back lets the next ones go.
    pub(in crate::run) in_flight: Option<u32>,
    pub(super) flow: Flow,
    pub(super) arrival: Arrival,
    pub(super) burst: u32,
    /// Whose devices publish.
    pub(super) groups: Vec<GroupId>,
}

/// What is published in a part.
#[derive(Clone, Debug)]
pub(super) enum Flow {
    /// A rate that changes linearly.
    Slope(Slope),
    /// A rate that a curve multiplies.
    Curve(f64, Arc<Curve>),
    /// Each device at its own interval.
    Natural,
    /// What a file says.
    Trace { starts: Arc<[TraceStart]>, repeat: Option<Duration> },
    /// Nothing.
    Silence,
}

impl Part {
    /// How many devices took part before it.
    pub(in crate::run) fn devices_before(&self) -> usize {
        self.before
    }

    pub(in crate::run) fn length(&self) -> Duration {
        self.span.ends - self.span.begins
    }

    /// When, after its beginning, a device joins that is this share along.
    pub(super) fn joins_at(&self, share: f64) -> Duration {
        if self.span.measured { Duration::ZERO } else { self.length().mul_f64(share) }
    }

    pub(in crate::run) fn publishes(&self, group: u16) -> bool {
        self.groups.contains(&GroupId(group))
    }
}

/// The parts of a scenario, in order and without gaps.
pub(in crate::run) fn parts(scenario: &Scenario) -> Vec<Part> {
    let curves: Vec<Arc<Curve>> = scenario.day.curves.iter().cloned().map(Arc::new).collect();
    // The rate of a stage at an instant of the run.
    let rate = |stage: &Stage, at: Duration| {
        let factor = stage.curve.map_or(1.0, |curve| curves[usize::from(curve)].factor(scenario.day.farm_time(at)));
        stage.load.rate().map(|rate| rate.per_second() * factor)
    };
    let mut parts: Vec<Part> = Vec::new();
    let mut before = if scenario.stages.first().is_some_and(|stage| stage.ramp.is_zero()) {
        scenario.stages[0].devices as usize
    } else {
        0
    };
    for segment in scenario.timeline() {
        let stage = scenario.stage(segment.stage);
        let ends = segment.start + segment.length;
        let earlier = segment.stage.0.checked_sub(1).map(|index| &scenario.stages[usize::from(index)]);
        let from = earlier.map_or(Some(0.0), |earlier| rate(earlier, segment.start));
        let flow = match (stage.load, segment.part) {
            (Load::Natural, _) => Flow::Natural,
            (Load::Trace(id), Kind::Hold) => {
                let trace = &scenario.traces[usize::from(id.0)];
                Flow::Trace { starts: Arc::clone(&trace.starts), repeat: trace.repeat }
            }
            // What is sent in a flood follows from what comes back.
            (Load::Trace(_), Kind::Ramp | Kind::WarmUp) | (Load::Flood { .. }, _) => Flow::Silence,
            (Load::Rate(_), Kind::Ramp) => {
                let to = rate(stage, ends).unwrap_or_default();
                // From a load without a rate there is none to begin the slope with, so it starts at the end's.
                Flow::Slope(Slope::ramp(from.unwrap_or(to), to, segment.length))
            }
            (Load::Rate(rate), Kind::WarmUp | Kind::Hold) => match stage.curve {
                None => Flow::Slope(Slope::hold(rate.per_second(), segment.length)),
                Some(curve) => Flow::Curve(rate.per_second(), Arc::clone(&curves[usize::from(curve)])),
            },
        };
        let in_flight = match (stage.load, segment.part) {
            (Load::Flood { in_flight }, Kind::WarmUp | Kind::Hold) => Some(in_flight),
            _ => None,
        };
        let name = match segment.part {
            Kind::Ramp => format!("{} ramp", stage.name),
            Kind::WarmUp => format!("{} warm-up", stage.name),
            Kind::Hold => stage.name.to_string(),
        };
        let span = StageSpan { name, begins: segment.start, ends, measured: segment.part == Kind::Hold };
        let devices = stage.devices as usize;
        parts.push(Part {
            span,
            rate: rate(stage, ends),
            devices,
            before,
            in_flight,
            flow,
            arrival: stage.arrival,
            burst: stage.burst,
            groups: stage.groups.clone(),
        });
        before = devices;
    }
    parts
}
