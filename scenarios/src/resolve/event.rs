//! Events.

use std::time::Duration;

use located::{At, Problems};

use super::{Context, client, missing, refer};
use crate::{
    document::{EventDo, EventSection, EventTime},
    model::{
        Action, Anchor, Away, Event, GroupId, Moment, Name, RuleId, Stage, StageId, SubscriberId, format_duration,
    },
};

/// The events, in the order of the text.
pub(super) fn resolve(
    events: Vec<At<EventSection>>,
    stages: &[Option<Stage>],
    context: &mut Context<'_>,
) -> Vec<Event> {
    events.into_iter().filter_map(|event| resolve_one(&event, stages, context)).collect()
}

fn resolve_one(event: &At<EventSection>, stages: &[Option<Stage>], context: &mut Context<'_>) -> Option<Event> {
    let section = &event.value;
    let when = section.at.as_ref().and_then(|at| {
        let Some(name) = &at.value.stage else { return Some((Anchor::Start, at.value.offset)) };
        let index = refer(&at.with(name.clone()), &context.names.stages, "stage", context.problems)?;
        if let Some(Some(stage)) = stages.get(usize::from(index))
            && at.value.offset >= stage.hold
        {
            let message = format!("the stage `{name}` is over by then: it holds for {}", format_duration(stage.hold));
            context.problems.push(at.problem(message, "name a time within the stage, or the stage after it"));
        }
        Some((Anchor::Stage(StageId(index)), at.value.offset))
    });
    let action = section.r#do.as_ref().and_then(|action| resolve_action(action, event, context));
    let (anchor, offset) = when?;
    Some(Event { anchor, offset, action: action? })
}

/// An instant, when the stage that it counts from is one.
pub(super) fn moment(at: &At<EventTime>, context: &mut Context<'_>) -> Option<Moment> {
    let anchor = match &at.value.stage {
        None => Anchor::Start,
        Some(name) => {
            let stage = refer(&at.with(name.clone()), &context.names.stages, "stage", context.problems)?;
            Anchor::Stage(StageId(stage))
        }
    };
    Some(Moment { anchor, offset: at.value.offset })
}

/// A group goes away, devices or subscribers.
fn disconnect(action: &At<EventDo>, event: &At<EventSection>, context: &mut Context<'_>) -> Option<Action> {
    let EventSection { group, r#for, until, .. } = &event.value;
    let away = match (r#for, until) {
        (Some(span), None) if !span.value.0.is_zero() => Away::For(span.value.0),
        (None, Some(until)) => Away::Until(moment(until, context)?),
        (Some(_), Some(until)) => {
            context.problems.push(until.problem("the event says twice how long it lasts", "remove `for` or `until`"));
            return None;
        }
        (Some(_) | None, None) => {
            let path = format!("{}.for", event.path);
            let message = "the event does not say how long the clients stay away".to_owned();
            let hint = "add `for = \"10s\"`, or `until = \"STAGE\"`";
            context.problems.push(missing(&action.span, path, message, hint));
            return None;
        }
    };
    let Some(group) = group else {
        let devices = (0..).map(GroupId).take(context.names.devices.len()).collect();
        return Some(Action::Disconnect { devices, subscribers: Vec::new(), away });
    };
    if let Some(id) = context.names.subscribers.iter().position(|name| *name == group.value) {
        let subscribers = vec![SubscriberId(u16::try_from(id).ok()?)];
        return Some(Action::Disconnect { devices: Vec::new(), subscribers, away });
    }
    let known = [&context.names.devices[..], &context.names.subscribers[..]].concat();
    let id = refer(group, &known, "device or subscriber group", context.problems)?;
    Some(Action::Disconnect { devices: vec![GroupId(id)], subscribers: Vec::new(), away })
}

fn resolve_action(action: &At<EventDo>, event: &At<EventSection>, context: &mut Context<'_>) -> Option<Action> {
    let EventSection { group, broker, rule, spread, r#for, .. } = &event.value;
    let storm = action.value == EventDo::ReconnectStorm;
    let network = matches!(action.value, EventDo::NetworkOn | EventDo::NetworkOff);
    let disconnects = action.value == EventDo::Disconnect;
    refuse(group.as_ref(), storm || disconnects, "reconnect_storm and disconnect", context.problems);
    refuse(event.value.until.as_ref(), disconnects, "disconnect", context.problems);
    refuse(spread.as_ref(), storm, "reconnect_storm", context.problems);
    refuse(
        broker.as_ref(),
        !storm && !network && !disconnects,
        "freeze_broker, kill_broker and restart_broker",
        context.problems,
    );
    refuse(rule.as_ref(), network, "network_on and network_off", context.problems);
    refuse(
        r#for.as_ref(),
        !network,
        "reconnect_storm, disconnect, freeze_broker, kill_broker and restart_broker",
        context.problems,
    );
    let span = |span: &Option<At<crate::document::Span>>| span.as_ref().map_or(Duration::ZERO, |span| span.value.0);
    let away = span(r#for);
    let owner = action.with("broker".parse::<Name>().expect("a word is a name"));
    Some(match action.value {
        EventDo::ReconnectStorm => {
            let groups = match group {
                Some(group) => {
                    vec![GroupId(refer(group, &context.names.devices, "device group", context.problems)?)]
                }
                None => (0..).map(GroupId).take(context.names.devices.len()).collect(),
            };
            Action::ReconnectStorm { groups, spread: span(spread), away }
        }
        EventDo::Disconnect => disconnect(action, event, context)?,
        EventDo::FreezeBroker => {
            if away.is_zero() {
                let path = format!("{}.for", event.path);
                let message = "the event does not say how long the broker is frozen".to_owned();
                context.problems.push(missing(&action.span, path, message, "add `for = \"2s\"`"));
            }
            Action::FreezeBroker { broker: client::broker(broker.as_ref(), &owner, context)?, away }
        }
        EventDo::KillBroker => Action::KillBroker { broker: client::broker(broker.as_ref(), &owner, context)?, away },
        EventDo::RestartBroker => {
            Action::RestartBroker { broker: client::broker(broker.as_ref(), &owner, context)?, away }
        }
        EventDo::NetworkOn | EventDo::NetworkOff => {
            let Some(rule) = rule else {
                let path = format!("{}.rule", event.path);
                let message = "the event does not say which rule".to_owned();
                context.problems.push(missing(&action.span, path, message, "add `rule`, a name from [network]"));
                return None;
            };
            let rule = RuleId(refer(rule, &context.names.rules, "network rule", context.problems)?);
            if action.value == EventDo::NetworkOn { Action::NetworkOn { rule } } else { Action::NetworkOff { rule } }
        }
    })
}

/// Reports a key that the action has no use for.
pub(super) fn refuse<T>(key: Option<&At<T>>, fits: bool, actions: &str, problems: &mut Problems) {
    if let Some(key) = key.filter(|_| !fits) {
        let name = key.path.rsplit('.').next().unwrap_or_default();
        problems.push(key.problem(format!("`{name}` only serves {actions}"), "remove it, or change `do`"));
    }
}
