//! Messages that outlive the turn in which they were read.

use std::sync::Arc;

use bytes::Bytes;
use protocol::{Message, Time};

/// A payload from this size on may pin the read buffer that it is a slice of, which is at most twice as large: so what is
/// held is at most twice what is counted.
const PIN_FROM: usize = 128 * 1024;

/// `message` in memory of its own, so that a small payload that waits does not keep a large read buffer alive.
pub(crate) fn detached(message: &Message) -> Message {
    let payload = if message.payload.len() < PIN_FROM {
        Bytes::copy_from_slice(&message.payload)
    } else {
        message.payload.clone()
    };
    Message { topic: message.topic.detached(), payload, properties: message.properties.detached() }
}

/// When `message`, received at `now`, expires (MQTT-3.3.2-5).
pub(crate) fn expiry(message: &Message, now: Time) -> Option<Time> {
    if message.properties.is_empty() {
        return None;
    }
    let seconds = message.properties.message_expiry_interval()?;
    Some(now.after(std::time::Duration::from_secs(seconds.into())))
}

/// A message on its way to receivers: a slice of the read buffer until somebody must keep it.
#[derive(Debug)]
pub(crate) struct Shared {
    /// As it was read; gone once `fleeting` shares it.
    read: Option<Message>,
    fleeting: Option<Arc<Message>>,
    kept: Option<Arc<Message>>,
}

impl Shared {
    /// A message that was just read.
    pub(crate) fn read(message: Message) -> Self {
        Self { read: Some(message), fleeting: None, kept: None }
    }

    /// A message in memory of its own already.
    pub(crate) fn owned(message: Arc<Message>) -> Self {
        Self { read: None, fleeting: None, kept: Some(message) }
    }

    /// The message itself.
    pub(crate) fn message(&self) -> &Message {
        self.read.as_ref().or(self.fleeting.as_deref()).or(self.kept.as_deref()).expect("each constructor sets one")
    }

    /// The message, shared for use within this turn.
    pub(crate) fn fleeting(&mut self) -> &Arc<Message> {
        if let Some(message) = self.read.take() {
            self.fleeting = Some(Arc::new(message));
        }
        self.fleeting.as_ref().or(self.kept.as_ref()).expect("each constructor sets one")
    }

    /// The message, shared to be kept.
    pub(crate) fn kept(&mut self) -> &Arc<Message> {
        if self.kept.is_none() {
            self.kept = Some(Arc::new(detached(self.message())));
        }
        self.kept.as_ref().expect("set above")
    }
}
