//! Topic Aliases (3.3.2.3.4), one table per direction; both end with the connection (MQTT-3.3.2-7).

use std::{collections::HashMap, num::NonZeroU16};

use super::Limits;
use crate::{TopicName, Violation};

/// What the peer's aliases stand for. Holds at most the announced maximum of topics, in memory of its own, and no more
/// bytes than [`Limits::topic_alias_bytes`].
#[derive(Debug, Default)]
pub(super) struct Incoming {
    topics: Vec<Option<TopicName>>,
    bytes: usize,
}

impl Incoming {
    /// The topic of a PUBLISH with `alias`, which sets or uses it.
    pub(super) fn resolve(
        &mut self,
        topic: Option<TopicName>,
        alias: u16,
        limits: &Limits,
    ) -> Result<TopicName, Violation> {
        // MQTT-3.3.2-8, MQTT-3.3.2-9, MQTT-3.3.2-12, MQTT-3.2.2-17, MQTT-3.2.2-18; on a client MQTT-3.3.2-10.
        if alias == 0 || alias > limits.topic_alias_maximum {
            return Err(Violation::TopicAliasInvalid);
        }
        let index = usize::from(alias) - 1;
        match topic {
            Some(topic) => {
                if self.topics.len() <= index {
                    self.topics.resize(index + 1, None);
                }
                let before = self.topics[index].as_ref().map_or(0, |old| old.as_str().len());
                let bytes = self.bytes - before + topic.as_str().len();
                if bytes > limits.topic_alias_bytes {
                    return Err(Violation::TopicAliasesTooLong);
                }
                self.bytes = bytes;
                self.topics[index] = Some(topic.detached());
                Ok(topic)
            }
            None => self.topics.get(index).cloned().flatten().ok_or(Violation::TopicAliasUnknown),
        }
    }
}

/// Our aliases: the first topics get one each, and keep it as long as the connection lasts.
#[derive(Debug)]
pub(super) struct Outgoing {
    aliases: HashMap<TopicName, NonZeroU16>,
    maximum: NonZeroU16,
    /// How many bytes further topics may have.
    room: usize,
}

/// How a topic goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alias {
    /// As text alone.
    None,
    /// As text with an alias that it sets.
    Sets(NonZeroU16),
    /// As the alias alone.
    Uses(NonZeroU16),
}

impl Outgoing {
    pub(super) fn new(maximum: NonZeroU16, room: usize) -> Self {
        Self { aliases: HashMap::new(), maximum, room }
    }

    pub(super) fn alias(&self, topic: &TopicName) -> Alias {
        if let Some(alias) = self.aliases.get(topic) {
            return Alias::Uses(*alias);
        }
        // MQTT-3.1.2-26, MQTT-3.3.2-11; on a client MQTT-3.2.2-17: never above the peer's maximum.
        let next = u16::try_from(self.aliases.len() + 1).ok().and_then(NonZeroU16::new);
        match next {
            Some(next) if next <= self.maximum && topic.as_str().len() <= self.room => Alias::Sets(next),
            _ => Alias::None,
        }
    }

    /// `topic` went out with the alias that it sets.
    pub(super) fn set(&mut self, topic: &TopicName, alias: NonZeroU16) {
        self.room = self.room.saturating_sub(topic.as_str().len());
        self.aliases.insert(topic.detached(), alias);
    }
}
