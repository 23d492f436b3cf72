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
pub(crate) enum Shared {
    /// As it was read.
    Read(Message),
    /// In memory of its own.
    Kept(Arc<Message>),
}

impl Shared {
    /// The message itself.
    pub(crate) fn message(&self) -> &Message {
        match self {
            Self::Read(message) => message,
            Self::Kept(message) => message,
        }
    }

    /// The message, if it is shared already.
    pub(crate) const fn shared(&self) -> Option<&Arc<Message>> {
        match self {
            Self::Read(_) => None,
            Self::Kept(message) => Some(message),
        }
    }

    /// The message, shared to be kept.
    pub(crate) fn kept(&mut self) -> &Arc<Message> {
        if let Self::Read(message) = self {
            *self = Self::Kept(Arc::new(detached(message)));
        }
        self.shared().expect("kept just now, if not before")
    }
}
