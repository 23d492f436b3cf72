//! What can be asked of which metric.

use super::{Aggregation, Bound, Comparison, Expression, ExpressionError, Kind, Metric};

impl Expression {
    /// Refuses what cannot be asked of `metric`.
    ///
    /// # Errors
    ///
    /// When the aggregation or the bound's unit does not fit the metric.
    pub fn check(&self, metric: Metric) -> Result<(), ExpressionError> {
        let sampled = matches!(self.aggregation, Aggregation::Average | Aggregation::Minimum | Aggregation::Maximum);
        let (aggregations, fits, bounds): (_, bool, _) = match (metric.kind(), self.aggregation) {
            (Kind::Time, Aggregation::Count) => ("", matches!(self.bound, Bound::Number(_)), "a number, such as 0"),
            (Kind::Time, Aggregation::Rate) => ("p(N), avg, min, max and count", false, ""),
            (Kind::Time, _) => ("", matches!(self.bound, Bound::Duration(_)), "a duration, such as 200ms"),
            (Kind::Fault, Aggregation::Count) => ("", matches!(self.bound, Bound::Number(_)), "a number, such as 0"),
            (Kind::Fault, Aggregation::Rate) => ("", matches!(self.bound, Bound::Percent(_)), "percent, such as 0.1%"),
            (Kind::Fault, _) => ("count and rate", false, ""),
            (Kind::Count, Aggregation::Count) => {
                let intended = matches!(self.bound, Bound::Intended(_)) && metric.has_intention();
                ("", intended || matches!(self.bound, Bound::Number(_)), "a number or 0.99*intended")
            }
            (Kind::Count, _) => ("count", false, ""),
            (Kind::Cost, Aggregation::Average) => {
                ("", matches!(self.bound, Bound::Duration(_)), "a duration, such as 50us")
            }
            (Kind::Cost, _) => ("avg", false, ""),
            (_, _) if !sampled => ("avg, min and max", false, ""),
            (Kind::PerSecond, _) => (
                "",
                matches!(self.bound, Bound::Number(_) | Bound::Intended(_)),
                "messages per second or 0.99*intended",
            ),
            (Kind::Number, _) => ("", matches!(self.bound, Bound::Number(_)), "a number"),
            (Kind::Percent, _) => ("", matches!(self.bound, Bound::Percent(_)), "percent of one core, such as 80%"),
            (Kind::Bytes, _) => ("", matches!(self.bound, Bound::Bytes(_)), "a size, such as 64MiB"),
        };
        let name = metric.name();
        if !aggregations.is_empty() {
            let (message, hint) = (
                format!("`{name}` has no `{}`", self.aggregation),
                format!("`{name}` can be asked for {aggregations}"),
            );
            return Err(ExpressionError { message, hint });
        }
        if !fits {
            let message = format!("`{}` of `{name}` cannot be compared with `{}`", self.aggregation, self.bound);
            return Err(ExpressionError { message, hint: format!("compare with {bounds}") });
        }
        self.check_time(metric)
    }

    /// Refuses windows and early ends that nobody can judge.
    fn check_time(&self, metric: Metric) -> Result<(), ExpressionError> {
        let name = metric.name();
        let refused = |message: String, hint: &str| Err(ExpressionError { message, hint: hint.to_owned() });
        if metric.is_growth() && (self.window.is_some() || self.abort_on_fail) {
            return refused(
                format!("`{name}` is judged over the whole run only: it is a slope"),
                "leave `over` and `abort_on_fail` out",
            );
        }
        if metric.kind() == Kind::Fault && (self.window.is_some() || self.abort_on_fail) {
            let word = if self.window.is_some() { "over" } else { "abort_on_fail" };
            return refused(
                format!("`{name}` cannot be judged `{word}`: messages are accounted for when the run has drained"),
                match metric.is_about_requests() {
                    true => "ask for it over the whole run or a stage",
                    false => {
                        "ask for it over the whole run or a stage; `delivery_rate` sees missing deliveries while it runs"
                    }
                },
            );
        }
        if matches!(metric, Metric::Retained | Metric::Drain) && (self.window.is_some() || self.abort_on_fail) {
            return refused(
                format!("`{name}` is measured once for each subscriber, not second by second"),
                "ask for it over the whole run or a stage",
            );
        }
        if self.abort_on_fail && self.window.is_none() && !self.can_be_foregone(metric.kind()) {
            return refused(
                format!("whether `{}` of `{name}` holds is not known before the end of the run", self.aggregation),
                "add a window, such as `over 10s`, or leave `abort_on_fail` out",
            );
        }
        Ok(())
    }

    /// Whether the whole run's value can be lost before its end, whatever comes after.
    fn can_be_foregone(&self, kind: Kind) -> bool {
        use Aggregation::{Average, Count, Maximum, Minimum, Percentile};
        let at_most = matches!(self.comparison, Comparison::Less | Comparison::LessOrEqual);
        let at_least = matches!(self.comparison, Comparison::Greater | Comparison::GreaterOrEqual);
        match (kind, self.aggregation) {
            (Kind::Time, Percentile(_)) => at_most || at_least,
            (Kind::Time, Average) => at_most,
            (_, Maximum) => at_most,
            (_, Minimum) => at_least,
            (Kind::Time | Kind::Count, Count) => {
                (at_most || self.comparison == Comparison::Equal) && matches!(self.bound, Bound::Number(_))
            }
            _ => false,
        }
    }
}
