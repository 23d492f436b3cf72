//! From intervals to a verdict.
//!
//! | the change for the worse | verdict |
//! |---|---|
//! | is sure (the interval leaves out 0), and the estimate is above the tolerance | regressed |
//! | is at most the tolerance, over the whole interval | pass |
//! | may be either, or fewer than three runs of a side count | inconclusive |
//!
//! A metric whose base is 0, such as losses, has no share: there, any sure change for the worse is a regression.

use reports::comparison::{Better, Compared, Interval, Outcome, Settings, Values};
use scenarios::model::{Aggregation, Measure, Metric, Selector};

use super::interval::{change, difference, mean};
use crate::judge;

/// Runs of each side without which nothing is said.
pub(super) const FEWEST: usize = 3;

/// The verdict in all.
pub(super) struct Whole {
    pub(super) verdict: Outcome,
    pub(super) headline: String,
    pub(super) reasons: Vec<String>,
}

/// A side, and how many of its runs count.
pub(super) struct Counted<'a> {
    pub(super) name: &'a str,
    pub(super) runs: usize,
    /// Why the first of those does not count that do not.
    pub(super) left_out: Option<String>,
}

/// One metric, judged by its values run by run.
pub(super) fn of_metric(metric: &Measure, base: Vec<f64>, new: Vec<f64>, settings: &Settings) -> Compared {
    let better = if metric.is_better_when_higher() { Better::Higher } else { Better::Lower };
    let (confidence, seed) = (settings.confidence, settings.seed);
    let difference = difference(&base, &new, confidence, seed);
    let change = change(&base, &new, confidence, seed);
    let tolerance = settings.max_regression;
    let (verdict, reason) = match (difference, few(&base, &new)) {
        (Some(difference), None) => match change {
            Some(change) => of_change(worse(change, better), tolerance),
            None => of_difference(worse(difference, better)),
        },
        // Fewer than are needed have no interval either.
        (_, few) => (Outcome::Inconclusive, few.unwrap_or_default()),
    };
    let mean = |values: &[f64]| (!values.is_empty()).then(|| mean(values));
    Compared {
        metric: metric.to_string(),
        title: title(metric),
        unit: judge::unit(metric.series.metric, metric.aggregation),
        better,
        base: Values { mean: mean(&base), per_run: base },
        new: Values { mean: mean(&new), per_run: new },
        difference,
        change,
        tolerance,
        verdict,
        reason,
    }
}

fn few(base: &[f64], new: &[f64]) -> Option<String> {
    let (name, count) = match (base.len(), new.len()) {
        (base, _) if base < FEWEST => ("base", base),
        (_, new) if new < FEWEST => ("new", new),
        _ => return None,
    };
    Some(format!("{} of {name} measured it, and {FEWEST} are needed", runs(count)))
}

fn runs(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

/// The same with the worse above 0.
fn worse(interval: Interval, better: Better) -> Interval {
    match better {
        Better::Lower => interval,
        Better::Higher => Interval { estimate: -interval.estimate, low: -interval.high, high: -interval.low },
    }
}

fn of_change(change: Interval, tolerance: f64) -> (Outcome, String) {
    let Interval { estimate, low, high } = change;
    let tolerated = format!("{} is tolerated", percent(tolerance));
    if low > 0.0 && estimate > tolerance {
        return (Outcome::Regressed, format!("{} worse, and {tolerated}", percent(estimate)));
    }
    if high <= tolerance {
        return (Outcome::Pass, String::new());
    }
    let end = |share: f64| format!("{} {}", percent(share.abs()), if share < 0.0 { "better" } else { "worse" });
    let reason = format!("between {} and {}, where {tolerated}: repeat more often", end(low), end(high));
    (Outcome::Inconclusive, reason)
}

fn of_difference(difference: Interval) -> (Outcome, String) {
    let Interval { estimate, low, .. } = difference;
    match (estimate > 0.0, low > 0.0) {
        (false, _) => (Outcome::Pass, String::new()),
        (true, true) => (
            Outcome::Regressed,
            "surely worse; the base is near zero or varies too much to say by what share".to_owned(),
        ),
        (true, false) => (Outcome::Inconclusive, "perhaps worse than the base: repeat more often".to_owned()),
    }
}

fn percent(share: f64) -> String {
    format!("{}%", (share * 1000.0).round() / 10.0)
}

/// The verdict on all metrics of two sides.
pub(super) fn in_all(metrics: &[Compared], sides: [Counted<'_>; 2], settings: &Settings) -> Whole {
    let [base, new] = [sides[0].name, sides[1].name];
    let few = sides.iter().find(|side| side.runs < FEWEST);
    let with = |verdict: Outcome| metrics.iter().filter(move |metric| metric.verdict == verdict);
    let (regressed, undecided) = (with(Outcome::Regressed).count(), with(Outcome::Inconclusive).count());
    let all = if metrics.len() == 1 { "1 metric".to_owned() } else { format!("{} metrics", metrics.len()) };
    if let Some(Counted { name, runs: count, left_out }) = few {
        let why = left_out.as_ref().map_or_else(String::new, |why| format!("; of the others the first: {why}"));
        let reason = format!("{} of {name} count, and {FEWEST} are needed{why}", runs(*count));
        return Whole {
            verdict: Outcome::Inconclusive,
            headline: format!("too few runs count to compare {new} with {base}"),
            reasons: vec![reason],
        };
    }
    let (verdict, headline) = match (regressed, undecided) {
        _ if metrics.is_empty() => (Outcome::Inconclusive, "no metric was measured".to_owned()),
        (0, 0) => {
            let tolerance = percent(settings.max_regression);
            (Outcome::Pass, format!("{new} is no worse than {base}, within {tolerance}, in all of {all}"))
        }
        (0, _) => {
            (Outcome::Inconclusive, format!("{undecided} of {all} cannot tell whether {new} is worse than {base}"))
        }
        _ => (Outcome::Regressed, format!("{new} is worse than {base} in {regressed} of {all}")),
    };
    let told = with(Outcome::Regressed).chain(with(Outcome::Inconclusive));
    let reasons = told.map(|metric| format!("{}: {}", metric.metric, metric.reason)).collect();
    Whole { verdict, headline, reasons }
}

/// `p99 of end to end latency at QoS 1`.
fn title(metric: &Measure) -> String {
    let how = match metric.aggregation {
        Aggregation::Percentile(percentile) => format!("p{percentile} of "),
        Aggregation::Average => "mean ".to_owned(),
        Aggregation::Minimum => "least ".to_owned(),
        Aggregation::Maximum => "greatest ".to_owned(),
        Aggregation::Count => "number of ".to_owned(),
        Aggregation::Rate => "share of ".to_owned(),
    };
    let what = match metric.series.metric {
        Metric::E2e => "end to end latency",
        Metric::Service => "broker latency",
        Metric::BrokerCpuPerMessage => "broker CPU per message",
        Metric::Loss => "losses",
        other => return format!("{how}{}{}", other.name().replace('_', " "), narrowed(metric)),
    };
    format!("{how}{what}{}", narrowed(metric))
}

fn narrowed(metric: &Measure) -> String {
    let parts = metric.series.selectors.iter().map(|selector| match selector {
        Selector::Qos(qos) => format!(" at QoS {}", qos.level()),
        Selector::Stage(name) => format!(" in {name}"),
        Selector::Group(name) => format!(" of {name}"),
        Selector::Model(model) => format!(" of every {model}"),
        Selector::Subscriber(name) => format!(" to {name}"),
    });
    parts.collect()
}
