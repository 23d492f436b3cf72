//! What whoever runs the broker does to it.

use std::sync::Arc;

use protocol::{Message, Properties, QoS, TopicName};

use super::Bench;
use crate::{Access, Config};

impl Bench {
    /// Replaces the access rules; each worker adopts them.
    pub(in super::super) fn set_access(&mut self, access: Access) {
        self.shared.policy.replace(access);
        let now = self.now;
        self.workers.iter_mut().for_each(|worker| worker.adopt_policy(now));
        self.run();
    }

    /// Tells one worker to end.
    pub(in super::super) fn drain(&mut self, worker: usize) {
        self.workers[worker].drain(self.now);
    }

    /// Publishes what no client may.
    pub(in super::super) fn publish_as_broker(&mut self, topic: &str, payload: &'static str) {
        let topic = TopicName::new(topic).unwrap();
        let message = Message { topic, payload: payload.into(), properties: Properties::EMPTY };
        let message = crate::message::Shared::Kept(Arc::new(message));
        self.workers[0].publish(self.now, message, QoS::AtMostOnce, false, None, None);
    }

    /// Sends clients to another server, or no longer.
    pub(in super::super) fn redirect(&mut self, redirect: Option<crate::Redirect>) {
        self.shared.redirect.store(redirect.map(Arc::new));
        let now = self.now;
        self.workers.iter_mut().for_each(|worker| worker.send_away(now));
        self.run();
    }

    /// Reloads the configuration.
    pub(in super::super) fn set_config(&mut self, config: &Config) {
        self.shared = Arc::new(self.shared.revised(config));
        self.workers.iter_mut().for_each(|worker| worker.adopt(self.shared.clone()));
    }

    pub(in super::super) fn shut_down(&mut self) {
        let now = self.now;
        self.workers.iter_mut().for_each(|worker| worker.shut_down(now));
        self.run();
    }
}
