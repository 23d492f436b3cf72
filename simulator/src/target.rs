//! The broker that a fleet or a load run connects to.

use std::{fmt, time::Duration};

use bytes::Bytes;
use protocol::{TopicError, TopicFilter, TopicName, Utf8String, Version};
use transport::{ClientTls, Endpoint, Sources};

use crate::{ConnectOptions, Identities};

/// The broker under load and how to reach it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// How to trust it and what to show it, for `mqtts` and `wss`. Every client shows the same certificate, unless
    /// `identities` has one for each. Default none.
    pub tls: Option<ClientTls>,
    /// What clients show instead of the certificate in `tls`, each its own. Default none.
    pub identities: Option<Identities>,
    /// The addresses of this machine that clients connect from, in turns. Default the system's choice.
    pub sources: Option<Sources>,
    /// User name and password for every client, if any.
    pub credentials: Option<Credentials>,
    /// The version that every client speaks, instead of what the scenario says.
    pub version: Option<Version>,
    /// Stands before every topic and filter of the run.
    pub prefix: TopicPrefix,
    /// Stands before every Client Identifier of the run. On a broker that others use it keeps simulated devices from taking
    /// over the sessions of real ones, or of another run, that have the same names. Default empty. With nine characters,
    /// such as `1a2b3c4d-`, most names of the farm stay within the 23 that every 3.1.1 broker takes
    /// (MQTT-3.1.3-5).
    pub client_prefix: Utf8String,
    /// How long connecting (TLS and WebSocket too) and CONNACK may take, each. Default 10 s.
    pub connect_timeout: Duration,
}

impl Target {
    /// The defaults above, for this endpoint.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            tls: None,
            identities: None,
            sources: None,
            credentials: None,
            version: None,
            prefix: TopicPrefix::default(),
            client_prefix: Utf8String::default(),
            connect_timeout: Duration::from_secs(10),
        }
    }

    /// How a client of this name connects here: `version` is what the scenario asks.
    ///
    /// # Errors
    ///
    /// The name, with the prefix, is no Client Identifier, as one line for the user.
    pub fn connect_options(&self, name: &str, version: Version) -> Result<ConnectOptions, String> {
        let client_id = Utf8String::new(format!("{}{name}", self.client_prefix.as_str()))
            .map_err(|error| format!("{name:?} is no client identifier: {error}"))?;
        Ok(ConnectOptions {
            version: self.version.unwrap_or(version),
            tls: self.identities.as_ref().map_or_else(|| self.tls.clone(), |own| Some(own.of(name).clone())),
            source: self.sources.as_ref().map(Sources::next_address),
            credentials: self.credentials.clone(),
            connect_timeout: self.connect_timeout,
            connack_timeout: self.connect_timeout,
            ..ConnectOptions::new(self.endpoint.clone(), client_id)
        })
    }
}

/// User name and password. Its `Debug` form hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User Name.
    pub user_name: Utf8String,
    /// Password; 3.1.1 and 5.0 both allow a user name without one.
    pub password: Option<Bytes>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user_name", &self.user_name).finish_non_exhaustive()
    }
}

/// A path of topic levels that keeps one run apart from everything else on a broker: empty, or levels that end in `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicPrefix(String);

impl TopicPrefix {
    /// Accepts `text` with or without a final `/`. Empty text is the empty prefix.
    ///
    /// # Errors
    ///
    /// What makes it impossible as the beginning of a topic, as one line for the user.
    pub fn new(text: &str) -> Result<Self, String> {
        let levels = text.strip_suffix('/').unwrap_or(text);
        if levels.is_empty() {
            return Ok(Self::default());
        }
        // Leaves room for any topic of the farm below MQTT's 65,535 bytes.
        if levels.len() > 1024 {
            return Err("a topic prefix may have 1,024 bytes at most".to_owned());
        }
        // MQTT-4.7.2-1: topics that begin with $ are the broker's.
        if levels.starts_with('$') {
            return Err(format!("a topic prefix may not begin with '$': {text:?}"));
        }
        TopicName::new(levels).map_err(|error| format!("{text:?} cannot begin a topic: {error}"))?;
        Ok(Self(format!("{levels}/")))
    }

    /// The prefix, empty or with its final `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `topic` under this prefix.
    ///
    /// # Errors
    ///
    /// `topic` is no topic name, or too long with the prefix.
    pub fn topic(&self, topic: &str) -> Result<TopicName, TopicError> {
        TopicName::new(format!("{}{topic}", self.0))
    }

    /// `filter` under this prefix; in a shared subscription the prefix goes after the share name.
    ///
    /// # Errors
    ///
    /// `filter` is no topic filter, or too long with the prefix.
    pub fn filter(&self, filter: &str) -> Result<TopicFilter, TopicError> {
        let shared = filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/'));
        TopicFilter::new(match shared {
            Some((name, filter)) => format!("$share/{name}/{}{filter}", self.0),
            None => format!("{}{filter}", self.0),
        })
    }

    /// `topic` without this prefix; `None` when it does not stand under it.
    pub fn strip<'a>(&self, topic: &'a str) -> Option<&'a str> {
        topic.strip_prefix(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_before_topics_and_inside_shared_filters() {
        for text in ["run/7", "run/7/"] {
            let prefix = TopicPrefix::new(text).unwrap();
            assert_eq!(prefix.topic("farm/a").unwrap().as_str(), "run/7/farm/a");
            assert_eq!(prefix.filter("farm/#").unwrap().as_str(), "run/7/farm/#");
            assert_eq!(prefix.filter("$share/erp/farm/#").unwrap().as_str(), "$share/erp/run/7/farm/#");
            assert_eq!(prefix.strip("run/7/farm/a"), Some("farm/a"));
            assert_eq!(prefix.strip("run/70/farm/a"), None);
        }
    }

    #[test]
    fn the_empty_prefix_changes_nothing() {
        let prefix = TopicPrefix::new("").unwrap();
        assert!(prefix.is_empty());
        assert_eq!(prefix.filter("$share/erp/farm/#").unwrap().as_str(), "$share/erp/farm/#");
        assert_eq!(prefix.strip("farm/a"), Some("farm/a"));
    }

    #[test]
    fn what_cannot_begin_a_topic_is_refused() {
        for text in ["a/+", "#", "$SYS", &"x".repeat(2000)] {
            assert!(TopicPrefix::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_client_prefix_stands_before_every_client_identifier() {
        let mut target = Target::new("mqtt://127.0.0.1".parse().unwrap());
        let name = |target: &Target| target.connect_options("milk_meter_001", Version::V5).unwrap().client_id;
        assert_eq!(name(&target).as_str(), "milk_meter_001");
        target.client_prefix = Utf8String::new("1a2b3c4d-").unwrap();
        assert_eq!(name(&target).as_str(), "1a2b3c4d-milk_meter_001");
    }

    #[test]
    fn a_password_is_not_shown() {
        let credentials = Credentials { user_name: Utf8String::new("vet").unwrap(), password: Some("secret".into()) };
        assert!(!format!("{credentials:?}").contains("secret"));
    }
}
