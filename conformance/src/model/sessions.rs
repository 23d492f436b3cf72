//! Sessions: what a server keeps for a client.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Number,
    time::{Span, Timer},
};

/// The state of one client. It has a new epoch when it is begun anew.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) epoch: u32,
    /// Session Expiry Interval in seconds.
    pub(super) expiry: u32,
    /// By the filter as it stands in SUBSCRIBE.
    pub(super) subscriptions: BTreeMap<String, Subscription>,
    /// Filters that it once had and unsubscribed from.
    pub(super) former: BTreeSet<String>,
    /// In the order of their first sending.
    pub(super) inflight: Vec<Inflight>,
    pub(super) presence: Presence,
    /// Debts older than this may have been sent on a connection that ended before we saw them: their first copy may have DUP.
    pub(super) unseen_before: u32,
    /// The last message of each (publisher, topic, published QoS, delivered QoS).
    pub(super) last: BTreeMap<(u8, String, u8, u8), Number>,
}

#[derive(Debug)]
pub(super) enum Presence {
    Online(Online),
    Offline(Timer),
}

/// The connection of a session.
#[derive(Clone, Debug)]
pub(super) struct Online {
    pub(super) number: u32,
    /// CONNACK came.
    pub(super) ready: bool,
    /// It is being closed, at the same time as other things happen.
    pub(super) leaving: bool,
    pub(super) receive_maximum: u16,
    /// Its message and its delay in seconds.
    pub(super) will: Option<(Number, u32)>,
    /// Whether the will may have been published, since the connection is being closed.
    pub(super) will_is_offered: bool,
    /// What CONNECT asked for.
    pub(super) clean: bool,
    /// What CONNACK has to say.
    pub(super) present: bool,
}

/// A subscription, which may just be changing.
#[derive(Clone, Debug, Default)]
pub(super) struct Subscription {
    /// As acknowledged.
    pub(super) current: Option<Options>,
    /// As asked for, before SUBACK.
    pub(super) pending: Option<Options>,
    /// Before UNSUBACK.
    pub(super) leaving: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) qos: u8,
    pub(super) no_local: bool,
    pub(super) retain_as_published: bool,
    pub(super) identifier: Option<u32>,
    /// Whether retained messages are sent for the SUBSCRIBE that made it.
    pub(super) wants_retained: bool,
}

/// A PUBLISH above QoS 0 that the server sent and that is not settled.
#[derive(Clone, Debug)]
pub(super) struct Inflight {
    pub(super) id: u16,
    pub(super) message: Number,
    pub(super) qos: u8,
    /// The connection that it was last sent on.
    pub(super) connection: u32,
    /// Whether PUBREC was sent.
    pub(super) received: bool,
    /// The connection that PUBREL came on.
    pub(super) released: Option<u32>,
    /// Whether the last acknowledgement was sent.
    pub(super) acked: bool,
    /// Whether a ping after that acknowledgement is on its way.
    pub(super) pinged: bool,
    /// Whether the last thing we sent may not have been read.
    pub(super) unsure: bool,
}

impl Session {
    pub(super) fn new(epoch: u32, now: Duration) -> Self {
        Self {
            epoch,
            expiry: 0,
            subscriptions: BTreeMap::new(),
            former: BTreeSet::new(),
            inflight: Vec::new(),
            presence: Presence::Offline(Timer { from: Span { begin: now, end: now }, seconds: 0 }),
            unseen_before: 0,
            last: BTreeMap::new(),
        }
    }

    pub(super) fn online(&self) -> Option<&Online> {
        match &self.presence {
            Presence::Online(online) => Some(online),
            Presence::Offline(_) => None,
        }
    }

    pub(super) fn online_mut(&mut self) -> Option<&mut Online> {
        match &mut self.presence {
            Presence::Online(online) => Some(online),
            Presence::Offline(_) => None,
        }
    }

    /// Whether it is connected and stays so.
    pub(super) fn is_reachable(&self) -> bool {
        self.online().is_some_and(|online| online.ready && !online.leaving)
    }

    /// Whether the server may wait for an acknowledgement before it sends more.
    pub(super) fn is_blocked(&self) -> bool {
        self.inflight.iter().any(|inflight| !inflight.acked)
    }
}
