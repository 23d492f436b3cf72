//! From the farm's words to the client's.

use protocol::{Message, Properties, SubscribeFilter, SubscriptionOptions, Tag, TopicName, Utf8String};

use crate::{
    Outgoing, TopicPrefix,
    farm::{Publication, Subscription},
};

pub(super) fn outgoing(publication: Publication, tag: Option<Tag>, prefix: &TopicPrefix) -> Outgoing {
    Outgoing { qos: publication.qos, retain: publication.retain, tag, message: message(publication, prefix) }
}

pub(super) fn message(publication: Publication, prefix: &TopicPrefix) -> Message {
    let topic = if prefix.as_str().is_empty() {
        // Shares the farm's bytes.
        Utf8String::from_wire(publication.topic.into_bytes()).ok().and_then(|text| TopicName::from_text(text).ok())
    } else {
        prefix.topic(&publication.topic).ok()
    };
    Message {
        topic: topic.expect("the farm's topics are valid and leave room for a prefix"),
        payload: publication.payload.into(),
        properties: Properties::EMPTY,
    }
}

pub(super) fn subscribe_filter(subscription: Subscription, prefix: &TopicPrefix) -> SubscribeFilter {
    let filter = prefix.filter(&subscription.filter);
    SubscribeFilter {
        filter: filter.expect("the farm's filters are valid and leave room for a prefix"),
        options: SubscriptionOptions { qos: subscription.qos, ..SubscriptionOptions::default() },
    }
}
