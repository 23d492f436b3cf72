//! What the clients of a program do, step by step.
//!
//! Every sequence of steps means something: a step whose client is in no state to do it is left out by [`Program::tidy`]. So a
//! program can be cut anywhere when it is shrunk.

mod text;
mod tidy;

pub use text::ProgramError;

use std::fmt;

use serde::{Deserialize, Serialize};

/// Several clients, and what they do one step after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The version that each client speaks; at least one, at most [`Program::MOST_CLIENTS`].
    pub clients: Vec<Dialect>,
    /// What they do.
    pub steps: Vec<Step>,
}

impl Program {
    /// Clients are called by a letter, and one more watches.
    pub const MOST_CLIENTS: usize = 8;
    /// Steps of a program that is read from a file.
    pub const MOST_STEPS: usize = 1000;
    /// PUBLISH packets of one step.
    pub const MOST_PUBLISHES: u8 = 10;
    /// Seconds of one wait.
    pub const LONGEST_WAIT: u32 = 60;

    /// Whether wills are in it. Nobody acknowledges a will, so a program with wills has one more client, which watches for
    /// them.
    pub fn has_wills(&self) -> bool {
        self.flat().any(|step| matches!(step, Step::Connect(Connect { will: Some(_), .. })))
    }

    /// Every step, those that are done together one by one.
    pub fn flat(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().flat_map(|step| match step {
            Step::Together { steps } => steps.as_slice(),
            step => std::slice::from_ref(step),
        })
    }
}

/// A version of the standard that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dialect {
    /// MQTT 3.1.1.
    #[serde(rename = "3.1.1")]
    V311,
    /// MQTT 5.0.
    #[serde(rename = "5")]
    V5,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V311 => "3.1.1",
            Self::V5 => "5.0",
        })
    }
}

/// A client of a program, by its place in [`Program::clients`]. People read a letter: `a` is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Client(pub u8);

impl Client {
    /// Its place.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", char::from(b'a'.saturating_add(self.0)))
    }
}

impl From<Client> for String {
    fn from(client: Client) -> Self {
        client.to_string()
    }
}

impl TryFrom<String> for Client {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_bytes() {
            [letter @ b'a'..=b'h'] => Ok(Self(letter - b'a')),
            _ => Err(format!("\"{name}\" is no client: clients are called a to h")),
        }
    }
}

/// One thing that a client does. The runner goes on when it is acknowledged and all that is owed for it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Opens a connection and sends CONNECT. When the client has a connection, the new one takes its session over.
    Connect(Connect),
    /// Sends DISCONNECT and closes.
    Disconnect {
        /// Who.
        client: Client,
        /// With Reason Code 0x04, which lets the will be published (5.0 only). Default false.
        #[serde(default, skip_serializing_if = "is_default")]
        with_will: bool,
    },
    /// Closes the connection without DISCONNECT.
    Cut {
        /// Who.
        client: Client,
    },
    /// Sends one SUBSCRIBE.
    Subscribe {
        /// Who.
        client: Client,
        /// To what; at least one.
        filters: Vec<Filter>,
        /// Subscription Identifier, 1 to 268,435,455 (5.0 only). Default none.
        #[serde(default, skip_serializing_if = "is_default")]
        identifier: Option<u32>,
    },
    /// Sends one UNSUBSCRIBE.
    Unsubscribe {
        /// Who.
        client: Client,
        /// From what; at least one.
        filters: Vec<String>,
    },
    /// Sends PUBLISH packets.
    Publish(Publish),
    /// From now on the client acknowledges nothing.
    Withhold {
        /// Who.
        client: Client,
    },
    /// The client acknowledges what it withheld, releases what it left unreleased, and goes on as usual.
    Resume {
        /// Who.
        client: Client,
    },
    /// Nobody does anything. The runner waits a little longer where a timer would otherwise be in doubt.
    Wait {
        /// At least so long.
        seconds: u32,
    },
    /// Steps of different clients at the same time. The order in which they take effect is the server's.
    Together {
        /// What; none of them waits, connects or is itself made of several.
        steps: Vec<Self>,
    },
}

/// How a client connects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// Who.
    pub client: Client,
    /// Clean Start, in 3.1.1 Clean Session.
    pub clean: bool,
    /// Session Expiry Interval in seconds; 4,294,967,295 is never (5.0 only). Default 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub session_expiry: u32,
    /// Receive Maximum, at least 1 (5.0 only). Default none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub receive_maximum: Option<u16>,
    /// Its will. Default none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub will: Option<Will>,
}

/// A will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Will {
    /// To where.
    pub topic: String,
    /// 0, 1 or 2.
    pub qos: u8,
    /// Will Retain. Default false.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retain: bool,
    /// Will Delay Interval in seconds (5.0 only). Default 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub delay: u32,
}

/// One filter of a SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The Topic Filter, without `$share`.
    pub filter: String,
    /// The name of a shared group (5.0 only). Default none: the subscription is not shared.
    #[serde(default, skip_serializing_if = "is_default")]
    pub share: Option<String>,
    /// Maximum QoS: 0, 1 or 2.
    pub qos: u8,
    /// No Local (5.0 only). Default false.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_local: bool,
    /// Retain As Published (5.0 only). Default false.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retain_as_published: bool,
    /// Retain Handling: 0, 1 or 2 (5.0 only). Default 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retain_handling: u8,
}

impl Filter {
    /// As it stands in SUBSCRIBE.
    pub fn written(&self) -> String {
        match &self.share {
            Some(group) => format!("$share/{group}/{}", self.filter),
            None => self.filter.clone(),
        }
    }
}

/// PUBLISH packets of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// Who.
    pub client: Client,
    /// To where.
    pub topic: String,
    /// 0, 1 or 2.
    pub qos: u8,
    /// RETAIN. Default false.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retain: bool,
    /// With a payload of no bytes, which takes back what was retained. Default false.
    #[serde(default, skip_serializing_if = "is_default")]
    pub empty: bool,
    /// How many, one right after the other. Default 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u8,
    /// Message Expiry Interval in seconds (5.0 only). Default none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expiry: Option<u32>,
    /// How far it goes. Default whole.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ending: Ending,
}

/// How far a client takes what it publishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// To the last acknowledgement.
    #[default]
    Whole,
    /// Sends it again with DUP after PUBREC, before PUBREL, as if PUBREC had come late (QoS 2 only).
    Repeated,
    /// Stops after PUBREC; sends PUBREL when it resumes or connects again (QoS 2 only).
    Unreleased,
    /// Stops after PUBREC; when it connects again it sends the PUBLISH with DUP, as if PUBREC had been lost (QoS 2 only).
    Unheard,
    /// Closes the connection at once; when it connects again it sends the PUBLISH with DUP (above QoS 0).
    Cut,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn one() -> u8 {
    1
}

fn is_one(count: &u8) -> bool {
    *count == 1
}
