//! Hardships of a farm's network, for scenarios: turned on and off while a proxy runs.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use wire::{Direction, Kind};

use crate::{Actions, Manner, Newcomer, Rule, Rules, Seen, Time};

/// What a network does to the connections of some clients. Becomes [`Rules`] with `into()`.
///
/// ```
/// use std::time::Duration;
/// use faults::{Hardship, Rules, Switch, Trouble};
///
/// let lag = Trouble::Delay { least: Duration::from_millis(20), jitter: Duration::from_millis(30) };
/// let rules: Rules = Hardship::new("lag", lag).chance(0.5).clients(|id| id.starts_with("milk_meter")).into();
/// ```
#[derive(Clone)]
pub struct Hardship {
    name: String,
    trouble: Trouble,
    directions: Vec<Direction>,
    chance: f64,
    clients: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    switch: Switch,
}

/// What goes wrong. TCP cannot lose one packet, so loss means a severed or stalled connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// A packet is held back, and with it what comes after it.
    Delay {
        /// The least delay.
        least: Duration,
        /// At most this much more, evenly at random.
        jitter: Duration,
    },
    /// From a packet on, nothing passes in its direction for so long.
    Stall {
        /// How long.
        length: Duration,
    },
    /// At a packet, the connection breaks on both sides; the packet is lost.
    Sever,
    /// Some time after CONNACK, everything is swallowed from a packet on, and nobody is told. Decided once per connection.
    HalfOpen,
    /// At most so many bytes pass per second. Decided once per connection.
    Bandwidth {
        /// Bytes per second, above 0.
        bytes: u64,
    },
    /// A packet comes byte by byte.
    Trickle {
        /// The pause after each byte.
        pause: Duration,
    },
}

/// Turns a hardship on and off. A clone is another handle on the same.
#[derive(Clone, Debug)]
pub struct Switch(Arc<AtomicU32>);

impl Switch {
    /// One that is on or off.
    #[must_use]
    pub fn new(on: bool) -> Self {
        Self(Arc::new(AtomicU32::new(on.into())))
    }

    /// Turns it on or off. What it has begun goes on: a stall ends in its time, a half-open connection never.
    pub fn set(&self, on: bool) {
        if on != self.turn().is_some() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The number of the time that it is on.
    fn turn(&self) -> Option<u32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|turn| turn % 2 == 1)
    }
}

impl Hardship {
    /// Of every client, in both directions, always, from the start.
    #[must_use]
    pub fn new(name: impl Into<String>, trouble: Trouble) -> Self {
        Self {
            name: name.into(),
            trouble,
            directions: vec![Direction::FromClient, Direction::FromServer],
            chance: 1.0,
            clients: Arc::new(|_| true),
            switch: Switch::new(true),
        }
    }

    /// In one direction only: up, to the broker.
    #[must_use]
    pub fn up(self) -> Self {
        Self { directions: vec![Direction::FromClient], ..self }
    }

    /// In one direction only: down, to the client.
    #[must_use]
    pub fn down(self) -> Self {
        Self { directions: vec![Direction::FromServer], ..self }
    }

    /// The chance that it hits, 0 to 1: a connection for [`Trouble::HalfOpen`] and [`Trouble::Bandwidth`], else a packet.
    #[must_use]
    pub fn chance(self, chance: f64) -> Self {
        Self { chance: chance.clamp(0.0, 1.0), ..self }
    }

    /// Of the clients whose Client Identifier this holds for.
    #[must_use]
    pub fn clients(self, clients: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { clients: Arc::new(clients), ..self }
    }

    /// While this is on.
    #[must_use]
    pub fn switched_by(self, switch: Switch) -> Self {
        Self { switch, ..self }
    }
}

impl From<Hardship> for Rules {
    fn from(hardship: Hardship) -> Self {
        Self::new(move |newcomer: &Newcomer<'_>| Sufferer {
            random: newcomer.random(),
            hardship: hardship.clone(),
            concerned: None,
            established: false,
            decided: None,
            limited: false,
        })
    }
}

impl fmt::Debug for Hardship {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hardship")
            .field("name", &self.name)
            .field("trouble", &self.trouble)
            .field("chance", &self.chance)
            .finish_non_exhaustive()
    }
}

/// A hardship on one connection.
struct Sufferer {
    hardship: Hardship,
    random: ChaCha8Rng,
    /// Whether it is about this client, once CONNECT has told.
    concerned: Option<bool>,
    /// CONNACK has passed.
    established: bool,
    /// The turn of the switch in which the dice were cast for this connection.
    decided: Option<u32>,
    limited: bool,
}

impl Rule for Sufferer {
    fn on(&mut self, _now: Time, seen: Seen<'_>, actions: &mut Actions<'_>) {
        let (direction, connack) = match seen {
            Seen::Frame(direction, frame) => (direction, frame.kind() == Some(Kind::Connack)),
            Seen::Garbage(direction, _) => (direction, false),
            Seen::Open | Seen::Close(..) | Seen::Tick => return,
        };
        let established = self.established;
        self.established |= connack;
        if self.is_concerned(actions) {
            match self.hardship.trouble {
                Trouble::HalfOpen if !established => {}
                Trouble::HalfOpen => self.deafen(actions),
                Trouble::Bandwidth { bytes } => self.limit(bytes, actions),
                trouble => self.strike(trouble, direction, actions),
            }
        }
    }

    fn name(&self) -> &str {
        &self.hardship.name
    }
}

impl Sufferer {
    fn is_concerned(&mut self, actions: &Actions<'_>) -> bool {
        let connection = actions.connection();
        if self.concerned.is_none() && connection.is_introduced() {
            self.concerned = Some((self.hardship.clients)(connection.client_id()));
        }
        self.concerned == Some(true)
    }

    /// The dice, once per connection and turn of the switch.
    fn decide(&mut self) -> bool {
        match self.hardship.switch.turn() {
            Some(turn) if self.decided != Some(turn) => {
                self.decided = Some(turn);
                self.hits()
            }
            _ => false,
        }
    }

    fn hits(&mut self) -> bool {
        self.hardship.chance >= 1.0 || self.random.random_bool(self.hardship.chance)
    }

    fn deafen(&mut self, actions: &mut Actions<'_>) {
        if self.decide() {
            self.hardship.directions.iter().for_each(|direction| actions.deafen(*direction));
        }
    }

    fn limit(&mut self, bytes: u64, actions: &mut Actions<'_>) {
        let limit = if self.decide() {
            Some(bytes.max(1))
        } else if self.limited && self.hardship.switch.turn().is_none() {
            None
        } else {
            return;
        };
        self.limited = limit.is_some();
        self.hardship.directions.iter().for_each(|direction| actions.limit(*direction, limit));
    }

    /// What befalls single packets.
    fn strike(&mut self, trouble: Trouble, direction: Direction, actions: &mut Actions<'_>) {
        let on = self.hardship.switch.turn().is_some();
        if !on || !self.hardship.directions.contains(&direction) || !self.hits() {
            return;
        }
        match trouble {
            Trouble::Delay { least, jitter } => {
                actions.hush();
                actions.delay(least + jitter.mul_f64(self.random.random()));
            }
            Trouble::Trickle { pause } => {
                actions.hush();
                actions.trickle(pause);
            }
            Trouble::Stall { length } => actions.stall(direction, length),
            Trouble::Sever => {
                actions.swallow();
                actions.sever(Manner::Reset);
            }
            Trouble::HalfOpen | Trouble::Bandwidth { .. } => {}
        }
    }
}
