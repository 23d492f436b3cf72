//! Values that are one text, word, or true or false.

use std::net::SocketAddr;

use located::{DeValue, Node, Reading, Wrong};
use protocol::{QoS, TopicName, Utf8String};
use schemars::{Schema, SchemaGenerator, json_schema};
use transport::Address;

use super::{
    log::{LogFormat, LogLevel},
    node::{Value, sample},
    tree::Tree,
};
use crate::{
    FullQueue, Overlap,
    access::{Deed, Effect},
};

/// `schema`, or a text that the environment completes.
pub(super) fn or_environment(schema: Schema) -> Schema {
    json_schema!({ "anyOf": [schema, { "type": "string", "pattern": "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-.*)?\\}" }] })
}

impl Value for bool {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        node.truth(reading)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        or_environment(json_schema!({ "type": "boolean" }))
    }

    fn tree(&self) -> Tree {
        Tree::leaf(*self)
    }

    fn outline(text: &str) -> Tree {
        sample(text)
    }
}

impl Value for QoS {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        const EXPECTED: &str = "0, 1 or 2";
        let text = match node.value() {
            DeValue::Integer(integer) => integer.to_string(),
            _ if node.is_from_environment(reading) => node.environment_text(reading)?.into_owned(),
            _ => return node.mismatch(EXPECTED, reading),
        };
        match &*text {
            "0" => Some(Self::AtMostOnce),
            "1" => Some(Self::AtLeastOnce),
            "2" => Some(Self::ExactlyOnce),
            _ => node.wrong(Wrong::new(format!("{text} is not a QoS"), "write 0, 1 or 2"), reading),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        or_environment(json_schema!({ "type": "integer", "enum": [0, 1, 2] }))
    }

    fn range() -> String {
        "0, 1 or 2".to_owned()
    }

    fn tree(&self) -> Tree {
        Tree::leaf(*self as u8)
    }

    fn outline(text: &str) -> Tree {
        sample(text)
    }
}

/// A value that is written as a text.
pub(super) trait Text: Sized {
    /// What is expected, for a value that is none.
    const EXPECTED: &str;
    /// What to do about one that is wrong.
    const HINT: &str;
    /// What the schema holds the text to.
    const PATTERN: &str;

    /// Reads it, or says why not.
    fn parse(text: &str) -> Result<Self, String>;

    /// Writes it.
    fn write(&self) -> String;
}

/// Makes values of texts; one implementation for all of them would forbid the one for sections.
macro_rules! texts {
    ($( $type:ty ),+) => { $(
        impl $crate::settings::node::Value for $type {
            fn read(node: located::Node<'_>, reading: &mut located::Reading<'_>) -> Option<Self> {
                use $crate::settings::value::Text;

                let text = node.text(<Self as Text>::EXPECTED, reading)?;
                let wrong = |message: String| located::Wrong::new(message, <Self as Text>::HINT);
                <Self as Text>::parse(&text).map_or_else(|message| node.wrong(wrong(message), reading), Some)
            }

            fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::settings::value::or_environment(schemars::json_schema!({ "type": "string", "pattern": <Self as $crate::settings::value::Text>::PATTERN }))
            }

            fn tree(&self) -> $crate::settings::tree::Tree {
                $crate::settings::tree::Tree::leaf($crate::settings::value::Text::write(self))
            }

            fn outline(text: &str) -> $crate::settings::tree::Tree {
                $crate::settings::node::sample(text)
            }
        }
    )+ };
}

pub(super) use texts;

texts! { Name, UserName, Topic, Reference, SocketAddr, Address }

/// A short name: of a listener or a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(pub(super) String);

impl Text for Name {
    const EXPECTED: &str = "a name as text";
    const HINT: &str = "use 1 to 64 letters, digits and `_`, `-`, `.`, `:`, `/`, `[`, `]`";
    const PATTERN: &str = r"^[A-Za-z0-9_.:/\[\]-]{1,64}$";

    fn parse(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.:/[]".contains(c);
        if (1..=64).contains(&text.len()) && text.chars().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{}` is not a name", text.escape_debug()))
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

/// A text that clients may send as a name: of a user, a client or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserName(pub(super) Box<str>);

impl Text for UserName {
    const EXPECTED: &str = "a name as text";
    const HINT: &str = "write 1 to 65,535 bytes without the null character";
    const PATTERN: &str = ".";

    fn parse(text: &str) -> Result<Self, String> {
        let valid = Utf8String::new(text).ok().filter(|text| !text.is_empty());
        valid.map(|_| Self(text.into())).ok_or_else(|| format!("`{}` is not a name", text.escape_debug()))
    }

    fn write(&self) -> String {
        self.0.to_string()
    }
}

/// A Topic Name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topic(pub(super) String);

impl Text for Topic {
    const EXPECTED: &str = "a topic as text";
    const HINT: &str = "write a topic without wildcards";
    const PATTERN: &str = "^[^+#]+$";

    fn parse(text: &str) -> Result<Self, String> {
        let valid = TopicName::new(text).ok();
        valid.map(|_| Self(text.to_owned())).ok_or_else(|| format!("`{}` is not a topic", text.escape_debug()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

/// A Server Reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference(pub(super) Utf8String);

impl Text for Reference {
    const EXPECTED: &str = "names of servers as text";
    const HINT: &str = "write names with an optional port each, separated by spaces";
    const PATTERN: &str = ".";

    fn parse(text: &str) -> Result<Self, String> {
        let valid = Utf8String::new(text).ok().filter(|text| !text.trim().is_empty());
        valid.map(Self).ok_or_else(|| format!("`{}` is not a Server Reference", text.escape_debug()))
    }

    fn write(&self) -> String {
        self.0.to_string()
    }
}

impl Text for SocketAddr {
    const EXPECTED: &str = "an address and a port as text";
    const HINT: &str = "write an IP address and a port, such as `127.0.0.1:9398` or `[::1]:9398`";
    const PATTERN: &str = r"^.+:[0-9]{1,5}$";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{}` is not an address and a port", text.escape_debug()))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Text for Address {
    const EXPECTED: &str = "an address as text";
    const HINT: &str = "";
    const PATTERN: &str = r"^(unix:.+|.+:[0-9]{1,5})$";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: transport::AddressError| error.to_string())
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

/// A value that is one of a few words.
macro_rules! words {
    ($( $type:ty, $expected:literal: $( $word:literal => $value:path ),+; )+) => { $(
        impl $crate::settings::node::Value for $type {
            fn read(node: located::Node<'_>, reading: &mut located::Reading<'_>) -> Option<Self> {
                let text = node.text($expected, reading)?;
                match &*text {
                    $( $word => Some($value), )+
                    _ => node.wrong(located::not_a_word(&text, $expected, &[$($word),+]), reading),
                }
            }

            fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let words = schemars::json_schema!({ "type": "string", "enum": [$($word),+] });
                $crate::settings::value::or_environment(words)
            }

            fn range() -> String {
                [$( concat!("`", $word, "`") ),+].join(" or ")
            }

            fn tree(&self) -> $crate::settings::tree::Tree {
                match self {
                    $( $value => $crate::settings::tree::Tree::leaf($word), )+
                }
            }

            fn outline(text: &str) -> $crate::settings::tree::Tree {
                $crate::settings::node::sample(text)
            }
        }
    )+ };
}

pub(super) use words;

words! {
    Effect, "an effect": "allow" => Self::Allow, "deny" => Self::Deny;
    Deed, "an action": "publish" => Self::Publish, "subscribe" => Self::Subscribe, "receive" => Self::Receive, "all" => Self::All;
    Overlap, "a way to deliver": "merged" => Self::Merged, "one-by-one" => Self::OneByOne;
    FullQueue, "a way to treat full queues": "drop-newest" => Self::DropNewest, "disconnect" => Self::Disconnect,
        "refuse-publisher" => Self::RefusePublisher;
    LogLevel, "a level of the log": "off" => Self::Off, "error" => Self::Error, "warn" => Self::Warn,
        "info" => Self::Info, "debug" => Self::Debug, "trace" => Self::Trace;
    LogFormat, "a format of the log": "text" => Self::Text, "json" => Self::Json;
}
