//! Where observations go while a run lasts: to every sink, and into the summary that it is judged by.

use std::{collections::BTreeMap, time::Duration};

use reports::{
    Observation, Sink, Summary, Tee,
    observation::{Event, EventKind},
};

pub(super) struct Book {
    sinks: Box<Tee>,
    pub(super) summary: Summary,
    pending: BTreeMap<EventKind, Event>,
}

impl Book {
    pub(super) fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { sinks: Box::new(Tee::new(sinks)), summary: Summary::new(), pending: BTreeMap::new() }
    }

    pub(super) fn record(&mut self, observation: &Observation) {
        self.summary.apply(observation);
        self.sinks.record(observation).expect("a tee keeps its failures to the end");
    }

    /// Notes something exceptional; the same kind within one window becomes one event with a count.
    pub(super) fn event(&mut self, at: Duration, event: EventKind, client: Option<String>, text: String) {
        let pending =
            self.pending.entry(event).or_insert_with(|| Event { at, event, count: 0, client, group: None, text });
        pending.count += 1;
    }

    /// Writes the events that wait.
    pub(super) fn flush_events(&mut self) {
        for event in std::mem::take(&mut self.pending).into_values() {
            self.record(&Observation::Event(event));
        }
    }

    /// Completes every output; gives the summary and the first failure of a sink.
    pub(super) fn close(self) -> (Summary, Option<std::io::Error>) {
        let failure = self.sinks.finish().err();
        (self.summary, failure)
    }
}
