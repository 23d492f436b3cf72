//! Stages.

use std::collections::HashSet;

use located::{At, Problems};

use super::missing;
use crate::{
    document::StageSection,
    model::{Load, Name, Stage},
};

/// The stages, in the order of the text; `total` is the number of devices, absent when a group is wrong.
pub(super) fn resolve(
    stages: Option<At<Vec<At<StageSection>>>>,
    total: Option<u32>,
    problems: &mut Problems,
) -> Vec<Option<Stage>> {
    let Some(stages) = stages else { return Vec::new() };
    if stages.value.is_empty() {
        problems.push(stages.problem("a scenario needs a stage", "add [[stages]]"));
    }
    let mut taken: HashSet<Name> = HashSet::new();
    let resolved = stages.value.into_iter().map(|section| {
        if let Some(name) = &section.value.name {
            if !taken.insert(name.value.clone()) {
                problems.push(name.problem(format!("two stages are called `{}`", name.value), "rename one of them"));
            }
            if name.value.as_str() == "start" {
                problems.push(name.problem("`start` is reserved: events count from it", "call the stage otherwise"));
            }
        }
        stage(section, total, problems)
    });
    resolved.collect()
}

fn stage(section: At<StageSection>, total: Option<u32>, problems: &mut Problems) -> Option<Stage> {
    let load = load(&section, problems);
    let At { value: section, .. } = section;
    if let Some(hold) = section.hold.as_ref().filter(|hold| hold.value.0.is_zero()) {
        problems.push(hold.problem("a stage that holds for no time measures nothing", "write a duration above 0"));
    }
    if let (Some(devices), Some(total)) = (&section.devices, total)
        && devices.value.0 > total
    {
        let message = format!("the scenario has {total} devices, fewer than {}", devices.value.0);
        problems.push(devices.problem(message, "lower `devices`, or raise a group's `count`"));
    }
    Some(Stage {
        name: section.name?.value,
        ramp: section.ramp.value.0,
        hold: section.hold?.value.0,
        load: load?,
        arrival: section.arrival.value,
        devices: section.devices.map_or(total, |devices| Some(devices.value.0))?,
    })
}

fn load(section: &At<StageSection>, problems: &mut Problems) -> Option<Load> {
    match (&section.value.rate, &section.value.shape) {
        (Some(rate), None) => Some(Load::Rate(rate.value)),
        (None, Some(_)) => Some(Load::Natural),
        (Some(_), Some(shape)) => {
            problems.push(shape.problem("a stage has a rate or a natural shape, not both", "remove one of them"));
            None
        }
        (None, None) if ["rate", "shape"].iter().any(|key| problems.mention(&format!("{}.{key}", section.path))) => {
            None
        }
        (None, None) => {
            let path = format!("{}.rate", section.path);
            let hint = "add `rate = 500` (messages per second) or `shape = \"natural\"`";
            problems.push(missing(&section.span, path, "the stage does not say what is published".to_owned(), hint));
            None
        }
    }
}
