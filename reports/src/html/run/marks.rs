//! Stages and exceptional events, as every chart marks them.

use super::super::draw::scale::moment;
use crate::headline::{elapsed, planned};
use crate::observation::{Event, EventKind};
use crate::summary::Summary;
use serde::Serialize;

/// Most events that get a letter on the charts.
const LETTERED: usize = 26;

/// What all charts of one report share: the time axis and what is marked on it.
#[derive(Debug)]
pub(in crate::html) struct Marks {
    /// Length of the axis in seconds.
    pub(in crate::html) seconds: f64,
    pub(in crate::html) stages: Vec<StageMark>,
    pub(in crate::html) events: Vec<EventMark>,
    left_out: usize,
}

#[derive(Debug)]
pub(in crate::html) struct StageMark {
    pub(in crate::html) name: String,
    pub(in crate::html) from: f64,
    pub(in crate::html) to: f64,
    pub(in crate::html) measured: bool,
}

#[derive(Debug)]
pub(in crate::html) struct EventMark {
    pub(in crate::html) letter: char,
    pub(in crate::html) at: f64,
    kind: EventKind,
    text: String,
}

/// A line of the list under the charts.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    letter: String,
    at: String,
    kind: &'static str,
    text: String,
    deliberate: bool,
}

impl EventMark {
    /// Whether the scenario did it on purpose.
    pub(in crate::html) fn deliberate(&self) -> bool {
        self.kind == EventKind::Injected
    }
}

impl Marks {
    pub(super) fn of(summary: &Summary) -> Self {
        let mut seconds = elapsed(summary).as_secs_f64();
        if summary.ended().is_none() && seconds == 0.0 {
            seconds = planned(summary).as_secs_f64();
        }
        let all = events(summary);
        let left_out = all.len().saturating_sub(LETTERED);
        let lettered = all.into_iter().take(LETTERED).zip('A'..='Z');
        let events = lettered.map(|(event, letter)| EventMark {
            letter,
            at: event.at.as_secs_f64(),
            kind: event.event,
            text: describe(event),
        });
        Self { seconds: seconds.max(0.1), stages: stages(summary, seconds), events: events.collect(), left_out }
    }

    pub(super) fn listed(&self) -> Vec<Listed> {
        let line = |event: &EventMark| Listed {
            letter: event.letter.to_string(),
            at: moment(event.at, self.seconds),
            kind: kind_name(event.kind),
            text: event.text.clone(),
            deliberate: event.deliberate(),
        };
        self.events.iter().map(line).collect()
    }

    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }
}

fn stages(summary: &Summary, seconds: f64) -> Vec<StageMark> {
    let planned = summary.run().map_or(&[][..], |run| &run.stages);
    let measured = |name: &str| planned.iter().any(|stage| stage.measured && stage.name == name);
    let begun = summary.stages().iter().filter_map(|(name, totals)| {
        let from = totals.started?.as_secs_f64();
        let to = totals.ended.map_or(seconds, |ended| ended.as_secs_f64());
        Some(StageMark { name: name.clone(), from, to, measured: measured(name) })
    });
    let mut stages: Vec<StageMark> = begun.collect();
    stages.sort_by(|a, b| a.from.total_cmp(&b.from));
    stages
}

/// What the scenario did and warnings first; what the connections did after that, when there is room for letters.
fn events(summary: &Summary) -> Vec<&Event> {
    let order = [
        EventKind::Injected,
        EventKind::Warning,
        EventKind::SessionLost,
        EventKind::ConnectionRefused,
        EventKind::ConnectionLost,
        EventKind::Reconnected,
    ];
    let mut all: Vec<&Event> =
        order.iter().filter_map(|kind| summary.events().get(kind)).flat_map(|events| events.kept()).collect();
    let kept = all.len().min(LETTERED);
    all[..kept].sort_by_key(|event| event.at);
    all
}

fn describe(event: &Event) -> String {
    let mut parts = Vec::new();
    if event.count > 1 {
        parts.push(format!("{} times", event.count));
    }
    parts.extend(event.group.clone());
    parts.extend(event.client.clone());
    if !event.text.is_empty() {
        parts.push(event.text.clone());
    }
    parts.join(" ")
}

pub(super) fn kind_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::ConnectionLost => "connection lost",
        EventKind::ConnectionRefused => "connection refused",
        EventKind::Reconnected => "reconnected",
        EventKind::SessionLost => "session lost",
        EventKind::Injected => "done by the scenario",
        EventKind::Warning => "warning",
    }
}
