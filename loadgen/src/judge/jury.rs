//! Thresholds over a run as it unfolds: a fold over its observations, like the summary, but with the contract in mind.
//!
//! What a threshold asks of the whole run is answered from the summary at the end. What it asks of seconds is followed here,
//! window by window, with memory for one sliding window: [`Windows`] finds the worst stretch, [`Total`] adds up,
//! [`Prospect`] knows when a percentile of the whole run is lost for good.

use std::collections::BTreeMap;

use reports::{
    Observation, Summary, figures,
    observation::{Aborted, Event, PlannedStage, ThresholdOutcome, ThresholdResult, Window},
};
use scenarios::model::{Aggregation, Comparison, Expression, Selector, Series, Threshold};

use super::{
    prospect::Prospect,
    source::{Source, key, source, unit},
    threshold::{Compared, Finding, doubt, evaluate},
    tracks::{Events, Total, Windows},
};

/// Follows a run for its thresholds.
#[derive(Debug)]
pub struct Jury {
    seats: Vec<Seat>,
    frame: Frame,
    now: std::time::Duration,
}

#[derive(Debug)]
struct Seat {
    threshold: Threshold,
    follows: Follows,
}

#[derive(Debug)]
enum Follows {
    /// The summary says it at the end.
    Nothing,
    Windows(Box<Windows>),
    Total(Total),
    Events(Events),
    /// The summary says it at the end, unless it is lost before.
    Prospect(Box<Prospect>),
}

/// What the run's first line says of stages and groups.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) stages: Vec<PlannedStage>,
    models: BTreeMap<String, String>,
}

impl Frame {
    /// Whether what happens in `stage` is asked for.
    pub(super) fn is_inside(&self, series: &Series, stage: &str) -> bool {
        match series.stage() {
            Some(name) => name.as_str() == stage,
            None if self.stages.iter().any(|planned| planned.measured) => {
                self.stages.iter().any(|planned| planned.measured && planned.name == stage)
            }
            // As in the summary, where nothing is measured.
            None => !stage.is_empty(),
        }
    }

    /// Whether a client of this group is asked for.
    pub(super) fn selects(&self, series: &Series, group: &str) -> bool {
        series.selectors.iter().all(|selector| match selector {
            Selector::Group(name) | Selector::Subscriber(name) => name.as_str() == group,
            Selector::Model(model) => self.models.get(group).is_some_and(|of| of == model.name()),
            Selector::Qos(_) | Selector::Stage(_) => true,
        })
    }

    /// The groups of devices that `series` is narrowed to; `None` when it is not.
    pub(super) fn groups<'a>(&'a self, series: &Series) -> Option<Vec<&'a str>> {
        let narrow = |selector: &Selector| matches!(selector, Selector::Group(_) | Selector::Model(_));
        series
            .selectors
            .iter()
            .any(narrow)
            .then(|| self.models.keys().map(String::as_str).filter(|group| self.selects(series, group)).collect())
    }
}

impl Jury {
    /// Before the first observation.
    pub fn new(thresholds: &[Threshold]) -> Self {
        let seats =
            thresholds.iter().map(|threshold| Seat { follows: Follows::new(threshold), threshold: threshold.clone() });
        Self { seats: seats.collect(), frame: Frame::default(), now: std::time::Duration::ZERO }
    }

    /// Takes one observation, in order.
    pub fn apply(&mut self, observation: &Observation) {
        match observation {
            Observation::RunStarted(run) => {
                self.frame.stages.clone_from(&run.stages);
                self.frame.models = run.groups.iter().map(|group| (group.name.clone(), group.model.clone())).collect();
            }
            Observation::Window(window) => {
                self.now = window.at + window.length;
                for seat in &mut self.seats {
                    seat.see(window, &self.frame);
                }
            }
            Observation::Event(event) => {
                for seat in &mut self.seats {
                    seat.hear(event, &self.frame);
                }
            }
            _ => {}
        }
    }

    /// The threshold that may end the run and can no longer hold, if there is one.
    pub fn foregone(&self) -> Option<Aborted> {
        let lost = |seat: &Seat| {
            let reason = if seat.threshold.expression.abort_on_fail { seat.lost(&self.frame)? } else { return None };
            Some(Aborted { at: self.now, expression: seat.threshold.to_string(), reason })
        };
        self.seats.iter().find_map(lost)
    }

    /// Every threshold judged, in order, on all that was seen. What was not measured is inconclusive, never a pass.
    pub fn outcomes(&self, summary: &Summary) -> Vec<ThresholdOutcome> {
        self.seats.iter().map(|seat| seat.outcome(summary)).collect()
    }
}

/// The selections whose seconds a run has to keep apart for `thresholds`, each with the key of
/// [`Window::kept`](reports::observation::Window::kept).
pub fn selections(thresholds: &[Threshold]) -> BTreeMap<String, Series> {
    let needed = thresholds.iter().filter(|threshold| {
        let narrowed = |wanted: fn(&Selector) -> bool| threshold.series.selectors.iter().any(wanted);
        match (source(threshold.series.metric), Follows::new(threshold)) {
            (_, Follows::Nothing) => false,
            (Source::Samples(..), _) => true,
            (Source::Connections, _) => threshold.series.is_narrow(),
            // Windows know messages by QoS and by group anyway, but not by both.
            (Source::Messages(..) | Source::Pace(_), _) => {
                narrowed(|selector| matches!(selector, Selector::Qos(_)))
                    && narrowed(|selector| matches!(selector, Selector::Group(_) | Selector::Model(_)))
            }
            _ => false,
        }
    });
    needed.map(|threshold| (key(&threshold.series), threshold.series.clone())).collect()
}

impl Follows {
    fn new(threshold: &Threshold) -> Self {
        let expression = &threshold.expression;
        let windowed = expression.window.is_some();
        match source(threshold.series.metric) {
            Source::Events(_) => Self::Events(Events::default()),
            Source::Fault(_) | Source::Requests(_) | Source::Growth(_) => Self::Nothing,
            _ if windowed => Self::Windows(Box::default()),
            Source::Samples(..) if expression.abort_on_fail => Self::Prospect(Box::default()),
            Source::Messages(..) if expression.abort_on_fail => Self::Total(Total::default()),
            Source::Samples(..) | Source::Messages(..) => Self::Nothing,
            Source::Cost => Self::Total(Total::default()),
            Source::Pace(_) | Source::Level(_) | Source::Connections => match expression.aggregation {
                Aggregation::Average => Self::Total(Total::default()),
                _ => Self::Windows(Box::default()),
            },
        }
    }
}

impl Seat {
    fn see(&mut self, window: &Window, frame: &Frame) {
        let threshold = &self.threshold;
        match &mut self.follows {
            Follows::Nothing => {}
            Follows::Windows(windows) => windows.see(threshold, window, frame),
            Follows::Total(total) => total.see(threshold, window, frame),
            Follows::Events(events) => events.see(threshold, window, frame),
            Follows::Prospect(prospect) => prospect.see(threshold, window, frame),
        }
    }

    fn hear(&mut self, event: &Event, frame: &Frame) {
        if let Follows::Events(events) = &mut self.follows {
            events.hear(&self.threshold, event, frame);
        }
    }

    /// What was seen that makes it impossible for the threshold to hold.
    fn lost(&self, frame: &Frame) -> Option<String> {
        let finding = match &self.follows {
            Follows::Nothing => return None,
            Follows::Prospect(prospect) => return prospect.lost(&self.threshold, frame),
            Follows::Windows(windows) => windows.finding(&self.threshold),
            Follows::Total(total) => total.finding(&self.threshold),
            Follows::Events(events) => events.finding(&self.threshold),
        };
        let finding = finding.ok().filter(|finding| finding.compared.is_lost(&self.threshold))?;
        let observed = figures::quantity(
            finding.compared.observed,
            unit(self.threshold.series.metric, self.threshold.expression.aggregation),
        );
        Some(match finding.worst {
            Some(stretch) => format!("observed {observed} {}", super::threshold::during(stretch)),
            None => format!("observed {observed} so far"),
        })
    }

    fn outcome(&self, summary: &Summary) -> ThresholdOutcome {
        let threshold = &self.threshold;
        let found = match &self.follows {
            Follows::Windows(windows) => windows.finding(threshold),
            Follows::Events(events) => events.finding(threshold),
            Follows::Total(total) if !matches!(source(threshold.series.metric), Source::Messages(..)) => {
                total.finding(threshold)
            }
            _ => evaluate(threshold, summary).map(|compared| Finding { compared, worst: None }),
        };
        let mut outcome = judged(threshold, found, summary);
        // What ended the run did not hold then, whatever the rest of the run would have brought.
        if outcome.result != ThresholdResult::Fail
            && let Some(aborted) = summary.aborted().filter(|aborted| aborted.expression == outcome.expression)
        {
            outcome.result = ThresholdResult::Fail;
            outcome.reason.clone_from(&aborted.reason);
        }
        outcome
    }
}

fn judged(threshold: &Threshold, found: Result<Finding, String>, summary: &Summary) -> ThresholdOutcome {
    let mut outcome = ThresholdOutcome {
        expression: threshold.to_string(),
        observed: None,
        unit: unit(threshold.series.metric, threshold.expression.aggregation),
        result: ThresholdResult::Inconclusive,
        reason: String::new(),
        worst: None,
    };
    match found {
        Err(unknown) => outcome.reason = unknown,
        Ok(Finding { compared, worst }) => {
            outcome.observed = Some(compared.observed);
            outcome.worst = worst;
            let where_to =
                worst.map_or_else(String::new, |worst| format!("the worst was {}", super::threshold::during(worst)));
            match (compared.holds(threshold), doubt(threshold, summary)) {
                (false, _) => (outcome.result, outcome.reason) = (ThresholdResult::Fail, where_to),
                (true, Some(doubt)) => outcome.reason = doubt,
                (true, None) => (outcome.result, outcome.reason) = (ThresholdResult::Pass, where_to),
            }
        }
    }
    outcome
}

impl Compared {
    fn holds(&self, threshold: &Threshold) -> bool {
        threshold.expression.comparison.holds(self.observed + self.slack, self.bound)
    }

    /// Whether it does not hold, and nothing to come can mend that. A count of the whole run that is to be a certain number is lost
    /// once it is more.
    fn is_lost(&self, threshold: &Threshold) -> bool {
        let Expression { aggregation, comparison, window, .. } = &threshold.expression;
        match (aggregation, comparison, window) {
            (Aggregation::Count, Comparison::Equal, None) => self.observed > self.bound,
            _ => !self.holds(threshold),
        }
    }
}
