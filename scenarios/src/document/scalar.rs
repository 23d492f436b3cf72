//! Values that are one text, number or word.

use std::{str::FromStr, time::Duration};

use located::{Scalar, Wrong, did_you_mean, duration, not_a_word};
use schemars::{Schema, json_schema};
use serde::{Serialize, Serializer};

use crate::model::{
    Address, Arrival, BarnId, DeviceModel, Dimension, Direction, Engine, Expression, FilterTemplate, Measure, Metric,
    Name, PayloadSize, Percentage, Role, Selector, SelectorError, Series, Template, TimeOfDay, TopicError,
    TopicTemplate, Url, Version, format_duration, parse_duration,
};

/// A text that is read by `FromStr`: its type, what is expected, a hint, and its schema besides `"type": "string"`.
macro_rules! texts {
    ($( $type:ty: $expected:literal, $hint:expr, { $($schema:tt)* }; )+) => { $(
        impl Scalar for $type {
            const EXPECTED: &str = $expected;

            fn parse(text: &str) -> Result<Self, Wrong> {
                <$type>::from_str(text).map_err(|error| Wrong::new(error, $hint))
            }

            fn text_schema() -> Schema {
                json_schema!({ "type": "string", $($schema)* })
            }
        }
    )+ };
}

const TEMPLATE_HINT: &str = "placeholders are {n}, {n:05}, {barn} and {id}; a brace itself is written twice";

texts! {
    Name: "a name as text", "", { "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$" };
    BarnId: "a barn's name as text", "barns are called like `barn_1`",
        { "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$", "not": { "const": "gates" } };
    Template: "a text with placeholders", TEMPLATE_HINT, { "minLength": 1 };
    PayloadSize: "a size as text, such as \"256B\"", "write a whole number with its unit: `256B`, `4KiB` or `1MiB`",
        { "pattern": "^[0-9]+ *(B|KiB|MiB)$" };
    Percentage: "a share in percent, such as \"5%\"", "write such as `5%`", { "pattern": "^ *[0-9.]+ *% *$" };
    TimeOfDay: "a time of day such as \"05:30\"", "", { "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" };
}

impl Scalar for TopicTemplate {
    const EXPECTED: &str = "a topic as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|error| topic_error(&error))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 65_535, "pattern": "^[^+#$/][^+#]*$" })
    }
}

impl Scalar for FilterTemplate {
    const EXPECTED: &str = "a topic filter as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|error| topic_error(&error))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 65_535 })
    }
}

fn topic_error(error: &TopicError) -> Wrong {
    let hint = match error {
        TopicError::Empty => "name a topic, or leave the key out",
        TopicError::TooLong(_) => "shorten it: a topic travels with a 16-bit length, placeholders included",
        TopicError::Null => "remove the character U+0000",
        TopicError::EmptyLevel => "write no `/` at the beginning or the end, and no two in a row",
        TopicError::Wildcard(_) => "use {id}, {n} or {barn} where devices differ",
        TopicError::Reserved => "begin the topic with another character",
        TopicError::Misplaced(_) => "write `farm/+/data` or `farm/#`",
        TopicError::Share => "write `$share/erp/smartdairy/#`",
        TopicError::Template(_) => TEMPLATE_HINT,
    };
    Wrong::new(error, hint)
}

/// A duration, written with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    pub(crate) const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(self.0))
    }
}

impl Scalar for Span {
    const EXPECTED: &str = "a duration as text, such as \"30s\"";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let hint = "write a number with its unit, such as `250ms`, `30s` or `1m30s`";
        parse_duration(text).map(Self).map_err(|error| Wrong::new(error, hint))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": duration::PATTERN })
    }
}

impl Scalar for Address {
    const EXPECTED: &str = "\"embedded\" or a URL as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "embedded" => Ok(Self::Embedded),
            _ => text.parse::<Url>().map(Self::Url).map_err(|error| {
                Wrong::new(error, "write `embedded` for Paddock's own broker, or such as `mqtt://127.0.0.1:1883`")
            }),
        }
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^(embedded|(mqtts?|wss?)://[^/]+(/.*)?)$" })
    }
}

/// When an event happens: `STAGE`, `STAGE+60s`, `start` or `start+10s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventTime {
    /// Absent for the run's start.
    pub(crate) stage: Option<Name>,
    pub(crate) offset: Duration,
}

impl Scalar for EventTime {
    const EXPECTED: &str = "an instant as text, such as \"hold+60s\"";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let hint = "write a stage's name, or `start`, and a duration: `hold+60s`";
        let (anchor, offset) = text.split_once('+').map_or((text, None), |(anchor, offset)| (anchor, Some(offset)));
        let stage = match anchor.trim() {
            "start" => None,
            name => Some(name.parse::<Name>().map_err(|error| Wrong::new(error, hint))?),
        };
        let offset = offset.map_or(Ok(Duration::ZERO), parse_duration).map_err(|error| Wrong::new(error, hint))?;
        Ok(Self { stage, offset })
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}( *\\+.+)?$" })
    }
}

impl Scalar for Series {
    const EXPECTED: &str = "a metric as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|error: SelectorError| {
            let metrics = || Metric::ALL.iter().map(|(_, name, _)| *name);
            let hint = match &error {
                SelectorError::Metric(name) => match did_you_mean(name, metrics()) {
                    Some(metric) => format!("did you mean `{metric}`?"),
                    None => format!("metrics are {}", metrics().collect::<Vec<_>>().join(", ")),
                },
                SelectorError::Label(label) => did_you_mean(label, Selector::LABELS)
                    .map_or_else(String::new, |label| format!("did you mean `{label}`?")),
                SelectorError::Shape => "such as \"e2e{qos:1,stage:hold}\"".to_owned(),
                SelectorError::Twice(_) | SelectorError::Value { .. } => String::new(),
            };
            Wrong::new(error, hint)
        })
    }

    fn text_schema() -> Schema {
        let metrics: Vec<_> = Metric::ALL.iter().map(|(_, name, _)| *name).collect();
        json_schema!({ "type": "string", "pattern": format!("^({})(\\{{.*\\}})?$", metrics.join("|")) })
    }
}

impl Scalar for Expression {
    const EXPECTED: &str = "a threshold as text, such as \"p(99)<200ms\"";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|error: crate::model::ExpressionError| Wrong::new(error.message, error.hint))
    }

    fn text_schema() -> Schema {
        let pattern = r"^ *(p\([0-9.]+\)|avg|min|max|count|rate) *(<|<=|>|>=|==|!=) *[^ ].*$";
        json_schema!({ "type": "string", "pattern": pattern })
    }
}

impl Scalar for Measure {
    const EXPECTED: &str = "a metric as text, such as \"e2e{qos:1} p(99)\"";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|error: crate::model::ExpressionError| Wrong::new(error.message, error.hint))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": r"^ *[a-z0-9_]+(\{.*\})? +(p\([0-9.]+\)|avg|min|max|count|rate) *$" })
    }
}

/// A value that is one of a few words.
macro_rules! words {
    ($( $type:ty, $expected:literal: $( $word:literal => $value:expr ),+; )+) => { $(
        impl Scalar for $type {
            const EXPECTED: &str = $expected;

            fn parse(text: &str) -> Result<Self, Wrong> {
                match text {
                    $( $word => Ok($value), )+
                    _ => Err(not_a_word(text, $expected, &[$($word),+])),
                }
            }

            fn text_schema() -> Schema {
                json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }
    )+ };
}

words! {
    Version, "a version of MQTT": "5.0" => Self::V5, "5" => Self::V5, "3.1.1" => Self::V311;
    Engine, "a client engine": "native" => Self::Native, "rumqttc" => Self::Rumqttc;
    Role, "a role": "dashboard" => Self::Dashboard, "app" => Self::App, "erp" => Self::Erp, "service" => Self::Service,
        "idle" => Self::Idle;
    Arrival, "an arrival": "constant" => Self::Constant, "poisson" => Self::Poisson;
    Direction, "a direction": "up" => Self::Up, "down" => Self::Down, "both" => Self::Both;
    Dimension, "what a search varies": "rate" => Self::Rate, "connections" => Self::Connections,
        "fan-out" => Self::FanOut;
    Shape, "a shape of load": "natural" => Self::Natural, "flood" => Self::Flood;
    EventDo, "an action": "reconnect_storm" => Self::ReconnectStorm, "freeze_broker" => Self::FreezeBroker,
        "kill_broker" => Self::KillBroker, "restart_broker" => Self::RestartBroker, "disconnect" => Self::Disconnect,
        "network_on" => Self::NetworkOn, "network_off" => Self::NetworkOff;
    NetworkDo, "a fault": "delay" => Self::Delay, "stall" => Self::Stall, "sever" => Self::Sever,
        "half_open" => Self::HalfOpen, "bandwidth" => Self::Bandwidth, "trickle" => Self::Trickle;
}

impl Scalar for DeviceModel {
    const EXPECTED: &str = "a device model as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found
            .map(|(model, _)| *model)
            .ok_or_else(|| not_a_word(text, "a device model", &Self::ALL.map(|(_, name)| name)))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "enum": Self::ALL.map(|(_, name)| name) })
    }
}

/// The shape of a stage's load that is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Natural,
    Flood,
}

/// What an event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventDo {
    ReconnectStorm,
    FreezeBroker,
    KillBroker,
    RestartBroker,
    Disconnect,
    NetworkOn,
    NetworkOff,
}

/// What a rule of the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NetworkDo {
    Delay,
    Stall,
    Sever,
    HalfOpen,
    Bandwidth,
    Trickle,
}
