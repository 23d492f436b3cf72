//! Values that are one text or word.

use std::time::Duration;

use located::{Scalar, Wrong, duration, not_a_word};
use schemars::{Schema, json_schema};

use crate::descriptor::{Ready, Version, deviation::Cases, template::Template, template::is_port_name};

/// A text that is not empty.
#[derive(Clone, Debug)]
pub(crate) struct Text(pub(crate) String);

impl Scalar for Text {
    const EXPECTED: &str = "a text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() { Err(Wrong::new("the text is empty", "")) } else { Ok(Self(text.to_owned())) }
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// The name of a target.
#[derive(Clone, Debug)]
pub(crate) struct Name(pub(crate) String);

impl Scalar for Name {
    const EXPECTED: &str = "a name as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
        if (1..=64).contains(&text.len()) && text.chars().all(fits) {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("`{}` is not a name", text.escape_debug());
        Err(Wrong::new(message, "use 1 to 64 of a-z, 0-9, `_`, `-` and `.`, such as `mosquitto-2.0.18`"))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9_.-]{1,64}$" })
    }
}

/// The name of a port.
#[derive(Clone, Debug)]
pub(crate) struct PortName(pub(crate) String);

impl Scalar for PortName {
    const EXPECTED: &str = "a name as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        if is_port_name(text) {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("`{}` is not the name of a port", text.escape_debug());
        Err(Wrong::new(message, "use 1 to 32 of a-z, 0-9 and `_`, such as `ws`"))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9_]{1,32}$" })
    }
}

/// The name of a variable of the environment.
#[derive(Clone, Debug)]
pub(crate) struct Variable(pub(crate) String);

impl Scalar for Variable {
    const EXPECTED: &str = "a name as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        if !text.is_empty() && !text.contains(['=', '\0']) {
            return Ok(Self(text.to_owned()));
        }
        Err(Wrong::new(format!("`{}` is not the name of a variable", text.escape_debug()), ""))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[^=\\u0000]+$" })
    }
}

/// The name of a file in the folder of a node, without any folder.
#[derive(Clone, Debug)]
pub(crate) struct FileName(pub(crate) String);

impl Scalar for FileName {
    const EXPECTED: &str = "a name as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !text.is_empty() && text.chars().all(fits) && text != "." && text != ".." {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("`{}` is not the name of a file", text.escape_debug());
        Err(Wrong::new(message, "use letters, digits, `.`, `_` and `-`; files lie in `${dir}`"))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9._-]+$" })
    }
}

/// A path inside a container.
#[derive(Clone, Debug)]
pub(crate) struct InsidePath(pub(crate) String);

impl Scalar for InsidePath {
    const EXPECTED: &str = "a path as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.starts_with('/') && !text.ends_with('/') {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("`{}` is not a path of a file in the container", text.escape_debug());
        Err(Wrong::new(message, "begin it with `/`"))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^/.*[^/]$" })
    }
}

/// A URL with a host and a port, or the path of a Unix socket.
#[derive(Clone, Debug)]
pub(crate) struct Url(pub(crate) String);

impl Scalar for Url {
    const EXPECTED: &str = "a URL as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let known = ["mqtt://", "mqtts://", "ws://", "wss://", "unix:"];
        let rest = known.iter().find_map(|scheme| text.strip_prefix(scheme));
        if rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace)) {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("`{}` is not the URL of a broker", text.escape_debug());
        Err(Wrong::new(message, "write such as `mqtt://127.0.0.1:1883`, with mqtt, mqtts, ws, wss or unix"))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^((mqtt|mqtts|ws|wss)://|unix:)[^\\s]+$" })
    }
}

/// A duration above 0, written with its unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) Duration);

impl Scalar for Span {
    const EXPECTED: &str = "a duration as text, such as \"30s\"";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let span = duration::parse(text)?;
        if span.is_zero() {
            return Err(Wrong::new("the duration is 0", "write one above 0, such as `30s`"));
        }
        Ok(Self(span))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": duration::PATTERN })
    }
}

impl Scalar for Version {
    const EXPECTED: &str = "a version of MQTT as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse()
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "enum": Self::WORDS })
    }
}

impl Scalar for Ready {
    const EXPECTED: &str = "a sign of readiness as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "answers" => Ok(Self::Answers),
            "connects" => Ok(Self::Connects),
            "announces" => Ok(Self::Announces),
            _ => Err(not_a_word(text, "a sign of readiness", &["answers", "connects", "announces"])),
        }
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "enum": ["answers", "connects", "announces"] })
    }
}

impl Scalar for Cases {
    const EXPECTED: &str = "a pattern of case ids as text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse()
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9._*?-]+( in (3\\.1|3\\.1\\.1|5\\.0))?$" })
    }
}

impl Scalar for Template {
    const EXPECTED: &str = "a text";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse()
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}
