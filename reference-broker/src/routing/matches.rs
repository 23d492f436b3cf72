//! Who wants one message: collected into memory that is used again for the next.

use std::vec;

use protocol::QoS;
use smallvec::SmallVec;

use super::{
    GroupId, Presence, Subscription, Target,
    subscribers::{Group, Subscribers},
};
use crate::Overlap;

/// One delivery to one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) target: Target,
    /// The highest QoS among the matching subscriptions (MQTT-3.3.4-2).
    pub(crate) qos: QoS,
    /// Whether any of the matching subscriptions wants RETAIN as it was published.
    pub(crate) retain_as_published: bool,
    /// The identifiers of all matching subscriptions that have one (MQTT-3.3.4-3, MQTT-3.3.4-4).
    pub(crate) identifiers: SmallVec<[u32; 2]>,
    /// The group whose turn it was, in a shared subscription.
    pub(crate) group: Option<GroupId>,
}

/// The deliveries that one message asks for.
///
/// A session gets one delivery for all its plain subscriptions that match (or one for each: [`Overlap`]), and one more
/// for each shared subscription in which it is the member whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Matches {
    hits: Vec<Hit>,
    shared: Vec<Hit>,
    /// How many filters contributed to `hits`: with one there is nothing to merge.
    lists: usize,
    publisher: Option<Target>,
    overlap: Overlap,
    /// Per group the turn of its next member, as this worker counts.
    turns: Vec<u32>,
    /// How many places this message had looked at: levels of filters, subscribers, members.
    visits: usize,
}

impl Matches {
    pub(crate) fn new(overlap: Overlap) -> Self {
        Self { overlap, ..Self::default() }
    }

    /// Forgets the previous message; `publisher` does not get what its No Local subscriptions match.
    pub(super) fn start(&mut self, publisher: Option<Target>) {
        self.hits.clear();
        self.shared.clear();
        self.lists = 0;
        self.visits = 0;
        self.publisher = publisher;
    }

    /// Adds the subscribers of one matching filter.
    pub(super) fn take(&mut self, subscribers: &Subscribers) {
        let before = self.hits.len();
        let Self { hits, publisher, .. } = self;
        subscribers.direct.for_each(|target, subscription| {
            // MQTT-3.8.3-3.
            if !(subscription.no_local && *publisher == Some(target)) {
                hits.push(Hit::new(target, subscription, None));
            }
        });
        self.lists += usize::from(self.hits.len() > before);
        self.visits += self.hits.len() - before;
        for group in subscribers.groups.as_deref().into_iter().flatten() {
            self.take_turn(group);
        }
    }

    /// Picks the member whose turn it is; the next one that is connected and has room, or else that has room, if any has.
    pub(super) fn take_turn(&mut self, group: &Group) {
        let index = group.turn as usize;
        if self.turns.len() <= index {
            self.turns.resize(index + 1, 0);
        }
        let members = group.members.len();
        let first = self.turns[index] as usize % members;
        let visits = &mut self.visits;
        let mut next = |wanted: fn(&Presence) -> bool| {
            let mut all = (first..first + members).inspect(|_| *visits += 1).map(|at| at % members);
            all.find(|at| wanted(&group.members[*at].presence))
        };
        let chosen = next(|member| member.is_online() && !member.is_full())
            .or_else(|| next(|member| !member.is_full()))
            .unwrap_or(first);
        self.turns[index] = chosen as u32 + 1;
        let member = &group.members[chosen];
        self.shared.push(Hit::new(member.target, &member.subscription, Some(group.id)));
    }

    /// Merges overlapping subscriptions: one delivery per session, with the highest QoS (MQTT-3.3.4-2; MQTT-3.3.5-1 in
    /// 3.1.1). Otherwise each has its own QoS and its own identifier (MQTT-3.3.4-5).
    pub(super) fn finish(&mut self) {
        if self.lists > 1 && self.overlap == Overlap::Merged {
            self.hits.sort_by_key(|hit| hit.target);
            self.hits.dedup_by(|later, kept| {
                let same = later.target == kept.target;
                if same {
                    kept.qos = kept.qos.max(later.qos);
                    kept.retain_as_published |= later.retain_as_published;
                    // MQTT-3.3.4-3, MQTT-3.3.4-4.
                    kept.identifiers.append(&mut later.identifiers);
                }
                same
            });
        }
        self.hits.append(&mut self.shared);
    }

    /// One more level of some filter is looked at.
    pub(super) const fn visit(&mut self) {
        self.visits += 1;
    }

    /// How many places were looked at: what finding the deliveries cost, however few they are.
    pub(crate) const fn visits(&self) -> usize {
        self.visits
    }

    /// The deliveries, each session's plain one before its shared ones.
    pub(crate) fn hits(&self) -> &[Hit] {
        &self.hits
    }

    /// Takes the deliveries out, in the same order.
    pub(crate) fn take_hits(&mut self) -> vec::Drain<'_, Hit> {
        self.hits.drain(..)
    }
}

impl Hit {
    fn new(target: Target, subscription: &Subscription, group: Option<GroupId>) -> Self {
        Self {
            target,
            qos: subscription.qos,
            retain_as_published: subscription.retain_as_published,
            identifiers: subscription.identifier.map(std::num::NonZeroU32::get).into_iter().collect(),
            group,
        }
    }
}
