//! Which packets: conditions, and what they look at.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use wire::{Breach, Direction, Draft, Draftable, Frame, Packet, Version};

use super::{Clause, On};
use crate::{Actions, Connection, Newcomer, Rule, Seen, Time};

/// What a clause looks at: a packet (it derefs to its [`Frame`]) on its connection. Of a close, and of a connection that was
/// just made, the frame is empty.
#[derive(Debug)]
pub struct Sight<'a> {
    frame: &'a Frame,
    direction: Direction,
    connection: &'a Connection,
}

impl Sight<'_> {
    /// The connection's version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.connection.version()
    }

    /// The connection's Client Identifier, as CONNECT gave it.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.connection.client_id()
    }

    /// What is known about the connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        self.connection
    }

    /// The same on another connection.
    pub(super) fn on<'b>(&'b self, connection: &'b Connection) -> Sight<'b> {
        Sight { connection, ..*self }
    }

    /// Which way it goes.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The Packet Identifier, 0 when there is none.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.frame.packet_identifier().unwrap_or(0)
    }

    /// The packet, when it is a correct one.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn packet(&self) -> Result<Packet, Breach> {
        Packet::parse(self.version(), self.direction, self.frame.bytes())
    }

    /// The packet as a draft, when it is a correct one.
    #[must_use]
    pub fn draft(&self) -> Option<Draft> {
        self.packet().ok().map(|packet| packet.into_draft(self.version()))
    }
}

impl Deref for Sight<'_> {
    type Target = Frame;

    fn deref(&self) -> &Frame {
        self.frame
    }
}

/// Conditions. All must hold.
impl Clause {
    /// Only when this is so.
    pub fn when(mut self, condition: impl Fn(&Sight<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.conditions.push(Arc::new(condition));
        self
    }

    /// Only PUBLISH packets to a topic that ends so. Topics of cases have a prefix of their own, so the end must do.
    pub fn topic(self, end: &'static str) -> Self {
        self.when(move |frame| frame.topic().is_some_and(|topic| topic.ends_with(end)))
    }

    /// Only on connections whose Client Identifier ends so.
    pub fn by(self, end: &'static str) -> Self {
        self.when(move |frame| frame.client_id().ends_with(end))
    }

    /// Only on the nth connection of the proxy, counted from 1 in the order of acceptance.
    pub fn on_connection(self, number: u64) -> Self {
        self.when(move |frame| frame.connection().number() == number)
    }

    /// Only in this version.
    pub fn in_version(self, version: Version) -> Self {
        self.when(move |frame| frame.version() == version)
    }

    /// Only the nth that meets all conditions, counted from 1.
    pub fn nth(mut self, n: u64) -> Self {
        (self.from, self.to) = (n, n);
        self
    }

    /// Only the first that meets all conditions.
    pub fn once(self) -> Self {
        self.nth(1)
    }

    /// Only the first `n` that meet all conditions.
    pub fn first(mut self, n: u64) -> Self {
        self.to = n;
        self
    }

    /// Not the first `n` that meet all conditions.
    pub fn after(mut self, n: u64) -> Self {
        self.from = n + 1;
        self
    }

    /// Counts (`nth`, `once`, `first`, `after`) run over all connections of the proxy.
    pub fn overall(mut self) -> Self {
        static COUNTS: AtomicU64 = AtomicU64::new(0);
        self.overall = Some(COUNTS.fetch_add(1, Ordering::Relaxed));
        self
    }

    /// With this chance, 0 to 1, of those that meet all conditions.
    pub fn chance(mut self, chance: f64) -> Self {
        self.chance = chance.clamp(0.0, 1.0);
        self
    }

    /// Only after such a packet on this connection; not that packet itself. The effects of `trigger` do not matter.
    pub fn since(mut self, trigger: Self) -> Self {
        self.since.push(trigger);
        self
    }

    /// Only before such a packet on this connection; not that packet itself. The effects of `trigger` do not matter.
    pub fn until(mut self, trigger: Self) -> Self {
        self.until.push(trigger);
        self
    }

    /// The clause on one connection.
    pub(crate) fn stand(&self, newcomer: &Newcomer<'_>) -> Standing {
        let gates = |triggers: &[Self]| triggers.iter().map(|trigger| (trigger.stand(newcomer), false)).collect();
        Standing {
            since: gates(&self.since),
            until: gates(&self.until),
            count: 0,
            rng: newcomer.random(),
            empty: Frame::new(Vec::new()),
            clause: self.clone(),
        }
    }
}

/// A clause on one connection.
pub(crate) struct Standing {
    clause: Clause,
    since: Vec<(Self, bool)>,
    until: Vec<(Self, bool)>,
    count: u64,
    rng: ChaCha8Rng,
    empty: Frame,
}

/// The counts that all connections share, by [`Clause::overall`].
#[derive(Default)]
struct Counts(HashMap<u64, u64>);

impl Rule for Standing {
    fn on(&mut self, _now: Time, seen: Seen<'_>, actions: &mut Actions<'_>) {
        let garbage;
        let empty = std::mem::replace(&mut self.empty, Frame::new(Vec::new()));
        let (on, direction, frame) = match seen {
            Seen::Frame(direction, frame) => (On::Frame(direction, frame.kind()), direction, frame),
            Seen::Garbage(direction, bytes) => {
                garbage = Frame::new(bytes.to_vec());
                (On::Garbage(direction), direction, &garbage)
            }
            Seen::Open => (On::Open, Direction::FromClient, &empty),
            Seen::Close(direction, _) => (On::Close(direction), direction, &empty),
            Seen::Tick => return,
        };
        let sight = Sight { frame, direction, connection: actions.connection };
        if self.meets(on, &sight, actions) {
            for effect in &self.clause.effects {
                effect(&sight, actions);
            }
        }
    }

    fn name(&self) -> &str {
        &self.clause.name
    }
}

impl Standing {
    fn meets(&mut self, on: On, sight: &Sight<'_>, actions: &Actions<'_>) -> bool {
        let begun = self.since.iter().all(|(_, passed)| *passed);
        for (trigger, passed) in self.since.iter_mut().chain(&mut self.until) {
            *passed = *passed || trigger.meets(on, sight, actions);
        }
        let goes_on = self.until.iter().all(|(_, passed)| !passed);
        let fits = match (self.clause.on, on) {
            (On::Frame(wanted, None), On::Frame(direction, _)) => wanted == direction,
            (wanted, on) => wanted == on,
        };
        if !(begun && goes_on && fits && self.clause.conditions.iter().all(|condition| condition(sight))) {
            return false;
        }
        let count = match self.clause.overall {
            None => {
                self.count += 1;
                self.count
            }
            Some(key) => {
                let counts = actions.shared.state::<Counts>();
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                let count = counts.0.entry(key).or_default();
                *count += 1;
                *count
            }
        };
        let counts = (self.clause.from..=self.clause.to).contains(&count);
        counts && (self.clause.chance >= 1.0 || self.rng.random_bool(self.clause.chance))
    }
}
