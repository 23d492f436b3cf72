//! Thresholds.

use located::{At, Problems, Table};

use super::{Names, refer};
use crate::model::{Expression, Name, Selector, Series, Threshold, conflict};

/// The thresholds, in the order of the text. Without `names`, what they name is not known here.
pub(super) fn resolve(
    table: At<Table<Series, Vec<At<Expression>>>>,
    names: Option<&Names>,
    problems: &mut Problems,
) -> Vec<Threshold> {
    let mut thresholds: Vec<At<Threshold>> = Vec::new();
    for (series, expressions) in table.value.0 {
        if let Some(names) = names {
            check_names(&series, names, problems);
        }
        if let Err(error) = series.value.check() {
            problems.push(series.problem(error.message, error.hint));
        }
        if expressions.value.is_empty() {
            problems.push(expressions.problem("nothing is demanded here", "write such as [\"count==0\"]"));
        }
        for expression in expressions.value {
            if let Err(error) = expression.value.check(series.value.metric) {
                problems.push(expression.problem(error.message, error.hint));
            }
            thresholds.push(expression.with(Threshold { series: series.value.clone(), expression: expression.value }));
        }
    }
    compatible(thresholds, problems)
}

/// The demands; two that contradict each other are reported.
pub(super) fn compatible(demands: Vec<At<Threshold>>, problems: &mut Problems) -> Vec<Threshold> {
    let places: Vec<At<()>> = demands.iter().map(At::place).collect();
    let demands: Vec<Threshold> = demands.into_iter().map(|demand| demand.value).collect();
    if let Some((earlier, later)) = conflict(&demands) {
        let message = format!("`{}` and `{}` can never both hold", demands[earlier], demands[later]);
        problems.push(places[later].problem(message, "leave one of them out"));
    }
    demands
}

/// Whether everything that a series names is there.
pub(super) fn check_names(series: &At<Series>, names: &Names, problems: &mut Problems) {
    for selector in &series.value.selectors {
        let (name, known, what): (&Name, _, _) = match selector {
            Selector::Qos(_) | Selector::Model(_) => continue,
            // Requests stand among the groups that publish, where it makes sense.
            Selector::Group(name) if series.value.metric.is_about_requests() => {
                (name, &names.requests, "section of requests")
            }
            Selector::Group(name) if series.value.metric.knows_requesters() && names.requests.contains(name) => {
                continue;
            }
            Selector::Group(name) => (name, &names.devices, "device group"),
            Selector::Subscriber(name) => (name, &names.subscribers, "subscriber group"),
            Selector::Stage(name) => (name, &names.stages, "stage"),
        };
        refer(&series.with(name.clone()), known, what, problems);
    }
}
