//! One proxied connection, without input or output: bytes of either side in, with time; bytes out at times, and closes.
//!
//! ```text
//!   client ── receive ─▶ Splitter ─▶ rules ─▶ Line ── poll_output ─▶ server        FromClient
//!   client ◀─ poll_output ── Line ◀─ rules ◀─ Splitter ◀─ receive ── server        FromServer
//! ```
//!
//! A [`Direction`] names the way from a sender to the other side's receiver: `poll_output(FromServer)` is what the client
//! gets. Memory is bounded: when too much waits for one side, [`Link::reads`] says not to read from the other.

mod line;
mod settle;
mod splitter;

use wire::{Direction, line};

use self::line::Line;
use crate::{
    Actions, Connection, Entry, Manner, Newcomer, Rule, Rules, Seen, Shared, Time,
    actions::{Fate, Order},
};
use splitter::{Piece, Splitter};

/// When so many bytes wait for one side, nothing is read from the other.
const BOUND: usize = 256 * 1024;

/// What is to be done with one side's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write the bytes that were appended, as one write.
    Bytes,
    /// Close it: [`Manner::Finish`] ends writing and goes on reading, [`Manner::Reset`] drops it.
    Close(Manner),
}

/// One proxied connection.
pub struct Link {
    connection: Connection,
    shared: Shared,
    seats: Vec<Seat>,
    /// From the client, from the server.
    ways: [Way; 2],
    /// What is to be passed at a time of its own.
    later: Vec<Later>,
}

/// A rule and when it wants to be woken.
struct Seat {
    rule: Box<dyn Rule>,
    wake: Option<Time>,
}

/// One direction.
#[derive(Debug, Default)]
struct Way {
    splitter: Splitter,
    line: Line,
    /// Its sender has closed, or can no longer be heard.
    ended: bool,
    deaf: bool,
    held: Vec<Held>,
    /// Bytes that wait outside the line.
    detained: usize,
}

/// A packet that waits to be overtaken.
#[derive(Debug)]
struct Held {
    left: u32,
    until: Time,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Later {
    at: Time,
    direction: Direction,
    bytes: Vec<u8>,
}

/// What rules are asked about.
#[derive(Debug)]
enum Occasion {
    Open,
    Piece(Piece),
    Close(Manner),
}

impl Link {
    /// A connection that was just accepted. `number` is its place in the order of acceptance, from 1; `seed` is the proxy's.
    #[must_use]
    pub fn new(number: u64, seed: u64, rules: &Rules, shared: &Shared, now: Time) -> Self {
        let connection = Connection::new(number);
        shared.enter(&connection);
        let seats = rules.make(&Newcomer { number, seed, shared });
        let seats = seats.into_iter().map(|rule| Seat { rule, wake: None }).collect();
        let mut link = Self { connection, shared: shared.clone(), seats, ways: Default::default(), later: Vec::new() };
        link.consult(now, Direction::FromClient, Occasion::Open);
        link
    }

    /// Bytes came from the sender of this direction. Any number may come, split anyhow.
    pub fn receive(&mut self, now: Time, from: Direction, bytes: &[u8]) {
        if self.way(from).ended {
            return;
        }
        self.way(from).splitter.push(bytes);
        let mut refound = false;
        while let Some(piece) = self.way(from).splitter.next() {
            self.introduce(from, &piece);
            let garbage = matches!(piece, Piece::Garbage(_));
            let passed = self.consult(now, from, Occasion::Piece(piece));
            refound |= garbage && !passed;
        }
        // Whoever swallows garbage means it never to have been sent.
        let way = self.way(from);
        if way.splitter.is_lost() && (refound || way.deaf || !way.line.is_open()) {
            way.splitter.find_again();
        }
    }

    /// The sender of this direction closed, or broke off. The second time is nothing new, except that a broken connection
    /// takes no bytes any more.
    pub fn closed(&mut self, now: Time, from: Direction, manner: Manner) {
        if manner == Manner::Reset {
            self.way(from.reverse()).line.abandon();
        }
        if self.way(from).ended {
            return self.end_when_both_have(now);
        }
        if let Some(rest) = self.way(from).splitter.rest() {
            self.consult(now, from, Occasion::Piece(rest));
        }
        self.way(from).ended = true;
        self.release_held(now, from, Time::NEVER);
        let passed = self.consult(now, from, Occasion::Close(manner));
        let back = &mut self.way(from.reverse()).line;
        if !passed || back.is_stalled(now) {
            back.cut(now, Manner::Finish);
        }
        self.end_when_both_have(now);
    }

    /// What is due by now: ticks, what was late, post from other connections.
    pub fn handle_timeout(&mut self, now: Time) {
        self.tick(now);
        while let Some(place) = self.next_later().filter(|place| self.later[*place].at <= now) {
            let Later { direction, bytes, .. } = self.later.remove(place);
            let way = self.way(direction);
            way.detained -= bytes.len();
            way.line.push(now, bytes, None);
        }
        for direction in BOTH {
            self.release_held(now, direction, now);
        }
        self.read_post(now);
    }

    /// What to do now with the stream to the receiver of this direction. Bytes are appended to `out`; ask again once they are
    /// written, until nothing is left.
    pub fn poll_output(&mut self, now: Time, direction: Direction, out: &mut Vec<u8>) -> Option<Output> {
        let output = self.way(direction).line.poll(now, out);
        if output == Some(Output::Close(Manner::Reset)) {
            // Who was reset is not heard any more either.
            self.way(direction.reverse()).ended = true;
            self.end_when_both_have(now);
        }
        output
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and [`poll_output`](Self::poll_output) again, unless something
    /// comes earlier.
    #[must_use]
    pub fn poll_timeout(&self, now: Time) -> Option<Time> {
        let lines = self.ways.iter().filter_map(|way| way.line.timeout(now));
        let held = self.ways.iter().flat_map(|way| &way.held).map(|held| held.until);
        let ticks = self.seats.iter().filter_map(|seat| seat.wake);
        let later = self.later.iter().map(|later| later.at);
        lines.chain(held).chain(ticks).chain(later).min().filter(|time| *time < Time::NEVER)
    }

    /// Whether to read from the sender of this direction now.
    #[must_use]
    pub fn reads(&self, now: Time, from: Direction) -> bool {
        let way = &self.ways[index(from)];
        !way.ended && !way.line.is_stalled(now) && way.line.pending() + way.detained < BOUND
    }

    /// Whether nothing can happen any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ways.iter().all(|way| way.ended && way.line.is_closed())
    }

    /// What is known about the connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    fn introduce(&mut self, from: Direction, piece: &Piece) {
        if let (Direction::FromClient, false, Piece::Frame(frame)) = (from, self.connection.is_introduced(), piece)
            && self.connection.learn(frame)
        {
            self.shared.introduce(&self.connection);
        }
    }

    fn tick(&mut self, now: Time) {
        let mut seats = std::mem::take(&mut self.seats);
        let mut orders = Vec::new();
        for seat in &mut seats {
            if seat.wake.is_some_and(|wake| wake <= now) {
                seat.wake = None;
                let mut fate = Fate::default();
                self.ask(now, Direction::FromClient, seat, Seen::Tick, &mut fate, &mut orders);
            }
        }
        self.seats = seats;
        self.obey(now, orders);
    }

    /// Asks every rule and does what they say. Whether what was seen passed on.
    fn consult(&mut self, now: Time, direction: Direction, mut occasion: Occasion) -> bool {
        let mut seats = std::mem::take(&mut self.seats);
        let (mut fate, mut orders) = (Fate::default(), Vec::new());
        for seat in &mut seats {
            let seen = match &occasion {
                Occasion::Open => Seen::Open,
                Occasion::Piece(Piece::Frame(frame)) => Seen::Frame(direction, frame),
                Occasion::Piece(Piece::Garbage(bytes)) => Seen::Garbage(direction, bytes),
                Occasion::Close(manner) => Seen::Close(direction, *manner),
            };
            self.ask(now, direction, seat, seen, &mut fate, &mut orders);
            if fate.swallowed {
                break;
            }
            if let (Some(bytes), Occasion::Piece(piece)) = (fate.replaced.take(), &mut occasion) {
                *piece = Piece::of(bytes);
            }
        }
        self.seats = seats;
        self.settle(now, direction, occasion, fate, orders)
    }

    fn ask(
        &self,
        now: Time,
        direction: Direction,
        seat: &mut Seat,
        seen: Seen<'_>,
        fate: &mut Fate,
        orders: &mut Vec<Order>,
    ) {
        let (connection, shared) = (&self.connection, &self.shared);
        let mut actions =
            Actions { now, connection, shared, direction, fate, orders, deeds: Vec::new(), wake: None, hushed: false };
        seat.rule.on(now, seen, &mut actions);
        seat.wake = actions.wake.or(seat.wake);
        if actions.hushed {
            return;
        }
        for (way, deed) in actions.deeds {
            shared.book().add(|| Entry {
                at: now,
                connection: connection.number(),
                client: connection.client_id().to_owned(),
                rule: seat.rule.name().to_owned(),
                deed,
                direction: way.unwrap_or(direction),
                frame: match seen {
                    Seen::Frame(_, frame) => line(connection.version(), direction, frame.bytes()),
                    Seen::Garbage(_, bytes) => line(connection.version(), direction, bytes),
                    Seen::Close(_, manner) => format!("close ({manner})"),
                    Seen::Open | Seen::Tick => String::new(),
                },
            });
        }
    }

    fn next_later(&self) -> Option<usize> {
        let places = self.later.iter().enumerate();
        places.min_by_key(|(place, later)| (later.at, *place)).map(|(place, _)| place)
    }

    fn way(&mut self, direction: Direction) -> &mut Way {
        &mut self.ways[index(direction)]
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.leave(self.connection.number());
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("connection", &self.connection).field("ways", &self.ways).finish_non_exhaustive()
    }
}

const BOTH: [Direction; 2] = [Direction::FromClient, Direction::FromServer];

fn index(direction: Direction) -> usize {
    match direction {
        Direction::FromClient => 0,
        Direction::FromServer => 1,
    }
}
