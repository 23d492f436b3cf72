//! The search for capacity.

use located::At;

use super::{Context, above_zero, threshold};
use crate::{
    document::SearchSection,
    model::{Search, Threshold},
};

/// The search, or the language's own without a section.
pub(super) fn resolve(section: Option<SearchSection>, context: &mut Context<'_>) -> Search {
    let Some(section) = section else { return Search::default() };
    let mut slo: Vec<At<Threshold>> = Vec::new();
    if let Some(demands) = section.slo {
        if demands.value.is_empty() {
            let hint = "write such as [\"p(99)<200ms\", \"loss count==0\"], or leave the key out";
            context.problems.push(demands.problem("nothing is demanded here", hint));
        }
        for demand in demands.value {
            let Threshold { series, expression } = &demand.value.0;
            threshold::check_names(&demand.with(series.clone()), context.names, context.problems);
            if let Err(error) = series.check().and_then(|()| expression.check(series.metric)) {
                context.problems.push(demand.problem(error.message, error.hint));
            }
            let threshold = demand.with(demand.value.0.clone());
            slo.push(threshold);
        }
    }
    let longer = "write a duration above 0, such as `10s`";
    above_zero(&section.step_length, "a step of no time measures nothing", longer, context.problems);
    if let (Some(start), Some(max)) = (&section.start, &section.max)
        && start.value.per_second() > max.value.per_second()
    {
        let hint = "lower `start`, or raise `max`";
        context.problems.push(start.problem("the search begins above its highest figure", hint));
    }
    Search {
        slo: threshold::compatible(slo, context.problems),
        dimension: section.dimension.value,
        start: section.start.map(|start| start.value.per_second()),
        max: section.max.map(|max| max.value.per_second()),
        tolerance: section.tolerance.value.0,
        confirm: section.confirm.value.0,
        step_length: section.step_length.value.0,
    }
}
