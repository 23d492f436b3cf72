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
    /// MQTT over a Unix socket.
    Unix,
}

impl Scheme {
    /// The port that stands for an absent one; 0 where there are no ports.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Mqtt => 1883,
            Self::Mqtts => 8883,
            Self::Ws => 80,
            Self::Wss => 443,
            Self::Unix => 0,
        }
    }

    /// The text before the colon.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Mqtts => "mqtts",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Unix => "unix",
        }
    }

    /// Whether TLS is below.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Mqtts | Self::Wss)
    }

    /// Whether WebSocket is below.
    pub const fn is_web_socket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    fn named(text: &str) -> Option<Self> {
        Some(match text {
            "mqtt" | "tcp" => Self::Mqtt,
            "mqtts" | "ssl" | "tls" => Self::Mqtts,
            "ws" => Self::Ws,
            "wss" => Self::Wss,
            "unix" => Self::Unix,
            _ => return None,
        })
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a broker is and who asks: `mqtt://[user[:password]@]host[:port]`, `mqtts://` likewise, `ws://` and `wss://` with a
/// path (`/mqtt` when there is none), `unix:/path/of/the.sock`.
///
/// `Display` writes it back without the password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// What is spoken below MQTT.
    pub scheme: Scheme,
    /// A name, an IPv4 address, or an IPv6 address without brackets. Empty for a Unix socket.
    pub host: String,
    /// The TCP port; 0 for a Unix socket.
    pub port: u16,
    /// The path of a WebSocket, beginning with `/`, or of a Unix socket. Empty for the others.
    pub path: String,
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
    /// The scheme is none of MQTT's.
    #[error("`{0}://` is not a way to reach a broker: use mqtt://host:port, mqtts://, ws://, wss:// or unix:/path")]
    UnknownScheme(String),
    /// Port 0 is no place to connect to.
    #[error("`{0}` has port 0, where nobody listens: use mqtt://host:port")]
    PortZero(String),
    /// There is no host.
    #[error("`{0}` names no host: use mqtt://host:port")]
    NoHost(String),
    /// There is no path of a socket.
    #[error("`{0}` names no socket: use unix:/path/of/the.sock")]
    NoPath(String),
    /// Something follows the port.
    #[error("`{0}` has something after the port: use mqtt://host:port; only ws:// and wss:// have a path")]
    TrailingPath(String),
    /// Something follows the path.
    #[error("`{0}` has something after the path: use ws://host:port/path")]
    TrailingQuery(String),
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// Reads the forms above; a bare `host:port` counts as MQTT over TCP.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(text, path);
        }
        let whole = if text.contains("://") { text.to_owned() } else { format!("mqtt://{text}") };
        let url = Url::parse(&whole).map_err(|e| EndpointError::NotAUrl(redact(text), e.to_string()))?;
        let scheme =
            Scheme::named(url.scheme()).ok_or_else(|| EndpointError::UnknownScheme(url.scheme().to_owned()))?;
        let host = match url.host_str() {
            Some(host) if !host.is_empty() => percent_decoded(host.trim_start_matches('[').trim_end_matches(']')),
            _ => return Err(EndpointError::NoHost(redact(text))),
        };
        if url.port() == Some(0) {
            return Err(EndpointError::PortZero(redact(text)));
        }
        let path = match (scheme.is_web_socket(), url.path()) {
            (false, "" | "/") => "",
            (false, _) => return Err(EndpointError::TrailingPath(redact(text))),
            (true, "" | "/") => "/mqtt",
            (true, path) => path,
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::TrailingQuery(redact(text)));
        }
        let user = (!url.username().is_empty()).then(|| percent_decoded(url.username()));
        Ok(Self {
            scheme,
            host,
            port: url.port().unwrap_or(scheme.default_port()),
            path: path.to_owned(),
            user,
            password: url.password().map(percent_decoded),
        })
    }
}

/// `unix:/path`, or the URL of it, `unix:///path`.
fn unix(text: &str, path: &str) -> Result<Endpoint, EndpointError> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path == "/" {
        return Err(EndpointError::NoPath(text.to_owned()));
    }
    let path = path.to_owned();
    Ok(Endpoint { scheme: Scheme::Unix, host: String::new(), port: 0, path, user: None, password: None })
}

impl Endpoint {
    /// Host and port as a URL has them, without the port if it is the scheme's own.
    pub fn authority(&self) -> String {
        let host = self.bracketed();
        if self.port == self.scheme.default_port() { host } else { format!("{host}:{}", self.port) }
    }

    /// The host, in brackets if it is an IPv6 address.
    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scheme == Scheme::Unix {
            return write!(f, "unix:{}", self.path);
        }
        write!(f, "{}://", self.scheme)?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        write!(f, "{}:{}{}", self.bracketed(), self.port, self.path)
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
    fn each_scheme_has_its_port_and_its_path() {
        for (text, shown) in [
            ("mqtt://h", "mqtt://h:1883"),
            ("tcp://h/", "mqtt://h:1883"),
            ("mqtts://h", "mqtts://h:8883"),
            ("ssl://h:1", "mqtts://h:1"),
            ("ws://h", "ws://h:80/mqtt"),
            ("ws://h:80/", "ws://h:80/mqtt"),
            ("wss://h", "wss://h:443/mqtt"),
            ("wss://[::1]:8084/ws/mqtt", "wss://[::1]:8084/ws/mqtt"),
            ("unix:/run/broker.sock", "unix:/run/broker.sock"),
            ("unix:///run/broker.sock", "unix:/run/broker.sock"),
            ("unix:broker.sock", "unix:broker.sock"),
        ] {
            assert_eq!(parsed(text).to_string(), shown);
            assert_eq!(parsed(shown), parsed(text));
        }
    }

    #[test]
    fn ipv6_keeps_its_brackets_outside_the_host() {
        let endpoint = parsed("mqtt://[::1]:1884");
        assert_eq!(endpoint.host, "::1");
        assert_eq!(endpoint.to_string(), "mqtt://[::1]:1884");
        assert_eq!(endpoint.authority(), "[::1]:1884");
        assert_eq!(parsed("wss://barn/x").authority(), "barn");
    }

    #[test]
    fn the_password_is_never_shown() {
        let endpoint = parsed("mqtt://vet:p%40ss@barn:1883");
        assert_eq!(endpoint.password.as_deref(), Some("p@ss"));
        assert_eq!(endpoint.to_string(), "mqtt://vet@barn:1883");
        assert_eq!(format!("{endpoint:?}"), "mqtt://vet@barn:1883");
        for text in ["mqtt://vet:secret@barn:1883/path", "wss://vet:secret@barn/mqtt?x"] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn what_is_no_broker_address_says_why() {
        assert_eq!("http://h".parse::<Endpoint>(), Err(EndpointError::UnknownScheme("http".into())));
        assert!(matches!("mqtt://h:99999".parse::<Endpoint>(), Err(EndpointError::NotAUrl(..))));
        assert!(matches!("mqtts://h/x".parse::<Endpoint>(), Err(EndpointError::TrailingPath(_))));
        assert!(matches!("ws://h/x?y".parse::<Endpoint>(), Err(EndpointError::TrailingQuery(_))));
        assert!(matches!("unix:".parse::<Endpoint>(), Err(EndpointError::NoPath(_))));
    }
}
