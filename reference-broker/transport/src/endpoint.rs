//! Addresses as people write them.

use std::{fmt, str::FromStr};

use url::Url;

/// What is spoken below MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// MQTT over TCP; default port 1883.
    Mqtt,
    /// MQTT over TLS; default port 8883.
    Mqtts,
    /// MQTT over WebSocket; default port 80.
    Ws,
    /// MQTT over WebSocket over TLS; default port 443.
    Wss,
    /// MQTT over a Unix socket, which has no port.
    Unix,
}

impl Scheme {
    /// The port that stands for an absent one.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Mqtt => 1883,
            Self::Mqtts => 8883,
            Self::Ws => 80,
            Self::Wss => 443,
            Self::Unix => 0,
        }
    }
}

/// Where a broker is and who asks: `mqtt://[user[:password]@]host[:port]`.
///
/// `Display` writes it back without the password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// What is spoken below MQTT.
    pub scheme: Scheme,
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The user of the URL, percent-decoded.
    pub user: Option<String>,
    /// The password of the URL, percent-decoded.
    pub password: Option<String>,
}

/// Why a text is not an [`Endpoint`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The text is no URL.
    #[error("`{0}` is not an address like mqtt://host:1883: {1}")]
    NotAUrl(String, String),
    /// The scheme exists in MQTT's world but is not offered yet.
    #[error("`{0}://` is not offered yet: use mqtt://host:port")]
    NotYet(String),
    /// The scheme is none of MQTT's.
    #[error("`{0}://` is not a way to reach a broker: use mqtt://host:port")]
    UnknownScheme(String),
    /// Port 0 is no place to connect to.
    #[error("`{0}` has port 0, where nobody listens: use mqtt://host:port")]
    PortZero(String),
    /// There is no host.
    #[error("`{0}` names no host: use mqtt://host:port")]
    NoHost(String),
    /// Something follows the port.
    #[error("`{0}` has something after the port: use mqtt://host:port")]
    TrailingPath(String),
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// Reads `mqtt://host:port`; a bare `host:port` counts as MQTT over TCP.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("mqtt://{text}") };
        let url = Url::parse(&whole).map_err(|e| EndpointError::NotAUrl(redact(text), e.to_string()))?;
        let scheme = match url.scheme() {
            "mqtt" | "tcp" => Scheme::Mqtt,
            known @ ("mqtts" | "ssl" | "ws" | "wss") => return Err(EndpointError::NotYet(known.to_owned())),
            other => return Err(EndpointError::UnknownScheme(other.to_owned())),
        };
        let host = match url.host_str() {
            Some(host) if !host.is_empty() => percent_decoded(host.trim_start_matches('[').trim_end_matches(']')),
            _ => return Err(EndpointError::NoHost(redact(text))),
        };
        if url.port() == Some(0) {
            return Err(EndpointError::PortZero(redact(text)));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::TrailingPath(redact(text)));
        }
        let user = (!url.username().is_empty()).then(|| percent_decoded(url.username()));
        Ok(Self {
            scheme,
            host,
            port: url.port().unwrap_or(scheme.default_port()),
            user,
            password: url.password().map(percent_decoded),
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::Mqtt => f.write_str("mqtt://")?,
            Scheme::Mqtts => f.write_str("mqtts://")?,
            Scheme::Ws => f.write_str("ws://")?,
            Scheme::Wss => f.write_str("wss://")?,
            Scheme::Unix => f.write_str("unix://")?,
        }
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text without what stands between the first colon of its user part and the `@`.
fn redact(text: &str) -> String {
    let Some(at) = text.rfind('@') else { return text.to_owned() };
    let from = text.find("://").map_or(0, |i| i + 3).min(at);
    match text[from..at].find(':') {
        Some(colon) => format!("{}:***{}", &text[..from + colon], &text[at..]),
        None => text.to_owned(),
    }
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn a_bare_host_and_port_is_mqtt() {
        let endpoint = parsed("barn.example:2883");
        assert_eq!((endpoint.host.as_str(), endpoint.port), ("barn.example", 2883));
        assert_eq!(parsed("127.0.0.1").port, 1883);
    }

    #[test]
    fn ipv6_keeps_its_brackets_outside_the_host() {
        let endpoint = parsed("mqtt://[::1]:1884");
        assert_eq!(endpoint.host, "::1");
        assert_eq!(endpoint.to_string(), "mqtt://[::1]:1884");
    }

    #[test]
    fn the_password_is_never_shown() {
        let endpoint = parsed("mqtt://vet:p%40ss@barn:1883");
        assert_eq!(endpoint.password.as_deref(), Some("p@ss"));
        assert_eq!(endpoint.to_string(), "mqtt://vet@barn:1883");
        assert_eq!(format!("{endpoint:?}"), "mqtt://vet@barn:1883");
        let error = "mqtt://vet:secret@barn:1883/path".parse::<Endpoint>().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn what_is_no_broker_address_says_why() {
        assert_eq!("mqtts://h".parse::<Endpoint>(), Err(EndpointError::NotYet("mqtts".into())));
        assert_eq!("http://h".parse::<Endpoint>(), Err(EndpointError::UnknownScheme("http".into())));
        assert!(matches!("mqtt://h:99999".parse::<Endpoint>(), Err(EndpointError::NotAUrl(..))));
        assert!(matches!("mqtt://h/x".parse::<Endpoint>(), Err(EndpointError::TrailingPath(_))));
    }
}
