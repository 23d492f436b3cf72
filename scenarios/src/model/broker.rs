//! Brokers under test, as a scenario names them.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use serde::{Serialize, Serializer};

use super::Name;

/// Addresses a broker of [`super::Scenario::brokers`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BrokerId(pub u16);

/// One broker and how clients reach it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Broker {
    /// Its name in the scenario.
    pub name: Name,
    /// Where it is.
    pub address: Address,
    /// The protocol version of clients that do not say otherwise.
    pub version: Version,
    /// User Name and Password of every client; absent connects without.
    pub credentials: Option<Credentials>,
    /// The longest time from dialling to CONNACK; above 0.
    pub connect_timeout: Duration,
    /// The certificate authority that vouches for the broker (`mqtts`, `wss`).
    pub ca: Option<PathBuf>,
}

/// Where a broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Paddock's own reference broker, started for the run as a child process.
    Embedded,
    /// A broker that somebody else runs.
    Url(Url),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::Url(url) => url.fmt(f),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A broker's URL: `mqtt://host:port`, `mqtts`, `ws` or `wss`; the last two may have a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    /// The transport.
    pub scheme: Scheme,
    /// A name or address; an IPv6 address without brackets.
    pub host: String,
    /// The port; 1883, 8883, 80 and 443 when the text names none.
    pub port: u16,
    /// The path of WebSocket, beginning with `/`; `/mqtt` when the text names none, empty for TCP and TLS.
    pub path: String,
}

/// A transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Plain TCP.
    Mqtt,
    /// TLS.
    Mqtts,
    /// WebSocket.
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Scheme {
    const ALL: [(Self, &'static str, u16); 4] =
        [(Self::Mqtt, "mqtt", 1883), (Self::Mqtts, "mqtts", 8883), (Self::Ws, "ws", 80), (Self::Wss, "wss", 443)];

    /// The text before `://`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Whether it is WebSocket.
    #[must_use]
    pub fn is_web_socket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

impl FromStr for Url {
    type Err = String;

    /// The error is a lowercase fragment.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| format!("`{text}` is not a broker's URL: {why}");
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("write mqtt://HOST:PORT"))?;
        let &(scheme, _, default_port) = Scheme::ALL
            .iter()
            .find(|(_, name, _)| *name == scheme)
            .ok_or_else(|| bad("the scheme is mqtt, mqtts, ws or wss"))?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if authority.contains('@') {
            return Err(bad("give user and password as keys of their own"));
        }
        if !scheme.is_web_socket() && !matches!(path, "" | "/") {
            return Err(bad("only ws and wss have a path"));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']').ok_or_else(|| bad("`[` without `]`"))?;
                (host, after.strip_prefix(':'))
            }
            None => authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(bad("the host is missing"));
        }
        let port = match port {
            None => default_port,
            Some(port) => port
                .parse()
                .ok()
                .filter(|&port: &u16| port > 0)
                .ok_or_else(|| bad("the port is a number from 1 to 65535"))?,
        };
        let path = match (scheme.is_web_socket(), path) {
            (false, _) => "",
            (true, "" | "/") => "/mqtt",
            (true, path) => path,
        };
        Ok(Self { scheme, host: host.to_owned(), port, path: path.to_owned() })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{}://{open}{}{close}:{}{}", self.scheme.name(), self.host, self.port, self.path)
    }
}

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Version {
    /// MQTT 3.1.1.
    #[serde(rename = "3.1.1")]
    V311,
    /// MQTT 5.0.
    #[default]
    #[serde(rename = "5.0")]
    V5,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V311 => "3.1.1",
            Self::V5 => "5.0",
        })
    }
}

/// User Name and Password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// The User Name.
    pub user: String,
    /// The Password; absent sends a User Name alone.
    pub password: Option<Password>,
}

/// Where the Password comes from. Neither `Debug` nor serialization shows it.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// It stands in the scenario.
    Text(String),
    /// It is the first line of this file, read when the run begins.
    File(PathBuf),
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(<redacted>)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("<redacted>")
    }
}
