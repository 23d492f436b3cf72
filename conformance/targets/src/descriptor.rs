//! What a descriptor says, once it is known to be right.

pub(crate) mod capabilities;
pub(crate) mod deviation;
pub(crate) mod glob;
pub(crate) mod listeners;
pub(crate) mod template;

use std::{fmt, path::Path, str::FromStr, time::Duration};

use self::{
    capabilities::{Capabilities, User},
    deviation::Deviation,
    listeners::Listeners,
    template::Template,
};

/// A broker under test: how it is reached or started, what it offers, and where it is known to depart from the standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// What reports call it: 1 to 64 of a-z, 0-9, `_`, `-` and `.`.
    pub name: String,
    /// The product's name, for people.
    pub product: String,
    /// Where the product is described.
    pub home: Option<String>,
    /// How its release is known.
    pub release: Release,
    /// The versions of MQTT that it speaks, oldest first; never empty.
    pub versions: Vec<Version>,
    /// How it is reached or started.
    pub reach: Reach,
    /// Where it listens, besides its first address.
    pub listeners: Listeners<Template>,
    /// What it offers.
    pub capabilities: Capabilities,
    /// Who may connect with which password. Default: nobody needs one.
    pub users: Vec<User>,
    /// Where it is known to depart from the standard, in the order of the text.
    pub deviations: Vec<Deviation>,
    /// The release that `deviations` speak of; all when absent.
    pub deviations_of: Option<String>,
    /// Cases after which it serves nobody any more, and what happens: each wants a broker of its own.
    pub alone: Vec<Deviation>,
}

/// A version of MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// MQTT 3.1, which is no standard of OASIS.
    V3_1,
    /// MQTT 3.1.1.
    V3_1_1,
    /// MQTT 5.0.
    V5,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V3_1 => "3.1",
            Self::V3_1_1 => "3.1.1",
            Self::V5 => "5.0",
        })
    }
}

/// How a release is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// Nobody says.
    Unknown,
    /// It is this one.
    Is(String),
    /// This command says it, on standard output or standard error.
    Asked {
        /// The program and its arguments; never empty.
        command: Vec<Template>,
        /// The release is what follows this, up to the next space, comma, bracket or quotation mark; when empty, the first
        /// word.
        after: String,
    },
}

/// How a broker is reached or started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Somebody else runs it.
    Addresses {
        /// Its URLs; several are one cluster. Never empty.
        urls: Vec<String>,
        /// The longest time until each answers; 0 when they are not waited for.
        deadline: Duration,
    },
    /// Processes on this machine.
    Process(Process),
    /// A container.
    Container(Container),
}

/// A broker that is started as a process, or as several that are one cluster. Each has a folder of its own, which goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The program: a path, or a name that is looked up (see [`crate::Host`]).
    pub program: Template,
    /// Its arguments.
    pub arguments: Vec<Template>,
    /// What is added to its environment.
    pub environment: Vec<(String, Template)>,
    /// The text of the file that `${config}` names.
    pub config: Option<Template>,
    /// Further files of its folder: name and text.
    pub files: Vec<(String, Template)>,
    /// Commands that run before it, in its folder, one after the other; none of them is empty.
    pub prepare: Vec<Vec<Template>>,
    /// When it counts as ready.
    pub ready: Ready,
    /// The longest time until it is ready, and that each command before it may take; above 0.
    pub deadline: Duration,
    /// The longest time that it may take to end when it is asked to; then it is killed.
    pub grace: Duration,
    /// How many processes are one cluster, at least 1.
    pub nodes: u16,
    /// How people get the program, for whoever does not have it.
    pub install: Option<String>,
}

/// A broker in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The image, such as `emqx/emqx`.
    pub image: String,
    /// Its tag.
    pub tag: String,
    /// Where it speaks MQTT inside.
    pub port: u16,
    /// Its further ports inside, by the name that `${port:NAME}` has for where they are reached from here.
    pub ports: Vec<(String, u16)>,
    /// What replaces the image's own arguments; empty for none.
    pub arguments: Vec<String>,
    /// What is added to its environment.
    pub environment: Vec<(String, String)>,
    /// Files that are put into it before it starts: path and text.
    pub files: Vec<(String, String)>,
    /// The longest time until it answers a CONNECT, without the time that its image takes to arrive; above 0.
    pub deadline: Duration,
}

/// When a broker counts as ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// It says `listening on URL` on its first line, as the reference broker does; that is then its address.
    Announces,
    /// Its port takes a connection.
    Connects,
    /// It answers a CONNECT of 3.1.1 with a CONNACK that does not say Server unavailable.
    Answers,
}

impl Descriptor {
    /// Of a broker that somebody else runs at `url`, about which nothing else is known.
    #[must_use]
    pub fn of_address(url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            name: "target".to_owned(),
            product: url.clone(),
            home: None,
            release: Release::Unknown,
            versions: vec![Version::V3_1_1, Version::V5],
            reach: Reach::Addresses { urls: vec![url], deadline: Duration::ZERO },
            listeners: Listeners::default(),
            capabilities: Capabilities::default(),
            users: Vec::new(),
            deviations: Vec::new(),
            deviations_of: None,
            alone: Vec::new(),
        }
    }

    /// Reads a descriptor: `path_or_name` is a path to a TOML file, or else the name of a shipped one such as `mosquitto`.
    ///
    /// # Errors
    ///
    /// See [`crate::LoadError`].
    pub fn load(path_or_name: &str) -> Result<Self, crate::LoadError> {
        let path = Path::new(path_or_name);
        // Names have points too: `emqx-5.8.8`.
        if path.extension().is_none_or(|ending| ending != "toml") && path.components().count() == 1 {
            let shipped = crate::shipped().iter().find(|entry| entry.name == path_or_name);
            return match shipped {
                Some(entry) => Self::parse(entry.name, entry.text).map_err(crate::LoadError::Invalid),
                None => Err(crate::LoadError::unknown(path_or_name)),
            };
        }
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path_or_name, &text).map_err(crate::LoadError::Invalid),
            Err(source) => Err(crate::LoadError::Unreadable { path: path.to_owned(), source }),
        }
    }

    /// Reads the text of a descriptor. `origin` names it in errors.
    ///
    /// # Errors
    ///
    /// Every error of the text at once.
    pub fn parse(origin: &str, text: &str) -> Result<Self, located::Diagnostics> {
        crate::document::read(origin, text)
    }

    /// How many nodes it has; several are one cluster.
    #[must_use]
    pub fn nodes(&self) -> usize {
        match &self.reach {
            Reach::Addresses { urls, .. } => urls.len(),
            Reach::Process(process) => usize::from(process.nodes),
            Reach::Container(_) => 1,
        }
    }

    /// The first entry that excuses the case `id` in `version`.
    #[must_use]
    pub fn excuse(&self, id: &str, version: Version) -> Option<&Deviation> {
        self.deviations.iter().find(|deviation| deviation.covers(id, version))
    }
}

impl FromStr for Version {
    type Err = located::Wrong;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "3.1" => Ok(Self::V3_1),
            "3.1.1" => Ok(Self::V3_1_1),
            "5.0" => Ok(Self::V5),
            _ => Err(located::not_a_word(text, "a version of MQTT", &Self::WORDS)),
        }
    }
}

impl Version {
    /// How they are written.
    pub(crate) const WORDS: [&'static str; 3] = ["3.1", "3.1.1", "5.0"];
}
