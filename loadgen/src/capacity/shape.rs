//! The scenario at one figure of a search.

use std::time::Duration;

use reports::capacity::LagLimit;
use scenarios::{
    Scenario,
    model::{
        DeviceGroup, Dimension, GroupId, Load, Metric, Rate, Role, Search, Selector, SubscriberGroup, Subscription,
        Threshold,
    },
};

use super::lag;

/// A scenario that is run at many figures.
#[derive(Clone, Debug)]
pub struct Shape {
    base: Scenario,
    dimension: Dimension,
    slo: Vec<Threshold>,
    step_length: Duration,
    lag_limit: LagLimit,
}

/// A scenario that cannot be searched so: what is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShapeError(&'static str);

impl Shape {
    /// `base`, varied in `dimension`; each step is measured for `step_length`, a confirmation for longer.
    ///
    /// # Errors
    ///
    /// When the scenario has nothing to vary there.
    pub fn new(base: Scenario, dimension: Dimension, step_length: Duration) -> Result<Self, ShapeError> {
        if base.stages.iter().any(|stage| stage.load.rate().is_none() || stage.curve.is_some()) {
            return Err(ShapeError(
                "a search compares steps at constant load, and a stage's load is natural, a flood, a trace or follows a curve: give \
                 every stage a plain `rate`",
            ));
        }
        if dimension == Dimension::FanOut && base.subscribers.iter().all(|group| group.subscriptions.is_empty()) {
            return Err(ShapeError("a search over fan-out needs a subscriber group whose version and QoS it can take"));
        }
        let slo = slo(&base, dimension);
        let lag_limit = lag::limit(&base, &slo);
        Ok(Self { base, dimension, slo, step_length, lag_limit })
    }

    /// What every step must hold.
    #[must_use]
    pub fn slo(&self) -> &[Threshold] {
        &self.slo
    }

    /// How late the generator may be in every step, and why so late.
    #[must_use]
    pub fn lag_limit(&self) -> &LagLimit {
        &self.lag_limit
    }

    /// The scenario as it was given.
    #[must_use]
    pub fn base(&self) -> &Scenario {
        &self.base
    }

    /// What is varied.
    #[must_use]
    pub fn dimension(&self) -> Dimension {
        self.dimension
    }

    /// The scenario's own figure.
    #[must_use]
    pub fn own(&self) -> f64 {
        match self.dimension {
            Dimension::Rate => self.base.peak_rate().unwrap_or(1.0),
            Dimension::Connections => f64::from(self.base.connection_count()),
            Dimension::FanOut => 1.0,
        }
    }

    /// The least figure that makes sense.
    #[must_use]
    pub fn least(&self) -> f64 {
        match self.dimension {
            // A message a second in all; below it ten seconds say nothing.
            Dimension::Rate => self.own().min(1.0),
            Dimension::Connections => self.own(),
            Dimension::FanOut => 1.0,
        }
    }

    /// Connections that all clients together open at `figure`.
    #[must_use]
    pub fn connections(&self, figure: f64) -> u64 {
        match self.dimension {
            Dimension::Rate => u64::from(self.base.connection_count()),
            Dimension::Connections => (figure as u64).max(u64::from(self.base.connection_count())),
            Dimension::FanOut => u64::from(self.base.device_count()) + figure as u64,
        }
    }

    /// What a search leaves out of the scenario, in words.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if !self.base.events.is_empty() {
            remarks.push("the scenario's events are left out: a step is one constant load".to_owned());
        }
        let given = if self.base.search.slo.is_empty() { &self.base.thresholds } else { &self.base.search.slo };
        if let Some(dropped) = given.iter().find(|threshold| !applies(threshold, self.dimension)) {
            remarks.push(format!("{dropped} is not part of the SLO: it says nothing about the target in this search"));
        }
        remarks
    }

    /// The scenario at `figure`, measured for `hold`. The devices are connected before it begins, so that no step is spent on
    /// a ramp; at full load it warms up between a fifth and a half of a step's length.
    #[must_use]
    pub fn at(&self, figure: f64, hold: Duration) -> Scenario {
        let mut scenario = self.base.clone();
        scenario.thresholds.clone_from(&self.slo);
        scenario.lag_limit = Some(self.lag_limit.limit);
        scenario.events.clear();
        scenario.set_hold(hold);
        scenario.warm_up = scenario.warm_up.clamp(self.step_length / 5, self.step_length / 2);
        for (index, stage) in scenario.stages.iter_mut().enumerate() {
            stage.ramp = if index == 0 { Duration::ZERO } else { stage.ramp.min(self.step_length / 5) };
        }
        match self.dimension {
            Dimension::Rate => {
                let factor = figure / self.own();
                for stage in &mut scenario.stages {
                    if let Load::Rate(rate) = stage.load {
                        let scaled = (rate.per_second() * factor).min(Rate::MAX);
                        stage.load = Load::Rate(Rate::new(scaled).unwrap_or(rate));
                    }
                }
            }
            Dimension::Connections => {
                let idle = (figure as u32).saturating_sub(self.base.connection_count());
                if idle > 0 {
                    scenario.subscribers.push(self.group("capacity-idle", Role::Idle, idle, Vec::new()));
                }
            }
            Dimension::FanOut => {
                let filter = "#".parse().expect("it is a filter");
                let qos = self.base.subscribers.iter().flat_map(|group| &group.subscriptions).map(|one| one.qos).max();
                let subscription = Subscription { filter, qos: qos.unwrap_or_default() };
                let group = self.group("capacity-fan-out", Role::Service, figure as u32, vec![subscription]);
                scenario.subscribers = vec![group];
            }
        }
        scenario
    }

    fn group(&self, name: &str, role: Role, count: u32, subscriptions: Vec<Subscription>) -> SubscriberGroup {
        let (version, keep_alive) = match (self.base.subscribers.first(), self.base.devices.first()) {
            (Some(group), _) => (group.version, group.keep_alive),
            (None, Some(DeviceGroup { version, keep_alive, .. })) => (*version, *keep_alive),
            (None, None) => unreachable!("a scenario has devices"),
        };
        SubscriberGroup {
            name: name.parse().expect("it is a name"),
            broker: scenarios::model::BrokerId(0),
            role,
            count,
            client_id: format!("{name}-{{n:06}}").parse().expect("it is a template"),
            subscriptions,
            expect: (0..).zip(&self.base.devices).map(|(index, _)| GroupId(index)).collect(),
            from: None,
            read_rate: None,
            barns: self.base.barns.clone(),
            version,
            clean_start: true,
            session_expiry: Duration::ZERO,
            keep_alive,
        }
    }
}

/// What a step must hold: the search's own SLO, or else what the scenario's thresholds demand of the target, or else a p99 of
/// 200 ms and no loss. Connecting is part of it where connections are searched.
#[must_use]
pub fn slo(scenario: &Scenario, dimension: Dimension) -> Vec<Threshold> {
    let demand = |series: &str, expression: &str| Threshold {
        series: series.parse().expect("it is a series"),
        expression: expression.parse().expect("it is an expression"),
    };
    let Search { slo, .. } = &scenario.search;
    let given = if slo.is_empty() { &scenario.thresholds } else { slo };
    let mut all: Vec<Threshold> = given.iter().filter(|threshold| applies(threshold, dimension)).cloned().collect();
    if all.is_empty() {
        all.extend([demand("e2e", "p(99)<200ms"), demand("loss", "count==0")]);
    }
    if dimension == Dimension::Connections && !all.iter().any(|demand| demand.series.metric == Metric::Connect) {
        all.push(demand("connect", "p(99)<1s"));
    }
    all
}

/// Whether a threshold says something about the target in such a search. The generator's lag and CPU decide whether a step is
/// valid at all; and in a search over fan-out the scenario's subscribers are not there.
fn applies(threshold: &Threshold, dimension: Dimension) -> bool {
    let of_generator = matches!(threshold.series.metric, Metric::GeneratorLag | Metric::GeneratorCpu);
    let of_reader = |selector: &Selector| matches!(selector, Selector::Subscriber(_));
    let of_absent = dimension == Dimension::FanOut && threshold.series.selectors.iter().any(of_reader);
    !of_generator && !of_absent
}
