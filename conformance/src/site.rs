//! A broker as cases reach it: one configuration of a target.

use std::{collections::BTreeSet, time::Duration};

use transport::{ClientTls, DialError, DialOptions, Endpoint, Scheme, Stream, dial};
use wire::Version;

use crate::{Capability, nodes::Stopping};

/// One configuration of a target. An external broker has one; the embedded one has several, so that what some of them lack
/// others have.
#[derive(Clone, Debug)]
pub struct Site {
    /// Which configuration: `limited`; empty where there is only one.
    pub configuration: String,
    /// Where it listens. Cases speak to the first unless they ask for another carrier.
    pub endpoints: Vec<Endpoint>,
    /// Where it speaks 5.0, if that is not the first of `endpoints`.
    pub endpoint_of_5: Option<Endpoint>,
    /// The nodes of a cluster, this one first; empty where there is only one.
    pub nodes: Vec<Endpoint>,
    /// How one of `nodes` can be stopped; absent where none can.
    pub stopping: Option<Stopping>,
    /// How to trust it, for `mqtts` and `wss`.
    pub tls: Option<ClientTls>,
    /// The versions that it speaks.
    pub versions: Vec<Version>,
    /// What it offers, or is known to lack.
    pub capabilities: BTreeSet<Capability>,
    /// What only whoever set it up can know.
    pub facts: Facts,
    /// How much later or earlier than the standard's time something may happen: timers of real brokers are coarse, and
    /// machines are busy. Default 1 s.
    pub tolerance: Duration,
    /// How long an answer may take, at most. Default 5 s.
    pub patience: Duration,
}

/// What only whoever set a broker up can know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// A User Name and Password that are let in ([`Capability::Users`]).
    pub user: Option<(String, String)>,
    /// Whether clients are refused that do not say who they are; cases then connect as the user.
    pub closed: bool,
    /// A user of SCRAM-SHA-256 and its password ([`Capability::Scram`]).
    pub scram: Option<(String, String)>,
    /// A topic that the user may not publish to ([`Capability::ForbiddenTopic`]).
    pub forbidden_topic: Option<String>,
    /// A filter that the user may not subscribe to ([`Capability::ForbiddenFilter`]).
    pub forbidden_filter: Option<String>,
    /// A Client Identifier that is refused ([`Capability::RefusedClientId`]).
    pub refused_client_id: Option<String>,
}

impl Site {
    /// A broker that listens there and of which nothing else is known.
    pub fn at(endpoint: Endpoint) -> Self {
        Self {
            configuration: String::new(),
            endpoints: vec![endpoint],
            endpoint_of_5: None,
            nodes: Vec::new(),
            stopping: None,
            tls: None,
            versions: Vec::new(),
            capabilities: BTreeSet::new(),
            facts: Facts::default(),
            tolerance: Duration::from_secs(1),
            patience: Duration::from_secs(5),
        }
    }

    /// Where cases speak `version`, unless they ask for another carrier.
    pub fn first_endpoint(&self, version: Version) -> Option<&Endpoint> {
        let own = self.endpoint_of_5.as_ref().filter(|_| version == Version::V5);
        own.or(self.endpoints.first())
    }

    /// Where it listens with this below MQTT.
    pub fn endpoint(&self, scheme: Scheme) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.scheme == scheme)
    }

    /// What of `needs` it does not have, the first.
    pub fn lacks(&self, needs: &[Capability]) -> Option<Capability> {
        needs.iter().copied().find(|need| !self.capabilities.contains(need))
    }

    /// What follows from where it listens and from what is known about it.
    pub(crate) fn evident(&self) -> impl Iterator<Item = Capability> {
        let facts = &self.facts;
        [
            (self.endpoint(Scheme::Mqtts).is_some(), Capability::Tls),
            (self.endpoint(Scheme::Ws).or(self.endpoint(Scheme::Wss)).is_some(), Capability::WebSocket),
            (self.endpoint(Scheme::Wss).is_some(), Capability::SecureWebSocket),
            (self.endpoint(Scheme::Unix).is_some(), Capability::Unix),
            (self.nodes.len() > 1, Capability::Cluster),
            (self.nodes.len() > 1 && self.stopping.is_some(), Capability::StoppableNodes),
            (facts.user.is_some(), Capability::Users),
            (facts.scram.is_some(), Capability::Scram),
            (facts.forbidden_topic.is_some(), Capability::ForbiddenTopic),
            (facts.forbidden_filter.is_some(), Capability::ForbiddenFilter),
            (facts.refused_client_id.is_some(), Capability::RefusedClientId),
        ]
        .into_iter()
        .filter_map(|(evident, capability)| evident.then_some(capability))
    }

    /// Connects to one of its endpoints.
    pub(crate) async fn dial(&self, endpoint: &Endpoint) -> Result<Stream, DialError> {
        dial(endpoint, &DialOptions { tls: self.tls.clone(), connect_timeout: self.patience, source: None }).await
    }
}
