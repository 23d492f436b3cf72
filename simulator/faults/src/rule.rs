//! What a rule is.

use std::fmt;

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use wire::{Direction, Frame, Kind, Version};

use crate::{Actions, Shared, Time};

/// Something that happens on a connection, as a rule sees it.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// The connection was made. Comes first.
    Open,
    /// A packet came, whole, malformed or not.
    Frame(Direction, &'a Frame),
    /// Bytes came that are no packet: the length in the fixed header is malformed, the packet is larger than the proxy
    /// holds (1 MiB), or it was not finished when its sender closed.
    Garbage(Direction, &'a [u8]),
    /// The sender of this direction closed, or broke off.
    Close(Direction, Manner),
    /// The time came that the rule had asked for with [`Actions::wake_at`].
    Tick,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Manner {
    /// In order: FIN.
    Finish,
    /// At once: RST. On what is not TCP, an end without order.
    Reset,
}

impl fmt::Display for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finish => "FIN",
            Self::Reset => "RST",
        })
    }
}

/// What is done to a connection. Each connection has rules of its own, made by [`Rules`](crate::Rules).
///
/// Rules see each packet in their order, as the rules before left it; one that was swallowed ends there. What a rule
/// injects no rule sees. A rule that does nothing lets everything pass.
pub trait Rule: Send {
    /// Called for everything that happens.
    fn on(&mut self, now: Time, seen: Seen<'_>, actions: &mut Actions<'_>);

    /// Its name in the log; empty for none.
    fn name(&self) -> &str {
        ""
    }
}

impl<F: FnMut(Time, Seen<'_>, &mut Actions<'_>) + Send> Rule for F {
    fn on(&mut self, now: Time, seen: Seen<'_>, actions: &mut Actions<'_>) {
        self(now, seen, actions);
    }
}

/// What is known about a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    number: u64,
    connect: Option<Connect>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Connect {
    version: Version,
    client_id: String,
    keep_alive: u16,
}

impl Connection {
    pub(crate) fn new(number: u64) -> Self {
        Self { number, connect: None }
    }

    /// Takes what a CONNECT says; false when `frame` is none.
    pub(crate) fn learn(&mut self, frame: &Frame) -> bool {
        let connects = frame.kind() == Some(Kind::Connect);
        if connects {
            self.connect = Some(Connect {
                version: frame.version().unwrap_or(Version::V3_1_1),
                client_id: frame.client_identifier().unwrap_or_default().to_owned(),
                keep_alive: frame.keep_alive().unwrap_or(0),
            });
        }
        connects
    }

    /// Counted from 1, in the order of acceptance.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The version that its CONNECT asked for; 3.1.1 before that, or when that is none we know.
    #[must_use]
    pub fn version(&self) -> Version {
        self.connect.as_ref().map_or(Version::V3_1_1, |connect| connect.version)
    }

    /// The Client Identifier that its CONNECT gave; empty before that.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.connect.as_ref().map_or("", |connect| &connect.client_id)
    }

    /// The Keep Alive that its CONNECT asked for, in seconds; 0 before that.
    #[must_use]
    pub fn keep_alive(&self) -> u16 {
        self.connect.as_ref().map_or(0, |connect| connect.keep_alive)
    }

    /// Whether its CONNECT has been seen.
    #[must_use]
    pub fn is_introduced(&self) -> bool {
        self.connect.is_some()
    }
}

/// What a maker of rules knows about the connection that they are for.
#[derive(Debug)]
pub struct Newcomer<'a> {
    pub(crate) number: u64,
    pub(crate) seed: u64,
    pub(crate) shared: &'a Shared,
}

impl Newcomer<'_> {
    /// The connection's number, counted from 1 in the order of acceptance.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What the connections of the proxy share.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        self.shared
    }

    /// Randomness of the rule's own: it follows from the proxy's seed, the connection's number and the rule's place.
    #[must_use]
    pub fn random(&self) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.number);
        rng
    }
}
