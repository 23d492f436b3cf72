//! A client for a single purpose: to see whether the broker answers, to hear what it says of itself, or to clear what the run left
//! behind.

use protocol::{Message, Properties, QoS, SubscribeFilter, Tag, TopicFilter, Version};
use simulator::{ClientEngine, ClientEvent, ClientKey, Outgoing, Target};

use super::{Plan, sys::Said};

/// One client and what became of it.
#[derive(Debug)]
pub(super) struct Side {
    key: ClientKey,
    pub(super) state: State,
    /// How many publications have come to an end.
    pub(super) ended: usize,
    /// How often it was told that it subscribed or unsubscribed.
    pub(super) answers: u32,
    /// What it was told of the broker itself.
    pub(super) said: Said,
}

/// How far a side client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Opening,
    Online,
    /// For good, and why.
    Closed(String),
}

impl Side {
    /// Connects it; `purpose` is a word for its Client Identifier.
    pub(super) fn open(engine: &mut impl ClientEngine, plan: &Plan, purpose: &str) -> Self {
        let mut name = format!("paddock-{purpose}-{}", plan.run_id);
        if !plan.segment.is_whole() {
            // Each segment has one of its own at the same time.
            name.push_str(&format!("-{}", plan.segment.index()));
        }
        let options =
            plan.target.connect_options(&name, Version::V5).expect("short and plain under any prefix of ours");
        Self { key: engine.connect(options), state: State::Opening, ended: 0, answers: 0, said: Said::default() }
    }

    pub(super) fn is(&self, key: ClientKey) -> bool {
        self.key == key
    }

    pub(super) fn react(&mut self, event: &ClientEvent) {
        match event {
            ClientEvent::Connected { .. } => self.state = State::Online,
            ClientEvent::Refused { reason } => self.state = State::Closed(super::refused(*reason)),
            ClientEvent::ConnectFailed(failure) => self.state = State::Closed(failure.to_string()),
            ClientEvent::Closed(closed) => self.state = State::Closed(closed.to_string()),
            ClientEvent::Published { .. } | ClientEvent::Dropped { .. } => self.ended += 1,
            ClientEvent::Subscribed { .. } | ClientEvent::Unsubscribed { .. } => self.answers += 1,
            ClientEvent::Message { message, retain, at, .. } => {
                self.said.hear(message.topic.as_str(), &message.payload, *retain, *at);
            }
            _ => {}
        }
    }

    /// Subscribes to what the broker says of itself.
    pub(super) fn ask(&mut self, engine: &mut impl ClientEngine, filters: Vec<SubscribeFilter>) {
        engine.subscribe(self.key, filters, Tag(0));
    }

    /// Unsubscribes.
    pub(super) fn end(&mut self, engine: &mut impl ClientEngine, filters: Vec<TopicFilter>) {
        engine.unsubscribe(self.key, filters, Tag(0));
    }

    /// Publishes the empty retained message that clears a topic.
    pub(super) fn clear(&mut self, engine: &mut impl ClientEngine, target: &Target, topic: &str) {
        let Ok(topic) = target.prefix.topic(topic) else {
            self.ended += 1;
            return;
        };
        let message = Message { topic, payload: bytes::Bytes::new(), properties: Properties::EMPTY };
        let outgoing = Outgoing { message, qos: QoS::AtLeastOnce, retain: true, tag: Some(Tag(0)) };
        self.ended += usize::from(engine.publish(self.key, outgoing).is_err());
    }

    pub(super) fn close(&self, engine: &mut impl ClientEngine) {
        engine.disconnect(self.key);
    }
}
