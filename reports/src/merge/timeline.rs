//! What happened in all segments, in the order of its time.

use super::{MergeError, window::Joined};
use crate::observation::{Event, EventKind, Observation, SegmentInfo, StageEnded, StageStarted, Window};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What was read and not told yet.
pub(super) struct Timeline {
    parts: usize,
    /// By the end of the window and its stage: events of a second come before it is told.
    windows: BTreeMap<(Duration, String), Joined>,
    /// By time, then in the order they are told in.
    others: BTreeMap<(Duration, Order), Observation>,
    begun: BTreeSet<String>,
    /// How many segments have ended a stage, and when the last of them did.
    ended: BTreeMap<String, (usize, Duration)>,
    told: u64,
}

/// The order of what happened at one time.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Ended(String),
    Started(String),
    /// What the scenario did, in all segments at the same time.
    Injected(String),
    Event(u64),
}

impl Timeline {
    pub(super) fn new(parts: usize) -> Self {
        Self {
            parts,
            windows: BTreeMap::new(),
            others: BTreeMap::new(),
            begun: BTreeSet::new(),
            ended: BTreeMap::new(),
            told: 0,
        }
    }

    pub(super) fn window(&mut self, name: &str, mut window: Window, shift: Duration) -> Result<(), MergeError> {
        window.at = window.at.saturating_add(shift);
        let key = (window.at, window.stage.clone());
        match self.windows.get_mut(&key) {
            Some(joined) => joined.add(name, window),
            None => {
                self.windows.insert(key, Joined::new(window));
                Ok(())
            }
        }
    }

    pub(super) fn stage_started(&mut self, stage: StageStarted, shift: Duration) {
        if self.begun.insert(stage.stage.clone()) {
            let at = stage.at.saturating_add(shift);
            let started = StageStarted { at, ..stage };
            self.others.insert((at, Order::Started(started.stage.clone())), Observation::StageStarted(started));
        }
    }

    /// A stage ends when it ends in the last segment.
    pub(super) fn stage_ended(&mut self, stage: StageEnded, shift: Duration) {
        let (times, last) = self.ended.entry(stage.stage.clone()).or_default();
        *times += 1;
        *last = stage.at.saturating_add(shift).max(*last);
        if *times >= self.parts {
            let ended = StageEnded { at: *last, stage: stage.stage };
            self.ended.remove(&ended.stage);
            self.others.insert((ended.at, Order::Ended(ended.stage.clone())), Observation::StageEnded(ended));
        }
    }

    pub(super) fn event(&mut self, segment: &SegmentInfo, mut event: Event, shift: Duration) {
        event.at = event.at.saturating_add(shift);
        self.told += 1;
        let order = match event.event {
            EventKind::Injected => Order::Injected(event.text.clone()),
            EventKind::Warning => {
                event.text = format!("segment {segment}: {}", event.text);
                Order::Event(self.told)
            }
            _ => Order::Event(self.told),
        };
        self.others.entry((event.at, order)).or_insert(Observation::Event(event));
    }

    /// Tells what happened before `reached`, which no segment has more to say about.
    pub(super) fn tell(&mut self, reached: Duration, record: &mut impl FnMut(Observation)) {
        loop {
            let window = self.windows.keys().next().map(|(at, _)| *at).filter(|at| *at < reached);
            let other = self.others.keys().next().map(|(at, _)| *at).filter(|at| *at < reached);
            match (window, other) {
                (None, None) => return,
                // Within one time, stages and events first.
                (Some(window), other) if other.is_none_or(|other| window < other) => {
                    if let Some((_, joined)) = self.windows.pop_first() {
                        record(Observation::Window(Box::new(joined.window())));
                    }
                }
                _ => {
                    if let Some((_, observation)) = self.others.pop_first() {
                        record(observation);
                    }
                }
            }
        }
    }

    /// Tells the rest: the end of stages that not every segment came to.
    pub(super) fn end(mut self, record: &mut impl FnMut(Observation)) {
        for (stage, (_, at)) in std::mem::take(&mut self.ended) {
            self.others.insert((at, Order::Ended(stage.clone())), Observation::StageEnded(StageEnded { at, stage }));
        }
        self.tell(Duration::MAX, record);
    }
}
