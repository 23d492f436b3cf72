//! Stages.

use std::collections::HashSet;

use located::At;

use super::{Context, at_least_one, missing, refer, trace};
use crate::{
    document::{Shape, StageSection},
    model::{GroupId, Load, Name, Stage, Trace, TraceId},
};

/// Messages of one device that may be under way in a flood that does not say.
const IN_FLIGHT: u32 = 10;

/// The stages, in the order of the text, and the traces that they follow; `total` is the number of devices, absent when a
/// group is wrong.
pub(super) fn resolve(
    stages: Option<At<Vec<At<StageSection>>>>,
    total: Option<u32>,
    context: &mut Context<'_>,
) -> (Vec<Option<Stage>>, Vec<Trace>) {
    let Some(stages) = stages else { return (Vec::new(), Vec::new()) };
    if stages.value.is_empty() {
        context.problems.push(stages.problem("a scenario needs a stage", "add [[stages]]"));
    }
    let mut taken: HashSet<Name> = HashSet::new();
    let mut traces = Vec::new();
    let resolved = stages.value.into_iter().map(|section| {
        if let Some(name) = &section.value.name {
            if !taken.insert(name.value.clone()) {
                let message = format!("two stages are called `{}`", name.value);
                context.problems.push(name.problem(message, "rename one of them"));
            }
            if name.value.as_str() == "start" {
                let message = "`start` is reserved: events count from it";
                context.problems.push(name.problem(message, "call the stage otherwise"));
            }
        }
        stage(section, total, &mut traces, context)
    });
    (resolved.collect(), traces)
}

fn stage(
    section: At<StageSection>,
    total: Option<u32>,
    traces: &mut Vec<Trace>,
    context: &mut Context<'_>,
) -> Option<Stage> {
    refuse(&section.value, context);
    let load = load(&section, traces, context);
    let At { value: section, .. } = section;
    let curve = section.curve.as_ref().and_then(|curve| refer(curve, &context.names.curves, "curve", context.problems));
    let groups = match &section.groups {
        None => (0..).map(GroupId).take(context.names.devices.len()).collect(),
        Some(groups) => {
            at_least_one(groups, "device group", context.problems);
            let known = &context.names.devices;
            let ids = groups.value.iter().filter_map(|name| refer(name, known, "device group", context.problems));
            ids.map(GroupId).collect()
        }
    };
    if let Some(hold) = section.hold.as_ref().filter(|hold| hold.value.0.is_zero()) {
        context
            .problems
            .push(hold.problem("a stage that holds for no time measures nothing", "write a duration above 0"));
    }
    if let (Some(devices), Some(total)) = (&section.devices, total)
        && devices.value.0 > total
    {
        let message = format!("the scenario has {total} devices, fewer than {}", devices.value.0);
        context.problems.push(devices.problem(message, "lower `devices`, or raise a group's `count`"));
    }
    Some(Stage {
        name: section.name?.value,
        ramp: section.ramp.value.0,
        hold: section.hold?.value.0,
        load: load?,
        curve,
        arrival: section.arrival.value,
        burst: section.burst.map_or(1, |burst| burst.value.0),
        groups,
        devices: section.devices.map_or(total, |devices| Some(devices.value.0))?,
    })
}

/// Reports keys that the stage's load has no use for.
fn refuse(section: &StageSection, context: &mut Context<'_>) {
    if section.rate.is_none() {
        let hint = "remove it, or give the stage a `rate`";
        for (key, path) in [
            (section.curve.as_ref().map(|key| key.with(())), "curve"),
            (section.burst.as_ref().map(|key| key.with(())), "burst"),
        ] {
            if let Some(key) = key {
                context.problems.push(key.problem(format!("`{path}` only serves a rate"), hint));
            }
        }
    }
    let flood = section.shape.as_ref().is_some_and(|shape| shape.value == Shape::Flood);
    if let Some(in_flight) = section.in_flight.as_ref().filter(|_| !flood) {
        let hint = "remove it, or write `shape = \"flood\"`";
        context.problems.push(in_flight.problem("`in_flight` only serves a flood", hint));
    }
    if let Some(repeat) = section.repeat.as_ref().filter(|_| section.trace.is_none()) {
        context.problems.push(repeat.problem("`repeat` only serves a trace", "remove it, or name a `trace`"));
    }
}

fn load(section: &At<StageSection>, traces: &mut Vec<Trace>, context: &mut Context<'_>) -> Option<Load> {
    let StageSection { rate, shape, trace, repeat, .. } = &section.value;
    match (rate, shape, trace) {
        (Some(rate), None, None) => Some(Load::Rate(rate.value)),
        (None, Some(shape), None) => Some(match shape.value {
            Shape::Natural => Load::Natural,
            Shape::Flood => {
                Load::Flood { in_flight: section.value.in_flight.as_ref().map_or(IN_FLIGHT, |n| n.value.0) }
            }
        }),
        (None, None, Some(file)) => {
            let trace = trace::resolve(file, repeat.as_ref(), context)?;
            traces.push(trace);
            // More stages than this have been refused by their names' numbering.
            u16::try_from(traces.len() - 1).ok().map(TraceId).map(Load::Trace)
        }
        (_, Some(shape), _) => {
            let message = "a stage has a rate, a shape or a trace, and only one of them";
            context.problems.push(shape.problem(message, "remove the others"));
            None
        }
        (Some(_), None, Some(trace)) => {
            let message = "a stage has a rate, a shape or a trace, and only one of them";
            context.problems.push(trace.problem(message, "remove the others"));
            None
        }
        (None, None, None)
            if ["rate", "shape", "trace"]
                .iter()
                .any(|key| context.problems.mention(&format!("{}.{key}", section.path))) =>
        {
            None
        }
        (None, None, None) => {
            let path = format!("{}.rate", section.path);
            let hint = "add `rate = 500` (messages per second), `shape = \"natural\"` or `trace = \"FILE\"`";
            let message = "the stage does not say what is published".to_owned();
            context.problems.push(missing(&section.span, path, message, hint));
            None
        }
    }
}
