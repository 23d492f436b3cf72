//! Who may do what: the one place that authentication and authorization plug into.

use std::fmt;

use protocol::{Connect, QoS, ReasonCode, TopicFilter, TopicName, Utf8String};

use crate::Origin;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// The Client Identifier, assigned if the client sent none.
    pub id: &'a Utf8String,
    /// The User Name of its CONNECT.
    pub user_name: Option<&'a Utf8String>,
    /// The listener and the peer of its connection.
    pub origin: &'a Origin,
}

/// Decides what clients may do. Each method is called in one place of the worker, before anything changes.
///
/// Decisions are immediate today. The caller holds a protocol token at each of these points, so a decision that takes
/// time can be answered later without changing what surrounds it.
pub trait Access: fmt::Debug + Send + Sync {
    /// Whether there is anything to ask about publications; `false` spares the publish path the call.
    fn checks_publish(&self) -> bool {
        true
    }

    /// Whether `client` may connect.
    ///
    /// # Errors
    ///
    /// The failure code for CONNACK.
    fn connect(&self, client: Client<'_>, connect: &Connect) -> Result<(), ReasonCode>;

    /// Whether `client` may publish to `topic`; asked for its Will too, when it connects.
    ///
    /// # Errors
    ///
    /// The failure code for PUBACK or PUBREC; a QoS 0 message is dropped.
    fn publish(&self, client: Client<'_>, topic: &TopicName, qos: QoS, retain: bool) -> Result<(), ReasonCode>;

    /// Whether `client` may subscribe to `filter`.
    ///
    /// # Errors
    ///
    /// The failure code for SUBACK.
    fn subscribe(&self, client: Client<'_>, filter: &TopicFilter, qos: QoS) -> Result<(), ReasonCode>;
}

/// Everybody may do everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Access for AllowAll {
    fn checks_publish(&self) -> bool {
        false
    }

    fn connect(&self, _: Client<'_>, _: &Connect) -> Result<(), ReasonCode> {
        Ok(())
    }

    fn publish(&self, _: Client<'_>, _: &TopicName, _: QoS, _: bool) -> Result<(), ReasonCode> {
        Ok(())
    }

    fn subscribe(&self, _: Client<'_>, _: &TopicFilter, _: QoS) -> Result<(), ReasonCode> {
        Ok(())
    }
}
