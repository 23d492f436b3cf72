//! What a case is given: names of its own, peers, and words for what it finds.

use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use reports::observation::LineKind;
use tokio::time;
use transport::{Endpoint, Scheme, Stream};
use wire::{Connect, Publish, Version};

use crate::{CaseResult, Finding, Judge, Peer, Site, Stop, desk::Desk};

/// One run of one case. Its Client Identifiers and topics are its own, so that cases run side by side.
///
/// Verbs in the past tense are set-up: when they do not work the case is inconclusive. Verbs that begin with `expect` judge:
/// when they do not come true the target broke the standard.
#[derive(Debug)]
pub struct Bench {
    desk: Desk,
    fences: AtomicU32,
}

/// Names.
impl Bench {
    pub(crate) fn new(desk: Desk) -> Self {
        Self { desk, fences: AtomicU32::new(0) }
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The version that this run speaks.
    pub fn version(&self) -> Version {
        self.desk.version
    }

    /// Whether this run speaks 5.0.
    pub fn is_v5(&self) -> bool {
        self.desk.version == Version::V5
    }

    /// What differs between the versions: the one for 3.1.1, or the one for 5.0.
    pub fn pick<T>(&self, of_311: T, of_5: T) -> T {
        if self.is_v5() { of_5 } else { of_311 }
    }

    /// The target, and what is known about it.
    pub fn site(&self) -> &Site {
        &self.desk.site
    }

    /// A Client Identifier of this run that ends in `name`: 8 characters and the name, letters and digits only; with names of
    /// up to 15 characters every server must take it (MQTT-3.1.3-5 in both).
    pub fn id(&self, name: &str) -> String {
        let name = name.chars().filter(char::is_ascii_alphanumeric);
        self.desk.tag.chars().chain(name).collect()
    }

    /// A topic of this run that ends in `/name`. Publications to topics that are not of this run are passed over, so filters
    /// such as `#` may be used (at QoS 0).
    pub fn topic(&self, name: &str) -> String {
        format!("{}/{name}", self.desk.tag)
    }
}

/// Peers.
impl Bench {
    /// A CONNECT as client `name`: a clean session, Keep Alive 60 s, and User Name and Password where the target
    /// lets nobody in without.
    pub fn connect(&self, name: &str) -> Connect {
        let connect = Connect::as_(self.id(name));
        match &self.desk.site.facts.user {
            Some((user, password)) if self.desk.site.facts.closed => connect.user(user).password(password.as_str()),
            _ => connect,
        }
    }

    /// A connection without a word said on it, over the target's first carrier.
    ///
    /// # Errors
    ///
    /// Inconclusive when there is none.
    pub async fn opened(&self, name: &str) -> CaseResult<Peer> {
        let endpoint = self.desk.site.first_endpoint(self.version());
        self.open(name, endpoint.ok_or_else(|| Stop::Error("the target has no address".into()))?).await
    }

    /// A connection without a word of MQTT said on it, over this carrier.
    ///
    /// # Errors
    ///
    /// Not applicable when the target does not listen so, inconclusive when it cannot be reached.
    pub async fn opened_over(&self, scheme: Scheme, name: &str) -> CaseResult<Peer> {
        self.open(name, self.endpoint(scheme)?).await
    }

    /// A connection without a word said on it to this node of a cluster, counted from 0.
    ///
    /// # Errors
    ///
    /// Not applicable when there are fewer, inconclusive when it cannot be reached.
    pub async fn opened_at(&self, node: usize, name: &str) -> CaseResult<Peer> {
        let endpoint = self.desk.site.nodes.get(node);
        self.open(name, endpoint.ok_or_else(|| Stop::NotApplicable(format!("the target has no node {node}")))?).await
    }

    /// A connection without a word said on it to this endpoint.
    ///
    /// # Errors
    ///
    /// Inconclusive when it cannot be reached.
    pub(crate) async fn opened_on(&self, endpoint: &Endpoint, name: &str) -> CaseResult<Peer> {
        self.open(name, endpoint).await
    }

    async fn open(&self, name: &str, endpoint: &Endpoint) -> CaseResult<Peer> {
        let stream = self.desk.site.dial(endpoint).await.map_err(|error| Stop::Inconclusive(error.to_string()))?;
        self.desk.transcript.say(name, LineKind::Opened, endpoint.to_string());
        Ok(Peer::new(name, stream, self.desk.clone()))
    }

    /// Where the target listens with this below MQTT, for cases that speak what is below themselves.
    ///
    /// # Errors
    ///
    /// Not applicable when it does not.
    pub fn endpoint(&self, scheme: Scheme) -> CaseResult<&Endpoint> {
        let endpoint = self.desk.site.endpoint(scheme);
        endpoint.ok_or_else(|| Stop::NotApplicable(format!("the target does not listen at {scheme}://")))
    }

    /// A peer on a stream that the case made itself.
    pub fn peer_on(&self, name: &str, stream: Stream) -> Peer {
        Peer::new(name, stream, self.desk.clone())
    }

    /// A client `name` whose CONNECT ([`Bench::connect`]) was accepted.
    ///
    /// # Errors
    ///
    /// Inconclusive when it is not.
    pub async fn connected(&self, name: &str) -> CaseResult<Peer> {
        self.connected_as(name, self.connect(name)).await
    }

    /// A client whose CONNECT was accepted; `name` is only what the evidence calls it. Its CONNACK is `peer.connack`.
    ///
    /// # Errors
    ///
    /// Inconclusive when it is not.
    pub async fn connected_as(&self, name: &str, connect: Connect) -> CaseResult<Peer> {
        let mut peer = self.opened(name).await?;
        peer.send(connect).await?;
        peer.expect_accepted().await.set_up("connecting")?;
        Ok(peer)
    }

    /// Proves that nothing more is on its way from one client to another: `from` publishes a message of its own that `to` has
    /// subscribed to, and whatever reaches `to` before it and was not expected is a breach.
    ///
    /// # Errors
    ///
    /// A breach when something came; inconclusive when the fence itself did not.
    pub async fn fence(&self, from: &mut Peer, to: &mut Peer) -> CaseResult {
        let topic = self.topic(&format!("fence{}", self.fences.fetch_add(1, Ordering::Relaxed)));
        to.subscribed(&topic, 0).await?;
        from.send(Publish::to(&topic).payload("fence")).await?;
        to.expect_fence(&topic).await
    }
}

/// Words.
impl Bench {
    /// A remark in the evidence.
    pub fn remark(&self, text: impl Into<String>) {
        self.desk.transcript.say("", LineKind::Remark, text);
    }

    /// Says which of several lawful outcomes was seen.
    pub fn note(&self, text: impl Into<String>) {
        self.desk.note(text);
    }

    /// Judges a MUST that no verb judges.
    ///
    /// # Errors
    ///
    /// A breach unless it `holds`.
    pub fn check(&self, holds: bool, expected: impl Into<String>, seen: impl Into<String>) -> CaseResult {
        if holds { Ok(()) } else { Err(Stop::breach(expected, seen)) }
    }

    /// Judges a MUST about one value: `bench.equal("RETAIN", true, publish.retain)?`.
    ///
    /// # Errors
    ///
    /// A breach unless they are equal.
    pub fn equal<T: PartialEq + fmt::Debug>(&self, what: &str, expected: T, seen: T) -> CaseResult {
        self.check(expected == seen, format!("{what} is {expected:?}"), format!("{what} is {seen:?}"))
    }

    /// Judges a SHOULD: unless it `holds`, the case ends as a warning at best.
    pub fn advise(&self, holds: bool, expected: impl Into<String>, seen: impl Into<String>) {
        if !holds {
            self.desk.find(Finding::departure(expected, seen));
        }
    }

    /// Lets time pass that the standard counts: an expiry, a delay. Answers are awaited by verbs, never so.
    pub async fn let_pass(&self, time: Duration) {
        self.remark(format!("{time:?} pass"));
        time::sleep(time).await;
    }

    /// How much later or earlier than the standard's time something may happen.
    pub fn tolerance(&self) -> Duration {
        self.desk.site.tolerance
    }
}
