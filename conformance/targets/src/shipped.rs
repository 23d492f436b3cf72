//! The descriptors that come with Paddock, inside the program, so that `--target mosquitto` works anywhere.

use std::{io, path::PathBuf};

/// A descriptor that comes with Paddock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Its name, such as `mosquitto`.
    pub name: &'static str,
    /// Its TOML text.
    pub text: &'static str,
}

/// Lists the files of the folder; a test compares the list with it.
macro_rules! entries {
    ($($name:literal),+ $(,)?) => {
        &[$( Shipped { name: $name, text: include_str!(concat!("../descriptors/", $name, ".toml")) } ),+]
    };
}

/// Every one, the reference broker first.
#[must_use]
pub fn shipped() -> &'static [Shipped] {
    entries![
        "paddock",
        "aedes",
        "amqtt",
        "emqx-5.4.1",
        "emqx-5.8.8",
        "flashmq",
        "hivemq-ce",
        "monstermq",
        "mosquitto",
        "nanomq",
        "nats",
        "nats-cluster",
        "rabbitmq",
        "rmqttd",
        "rumqttd",
        "vernemq",
    ]
}

/// Why there is no descriptor.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No shipped descriptor has this name.
    #[error("no target is called `{name}`{hint}")]
    Unknown {
        /// The name as given.
        name: String,
        /// A similar name, or where to find them all, as a clause to append.
        hint: String,
    },
    /// The text is not a valid descriptor. Displays every error, each with its line.
    #[error("{0}")]
    Invalid(located::Diagnostics),
}

impl LoadError {
    pub(crate) fn unknown(name: &str) -> Self {
        let names = || shipped().iter().map(|entry| entry.name);
        let hint = match located::did_you_mean(name, names()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => {
                format!("; there are {}, or write the path of a descriptor", names().collect::<Vec<_>>().join(", "))
            }
        };
        Self::Unknown { name: name.to_owned(), hint }
    }
}
