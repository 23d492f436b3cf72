//! From the farm's words to the client's.

use bytestring::ByteString;
use protocol::{Message, Properties, Property, SubscribeFilter, SubscriptionOptions, Tag, TopicName, Utf8String};

use crate::{
    Outgoing, TopicPrefix,
    farm::{Publication, Subscription},
};

pub(super) fn outgoing(publication: Publication, tag: Option<Tag>, prefix: &TopicPrefix) -> Outgoing {
    Outgoing { qos: publication.qos, retain: publication.retain, tag, message: message(publication, prefix) }
}

/// The topic that a device published to last, ready for a packet: most devices have but one, and its text need not be checked
/// again.
#[derive(Debug, Default)]
pub(super) struct Topics(Option<(ByteString, TopicName)>);

impl Topics {
    /// The Topic Name of `topic` under `prefix`, which is always the same.
    pub(super) fn name(&mut self, topic: &ByteString, prefix: &TopicPrefix) -> &TopicName {
        // The farm's topics share their bytes, so this looks at one word.
        let is_known = |known: &ByteString| known.as_ptr() == topic.as_ptr() && known.len() == topic.len();
        if self.0.as_ref().is_none_or(|(known, _)| !is_known(known)) {
            self.0 = None;
        }
        let (_, name) = self.0.get_or_insert_with(|| (topic.clone(), name(topic.clone(), prefix)));
        name
    }
}

/// Who asked by the properties of 5.0, and how it knows its answer.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) topic: TopicName,
    pub(super) properties: Properties,
}

impl Asker {
    /// `None` for a message that names no Response Topic.
    pub(super) fn of(request: &Message) -> Option<Self> {
        // The request's bytes are a slice of a read buffer, which an answer that waits would keep.
        let request = request.properties.detached();
        let topic = request.response_topic()?.clone();
        let data = request.correlation_data().cloned().map(Property::CorrelationData);
        let mut properties = Properties::new();
        data.into_iter().for_each(|data| properties.push(data));
        Some(Self { topic, properties })
    }
}

pub(super) fn outgoing_to(topic: TopicName, publication: Publication, tag: Option<Tag>) -> Outgoing {
    let Publication { payload, qos, retain, .. } = publication;
    Outgoing { message: Message { topic, payload: payload.into(), properties: Properties::EMPTY }, qos, retain, tag }
}

pub(super) fn message(publication: Publication, prefix: &TopicPrefix) -> Message {
    Message {
        topic: name(publication.topic, prefix),
        payload: publication.payload.into(),
        properties: Properties::EMPTY,
    }
}

fn name(topic: ByteString, prefix: &TopicPrefix) -> TopicName {
    let topic = if prefix.as_str().is_empty() {
        // Shares the farm's bytes.
        Utf8String::from_wire(topic.into_bytes()).ok().and_then(|text| TopicName::from_text(text).ok())
    } else {
        prefix.topic(&topic).ok()
    };
    topic.expect("the farm's topics are valid and leave room for a prefix")
}

pub(super) fn subscribe_filter(subscription: Subscription, prefix: &TopicPrefix) -> SubscribeFilter {
    let filter = prefix.filter(&subscription.filter);
    SubscribeFilter {
        filter: filter.expect("the farm's filters are valid and leave room for a prefix"),
        options: SubscriptionOptions { qos: subscription.qos, ..SubscriptionOptions::default() },
    }
}
