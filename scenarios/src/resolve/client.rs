//! Device groups and subscriber groups.

use std::time::Duration;

use located::{At, Table};

use super::{Context, at_least_one, barns_of, event, refer};
use crate::{
    document::{DeviceSection, Span, SubscriberSection},
    model::{
        BarnId, BrokerId, DeviceGroup, DeviceModel, GroupId, Name, Role, SubscriberGroup, Subscription, Template,
        Version,
    },
};

/// A group with the place of its Client Identifier.
pub(super) type Placed<T> = Option<(T, At<()>)>;

pub(super) fn devices(
    table: Option<At<Table<Name, DeviceSection>>>,
    context: &mut Context<'_>,
) -> Vec<Placed<DeviceGroup>> {
    let Some(table) = table else { return Vec::new() };
    if table.value.0.is_empty() {
        context.problems.push(table.problem("a scenario needs devices", "add a table such as [devices.meter]"));
    }
    table.value.0.into_iter().map(|(name, section)| device(&name, section.value, context)).collect()
}

fn device(name: &At<Name>, section: DeviceSection, context: &mut Context<'_>) -> Placed<DeviceGroup> {
    let broker = broker(section.broker.as_ref(), name, context);
    let version = version(section.version.as_ref(), broker, context);
    let barns = barns(section.barns.as_ref(), context);
    let client_id = client_id(section.client_id, name);
    let curve = section.curve.as_ref().and_then(|curve| refer(curve, &context.names.curves, "curve", context.problems));
    let session_expiry = session_expiry(section.session_expiry.as_ref(), version, context);
    let keep_alive = keep_alive(&section.keep_alive, context);
    if let Some(interval) = section.interval.as_ref().filter(|interval| interval.value.0.is_zero()) {
        context.problems.push(interval.problem("an interval of no time", "write a duration above 0, such as `1m`"));
    }
    if let (Some(model), Some(curve), None) = (&section.model, &section.curve, &section.interval)
        && model.value.follows_milkings()
    {
        let message = format!("a `{}` follows the milking sessions, not a curve", model.value);
        context.problems.push(curve.problem(message, "leave the curve out, or give an `interval` that it multiplies"));
    }
    let plain = section.model.as_ref().is_some_and(|model| model.value == DeviceModel::Plain);
    if let (Some(model), Some(payload), false) = (&section.model, &section.payload, plain) {
        let message = format!("a `{}` makes its own payloads", model.value);
        context.problems.push(payload.problem(message, "leave `payload` out, or write `model = \"plain\"`"));
    }
    debug_assert!(curve.is_none_or(|curve| usize::from(curve) < context.day.curves.len()));
    let place = client_id.with(());
    let group = DeviceGroup {
        name: name.value.clone(),
        broker: broker?,
        model: section.model?.value,
        count: section.count?.value.0,
        client_id: client_id.value,
        topic: section.topic.map(|topic| topic.value),
        qos: section.qos.map(|qos| qos.value),
        payload: plain.then(|| section.payload.map_or_else(Default::default, |payload| payload.value)),
        retain: section.retain.value,
        buffer: section.buffer.map_or(1000, |buffer| buffer.value.0),
        flush_rate: section.flush_rate.map(|rate| rate.value),
        interval: section.interval.map(|interval| interval.value.0),
        weight: section.weight.map(|weight| weight.value),
        curve,
        barns,
        version,
        clean_start: section.clean_start.value,
        session_expiry,
        keep_alive,
        engine: section.engine.value,
    };
    Some((group, place))
}

pub(super) fn subscribers(
    table: At<Table<Name, SubscriberSection>>,
    context: &mut Context<'_>,
) -> Vec<Placed<SubscriberGroup>> {
    table.value.0.into_iter().map(|(name, section)| subscriber(&name, section.value, context)).collect()
}

fn subscriber(name: &At<Name>, section: SubscriberSection, context: &mut Context<'_>) -> Placed<SubscriberGroup> {
    let broker = broker(section.broker.as_ref(), name, context);
    let version = version(section.version.as_ref(), broker, context);
    let barns = barns(section.barns.as_ref(), context);
    let client_id = client_id(section.client_id, name);
    let session_expiry = session_expiry(section.session_expiry.as_ref(), version, context);
    let keep_alive = keep_alive(&section.keep_alive, context);
    let filters =
        section.filters.as_ref().map_or_else(Vec::new, |filters| at_least_one(filters, "filter", context.problems));
    let default_role = if filters.is_empty() { Role::Idle } else { Role::Service };
    let role = section.role.as_ref().map_or(default_role, |role| role.value);
    let filters_path = format!("{}.filters", name.path);
    if let Some(role) = &section.role {
        match (role.value == Role::Idle, filters.is_empty()) {
            (true, false) => context.problems.push(
                role.problem("idle connections subscribe to nothing", "leave `filters` out, or choose another role"),
            ),
            (false, true) if section.filters.is_none() && !context.problems.mention(&filters_path) => {
                context.problems.push(role.problem(
                    format!("`{}` connections without filters receive nothing", role.value.name()),
                    "add `filters`, or write `role = \"idle\"`",
                ))
            }
            _ => {}
        }
    }
    let expect = match &section.expect {
        None if filters.is_empty() => Vec::new(),
        None => (0..context.names.devices.len()).filter_map(|id| u16::try_from(id).ok()).map(GroupId).collect(),
        Some(expect) => {
            if filters.is_empty() && !context.problems.mention(&filters_path) {
                context.problems.push(expect.problem("nothing can be expected without filters", "add `filters`"));
            }
            at_least_one(expect, "device group", context.problems);
            let known = &context.names.devices;
            let ids = expect.value.iter().filter_map(|name| refer(name, known, "device group", context.problems));
            ids.map(GroupId).collect()
        }
    };
    let from = section.from.as_ref().and_then(|from| event::moment(from, context));
    let place = client_id.with(());
    let group = SubscriberGroup {
        name: name.value.clone(),
        broker: broker?,
        role,
        count: section.count?.value.0,
        client_id: client_id.value,
        subscriptions: filters.into_iter().map(|filter| Subscription { filter, qos: section.qos.value }).collect(),
        expect,
        from,
        read_rate: section.read_rate.map(|rate| rate.value),
        barns,
        version,
        clean_start: section.clean_start.value,
        session_expiry,
        keep_alive,
    };
    Some((group, place))
}

/// The broker that is named, or the only one.
pub(super) fn broker(broker: Option<&At<Name>>, owner: &At<Name>, context: &mut Context<'_>) -> Option<BrokerId> {
    match broker {
        Some(name) => refer(name, &context.names.brokers, "broker", context.problems).map(BrokerId),
        None if context.brokers.len() == 1 => Some(BrokerId(0)),
        None => {
            let known: Vec<_> = context.names.brokers.iter().map(Name::as_str).collect();
            let hint = format!("add `broker`, one of {}", known.join(", "));
            context.problems.push(owner.problem(format!("`{}` does not say which broker", owner.value), hint));
            None
        }
    }
}

pub(super) fn version(version: Option<&At<Version>>, broker: Option<BrokerId>, context: &Context<'_>) -> Version {
    let of_broker = || broker.and_then(|id| context.brokers.get(usize::from(id.0))).map(|broker| broker.version);
    version.map(|version| version.value).or_else(of_broker).unwrap_or_default()
}

fn barns(barns: Option<&At<Vec<At<BarnId>>>>, context: &mut Context<'_>) -> Vec<BarnId> {
    let Some(barns) = barns else { return context.barns.to_vec() };
    for barn in &barns.value {
        if !context.barns.contains(&barn.value) {
            let known: Vec<_> = context.barns.iter().take(12).map(BarnId::as_str).collect();
            let hint = format!("barns are listed in scenario.barns: {}", known.join(", "));
            context.problems.push(barn.problem(format!("there is no barn called `{}`", barn.value), hint));
        }
    }
    barns_of(barns, context.problems)
}

fn client_id(template: Option<At<Template>>, name: &At<Name>) -> At<Template> {
    template.unwrap_or_else(|| {
        let text = format!("{}-{{n:05}}", name.value);
        name.with(text.parse().expect("a name and a number are a template"))
    })
}

fn session_expiry(expiry: Option<&At<Span>>, version: Version, context: &mut Context<'_>) -> Duration {
    let Some(expiry) = expiry else { return Duration::ZERO };
    if version == Version::V311 {
        context.problems.push(expiry.problem(
            "MQTT 3.1.1 knows no session expiry",
            "write `clean_start = false` for a session that stays, or `version = \"5.0\"`",
        ));
    }
    whole_seconds(expiry, u32::MAX.into(), context)
}

fn keep_alive(keep_alive: &At<Span>, context: &mut Context<'_>) -> Duration {
    whole_seconds(keep_alive, u16::MAX.into(), context)
}

fn whole_seconds(span: &At<Span>, most: u64, context: &mut Context<'_>) -> Duration {
    let value = span.value.0;
    if value.subsec_nanos() != 0 || value.as_secs() > most {
        context
            .problems
            .push(span.problem("MQTT carries this as whole seconds", format!("write whole seconds, at most {most}s")));
    }
    value
}
