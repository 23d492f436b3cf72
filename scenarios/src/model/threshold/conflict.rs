//! Demands that no run can meet together.

use super::{Aggregation, Bound, Comparison, Threshold};

/// The first two of `demands`, by their places, that contradict each other: no values of their series meet both, such as
/// `p(99)<200ms` and `p(99)>1s`, or `max<100ms` and `p(50)>200ms`. `None` when there are no such two.
///
/// Only demands on the same series, over the whole run or over windows of the same length, are held against each other.
#[must_use]
pub fn conflict(demands: &[Threshold]) -> Option<(usize, usize)> {
    let ranges: Vec<Range> = demands.iter().map(Range::of).collect();
    let pairs = (0..demands.len()).flat_map(|later| (0..later).map(move |earlier| (earlier, later)));
    pairs.into_iter().find(|(earlier, later)| {
        let ([one, other], [a, b]) = ([&demands[*earlier], &demands[*later]], [&ranges[*earlier], &ranges[*later]]);
        one.series.canonical() == other.series.canonical()
            && one.expression.window == other.expression.window
            && a.unit == b.unit
            && (a.is_above(b) || b.is_above(a) || a.is_beside(b))
    })
}

/// The values that an expression lets pass.
#[derive(Clone, Copy, Debug)]
struct Range {
    /// Which bounds can be compared with each other.
    unit: Unit,
    aggregation: Aggregation,
    low: End,
    high: End,
    /// `!=`: everything but this.
    hole: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Seconds,
    Number,
    Share,
    Bytes,
    Intended,
}

#[derive(Clone, Copy, Debug)]
struct End {
    value: f64,
    /// Whether the value itself passes.
    closed: bool,
}

impl Range {
    fn of(demand: &Threshold) -> Self {
        let expression = &demand.expression;
        let (unit, bound) = match expression.bound {
            Bound::Duration(duration) => (Unit::Seconds, duration.as_secs_f64()),
            Bound::Number(number) => (Unit::Number, number),
            Bound::Percent(percent) => (Unit::Share, percent),
            #[expect(clippy::cast_precision_loss, reason = "only compared with others of its kind")]
            Bound::Bytes(bytes) => (Unit::Bytes, bytes as f64),
            Bound::Intended(factor) => (Unit::Intended, factor),
        };
        let (open, closed) = (End { value: bound, closed: false }, End { value: bound, closed: true });
        let (least, most) =
            (End { value: f64::NEG_INFINITY, closed: true }, End { value: f64::INFINITY, closed: true });
        let (low, high) = match expression.comparison {
            Comparison::Less => (least, open),
            Comparison::LessOrEqual => (least, closed),
            Comparison::Greater => (open, most),
            Comparison::GreaterOrEqual => (closed, most),
            Comparison::Equal => (closed, closed),
            Comparison::NotEqual => (least, most),
        };
        let hole = (expression.comparison == Comparison::NotEqual).then_some(bound);
        Self { unit, aggregation: expression.aggregation, low, high, hole }
    }

    /// Whether all that passes is above all that passes `other`, whose aggregate is never the smaller one.
    fn is_above(&self, other: &Self) -> bool {
        let touches = self.low.closed && other.high.closed;
        is_at_most(self.aggregation, other.aggregation)
            && (self.low.value > other.high.value || self.low.value == other.high.value && !touches)
    }

    /// Whether one asks for the value that the other forbids.
    fn is_beside(&self, other: &Self) -> bool {
        let only = |range: &Self| (range.low.value == range.high.value).then_some(range.low.value);
        self.aggregation == other.aggregation
            && (self.hole.is_some_and(|hole| only(other) == Some(hole))
                || other.hole.is_some_and(|hole| only(self) == Some(hole)))
    }
}

/// Whether `lower` of the same values is never above `upper` of them.
fn is_at_most(lower: Aggregation, upper: Aggregation) -> bool {
    match (rank(lower), rank(upper)) {
        _ if lower == upper => true,
        (Some(lower), Some(upper)) => lower <= upper,
        // A mean is between the least and the greatest, and on either side of any percentile.
        _ => {
            lower == Aggregation::Minimum && upper == Aggregation::Average
                || lower == Aggregation::Average && upper == Aggregation::Maximum
        }
    }
}

/// The place of a value among all, in percent.
fn rank(aggregation: Aggregation) -> Option<f64> {
    match aggregation {
        Aggregation::Minimum => Some(0.0),
        Aggregation::Percentile(percentile) => Some(percentile.value()),
        Aggregation::Maximum => Some(100.0),
        Aggregation::Average | Aggregation::Count | Aggregation::Rate => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(demands: &[&str]) -> Option<(usize, usize)> {
        let demands: Vec<Threshold> = demands.iter().map(|text| text.parse().expect("it is a threshold")).collect();
        conflict(&demands)
    }

    #[test]
    fn what_no_value_can_be_is_a_conflict() {
        for [one, other] in [
            ["e2e: p(99)>1s", "e2e: p(99)<200ms"],
            ["e2e: p(99)<200ms", "e2e: p(99)>=200ms"],
            ["loss: count==0", "loss: count>0"],
            ["loss: count==0", "loss: count!=0"],
            ["loss: count==1", "loss: count==2"],
            ["e2e: max<100ms", "e2e: p(50)>200ms"],
            ["e2e: avg>2s", "e2e: max<1s"],
            ["e2e{qos:1,group:meter}: p(99)>1s", "e2e{group:meter,qos:1}: p(99)<200ms"],
            ["rate: min>=1*intended", "rate: max<0.5*intended"],
            ["broker_memory: min>2GiB", "broker_memory: max<64MiB"],
            ["e2e: p(99)<1s over 5s", "e2e: p(99)>2s over 5s"],
        ] {
            assert_eq!(of(&[one, other]), Some((0, 1)), "{one} and {other}");
            assert_eq!(of(&[other, one]), Some((0, 1)), "{other} and {one}");
        }
        assert_eq!(of(&["e2e: p(99)<1s", "loss: count==0", "e2e: p(99)<2s", "e2e: p(99)>3s"]), Some((0, 3)));
    }

    #[test]
    fn what_can_hold_together_is_none() {
        for [one, other] in [
            ["e2e: p(99)<200ms", "e2e: p(99)<100ms"],
            ["e2e: p(99)<200ms", "e2e: p(99)<200ms"],
            ["e2e: p(99)<=200ms", "e2e: p(99)>=200ms"],
            ["e2e: p(50)<100ms", "e2e: max>200ms"],
            ["e2e: p(50)<100ms", "e2e: avg>200ms"],
            ["e2e: p(99)<200ms", "service: p(99)>1s"],
            ["e2e{qos:0}: p(99)<200ms", "e2e{qos:1}: p(99)>1s"],
            ["e2e: p(99)<200ms", "e2e: p(99)>1s over 5s"],
            ["rate: min>=500", "rate: min<0.9*intended"],
            ["loss: count==0", "loss: count!=1"],
            ["loss: count!=0", "loss: count!=1"],
        ] {
            assert_eq!(of(&[one, other]), None, "{one} and {other}");
            assert_eq!(of(&[other, one]), None, "{other} and {one}");
        }
        assert_eq!(of(&[]), None);
    }
}
