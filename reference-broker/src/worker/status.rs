//! The worker that shows what the whole broker does: `$SYS`, and in the log what was lost.

use std::sync::Arc;

use protocol::{Message, Properties, QoS, Time, TopicName};

use super::Worker;
use crate::{message::Shared, status::Sample};

impl Worker {
    /// When [`Worker::show_status`] is due.
    pub(super) fn status_due(&self) -> Option<Time> {
        let status = self.status.as_ref()?;
        let sys = self.shared.rhythm.sys().map(|interval| status.sys.due(interval));
        let digest = self.shared.rhythm.digest().map(|interval| status.digest.due(interval));
        [sys, digest].into_iter().flatten().min()
    }

    /// Publishes what has changed below `$SYS` and says what was lost, each if it is due.
    pub(super) fn show_status(&mut self, now: Time) {
        let Some(mut status) = self.status.take() else { return };
        let sample = Sample::take(&self.shared);
        if self.shared.rhythm.digest().is_some_and(|interval| status.digest.due(interval) <= now) {
            status.digest.say(now, &sample.counters);
        }
        if self.shared.rhythm.sys().is_some_and(|interval| status.sys.due(interval) <= now) {
            let retain = self.shared.protocol.retain_available;
            // At QoS 0: the next value is never far, so nobody's queue need hold one.
            status.sys.update(now, &sample, |topic, payload| {
                let topic = TopicName::new(topic).expect("our own topics are valid");
                let message = Message { topic, payload: payload.into(), properties: Properties::EMPTY };
                self.publish(now, Shared::Kept(Arc::new(message)), QoS::AtMostOnce, retain, None, None);
            });
        }
        self.status = Some(status);
    }
}
