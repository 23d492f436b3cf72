//! Mutants: brokers that are wrong in just the way that a case exists to catch.

use std::fmt;

use faults::Rules;
use wire::Version;

use crate::{tls::TlsLie, websocket::Lie};

/// What must make a case fail. A case whose mutants it does not see proves nothing.
#[derive(Clone, Copy)]
pub struct Mutant {
    /// What the mutant does, as the end of "a broker that": `loses PUBACK`.
    pub name: &'static str,
    /// How it comes about.
    pub how: How,
    /// The only version in which it is one; any when absent.
    pub version: Option<Version>,
    /// Whether it departs from advice only. Any other must break what a server has to do.
    pub advice: bool,
}

/// How a mutant comes about.
#[derive(Clone, Copy)]
pub enum How {
    /// Rules of the proxy between the case and a correct broker.
    Rules(fn() -> Rules),
    /// A broker that does not see what is wrong with the one packet of the case: packets that the strict parser refuses in the
    /// same words never reach it. For cases that are a [`Script::Row`](crate::Script::Row).
    Overlooks,
    /// The embedded broker in the configuration of this name (see [`crate::embedded`]), in the place of the one that the case
    /// needs. The case still believes that it talks to that one.
    Configuration(&'static str),
    /// The embedded broker in the configurations of these names, each in the place of one node of a cluster.
    Apart(&'static [&'static str]),
    /// A relay between the case and the WebSocket listener of a correct broker, which changes heads and frames.
    WebSocket(Lie),
    /// A TLS listener between the case and that of a correct broker, which is wrong in one way.
    Tls(TlsLie),
}

impl Mutant {
    /// A mutant by rules of the proxy: `Mutant::rules("loses PUBACK", || server(Kind::Puback).drop().into())`.
    pub const fn rules(name: &'static str, rules: fn() -> Rules) -> Self {
        Self { name, how: How::Rules(rules), version: None, advice: false }
    }

    /// A mutant that passes over the malformed packet of the row that it belongs to.
    pub const fn overlooks(name: &'static str) -> Self {
        Self { name, how: How::Overlooks, version: None, advice: false }
    }

    /// A mutant by another configuration of the embedded broker.
    pub const fn configuration(name: &'static str, configuration: &'static str) -> Self {
        Self { name, how: How::Configuration(configuration), version: None, advice: false }
    }

    /// A mutant by brokers that know nothing of each other, in the place of the nodes of a cluster.
    pub const fn apart(name: &'static str, configurations: &'static [&'static str]) -> Self {
        Self { name, how: How::Apart(configurations), version: None, advice: false }
    }

    /// A mutant by a relay that lies about what WebSocket carries.
    pub const fn websocket(name: &'static str, lie: Lie) -> Self {
        Self { name, how: How::WebSocket(lie), version: None, advice: false }
    }

    /// A mutant by a TLS listener that is wrong.
    pub const fn tls(name: &'static str, lie: TlsLie) -> Self {
        Self { name, how: How::Tls(lie), version: None, advice: false }
    }

    /// Departs from advice only: the case warns of it.
    #[must_use]
    pub const fn against_advice(self) -> Self {
        Self { advice: true, ..self }
    }

    /// Tried in this version only.
    #[must_use]
    pub const fn only_in(self, version: Version) -> Self {
        Self { version: Some(version), ..self }
    }
}

impl fmt::Debug for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mutant").field(&self.name).finish()
    }
}
