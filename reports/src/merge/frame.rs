//! Whether segments belong together, and the frame of what they are joined to.

use super::{MergeError, Open, Skew};
use crate::observation::{Environment, Preflight, RunStarted};
use jiff::Timestamp;
use std::time::Duration;

/// The joint frame, and how long after the first segment each started. `parts` are in the order of their numbers.
pub(super) fn join<R>(parts: &[Open<R>]) -> Result<(RunStarted, Vec<Duration>), MergeError> {
    let first = parts.first().ok_or(MergeError::Nothing)?;
    for part in &parts[1..] {
        alike(first, part)?;
    }
    complete(parts)?;
    let starts: Vec<Timestamp> = parts.iter().map(|part| part.info.started_at).collect();
    let earliest = starts.iter().min().copied().unwrap_or(first.run.started_at);
    let since = |start: &Timestamp| Duration::try_from(start.duration_since(earliest)).unwrap_or_default();
    let offsets = starts.iter().map(since).collect();
    let shared = parts.iter().any(|part| part.run.environment.shared_with_target);
    let segments: Vec<_> = parts.iter().map(|part| part.info.clone()).collect();
    let run = RunStarted {
        started_at: earliest,
        environment: Environment { shared_with_target: shared, ..first.run.environment.clone() },
        preflight: [Skew::of(&segments).check()].into_iter().chain(wanting(parts)).collect(),
        segments,
        ..first.run.clone()
    };
    Ok((run, offsets))
}

/// What was not as wanted on the segments' machines, each once.
fn wanting<R>(parts: &[Open<R>]) -> Vec<Preflight> {
    let mut wanting: Vec<Preflight> = Vec::new();
    for check in parts.iter().flat_map(|part| &part.run.preflight) {
        if check.ok == Some(false) && !wanting.contains(check) {
            wanting.push(check.clone());
        }
    }
    wanting
}

/// Windows of one second stay windows of one second: a start that is off by less counts as the same.
pub(super) fn whole_seconds(offset: Duration) -> Duration {
    Duration::from_secs(offset.as_secs() + u64::from(offset.subsec_millis() >= 500))
}

fn alike<R>(one: &Open<R>, other: &Open<R>) -> Result<(), MergeError> {
    let values = |part: &Open<R>| {
        let RunStarted { tool, scenario, seed, run_id, .. } = &part.run;
        let agreed = if part.info.agreed { part.info.started_at.to_string() } else { "not agreed on".to_owned() };
        [
            ("the scenario", scenario.name.clone()),
            ("the seed", seed.to_string()),
            ("the run id", run_id.clone()),
            ("the version", tool.version.clone()),
            ("the number of segments", part.info.count.to_string()),
            ("the plan of the scenario", part.info.plan.clone()),
            ("the agreed start", agreed),
        ]
    };
    let differs = values(one).into_iter().zip(values(other)).find(|(one, other)| one != other);
    differs.map_or(Ok(()), |((what, ones), (_, others))| {
        Err(MergeError::Different { what, one: one.name.clone(), ones, other: other.name.clone(), others })
    })
}

fn complete<R>(parts: &[Open<R>]) -> Result<(), MergeError> {
    let count = parts.first().map_or(0, |part| part.info.count);
    for pair in parts.windows(2) {
        if pair[0].info.index == pair[1].info.index {
            let (one, other) = (pair[0].name.clone(), pair[1].name.clone());
            return Err(MergeError::Twice { segment: pair[0].info.to_string(), one, other });
        }
    }
    if let Some(odd) = parts.iter().find(|part| part.info.index == 0 || part.info.index > count) {
        return Err(MergeError::Impossible { name: odd.name.clone(), segment: odd.info.to_string() });
    }
    let there = |index: &u32| parts.iter().any(|part| part.info.index == *index);
    let mut missing = (1..=count).filter(|index| !there(index));
    let named: Vec<String> = missing.by_ref().take(10).map(|index| format!("{index}/{count}")).collect();
    if named.is_empty() {
        return Ok(());
    }
    let more = count as usize - parts.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(MergeError::Missing { segments: named.join(", ") + &more })
}
