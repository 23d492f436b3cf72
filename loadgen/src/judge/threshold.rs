//! One threshold on the whole of a run.

use hdrhistogram::Histogram;
use reports::{
    Counter, Labels, Summary, figures, label,
    observation::{RequestCounts, Stretch, house_histogram},
    summary::Growth,
};
use scenarios::model::{Aggregation, Bound, Metric, Selector, Threshold};

use super::source::{Source, source, unit};

/// A measured value and what it is compared with, in the same unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Compared {
    pub(super) observed: f64,
    pub(super) bound: f64,
    /// Added to what was observed before it is compared.
    pub(super) slack: f64,
}

impl Compared {
    pub(super) fn new(observed: f64, bound: f64) -> Self {
        Self { observed, bound, slack: 0.0 }
    }

    /// With a bound that does not depend on what was intended.
    pub(super) fn plain(observed: f64, bound: &Bound) -> Self {
        Self::new(observed, plain(bound))
    }
}

/// What was found of a threshold, and where in the run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    pub(super) compared: Compared,
    pub(super) worst: Option<Stretch>,
}

pub(super) const NOTHING: &str = "nothing was measured";

/// Looks at the whole run. An error says what is unknown.
pub(super) fn evaluate(threshold: &Threshold, summary: &Summary) -> Result<Compared, String> {
    let selectors = selectors(threshold, summary);
    match source(threshold.series.metric) {
        Source::Samples(name, _) => {
            let observed = timed(name, threshold, summary, &selectors)?;
            Ok(Compared::plain(observed, &threshold.expression.bound))
        }
        Source::Fault(counter) => {
            let observed = fault(counter, threshold, summary, &selectors)?;
            Ok(Compared::plain(observed, &threshold.expression.bound))
        }
        Source::Requests(pick) => {
            let observed = asked(pick, threshold, summary, &selectors)?;
            Ok(Compared::plain(observed, &threshold.expression.bound))
        }
        Source::Messages(counter, should, _) => {
            let observed = sum(counter, summary, &selectors)?;
            let should = sum(should, summary, &selectors)?;
            Ok(Compared::new(observed, bound_of(&threshold.expression.bound, should)))
        }
        Source::Growth(growth) => grown(growth(summary), threshold),
        // Followed second by second.
        Source::Pace(_) | Source::Level(_) | Source::Connections | Source::Cost | Source::Events(_) => {
            Err(NOTHING.to_owned())
        }
    }
}

/// `from 12s to 22s`.
pub(super) fn during(stretch: Stretch) -> String {
    let tenths = |at: std::time::Duration| (at.as_secs_f64() * 10.0).round() / 10.0;
    format!("from {}s to {}s", tenths(stretch.at), tenths(stretch.at + stretch.length))
}

/// Disjoint selections that together are what the threshold's selectors say.
fn selectors(threshold: &Threshold, summary: &Summary) -> Vec<Labels> {
    let mut labels = Labels::none();
    let mut wanted = None;
    for selector in &threshold.series.selectors {
        match selector {
            Selector::Qos(qos) => labels = labels.with(label::QOS, qos.level()),
            Selector::Group(name) => labels = labels.with(label::GROUP, name),
            Selector::Stage(name) => labels = labels.with(label::STAGE, name),
            Selector::Model(model) => wanted = Some(model.name()),
            Selector::Subscriber(name) => labels = labels.with(label::SUBSCRIBER, name),
        }
    }
    let Some(model) = wanted else { return vec![labels] };
    let groups = summary.run().map_or(&[][..], |run| &run.groups);
    let named = labels.value(label::GROUP).map(str::to_owned);
    let of_model = groups.iter().filter(|group| group.model == model);
    let chosen = of_model.filter(|group| named.as_ref().is_none_or(|name| *name == group.name));
    chosen.map(|group| labels.clone().with(label::GROUP, &group.name)).collect()
}

/// The bound in the base unit of its kind.
pub(super) fn plain(bound: &Bound) -> f64 {
    match *bound {
        Bound::Duration(duration) => duration.as_nanos() as f64,
        Bound::Number(number) | Bound::Intended(number) => number,
        Bound::Percent(percent) => percent / 100.0,
        Bound::Bytes(bytes) => bytes as f64,
    }
}

/// The bound where the schedule asked for `intended`.
pub(super) fn bound_of(bound: &Bound, intended: f64) -> f64 {
    match *bound {
        Bound::Intended(factor) => factor * intended,
        ref other => plain(other),
    }
}

fn timed(name: &str, threshold: &Threshold, summary: &Summary, selectors: &[Labels]) -> Result<f64, String> {
    let mut samples: Histogram<u64> = house_histogram();
    for part in selectors.iter().filter_map(|selector| summary.histogram(name, selector)) {
        samples.add(part).map_err(|error| format!("distributions do not merge: {error}"))?;
    }
    if samples.is_empty() && threshold.expression.aggregation != Aggregation::Count {
        return Err(NOTHING.to_owned());
    }
    Ok(aggregate(threshold.expression.aggregation, &samples))
}

/// One value of some samples, in nanoseconds or a number of them. Times have no rate: the parser refuses that.
pub(super) fn aggregate(aggregation: Aggregation, samples: &Histogram<u64>) -> f64 {
    match aggregation {
        Aggregation::Percentile(percentile) => samples.value_at_percentile(percentile.value()) as f64,
        Aggregation::Average => samples.mean(),
        Aggregation::Minimum => samples.min() as f64,
        Aggregation::Maximum => samples.max() as f64,
        Aggregation::Count | Aggregation::Rate => samples.len() as f64,
    }
}

/// A slope and its interval. An end of the interval that misses the bound while the other end holds decides nothing: a longer run
/// would.
fn grown(growth: Option<Growth>, threshold: &Threshold) -> Result<Compared, String> {
    let expression = &threshold.expression;
    let growth = growth.ok_or("a minute of a broker on this machine is the least that tells how it grows")?;
    let bound = plain(&expression.bound);
    let (observed, other) = match expression.aggregation {
        Aggregation::Minimum => (growth.lower, growth.upper),
        Aggregation::Maximum => (growth.upper, growth.lower),
        _ => (growth.per_hour, growth.per_hour),
    };
    let holds = |value: f64| expression.comparison.holds(value, bound);
    if !holds(observed) && holds(other) {
        let [per_hour, lower, upper] = [growth.per_hour, growth.lower, growth.upper]
            .map(|value| figures::quantity(value, unit(threshold.series.metric, expression.aggregation)));
        return Err(format!("{per_hour} an hour, 95 % sure between {lower} and {upper}: the run is too short to tell"));
    }
    Ok(Compared::new(observed, bound))
}

fn sum(counter: Counter, summary: &Summary, selectors: &[Labels]) -> Result<f64, String> {
    let known = selectors.iter().map(|selector| summary.counter(counter, selector).ok_or(NOTHING));
    known.map(|count| count.map(|count| count as f64).map_err(str::to_owned)).sum()
}

fn fault(counter: Counter, threshold: &Threshold, summary: &Summary, selectors: &[Labels]) -> Result<f64, String> {
    let count = sum(counter, summary, selectors)?;
    let expected = sum(Counter::Expected, summary, selectors)?;
    match threshold.expression.aggregation {
        _ if expected == 0.0 && count == 0.0 => Err("no delivery was expected".to_owned()),
        Aggregation::Rate => Ok(count / expected.max(1.0)),
        _ => Ok(count),
    }
}

fn asked(
    pick: fn(&RequestCounts) -> u64,
    threshold: &Threshold,
    summary: &Summary,
    selectors: &[Labels],
) -> Result<f64, String> {
    let counts = requests(summary, selectors);
    match threshold.expression.aggregation {
        _ if counts.intended == 0 => Err("no request was due".to_owned()),
        Aggregation::Rate => Ok(pick(&counts) as f64 / counts.sent.max(1) as f64),
        _ => Ok(pick(&counts) as f64),
    }
}

fn requests(summary: &Summary, selectors: &[Labels]) -> RequestCounts {
    let mut sum = RequestCounts::default();
    selectors.iter().filter_map(|selector| summary.request_counts(selector)).for_each(|counts| sum += counts);
    sum
}

/// Why a threshold on requests that holds proves nothing: too many were never sent, or never answered.
fn doubt_of_requests(threshold: &Threshold, counts: RequestCounts) -> Option<String> {
    let RequestCounts { intended, not_sent, unanswered, answered, .. } = counts;
    let percent = match (threshold.series.metric, threshold.expression.aggregation) {
        (Metric::RoundTrip, Aggregation::Percentile(percentile)) => percentile.value(),
        (Metric::RoundTrip, Aggregation::Maximum) => 100.0,
        (Metric::RoundTrip, _) => return None,
        // Nobody owes an answer to what nobody asked.
        _ => {
            return (not_sent as f64 > intended as f64 * UNSENT_LIMIT).then(|| {
                format!("{not_sent} of {intended} intended requests were never sent, so nobody could answer them")
            });
        }
    };
    let missing = unanswered + not_sent;
    let tolerated = (100.0 - percent) / 100.0 * (missing + answered) as f64;
    (missing as f64 > tolerated)
        .then(|| format!("{missing} requests were not sent or never answered; this is the round trip of the others"))
}

/// Why a threshold that holds proves nothing: the fate of messages is unknown.
pub(super) fn doubt(threshold: &Threshold, summary: &Summary) -> Option<String> {
    let selectors = selectors(threshold, summary);
    if threshold.series.metric.is_about_requests() {
        return doubt_of_requests(threshold, requests(summary, &selectors));
    }
    match (threshold.series.metric, threshold.expression.aggregation) {
        (Metric::Loss, _) => {}
        (Metric::E2e | Metric::Service, Aggregation::Percentile(percentile)) => {
            return absent(percentile.value(), &selectors, summary);
        }
        (Metric::E2e | Metric::Service, Aggregation::Maximum) => return absent(100.0, &selectors, summary),
        _ => return None,
    }
    let (mut intended, mut unknown, mut unsent) = (0, 0, 0);
    for counts in selectors.iter().filter_map(|selector| summary.ledger_counts(selector)) {
        intended += counts.intended;
        unknown += counts.unacknowledged;
        unsent += counts.not_sent;
    }
    if unknown > 0 {
        return Some(format!("{unknown} messages were never acknowledged, so their fate is unknown"));
    }
    // Nobody loses what nobody sends: a broker that shuts its doors would pass.
    (unsent as f64 > intended as f64 * UNSENT_LIMIT)
        .then(|| format!("{unsent} of {intended} intended messages were never sent, so nobody could lose them"))
}

/// The share of the intended messages that may go unsent before a loss of the others says little.
const UNSENT_LIMIT: f64 = 0.005;

/// Why a latency that so many percent of the messages must have held proves nothing: more than the rest never came, and
/// what never came has no latency.
fn absent(percent: f64, selectors: &[Labels], summary: &Summary) -> Option<String> {
    let (mut missing, mut received) = (0, 0);
    for counts in selectors.iter().filter_map(|selector| summary.ledger_counts(selector)) {
        missing += counts.lost + counts.not_sent + counts.unacknowledged;
        received += counts.received;
    }
    let tolerated = (100.0 - percent) / 100.0 * (missing + received) as f64;
    (missing as f64 > tolerated).then(|| {
        format!("{missing} messages were lost, not sent or not acknowledged; this is the latency of the others")
    })
}
