//! Identifiers: each is one client's, and fits where it stands in topics.

use std::collections::HashMap;

use located::{At, Problems};

use super::client::Placed;
use crate::model::{DeviceGroup, DeviceModel, Requests, SubscriberGroup};

/// The most clients that a scenario may have.
const MOST: usize = 2_000_000;

/// Reports identifiers that two clients share or that no topic can hold: the first of each group.
pub(super) fn check(
    devices: &[Placed<DeviceGroup>],
    subscribers: &[Placed<SubscriberGroup>],
    requests: &[Placed<Requests>],
    problems: &mut Problems,
) {
    let mut owners: HashMap<String, &str> = HashMap::new();
    for (group, place) in devices.iter().flatten() {
        let ids = (1..=group.count).map(|n| (n, group.client_id(n)));
        if unique(
            group.name.as_str(),
            group.count,
            group.client_id.numbers(),
            ids.clone(),
            place,
            &mut owners,
            problems,
        ) {
            if let Some((_, id)) = ids.into_iter().find(|(_, id)| !fits_level(id)) {
                let hint = "leave out `/`, `+` and `#`, and do not leave it empty";
                problems.push(place.problem(format!("the identifier `{id}` cannot be a level of a topic"), hint));
            } else if let Some(word) = reserved(group) {
                problems.push(place.problem(
                    format!("`{word}` is reserved: it stands at the level of identifiers in the topic tree"),
                    "choose another client_id",
                ));
            }
        }
    }
    for (group, place) in subscribers.iter().flatten() {
        let ids = (1..=group.count).map(|n| (n, group.client_id(n)));
        unique(group.name.as_str(), group.count, group.client_id.numbers(), ids, place, &mut owners, problems);
    }
    for (group, place) in requests.iter().flatten() {
        let ids = (1..=group.requesters).map(|n| (n, group.client_id(n)));
        unique(group.name.as_str(), group.requesters, true, ids, place, &mut owners, problems);
    }
}

/// Reports the first identifier that is taken; whether there was none.
fn unique<'a>(
    name: &'a str,
    count: u32,
    numbered: bool,
    ids: impl Iterator<Item = (u32, String)>,
    place: &At<()>,
    owners: &mut HashMap<String, &'a str>,
    problems: &mut Problems,
) -> bool {
    if count > 1 && !numbered {
        let message = format!("{count} clients of `{name}` would share one Client Identifier and push each other out");
        problems.push(place.problem(message, "add {n} or {n:05} to client_id"));
        return false;
    }
    if owners.len() + count as usize > MOST {
        problems.push(place.problem(format!("the scenario has more than {MOST} clients"), "lower `count`"));
        return false;
    }
    for (_, id) in ids {
        if let Some(owner) = owners.get(&id) {
            let message = format!("the Client Identifier `{id}` belongs to `{owner}` already");
            problems.push(place.problem(message, "give each group a client_id of its own"));
            return false;
        }
        owners.insert(id, name);
    }
    true
}

fn fits_level(id: &str) -> bool {
    !id.is_empty() && !id.contains(['/', '+', '#', '\0'])
}

/// The word of seed 000's topic tree that stands at the level of the group's identifiers, when one of them is it.
fn reserved(group: &DeviceGroup) -> Option<&'static str> {
    let word = match group.model {
        DeviceModel::Collar => "herd",
        DeviceModel::ColdStorage => "alerts",
        _ => return None,
    };
    // An identifier with a number is none of these words, and without one the group has one device.
    (group.client_id(1) == word).then_some(word)
}
