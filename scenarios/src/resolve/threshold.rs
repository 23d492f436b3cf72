//! Thresholds.

use located::{At, Table};

use super::{Context, refer};
use crate::model::{Expression, Name, Selector, Series, Threshold};

/// The thresholds, in the order of the text.
pub(super) fn resolve(table: At<Table<Series, Vec<At<Expression>>>>, context: &mut Context<'_>) -> Vec<Threshold> {
    let mut thresholds = Vec::new();
    for (series, expressions) in table.value.0 {
        check_names(&series, context);
        if let Err(error) = series.value.check() {
            context.problems.push(series.problem(error.message, error.hint));
        }
        if expressions.value.is_empty() {
            context.problems.push(expressions.problem("nothing is demanded here", "write such as [\"count==0\"]"));
        }
        for expression in expressions.value {
            if let Err(error) = expression.value.check(series.value.metric) {
                context.problems.push(expression.problem(error.message, error.hint));
            }
            thresholds.push(Threshold { series: series.value.clone(), expression: expression.value });
        }
    }
    thresholds
}

/// Whether everything that a series names is there.
pub(super) fn check_names(series: &At<Series>, context: &mut Context<'_>) {
    for selector in &series.value.selectors {
        let (name, known, what): (&Name, _, _) = match selector {
            Selector::Qos(_) | Selector::Model(_) => continue,
            Selector::Group(name) => (name, &context.names.devices, "device group"),
            Selector::Subscriber(name) => (name, &context.names.subscribers, "subscriber group"),
            Selector::Stage(name) => (name, &context.names.stages, "stage"),
        };
        refer(&series.with(name.clone()), known, what, context.problems);
    }
}
