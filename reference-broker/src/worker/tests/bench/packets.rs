//! What clients of the bench send first.

use protocol::{Connect, Message, Properties, Property, QoS, TopicName, Utf8String, Version, Will};

/// A 5.0 CONNECT with Clean Start and without Keep Alive.
pub(in super::super) fn v5(client_id: &str) -> Connect {
    Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive: 0,
        client_id: Utf8String::new(client_id).unwrap(),
        will: None,
        user_name: None,
        password: None,
        properties: Properties::EMPTY,
    }
}

/// A 3.1.1 CONNECT.
pub(in super::super) fn v311(client_id: &str, clean_start: bool) -> Connect {
    Connect { version: Version::V311, clean_start, ..v5(client_id) }
}

/// A 5.0 CONNECT that resumes and leaves a session of `seconds`.
pub(in super::super) fn lasting(client_id: &str, seconds: u32) -> Connect {
    let properties = [Property::SessionExpiryInterval(seconds)].into_iter().collect();
    Connect { clean_start: false, properties, ..v5(client_id) }
}

/// `connect` with a Will `payload` on `will`, published `delay` seconds after the close.
pub(in super::super) fn with_will(connect: Connect, payload: &'static str, delay: u32, retain: bool) -> Connect {
    let mut properties = Properties::EMPTY;
    if delay > 0 {
        properties.push(Property::WillDelayInterval(delay));
    }
    let message = Message { topic: TopicName::new("will").unwrap(), payload: payload.into(), properties };
    Connect { will: Some(Box::new(Will { message, qos: QoS::AtLeastOnce, retain })), ..connect }
}
