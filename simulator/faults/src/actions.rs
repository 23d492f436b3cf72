//! What a rule may do.

use std::time::Duration;

use wire::{Direction, line};

use crate::{Connection, Deed, Manner, Shared, Time};

/// How long a packet waits to be overtaken before it goes on by itself.
const OVERTAKING: Duration = Duration::from_secs(1);

/// What a rule may do about what it sees, and to the connection.
///
/// Without a word from any rule, what was seen passes on. What a rule does is logged, except after [`hush`](Self::hush).
#[derive(Debug)]
pub struct Actions<'a> {
    pub(crate) now: Time,
    pub(crate) connection: &'a Connection,
    pub(crate) shared: &'a Shared,
    /// That of what is seen.
    pub(crate) direction: Direction,
    pub(crate) fate: &'a mut Fate,
    pub(crate) orders: &'a mut Vec<Order>,
    /// What this rule has done about what it sees, for the log.
    pub(crate) deeds: Vec<(Option<Direction>, Deed)>,
    pub(crate) wake: Option<Time>,
    pub(crate) hushed: bool,
}

/// What becomes of the packet, the garbage or the close that is seen.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    pub(crate) swallowed: bool,
    pub(crate) replaced: Option<Vec<u8>>,
    pub(crate) kept: Option<usize>,
    pub(crate) copies: u32,
    pub(crate) delay: Duration,
    pub(crate) late: Option<Duration>,
    pub(crate) overtaken: Option<(u32, Time)>,
    pub(crate) gap: Option<Duration>,
    pub(crate) window: Option<Duration>,
    pub(crate) before: Vec<Vec<u8>>,
    pub(crate) after: Vec<Vec<u8>>,
}

/// What becomes of the connection, once the fate of what was seen is settled.
#[derive(Debug)]
pub(crate) enum Order {
    Inject(Direction, Vec<u8>),
    InjectAt(Time, Direction, Vec<u8>),
    Stall(Direction, Time),
    Limit(Direction, Option<u64>),
    Deafen(Direction),
    Close(Direction, Manner),
    Sever(Manner),
}

/// About what is seen: a packet, garbage, or a close. Elsewhere these do nothing.
impl Actions<'_> {
    /// It is not passed on. The sender of a close that is swallowed is closed in its turn, so that it can go; the other side
    /// hears nothing, and from here on what it sends is swallowed, though rules still see it and may answer.
    pub fn swallow(&mut self) {
        self.fate.swallowed = true;
        self.deed(None, Deed::Swallowed);
    }

    /// These bytes are passed on in its place.
    pub fn replace(&mut self, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        let text = line(self.connection.version(), self.direction, &bytes);
        self.fate.replaced = Some(bytes);
        self.deed(None, Deed::Replaced(text));
    }

    /// It is passed on so many times more.
    pub fn duplicate(&mut self, copies: u32) {
        self.fate.copies += copies;
        self.deed(None, Deed::Duplicated(copies));
    }

    /// It is passed on so much later; what comes after it waits behind it.
    pub fn delay(&mut self, by: Duration) {
        self.fate.delay += by;
        self.deed(None, Deed::Delayed(by));
    }

    /// It is passed on so much later; what comes after it does not wait.
    pub fn late(&mut self, by: Duration) {
        self.fate.late = Some(by);
        self.deed(None, Deed::Late(by));
    }

    /// It is passed on when so many later packets of its direction have passed, or after a second.
    pub fn overtaken_by(&mut self, packets: u32) {
        self.fate.overtaken = Some((packets.max(1), self.now.after(OVERTAKING)));
        self.deed(None, Deed::Overtaken(packets.max(1)));
    }

    /// Only its first bytes are passed on. What follows it is not held back: sever the connection for that.
    pub fn truncate(&mut self, bytes: usize) {
        self.fate.kept = Some(bytes);
        self.deed(None, Deed::Truncated(bytes));
    }

    /// It is passed on byte by byte, each a write of its own, with this pause (which may be zero) after each.
    pub fn trickle(&mut self, pause: Duration) {
        self.fate.gap = Some(pause);
        self.deed(None, Deed::Trickled(pause));
    }

    /// It waits for so long for what comes after it; all of it leaves in one write.
    pub fn coalesce(&mut self, window: Duration) {
        self.fate.window = Some(window);
        self.deed(None, Deed::Coalesced(window));
    }

    /// These bytes go the same way, right before it.
    pub fn precede(&mut self, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        self.injected(None, &bytes);
        self.fate.before.push(bytes);
    }

    /// These bytes go the same way, right after it.
    pub fn follow(&mut self, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        self.injected(None, &bytes);
        self.fate.after.push(bytes);
    }
}

/// About the connection.
impl Actions<'_> {
    /// These bytes go this way, behind what went before and behind a packet that is seen; before a close that is seen.
    pub fn inject(&mut self, direction: Direction, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        self.injected(Some(direction), &bytes);
        self.orders.push(Order::Inject(direction, bytes));
    }

    /// As [`inject`](Self::inject), so much later.
    pub fn inject_later(&mut self, by: Duration, direction: Direction, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        self.injected(Some(direction), &bytes);
        self.orders.push(Order::InjectAt(self.now.after(by), direction, bytes));
    }

    /// Nothing is passed this way for so long, nor read from its sender, who is soon held up. What is seen waits as well.
    /// [`Duration::MAX`] is for good.
    pub fn stall(&mut self, direction: Direction, length: Duration) {
        self.orders.push(Order::Stall(direction, self.now.after(length)));
        self.deed(Some(direction), Deed::Stalled(length));
    }

    /// From here on at most so many bytes per second pass this way; `None` lifts the limit.
    pub fn limit(&mut self, direction: Direction, bytes_per_second: Option<u64>) {
        self.orders.push(Order::Limit(direction, bytes_per_second));
        self.deed(Some(direction), Deed::Limited(bytes_per_second));
    }

    /// From here on what is sent this way is swallowed, its close too, and what is seen; rules still see it. What rules inject
    /// passes. Both ways make a half-open connection: each side believes that it has one.
    pub fn deafen(&mut self, direction: Direction) {
        self.orders.push(Order::Deafen(direction));
        self.deed(Some(direction), Deed::Deafened);
    }

    /// Ends this way out after all that went before. The sender is told nothing. With [`Manner::Reset`] nothing more is read
    /// from who is reset, either.
    pub fn close(&mut self, direction: Direction, manner: Manner) {
        self.orders.push(Order::Close(direction, manner));
        self.deed(Some(direction), Deed::Closed(manner));
    }

    /// Cuts the connection on both sides, at once. What is seen goes first unless it was swallowed; what was held back is lost.
    pub fn sever(&mut self, manner: Manner) {
        self.orders.push(Order::Sever(manner));
        self.deed(None, Deed::Severed(manner));
    }

    /// Has the rule see [`Seen::Tick`](crate::Seen::Tick) at `time`. A rule has one such time: the last that it named.
    pub fn wake_at(&mut self, time: Time) {
        self.wake = Some(time);
    }

    /// Has the rule see [`Seen::Tick`](crate::Seen::Tick) so much later.
    pub fn wake_after(&mut self, duration: Duration) {
        self.wake_at(self.now.after(duration));
    }

    /// Writes a line into the log.
    pub fn note(&mut self, text: impl Into<String>) {
        self.deed(None, Deed::Noted(text.into()));
    }

    /// Nothing that the rule does this time is logged: for hardships that befall every packet.
    pub fn hush(&mut self) {
        self.hushed = true;
    }

    /// What is known about the connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        self.connection
    }

    /// What the connections of the proxy share: state, and ways to each other.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        self.shared
    }

    fn injected(&mut self, direction: Option<Direction>, bytes: &[u8]) {
        let text = line(self.connection.version(), direction.unwrap_or(self.direction), bytes);
        self.deed(direction, Deed::Injected(text));
    }

    fn deed(&mut self, direction: Option<Direction>, deed: Deed) {
        self.deeds.push((direction, deed));
    }
}
