//! The numbered statements that the strict parser enforces: one row each, with its id in 3.1.1 and in 5.0.
//!
//! Rules that a standard states without a number have none here; the breach then names the section.

use crate::Version;

/// A rule and its number in each standard. 3.1 has no numbers.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The id in 3.1.1.
    pub v3_1_1: Option<&'static str>,
    /// The id in 5.0.
    pub v5: Option<&'static str>,
}

impl Rule {
    /// The id in `version`.
    pub fn id(self, version: Version) -> Option<&'static str> {
        match version {
            Version::V3_1 => None,
            Version::V3_1_1 => self.v3_1_1,
            Version::V5 => self.v5,
        }
    }
}

macro_rules! id {
    (none) => {
        None
    };
    ($number:literal) => {
        Some(concat!("MQTT-", $number))
    };
}

macro_rules! rules {
    ($($name:ident = $v3_1_1:tt, $v5:tt;)+) => {
        $(pub(crate) const $name: Rule = Rule { v3_1_1: id!($v3_1_1), v5: id!($v5) };)+

        /// Every numbered rule, so that a test can look its ids up.
        pub const RULES: &[Rule] = &[$($name),+];
    };
}

// Name, 3.1.1, 5.0.
rules! {
    WELL_FORMED_TEXT = "1.5.3-1", "1.5.4-1";
    NO_NULL_CHARACTER = "1.5.3-2", "1.5.4-2";
    SHORTEST_INTEGER = none, "1.5.5-1";
    WELL_FORMED_PAIR = none, "1.5.7-1";
    RESERVED_FLAGS = "2.2.2-1", "2.1.3-1";
    CLIENT_PACKET_IDENTIFIER = "2.3.1-1", "2.2.1-3";
    SERVER_PACKET_IDENTIFIER = "2.3.1-1", "2.2.1-4";
    ANSWERED_PUBLISH = "2.3.1-6", "2.2.1-5";
    ANSWERED_REQUEST = "2.3.1-7", "2.2.1-6";
    PROPERTY_LENGTH = none, "2.2.2-1";
    PROTOCOL_NAME = "3.1.2-1", "3.1.2-1";
    PROTOCOL_LEVEL = "3.1.2-2", "3.1.2-2";
    CONNECT_RESERVED_FLAG = "3.1.2-3", "3.1.2-3";
    WILL_FIELDS = "3.1.2-9", "3.1.2-9";
    NO_WILL_NO_QOS = "3.1.2-13", "3.1.2-11";
    WILL_QOS = "3.1.2-14", "3.1.2-12";
    NO_WILL_NO_RETAIN = "3.1.2-15", "3.1.2-13";
    USER_NAME_FIELD = "3.1.2-19", "3.1.2-17";
    PASSWORD_FIELD = "3.1.2-21", "3.1.2-19";
    PASSWORD_NEEDS_USER_NAME = "3.1.2-22", none;
    CLIENT_IDENTIFIER_FIELD = "3.1.3-3", "3.1.3-3";
    EMPTY_CLIENT_IDENTIFIER = "3.1.3-7", none;
    CONNACK_FLAGS = none, "3.2.2-1";
    REFUSED_WITHOUT_SESSION = "3.2.2-4", "3.2.2-6";
    CONNACK_CODE = "3.2.2-6", "3.2.2-8";
    DUP_AT_QOS_0 = "3.3.1-2", "3.3.1-2";
    PUBLISH_QOS = "3.3.1-4", "3.3.1-4";
    TOPIC_NAME_FIRST = "3.3.2-1", "3.3.2-1";
    PUBLISH_WILDCARD = "3.3.2-2", "3.3.2-2";
    TOPIC_ALIAS_0 = none, "3.3.2-8";
    RESPONSE_TOPIC_WILDCARD = none, "3.3.2-14";
    CLIENT_SUBSCRIPTION_IDENTIFIER = none, "3.3.4-6";
    PUBACK_CODE = none, "3.4.2-1";
    PUBREC_CODE = none, "3.5.2-1";
    PUBREL_FLAGS = "3.6.1-1", "3.6.1-1";
    PUBREL_CODE = none, "3.6.2-1";
    PUBCOMP_CODE = none, "3.7.2-1";
    SUBSCRIBE_FLAGS = "3.8.1-1", "3.8.1-1";
    SUBSCRIBE_FILTERS = "3.8.3-3", "3.8.3-2";
    NO_LOCAL_SHARED = none, "3.8.3-4";
    SUBSCRIBE_OPTIONS = "3.8.3-4", "3.8.3-5";
    SUBSCRIBE_QOS = "3.8.3-4", none;
    SUBACK_CODES = "3.8.4-5", "3.8.4-6";
    SUBACK_CODE = "3.9.3-2", "3.9.3-2";
    UNSUBSCRIBE_FLAGS = "3.10.1-1", "3.10.1-1";
    UNSUBSCRIBE_FILTERS = "3.10.3-2", "3.10.3-2";
    UNSUBACK_CODE = none, "3.11.3-2";
    DISCONNECT_FLAGS = "3.14.1-1", "3.14.1-1";
    DISCONNECT_CODE = none, "3.14.2-1";
    DISCONNECT_EXPIRY = none, "3.14.2-2";
    AUTH_FLAGS = none, "3.15.1-1";
    AUTH_CODE = none, "3.15.2-1";
    NAME_WILDCARD = "4.7.1-1", "4.7.0-1";
    MULTI_LEVEL_WILDCARD = "4.7.1-2", "4.7.1-1";
    SINGLE_LEVEL_WILDCARD = "4.7.1-3", "4.7.1-2";
    NOT_EMPTY = "4.7.3-1", "4.7.3-1";
    SHARE_NAME = none, "4.8.2-1";
    SHARE_NAME_CHARACTERS = none, "4.8.2-2";
    AUTH_METHOD = none, "4.12.0-5";
}
