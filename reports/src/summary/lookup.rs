//! What thresholds and renderers ask a summary.

use super::{StageTotals, Summary, add};
use crate::labels::{Labels, label};
use crate::observation::{Flow, LedgerCounts, house_histogram};
use hdrhistogram::Histogram;
use std::time::Duration;

/// A count that thresholds may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Messages the schedule asked for.
    Intended,
    /// Messages handed to a connection.
    Sent,
    /// Messages whose publisher got the last acknowledgement.
    Acknowledged,
    /// Deliveries the sent messages must cause.
    Expected,
    /// Deliveries that arrived, duplicates included.
    Received,
    /// Expected deliveries that never arrived. Only from the ledger.
    Lost,
    /// Deliveries beyond the expected one. Only from the ledger.
    Duplicated,
    /// Deliveries after a later message of the same stream. Only from the ledger.
    Reordered,
    /// Deliveries after the drain deadline or expiry. Only from the ledger.
    Late,
    /// Intended messages never handed to a connection. Only from the ledger.
    NotSent,
    /// Messages at QoS 1 or 2 that were refused or never acknowledged. Only from the ledger.
    Unacknowledged,
}

/// Messages per second within one point of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Offset of its start.
    pub at: Duration,
    /// Its length.
    pub length: Duration,
    /// Scheduled per second.
    pub intended: f64,
    /// Sent per second.
    pub sent: f64,
    /// Deliveries due per second.
    pub expected: f64,
    /// Deliveries arrived per second.
    pub received: f64,
}

impl Summary {
    /// The samples of a metric in all label sets that match the selector, merged. `None` when there are none.
    ///
    /// Answers from the run's final histograms. Before those are written (live, or a run that was cut off) it answers from
    /// the windows' histograms, which know the label `stage` only; with other labels in the selector it is then `None`.
    pub fn histogram(&self, metric: &str, selector: &Labels) -> Option<Histogram<u64>> {
        let mut sum = house_histogram();
        let mut known = false;
        for ((name, labels), encoded) in &self.histograms {
            if name == metric {
                known = true;
                if labels.matches(selector) {
                    add(&mut sum, &encoded.decode().ok()?);
                }
            }
        }
        if !known {
            for ((name, stage), histogram) in &self.windowed {
                if *name == metric && Labels::none().with(label::STAGE, stage).matches(selector) {
                    add(&mut sum, histogram);
                }
            }
        }
        (!sum.is_empty()).then_some(sum)
    }

    /// [`Summary::histogram`] over the measured stages: what reports quote. Histograms that do not know stages count whole, and so do
    /// connections, most of which are made in a ramp.
    pub fn measured_histogram(&self, metric: &str, selector: &Labels) -> Option<Histogram<u64>> {
        let staged =
            self.histograms.keys().all(|(name, labels)| name != metric || labels.value(label::STAGE).is_some());
        if !staged || metric == crate::metric::CONNECT || selector.value(label::STAGE).is_some() {
            return self.histogram(metric, selector);
        }
        let mut sum = house_histogram();
        for (stage, _) in self.measured_stages() {
            if let Some(histogram) = self.histogram(metric, &selector.clone().with(label::STAGE, stage)) {
                add(&mut sum, &histogram);
            }
        }
        (!sum.is_empty()).then_some(sum)
    }

    /// Every metric and label set that final histograms exist for, in order.
    pub fn histogram_keys(&self) -> impl Iterator<Item = (&str, &Labels)> {
        self.histograms.keys().map(|(metric, labels)| (metric.as_str(), labels))
    }

    /// The samples of a metric under exactly these labels.
    pub fn exact_histogram(&self, metric: &str, labels: &Labels) -> Option<Histogram<u64>> {
        self.histograms.get(&(metric.to_owned(), labels.clone()))?.decode().ok()
    }

    /// A quantile (0 to 1) of [`Summary::histogram`].
    pub fn quantile(&self, metric: &str, selector: &Labels, quantile: f64) -> Option<Duration> {
        Some(Duration::from_nanos(self.histogram(metric, selector)?.value_at_quantile(quantile)))
    }

    /// A count over everything that matches the selector (labels `qos`, `stage`, `group`).
    ///
    /// `Intended` to `Received` come from the ledger once it is there and from the windows until then; the others only from
    /// the ledger. `None` when the answer is not known: no ledger yet, a label or combination that was not kept.
    pub fn counter(&self, counter: Counter, selector: &Labels) -> Option<u64> {
        match (self.ledger_counts(selector), counter) {
            (Some(counts), counter) if counter != Counter::Acknowledged => Some(of_ledger(&counts, counter)),
            _ => of_flow(&self.flow(selector)?, counter),
        }
    }

    /// The ledger's rows that match, added up. `None` without a ledger, or when rows do not know a label of the selector.
    pub fn ledger_counts(&self, selector: &Labels) -> Option<LedgerCounts> {
        let rows = self.ledger.as_ref()?;
        let staged = rows.keys().any(|(_, _, stage)| !stage.is_empty());
        let known = |name: &str| name == label::QOS || name == label::GROUP || (name == label::STAGE && staged);
        if !selector.iter().all(|(name, _)| known(name)) {
            return None;
        }
        let mut sum = LedgerCounts::default();
        for ((group, qos, stage), counts) in rows {
            let labels = Labels::none().with(label::GROUP, group).with(label::QOS, qos).with(label::STAGE, stage);
            if labels.matches(selector) {
                sum += *counts;
            }
        }
        Some(sum)
    }

    /// What the windows counted, for a selector of `stage` and at most one of `qos` and `group`. `None` for other labels.
    pub fn flow(&self, selector: &Labels) -> Option<Flow> {
        let known = [label::QOS, label::GROUP, label::STAGE];
        if !selector.iter().all(|(name, _)| known.contains(&name)) {
            return None;
        }
        let mut sum = Flow::default();
        for (_, stage) in self.stages_matching(selector) {
            sum += match (selector.value(label::QOS), selector.value(label::GROUP)) {
                (None, None) => stage.total,
                (Some(qos), None) => *stage.qos.get(qos.parse::<usize>().ok()?)?,
                (None, Some(group)) => stage.groups.get(group).copied().unwrap_or_default(),
                (Some(_), Some(_)) => return None,
            };
        }
        Some(sum)
    }

    /// Messages per second over the stages the selector names (all measured stages without one), from the windows.
    /// `None` when nothing ran there.
    pub fn rate(&self, selector: &Labels) -> Option<Rate> {
        let stages: Vec<(&str, &StageTotals)> = match selector.value(label::STAGE) {
            Some(_) => self.stages_matching(selector).collect(),
            None => self.measured_stages().collect(),
        };
        let mut flow = Flow::default();
        let mut covered = Duration::ZERO;
        for (name, stage) in &stages {
            flow += self.flow(&selector.clone().with(label::STAGE, name))?;
            covered = covered.saturating_add(stage.covered);
        }
        let at = stages.iter().filter_map(|(_, stage)| stage.started).min().unwrap_or_default();
        Rate::of(at, covered, &flow)
    }

    /// The rates of each point of the series that began in the stage (everywhere without one). Points are one second wide
    /// in runs up to 34 minutes; see [`Series`](super::Series).
    pub fn rates<'a>(&'a self, stage: Option<&'a str>) -> impl Iterator<Item = Rate> + 'a {
        let wanted = move |name: &str| stage.is_none_or(|stage| stage == name);
        let points = self.series.points().iter().filter(move |point| wanted(&point.stage));
        points.filter_map(|point| Rate::of(point.from, point.length(), &point.total))
    }

    /// The stages whose figures count: those the plan calls measured, or all named ones when it calls none so.
    pub fn measured_stages(&self) -> impl Iterator<Item = (&str, &StageTotals)> {
        let planned = self.run().map_or(&[][..], |run| &run.stages);
        let none_planned = !planned.iter().any(|stage| stage.measured);
        self.stages.iter().filter_map(move |(name, totals)| {
            let measured = planned.iter().any(|stage| stage.measured && stage.name == *name);
            (measured || (none_planned && !name.is_empty())).then_some((name.as_str(), totals))
        })
    }

    fn stages_matching<'a>(&'a self, selector: &'a Labels) -> impl Iterator<Item = (&'a str, &'a StageTotals)> {
        let wanted = selector.value(label::STAGE);
        let stages = self.stages.iter().map(|(name, totals)| (name.as_str(), totals));
        stages.filter(move |(name, _)| wanted.is_none_or(|wanted| wanted == *name))
    }
}

impl Rate {
    fn of(at: Duration, length: Duration, flow: &Flow) -> Option<Self> {
        let seconds = length.as_secs_f64();
        let per_second = |count: u64| count as f64 / seconds;
        (seconds > 0.0).then(|| Self {
            at,
            length,
            intended: per_second(flow.intended),
            sent: per_second(flow.sent),
            expected: per_second(flow.expected),
            received: per_second(flow.received),
        })
    }
}

fn of_ledger(counts: &LedgerCounts, counter: Counter) -> u64 {
    match counter {
        Counter::Intended => counts.intended,
        Counter::Sent | Counter::Acknowledged => counts.published,
        Counter::Expected => counts.expected,
        Counter::Received => counts.received,
        Counter::Lost => counts.lost,
        Counter::Duplicated => counts.duplicated,
        Counter::Reordered => counts.reordered,
        Counter::Late => counts.late,
        Counter::NotSent => counts.not_sent,
        Counter::Unacknowledged => counts.unacknowledged,
    }
}

fn of_flow(flow: &Flow, counter: Counter) -> Option<u64> {
    match counter {
        Counter::Intended => Some(flow.intended),
        Counter::Sent => Some(flow.sent),
        Counter::Acknowledged => Some(flow.acknowledged),
        Counter::Expected => Some(flow.expected),
        Counter::Received => Some(flow.received),
        Counter::Lost
        | Counter::Duplicated
        | Counter::Reordered
        | Counter::Late
        | Counter::NotSent
        | Counter::Unacknowledged => None,
    }
}
