//! Retained messages: what a topic may have.

use super::{Client, Message, Model, Number};

/// The retained message of one topic.
#[derive(Clone, Debug)]
pub(super) struct Retained {
    /// What it may be while nothing is under way; `None` is no message.
    settled: Vec<Option<Number>>,
    /// The last of each client since something is under way.
    begun: Vec<(Client, Number)>,
    /// Under way.
    pending: Vec<Number>,
    /// Whether something since then may never have arrived.
    unsure: bool,
}

impl Default for Retained {
    fn default() -> Self {
        Self { settled: vec![None], begun: Vec::new(), pending: Vec::new(), unsure: false }
    }
}

impl Retained {
    /// What a new subscription may be sent.
    pub(super) fn possible(&self, messages: &[Message]) -> Vec<Option<Number>> {
        let mut possible = self.settled.clone();
        possible.extend(self.begun.iter().flat_map(|(_, number)| stored(&messages[*number])));
        possible.sort_unstable();
        possible.dedup();
        possible
    }

    fn end(&mut self, number: Number, messages: &[Message]) {
        self.pending.retain(|pending| *pending != number);
        if !self.pending.is_empty() {
            return;
        }
        if self.unsure {
            self.settled = self.possible(messages);
        } else if !self.begun.is_empty() {
            self.settled = self.begun.iter().flat_map(|(_, number)| stored(&messages[*number])).collect();
        }
        self.settled.sort_unstable();
        self.settled.dedup();
        (self.begun, self.unsure) = (Vec::new(), false);
    }
}

/// What a topic may have after `message` alone was published to it with RETAIN 1.
fn stored(message: &Message) -> Vec<Option<Number>> {
    match message {
        // 3.3.1-6 and -7 (3.3.1-10 and -11 in 3.1.1).
        Message { empty: true, .. } => vec![None],
        // A server may drop a QoS 0 one at any time: 3.3.1-7 in 3.1.1, and section 3.3.1.3 of 5.0.
        Message { qos: 0, .. } => vec![None, Some(message.number)],
        _ => vec![Some(message.number)],
    }
}

impl Model {
    pub(super) fn retaining(&mut self, number: Number) {
        let messages = &self.messages;
        let message = &messages[number];
        let retained = self.retained.entry(message.topic.clone()).or_default();
        // One client's messages are taken in order, unless it left one of them unfinished.
        retained.begun.retain(|(client, before)| *client != message.publisher || !messages[*before].ordered);
        retained.begun.push((message.publisher, number));
        if !retained.pending.contains(&number) {
            retained.pending.push(number);
        }
    }

    /// The server has it for sure, unless another one is under way.
    pub(super) fn retained(&mut self, number: Number) {
        let messages = &self.messages;
        if let Some(retained) = self.retained.get_mut(&messages[number].topic) {
            retained.end(number, messages);
        }
    }

    /// Nobody knows whether the server has it.
    pub(super) fn maybe_retained(&mut self, number: Number) {
        let messages = &self.messages;
        if let Some(retained) = self.retained.get_mut(&messages[number].topic) {
            retained.unsure = true;
            retained.end(number, messages);
        }
    }
}
