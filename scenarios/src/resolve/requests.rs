//! Requests and answers.

use located::{At, Table};

use super::{Context, above_zero, client, refer};
use crate::{
    document::RequestsSection,
    model::{BrokerId, DeviceGroup, DeviceModel, GroupId, Name, Requests},
};

/// `devices` are the groups, where they are right.
pub(super) fn resolve(
    table: At<Table<Name, RequestsSection>>,
    devices: &[client::Placed<DeviceGroup>],
    context: &mut Context<'_>,
) -> Vec<client::Placed<Requests>> {
    table.value.0.into_iter().map(|(name, section)| one(&name, section, devices, context)).collect()
}

fn one(
    name: &At<Name>,
    section: At<RequestsSection>,
    devices: &[client::Placed<DeviceGroup>],
    context: &mut Context<'_>,
) -> client::Placed<Requests> {
    let place = section.with(());
    let section = section.value;
    let broker = client::broker(section.broker.as_ref(), name, context);
    let version = client::version(section.version.as_ref(), broker, context);
    above_zero(
        &section.timeout,
        "no answer comes in no time",
        "write a duration above 0, such as `5s`",
        context.problems,
    );
    for (names, what) in [(&context.names.devices, "device"), (&context.names.subscribers, "subscriber")] {
        if names.contains(&name.value) {
            let message = format!("a {what} group is called `{}` too, and reports tell groups by name", name.value);
            context.problems.push(name.problem(message, "rename one of them"));
        }
    }
    let to = section.to.map(|to| asked(&to, broker, devices, context));
    Some((
        Requests {
            name: name.value.clone(),
            broker: broker?,
            to: to?,
            rate: section.rate?.value,
            arrival: section.arrival.value,
            requesters: section.requesters.map_or(1, |count| count.value.0),
            qos: section.qos.value,
            timeout: section.timeout.value.0,
            version,
        },
        place,
    ))
}

/// The groups that are asked, each once.
fn asked(
    to: &At<Vec<At<Name>>>,
    broker: Option<BrokerId>,
    devices: &[client::Placed<DeviceGroup>],
    context: &mut Context<'_>,
) -> Vec<GroupId> {
    if to.value.is_empty() {
        context.problems.push(to.problem("nobody is asked", "name device groups, such as [\"meter\"]"));
    }
    let mut groups = Vec::new();
    for name in &to.value {
        let Some(id) = refer(name, &context.names.devices, "device group", context.problems) else { continue };
        if let Some((group, _)) = devices.get(usize::from(id)).and_then(Option::as_ref) {
            if group.model == DeviceModel::Plain {
                let message = format!("`{}` are plain devices, which answer nothing", name.value);
                context.problems.push(name.problem(message, "ask devices of another model"));
            }
            if broker.is_some_and(|broker| broker != group.broker) {
                let message = format!("`{}` connects to another broker, where no request arrives", name.value);
                context.problems.push(name.problem(message, "let both connect to one broker"));
            }
        }
        if !groups.contains(&GroupId(id)) {
            groups.push(GroupId(id));
        }
    }
    groups
}
