//! SUBSCRIBE and UNSUBSCRIBE packets whose acknowledgement is due.

use std::collections::VecDeque;

use crate::{PacketId, Properties, SubscribeFilter, Tag, TopicFilter};

/// As many as the owner made.
#[derive(Debug, Default)]
pub(super) struct Requests {
    sent: Vec<Sent>,
    /// Those that wait for CONNACK or for a free Packet Identifier.
    waiting: VecDeque<Request>,
}

/// One that the owner made.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) tag: Tag,
    pub(super) properties: Properties,
    pub(super) filters: Filters,
}

/// What it is about.
#[derive(Debug)]
pub(super) enum Filters {
    Subscribe(Vec<SubscribeFilter>),
    Unsubscribe(Vec<TopicFilter>),
}

/// Which acknowledgement is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Subscribe,
    Unsubscribe,
}

/// One that was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) packet_id: PacketId,
    pub(super) kind: Kind,
    pub(super) tag: Tag,
    pub(super) filters: usize,
}

impl Requests {
    pub(super) fn push(&mut self, request: Request) {
        self.waiting.push_back(request);
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<Request> {
        self.waiting.pop_front()
    }

    pub(super) fn sent(&mut self, sent: Sent) {
        self.sent.push(sent);
    }

    /// Whether a Packet Identifier is in use here.
    pub(super) fn holds(&self, packet_id: PacketId) -> bool {
        self.sent.iter().any(|sent| sent.packet_id == packet_id)
    }

    /// Ends one; none when `packet_id` waits for no acknowledgement of this kind.
    pub(super) fn take(&mut self, packet_id: PacketId, kind: Kind) -> Option<Sent> {
        let index = self.sent.iter().position(|sent| sent.packet_id == packet_id && sent.kind == kind)?;
        Some(self.sent.swap_remove(index))
    }
}

impl Filters {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Subscribe(filters) => filters.len(),
            Self::Unsubscribe(filters) => filters.len(),
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Subscribe(_) => Kind::Subscribe,
            Self::Unsubscribe(_) => Kind::Unsubscribe,
        }
    }
}
