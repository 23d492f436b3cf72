//! Rules of the network.

use std::time::Duration;

use located::{At, Table};

use super::{Context, at_least_one, event::refuse, missing, refer};
use crate::{
    document::{NetworkDo, NetworkSection, Span},
    model::{Fault, GroupId, Name, NetworkRule},
};

/// The rules, in the order of the text.
pub(super) fn resolve(table: At<Table<Name, NetworkSection>>, context: &mut Context<'_>) -> Vec<NetworkRule> {
    table.value.0.into_iter().filter_map(|(name, section)| rule(name, &section, context)).collect()
}

fn rule(name: At<Name>, section: &At<NetworkSection>, context: &mut Context<'_>) -> Option<NetworkRule> {
    let fault = section.value.r#do.as_ref().and_then(|action| fault(action, section, context));
    let groups = match &section.value.groups {
        None => (0..).map(GroupId).take(context.names.devices.len()).collect(),
        Some(groups) => {
            at_least_one(groups, "device group", context.problems);
            let known = &context.names.devices;
            let ids = groups.value.iter().filter_map(|group| refer(group, known, "device group", context.problems));
            ids.map(GroupId).collect()
        }
    };
    Some(NetworkRule {
        name: name.value,
        groups,
        direction: section.value.direction.value,
        fault: fault?,
        chance: section.value.chance.value.0,
        enabled: section.value.enabled.value,
    })
}

fn fault(action: &At<NetworkDo>, section: &At<NetworkSection>, context: &mut Context<'_>) -> Option<Fault> {
    let NetworkSection { delay, jitter, r#for, rate, .. } = &section.value;
    let does = |kind| action.value == kind;
    refuse(delay.as_ref(), does(NetworkDo::Delay) || does(NetworkDo::Trickle), "delay and trickle", context.problems);
    refuse(jitter.as_ref(), does(NetworkDo::Delay), "delay", context.problems);
    refuse(r#for.as_ref(), does(NetworkDo::Stall), "stall", context.problems);
    refuse(rate.as_ref(), does(NetworkDo::Bandwidth), "bandwidth", context.problems);
    let mut need = |key: &str, example: &str, there: bool| {
        if !there {
            let path = format!("{}.{key}", section.path);
            let message = format!("`{key}` is missing from `{}`", section.path);
            context.problems.push(missing(&action.span, path, message, &format!("add `{key} = {example}`")));
        }
    };
    let span = |span: &Option<At<Span>>| span.as_ref().map_or(Duration::ZERO, |span| span.value.0);
    match action.value {
        NetworkDo::Delay => {
            need("delay", "\"50ms\"", delay.is_some() || jitter.is_some());
            Some(Fault::Delay { delay: span(delay), jitter: span(jitter) })
        }
        NetworkDo::Stall => {
            need("for", "\"2s\"", !span(r#for).is_zero());
            Some(Fault::Stall { length: span(r#for) })
        }
        NetworkDo::Sever => Some(Fault::Sever),
        NetworkDo::HalfOpen => Some(Fault::HalfOpen),
        NetworkDo::Bandwidth => {
            need("rate", "10000", rate.is_some());
            rate.as_ref().map(|rate| Fault::Bandwidth { bytes: rate.value })
        }
        NetworkDo::Trickle => {
            need("delay", "\"10ms\"", !span(delay).is_zero());
            Some(Fault::Trickle { pause: span(delay) })
        }
    }
}
