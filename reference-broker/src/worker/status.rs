//! The worker that publishes `$SYS`.

use std::sync::Arc;

use protocol::{Message, Properties, QoS, Time, TopicName};

use super::Worker;
use crate::{message::Shared, status::Sample};

impl Worker {
    /// When `$SYS` is due.
    pub(super) fn status_due(&self) -> Option<Time> {
        let status = self.status.as_ref()?;
        self.shared.sys_interval().map(|interval| status.due(interval))
    }

    /// Publishes what has changed below `$SYS`. At QoS 0: the next value is never far, so nobody's queue need hold one.
    pub(super) fn publish_status(&mut self, now: Time) {
        let Some(mut status) = self.status.take() else { return };
        let retain = self.shared.protocol.retain_available;
        let sample = Sample::take(&self.shared);
        status.update(now, &sample, |topic, payload| {
            let topic = TopicName::new(topic).expect("our own topics are valid");
            let message = Message { topic, payload: payload.into(), properties: Properties::EMPTY };
            self.publish(now, Shared::owned(Arc::new(message)), QoS::AtMostOnce, retain, None);
        });
        self.status = Some(status);
    }
}
