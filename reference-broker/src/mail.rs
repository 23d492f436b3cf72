//! What workers write to each other. Mail from one worker to another arrives in the order in which it was sent.

use std::sync::Arc;

use foldhash::fast::RandomState;
use protocol::{Message, QoS, Session, Tag, Time, TopicFilter, Utf8String};
use smallvec::SmallVec;

use crate::{
    access::Identity,
    backlog::Backlog,
    memory::Charge,
    routing::{GroupId, Presence, SessionKey, Subscription, Target},
    worker::PendingWill,
};

/// One piece of mail.
#[derive(Debug)]
pub(crate) enum Mail {
    /// A message for sessions of the addressee.
    Deliver(Letter),
    /// Hand over the session, or end it if Clean Start was asked for.
    Claim(Claim),
    /// The answer to a claim: the session for `to`, if there still was one.
    Handover { to: SessionKey, session: Option<Box<Moving>> },
    /// Adopt the routes of `version` at least, then say so to `old`, where the session used to be.
    Fence { version: u64, old: Target },
    /// The sender adopted the new routes: nothing that it sends from now on will be addressed to `old`.
    Fenced { old: SessionKey },
    /// All workers are past the fence, and all that was sent to the old place has been forwarded.
    Settled { to: SessionKey },
    /// The sender reads from clients no more, and this is the `round`-th time that it says so.
    LastWord { round: usize },
}

/// What `mail` takes, in bytes: a message once for each session that it is for, because so often it may be encoded as soon as
/// it is taken. A session that moves is small beside its messages, which its bounds bound.
pub(crate) fn weight(mail: &Mail) -> usize {
    let letter = match mail {
        Mail::Deliver(letter) => letter.receivers.len() * (letter.message.weight() + size_of::<Receiver>()),
        _ => 0,
    };
    size_of::<Mail>() + letter
}

/// One message and the sessions it is for.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) message: Arc<Message>,
    pub(crate) expires_at: Option<Time>,
    pub(crate) receivers: SmallVec<[Receiver; 1]>,
}

/// How one session gets a message.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(crate) session: SessionKey,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    pub(crate) identifiers: SmallVec<[u32; 2]>,
    /// Set for a shared subscription.
    pub(crate) share: Option<Share>,
    /// Whether it was sent to the place where the session used to be, and forwarded from there.
    pub(crate) forwarded: bool,
}

/// What it takes to give a message of a shared subscription to another member when this one does not finish it (4.8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) group: GroupId,
    /// As it was published.
    pub(crate) qos: QoS,
    /// As it was published.
    pub(crate) retain: bool,
}

impl Share {
    /// The same as the name of a delivery, so that it stays with it wherever its session goes.
    pub(crate) fn tag(self) -> Tag {
        Tag(self.group.0 << 3 | u64::from(self.retain) << 2 | self.qos as u64)
    }

    pub(crate) fn of(tag: Tag) -> Self {
        let qos = match tag.0 & 0b11 {
            0 => QoS::AtMostOnce,
            1 => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        };
        Self { group: GroupId(tag.0 >> 3), qos, retain: tag.0 & 0b100 != 0 }
    }
}

/// A worker's wish for a session that another worker holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The session at its present owner.
    pub(crate) session: SessionKey,
    /// Where it shall live.
    pub(crate) requester: Target,
    /// Whether the session ends instead (Clean Start).
    pub(crate) clean: bool,
}

/// The subscriptions of one session by Topic Filter.
pub(crate) type Subscriptions = std::collections::HashMap<Utf8String, Subscription, RandomState>;

/// A session on its way from one worker to another.
#[derive(Debug)]
pub(crate) struct Moving {
    pub(crate) from: Target,
    pub(crate) delivery: Box<Session>,
    /// Who connected to it last, and by which version of the access rules its subscriptions were granted.
    pub(crate) identity: Option<Arc<Identity>>,
    pub(crate) policy: u64,
    pub(crate) revoked: Option<Vec<TopicFilter>>,
    pub(crate) subscriptions: Subscriptions,
    /// What they take.
    pub(crate) subscribed: Charge,
    pub(crate) presence: Arc<Presence>,
    pub(crate) backlog: Backlog,
    pub(crate) expiry_interval: u32,
    pub(crate) expires_at: Option<Time>,
    /// A Will whose delay runs: it is cancelled only when the CONNECT that fetched the session is accepted.
    pub(crate) will: Option<Box<PendingWill>>,
}
