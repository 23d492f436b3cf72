//! One threshold on one summary.

use std::time::Duration;

use hdrhistogram::Histogram;
use reports::{
    Counter, Labels, Summary, label, metric,
    observation::{EventKind, ThresholdOutcome, ThresholdResult, Unit, house_histogram},
    summary::Rate,
};
use scenarios::model::{Aggregation, Bound, Comparison, Metric, Selector, Threshold};

/// Judges one threshold. What was not measured is inconclusive, never a pass.
pub fn evaluate(threshold: &Threshold, summary: &Summary) -> ThresholdOutcome {
    let unit = unit(threshold);
    let (observed, result, reason) = match value(threshold, summary) {
        Ok(Compared { observed, bound }) if threshold.expression.comparison.holds(observed, bound) => {
            match doubt(threshold, summary) {
                Some(doubt) => (Some(observed), ThresholdResult::Inconclusive, doubt),
                None => (Some(observed), ThresholdResult::Pass, String::new()),
            }
        }
        Ok(Compared { observed, .. }) => (Some(observed), ThresholdResult::Fail, String::new()),
        Err(unknown) => (None, ThresholdResult::Inconclusive, unknown),
    };
    ThresholdOutcome { expression: threshold.to_string(), observed, unit, result, reason }
}

/// A measured value and what it is compared with, in the same unit.
struct Compared {
    observed: f64,
    bound: f64,
}

fn unit(threshold: &Threshold) -> Unit {
    match (threshold.series.metric, threshold.expression.aggregation) {
        (_, Aggregation::Count) => Unit::Count,
        (_, Aggregation::Rate) => Unit::Ratio,
        (Metric::Rate | Metric::DeliveryRate, _) => Unit::PerSecond,
        (Metric::Connections, _) => Unit::Count,
        (Metric::BrokerCpu | Metric::GeneratorCpu, _) => Unit::Cores,
        (Metric::BrokerMemory, _) => Unit::Bytes,
        _ => Unit::Nanoseconds,
    }
}

fn value(threshold: &Threshold, summary: &Summary) -> Result<Compared, String> {
    let expression = &threshold.expression;
    let selectors = selectors(threshold, summary)?;
    let fixed = |observed: f64| Ok(Compared { observed, bound: plain(&expression.bound) });
    let over = expression.window;
    match threshold.series.metric {
        Metric::E2e => timed(metric::E2E, threshold, summary, &selectors).and_then(fixed),
        Metric::Service => timed(metric::SERVICE, threshold, summary, &selectors).and_then(fixed),
        Metric::GeneratorLag => timed(metric::GENERATOR_LAG, threshold, summary, &selectors).and_then(fixed),
        Metric::Ack => timed(crate::measure::ACK, threshold, summary, &selectors).and_then(fixed),
        Metric::Connect => timed(metric::CONNECT, threshold, summary, &selectors).and_then(fixed),
        Metric::Loss => fault(Counter::Lost, threshold, summary, &selectors).and_then(fixed),
        Metric::Duplicates => fault(Counter::Duplicated, threshold, summary, &selectors).and_then(fixed),
        Metric::Reordered => fault(Counter::Reordered, threshold, summary, &selectors).and_then(fixed),
        Metric::Late => fault(Counter::Late, threshold, summary, &selectors).and_then(fixed),
        Metric::Sent | Metric::Received | Metric::Disconnects if over.is_some() => Err(NO_WINDOWS.to_owned()),
        Metric::Sent => counted(Counter::Sent, Counter::Intended, threshold, summary, &selectors),
        Metric::Received => counted(Counter::Received, Counter::Expected, threshold, summary, &selectors),
        Metric::Disconnects if selectors != [Labels::none()] => Err("disconnects are not kept by label".to_owned()),
        Metric::Disconnects => {
            fixed(summary.events().get(&EventKind::ConnectionLost).map_or(0, |events| events.count()) as f64)
        }
        Metric::Rate => paced(|rate| (rate.sent, rate.intended), threshold, summary, &selectors),
        Metric::DeliveryRate => paced(|rate| (rate.received, rate.expected), threshold, summary, &selectors),
        Metric::Connections => sampled(threshold, summary, |point| Some(point.connections as f64)).and_then(fixed),
        Metric::BrokerCpu => sampled(threshold, summary, |point| point.target.cpu).and_then(fixed),
        Metric::GeneratorCpu => sampled(threshold, summary, |point| point.generator.cpu).and_then(fixed),
        Metric::BrokerMemory => {
            sampled(threshold, summary, |point| point.target.rss_bytes.map(|bytes| bytes as f64)).and_then(fixed)
        }
    }
}

const NO_WINDOWS: &str = "this metric is not kept by sliding window";
const NOTHING: &str = "nothing was measured";

/// Disjoint selections that together are what the threshold's selectors say.
fn selectors(threshold: &Threshold, summary: &Summary) -> Result<Vec<Labels>, String> {
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
    let Some(model) = wanted else { return Ok(vec![labels]) };
    let groups = summary.run().map_or(&[][..], |run| &run.groups);
    let named = labels.value(label::GROUP).map(str::to_owned);
    let of_model = groups.iter().filter(|group| group.model == model);
    let chosen = of_model.filter(|group| named.as_ref().is_none_or(|name| *name == group.name));
    Ok(chosen.map(|group| labels.clone().with(label::GROUP, &group.name)).collect())
}

/// The bound in the base unit of its kind.
fn plain(bound: &Bound) -> f64 {
    match *bound {
        Bound::Duration(duration) => duration.as_nanos() as f64,
        Bound::Number(number) | Bound::Intended(number) => number,
        Bound::Percent(percent) => percent / 100.0,
        Bound::Bytes(bytes) => bytes as f64,
    }
}

fn timed(name: &str, threshold: &Threshold, summary: &Summary, selectors: &[Labels]) -> Result<f64, String> {
    if threshold.expression.window.is_some() {
        return Err(NO_WINDOWS.to_owned());
    }
    let mut samples: Histogram<u64> = house_histogram();
    for part in selectors.iter().filter_map(|selector| summary.histogram(name, selector)) {
        samples.add(part).map_err(|error| format!("distributions do not merge: {error}"))?;
    }
    if samples.is_empty() && threshold.expression.aggregation != Aggregation::Count {
        return Err(NOTHING.to_owned());
    }
    match threshold.expression.aggregation {
        Aggregation::Percentile(percentile) => Ok(samples.value_at_percentile(percentile.value()) as f64),
        Aggregation::Average => Ok(samples.mean()),
        Aggregation::Minimum => Ok(samples.min() as f64),
        Aggregation::Maximum => Ok(samples.max() as f64),
        Aggregation::Count => Ok(samples.len() as f64),
        Aggregation::Rate => Err("a time has no rate".to_owned()),
    }
}

fn sum(counter: Counter, summary: &Summary, selectors: &[Labels]) -> Result<f64, String> {
    let known = selectors.iter().map(|selector| summary.counter(counter, selector).ok_or(NOTHING));
    known.map(|count| count.map(|count| count as f64).map_err(str::to_owned)).sum()
}

fn fault(counter: Counter, threshold: &Threshold, summary: &Summary, selectors: &[Labels]) -> Result<f64, String> {
    if threshold.expression.window.is_some() {
        return Err(NO_WINDOWS.to_owned());
    }
    let count = sum(counter, summary, selectors)?;
    let expected = sum(Counter::Expected, summary, selectors)?;
    match threshold.expression.aggregation {
        _ if expected == 0.0 && count == 0.0 => Err("no delivery was expected".to_owned()),
        Aggregation::Rate => Ok(count / expected.max(1.0)),
        _ => Ok(count),
    }
}

/// Why a threshold that holds proves nothing: the fate of messages is unknown.
fn doubt(threshold: &Threshold, summary: &Summary) -> Option<String> {
    let selectors = selectors(threshold, summary).ok()?;
    match (threshold.series.metric, threshold.expression.aggregation) {
        (Metric::Loss, _) => {}
        (Metric::E2e | Metric::Service, Aggregation::Percentile(percentile)) => {
            return absent(percentile.value(), &selectors, summary);
        }
        (Metric::E2e | Metric::Service, Aggregation::Maximum) => return absent(100.0, &selectors, summary),
        _ => return None,
    }
    let counts = selectors.iter().filter_map(|selector| summary.ledger_counts(selector));
    let unknown: u64 = counts.map(|counts| counts.unacknowledged).sum();
    (unknown > 0).then(|| format!("{unknown} messages were never acknowledged, so their fate is unknown"))
}

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

fn counted(
    counter: Counter,
    should: Counter,
    threshold: &Threshold,
    summary: &Summary,
    selectors: &[Labels],
) -> Result<Compared, String> {
    let observed = sum(counter, summary, selectors)?;
    let bound = match threshold.expression.bound {
        Bound::Intended(factor) => factor * sum(should, summary, selectors)?,
        ref other => plain(other),
    };
    Ok(Compared { observed, bound })
}

/// Windows shorter than this say more about their borders than about a rate.
const SHORTEST: Duration = Duration::from_millis(500);

/// Judges rates. Against `F*intended` each second is compared with what was intended in that second, give or take the one
/// message that may fall on either side of its border; `observed` is then the second that fits least.
fn paced(
    pick: impl Fn(&Rate) -> (f64, f64),
    threshold: &Threshold,
    summary: &Summary,
    selectors: &[Labels],
) -> Result<Compared, String> {
    let expression = &threshold.expression;
    let bound = |intended: f64| match expression.bound {
        Bound::Intended(factor) => factor * intended,
        ref other => plain(other),
    };
    if expression.aggregation == Aggregation::Average && expression.window.is_none() {
        let rates: Vec<Rate> = selectors.iter().filter_map(|selector| summary.rate(selector)).collect();
        if rates.is_empty() {
            return Err(NOTHING.to_owned());
        }
        let (observed, intended) = rates.iter().map(&pick).fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        return Ok(Compared { observed, bound: bound(intended) });
    }
    let rates = seconds(summary, selectors, expression.window)?;
    let slack = |rate: &Rate| match (expression.bound, expression.comparison) {
        (Bound::Intended(_), Comparison::Greater | Comparison::GreaterOrEqual) => 1.0 / rate.length.as_secs_f64(),
        (Bound::Intended(_), Comparison::Less | Comparison::LessOrEqual) => -1.0 / rate.length.as_secs_f64(),
        _ => 0.0,
    };
    let compared = rates.iter().map(|rate| {
        let (observed, intended) = pick(rate);
        (observed, Compared { observed: observed + slack(rate), bound: bound(intended) })
    });
    let margin = |one: &(f64, Compared)| match expression.aggregation {
        Aggregation::Maximum => one.1.bound - one.1.observed,
        _ => one.1.observed - one.1.bound,
    };
    let worst = compared.min_by(|a, b| margin(a).total_cmp(&margin(b))).ok_or(NOTHING)?;
    Ok(worst.1)
}

/// The rates of each second of the measured stages, or of each sliding window over them.
fn seconds(summary: &Summary, selectors: &[Labels], window: Option<Duration>) -> Result<Vec<Rate>, String> {
    let [selector] = selectors else { return Err("seconds are not kept by model".to_owned()) };
    if selector.value(label::QOS).is_some() || selector.value(label::GROUP).is_some() {
        return Err("seconds are not kept by qos or group; ask for avg".to_owned());
    }
    let measured: Vec<&str> = match selector.value(label::STAGE) {
        Some(stage) => vec![stage],
        None => summary.measured_stages().map(|(name, _)| name).collect(),
    };
    let mut rates = Vec::new();
    for stage in measured {
        let points: Vec<Rate> = summary.rates(Some(stage)).collect();
        let length = window.unwrap_or(Duration::from_secs(1));
        for first in 0..points.len() {
            let mut parts = points[first..].iter();
            let Some(mut whole) = parts.next().copied() else { continue };
            while whole.length < length {
                let Some(next) = parts.next() else { break };
                whole = joined(&whole, next);
            }
            if whole.length >= SHORTEST && (window.is_none() || whole.length >= length) {
                rates.push(whole);
            }
        }
    }
    if rates.is_empty() { Err(NOTHING.to_owned()) } else { Ok(rates) }
}

fn joined(first: &Rate, next: &Rate) -> Rate {
    let (a, b) = (first.length.as_secs_f64(), next.length.as_secs_f64());
    let mean = |x: f64, y: f64| (x * a + y * b) / (a + b);
    Rate {
        at: first.at,
        length: first.length + next.length,
        intended: mean(first.intended, next.intended),
        sent: mean(first.sent, next.sent),
        expected: mean(first.expected, next.expected),
        received: mean(first.received, next.received),
    }
}

fn sampled(
    threshold: &Threshold,
    summary: &Summary,
    pick: impl Fn(&reports::summary::Point) -> Option<f64>,
) -> Result<f64, String> {
    if threshold.expression.window.is_some() {
        return Err(NO_WINDOWS.to_owned());
    }
    let stage = match &threshold.series.selectors[..] {
        [] => None,
        [Selector::Stage(name)] => Some(name.as_str()),
        _ => return Err("this metric is kept by stage only".to_owned()),
    };
    let measured: Vec<&str> = summary.measured_stages().map(|(name, _)| name).collect();
    let points = summary.series().points().iter();
    let chosen = points.filter(|point| match stage {
        Some(stage) => point.stage == stage,
        None => measured.contains(&point.stage.as_str()),
    });
    let values: Vec<f64> = chosen.filter_map(pick).collect();
    let reduced = match threshold.expression.aggregation {
        Aggregation::Minimum => values.iter().copied().reduce(f64::min),
        Aggregation::Maximum => values.iter().copied().reduce(f64::max),
        _ => (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64),
    };
    reduced.ok_or_else(|| NOTHING.to_owned())
}
