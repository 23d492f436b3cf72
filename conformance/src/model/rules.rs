//! What a finding cites.

use std::fmt;

use super::{Client, Dialect};

/// A rule of the standard, with the statement that it is in each version.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// In 3.1.1, without `MQTT-`; `None` where the rule has no number there.
    pub v311: Option<&'static str>,
    /// In 5.0, likewise.
    pub v5: Option<&'static str>,
    /// In our words.
    pub says: &'static str,
}

impl Rule {
    /// Its number in `dialect`, without `MQTT-`; `None` where it has none.
    pub fn statement(&self, dialect: Dialect) -> Option<&'static str> {
        match dialect {
            Dialect::V311 => self.v311,
            Dialect::V5 => self.v5,
        }
    }
}

/// What no conforming server could have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that it breaks.
    pub rule: &'static Rule,
    /// The version that the client speaks to whom it happened.
    pub dialect: Dialect,
    /// To whom it happened.
    pub client: Client,
    /// What happened, in words.
    pub what: String,
}

impl Finding {
    /// The statement, as the project writes it: `MQTT-4.3.3-10`, or `MQTT-4.3.3-2 in 3.1.1`.
    pub fn statement(&self) -> Option<String> {
        let mark = if self.dialect == Dialect::V5 { "" } else { " in 3.1.1" };
        self.rule.statement(self.dialect).map(|number| format!("MQTT-{number}{mark}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statement = self.statement().unwrap_or_else(|| format!("MQTT {}, no number", self.dialect));
        write!(f, "client {}: {}\n  {statement}: {}", self.client, self.what, self.rule.says)
    }
}

/// The table: name, number in 3.1.1, number in 5.0, in our words.
macro_rules! rules {
    ($($name:ident: $v311:expr, $v5:expr, $says:literal;)*) => {
        $(pub(super) const $name: &Rule = &Rule { v311: $v311, v5: $v5, says: $says };)*
        #[cfg(test)]
        pub(super) const ALL: &[&Rule] = &[$($name),*];
    };
}

rules! {
    CLEAN_IS_NEW: Some("3.2.2-1"), Some("3.2.2-2"), "after a clean start there is no session, and Session Present is 0";
    SESSION_PRESENT: Some("3.2.2-2"), Some("3.2.2-3"), "Session Present tells whether the server has the session";
    SESSION_ABSENT: Some("3.2.2-3"), Some("3.2.2-3"), "Session Present is 0 where the server has no session";
    STAYS_OPEN: None, None, "a server closes a connection for a cause, and here is none";
    DELIVERED: Some("4.5.0-1"), Some("4.5.0-1"), "a message that the server took over goes to each session with a matching subscription";
    RESTORED: Some("3.1.2-5"), Some("3.1.2-5"), "what came for a session while its client was away is sent when it is back";
    AT_MOST_ONCE: Some("4.3.1-1"), Some("4.3.1-1"), "a QoS 0 message is sent once for a subscription";
    AT_LEAST_ONCE: Some("4.3.2-1"), Some("4.4.0-1"), "a QoS 1 message is sent again only when the client connects again, with its first Packet Identifier";
    EXACTLY_ONCE: Some("4.3.3-2"), Some("4.3.3-10"), "a QoS 2 message is delivered once, however often its PUBLISH came";
    NOT_AGAIN: Some("4.3.3-1"), Some("4.3.3-6"), "a PUBLISH is not sent again when its PUBREC came";
    NO_RESEND: None, Some("4.4.0-1"), "on one connection a PUBLISH is sent once";
    RESEND: Some("4.4.0-1"), Some("4.4.0-1"), "what is unacknowledged is sent again when the client resumes its session";
    RELEASES: Some("4.3.3-1"), Some("4.3.3-4"), "PUBREL comes after PUBREC, with its Packet Identifier";
    DUP_OF_FIRST: Some("3.3.1-3"), Some("3.3.1-3"), "DUP is 0 when a PUBLISH is sent the first time";
    DUP_OF_QOS_0: Some("3.3.1-2"), Some("3.3.1-2"), "DUP is 0 at QoS 0";
    DUP_OF_RESEND: Some("3.3.1-1"), Some("3.3.1-1"), "DUP is 1 when a PUBLISH is sent again";
    FREE_IDENTIFIER: Some("2.3.1-4"), Some("2.2.1-4"), "a new PUBLISH takes a Packet Identifier that is not in use";
    RECEIVE_MAXIMUM: None, Some("3.3.4-9"), "no more PUBLISH packets are unacknowledged than the Receive Maximum";
    ORDER: Some("4.6.0-6"), Some("4.6.0-5"), "messages of one client to one topic at one QoS keep their order";
    TOPIC_FITS: Some("3.3.2-3"), Some("3.3.2-3"), "a message is sent for a subscription whose filter its topic matches";
    LOWER_QOS: Some("3.8.4-6"), Some("3.8.4-8"), "the QoS of a delivery is the lower of the published and the granted one";
    HIGHEST_QOS: Some("3.3.5-1"), Some("3.3.4-2"), "of several matching subscriptions the highest QoS counts";
    RETAIN_OF_LIVE: Some("3.3.1-9"), Some("3.3.1-12"), "RETAIN is 0 for an established subscription, unless it keeps RETAIN as published";
    RETAIN_AS_PUBLISHED: None, Some("3.3.1-13"), "RETAIN is as published for a subscription that asks so";
    RETAIN_OF_STORED: Some("3.3.1-8"), Some("3.3.1-9"), "a stored message that is sent for a new subscription has RETAIN 1";
    RETAINED_SENT: Some("3.3.1-6"), Some("3.3.1-9"), "a new subscription is sent the retained messages that match";
    RETAINED_LAST: Some("3.3.1-5"), Some("3.3.1-5"), "a retained message replaces the one before it";
    RETAIN_HANDLING: None, Some("3.3.1-10"), "Retain Handling says whether a subscription is sent retained messages";
    IDENTIFIERS: None, Some("3.3.4-3"), "the Subscription Identifiers of the matching subscriptions come with the message";
    ALL_IDENTIFIERS: None, Some("3.3.4-4"), "a single copy has the Subscription Identifiers of all matching subscriptions";
    SHARED_UNRETAINED: None, None, "no retained messages are sent for a shared subscription (sections 3.8.4 and 4.8.2 of 5.0)";
    NO_LOCAL: None, Some("3.8.3-3"), "with No Local a client is not sent what it published itself";
    UNSUBSCRIBED: Some("3.10.4-2"), Some("3.10.4-2"), "after UNSUBSCRIBE nothing more is added for the client";
    UNSUBACK_CODE: None, None, "UNSUBACK says for each filter whether there was a subscription (section 3.11.3 of 5.0)";
    ONE_MEMBER: None, Some("4.8.2-3"), "a message goes to one subscription of a shared group";
    WILL_SENT: Some("3.1.2-8"), Some("3.1.2-8"), "the will is published when the connection ends without DISCONNECT, after its delay";
    WILL_DISCARDED: Some("3.14.4-3"), Some("3.14.4-3"), "DISCONNECT removes the will unpublished";
    WILL_WAITS: None, Some("3.1.3-9"), "a client that is back before the delay is over has its will suppressed";
    NO_SUBSCRIBERS: None, None, "Reason Code 0x10 says that no subscription matches (sections 3.4.2.1 and 3.5.2.1 of 5.0)";
    EXPIRED: None, Some("3.3.2-5"), "a message whose expiry interval is over is not sent";
    EXPIRY_COUNTS: None, Some("3.3.2-6"), "the expiry interval that is sent is the received one less the time of waiting";
    PAYLOAD: None, None, "what subscribers get is what was published";
    USER_PROPERTIES: None, Some("3.3.2-17"), "User Properties reach the subscriber unchanged";
}
