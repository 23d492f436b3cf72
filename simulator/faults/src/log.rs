//! What the rules did.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use wire::Direction;

use crate::{Manner, Time};

/// Entries that are kept until somebody takes them; later ones are counted.
const KEPT: usize = 4096;

/// One thing that a rule did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Time,
    /// The connection's number, counted from 1 in the order of acceptance.
    pub connection: u64,
    /// The Client Identifier that its CONNECT gave; empty before that.
    pub client: String,
    /// The name of the rule; empty when it has none.
    pub rule: String,
    /// What was done.
    pub deed: Deed,
    /// To what went this way.
    pub direction: Direction,
    /// The packet in one line, as it came; empty when the deed is about none.
    pub frame: String,
}

/// What a rule can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deed {
    /// Not passed on: a packet, or a close.
    Swallowed,
    /// Passed on as this packet, in one line.
    Replaced(String),
    /// Passed on so many times more.
    Duplicated(u32),
    /// Held back, and with it all that came after it.
    Delayed(Duration),
    /// Held back, and overtaken by what came after it.
    Late(Duration),
    /// Held back until so many later packets had passed.
    Overtaken(u32),
    /// Cut to its first bytes.
    Truncated(usize),
    /// Passed on byte by byte.
    Trickled(Duration),
    /// Held back to be written together with what followed.
    Coalesced(Duration),
    /// This packet, in one line, was added.
    Injected(String),
    /// Nothing more was read or passed for so long.
    Stalled(Duration),
    /// Everything from here on was swallowed.
    Deafened,
    /// From here on at most so many bytes per second; absent: no longer limited.
    Limited(Option<u64>),
    /// The connection was cut, at once, on both sides.
    Severed(Manner),
    /// This way out was closed, after all that had gone before.
    Closed(Manner),
    /// The broker could not be reached, and why.
    Unreached(String),
    /// Said by the rule.
    Noted(String),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.at, self.connection)?;
        for word in [&self.client, &self.rule].into_iter().filter(|word| !word.is_empty()) {
            write!(f, " {word}")?;
        }
        let way = match self.direction {
            Direction::FromClient => "client>server",
            Direction::FromServer => "server>client",
        };
        write!(f, " {way}: {}", self.deed)?;
        if self.frame.is_empty() { Ok(()) } else { write!(f, ": {}", self.frame) }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Swallowed => write!(f, "swallowed"),
            Self::Replaced(by) => write!(f, "replaced by {by}"),
            Self::Duplicated(copies) => write!(f, "sent {copies} times more"),
            Self::Delayed(by) => write!(f, "delayed by {by:?}"),
            Self::Late(by) => write!(f, "late by {by:?}"),
            Self::Overtaken(by) => write!(f, "overtaken by {by}"),
            Self::Truncated(to) => write!(f, "cut to {to} bytes"),
            Self::Trickled(gap) => write!(f, "sent byte by byte, {gap:?} apart"),
            Self::Coalesced(window) => write!(f, "held for {window:?} to be written with what follows"),
            Self::Injected(frame) => write!(f, "injected {frame}"),
            Self::Stalled(length) if *length == Duration::MAX => write!(f, "stalled for good"),
            Self::Stalled(length) => write!(f, "stalled for {length:?}"),
            Self::Deafened => write!(f, "swallowed from here on"),
            Self::Limited(Some(rate)) => write!(f, "limited to {rate} bytes per second"),
            Self::Limited(None) => write!(f, "no longer limited"),
            Self::Severed(manner) => write!(f, "connection severed ({manner})"),
            Self::Closed(manner) => write!(f, "closed ({manner})"),
            Self::Unreached(why) => write!(f, "cannot reach the broker: {why}"),
            Self::Noted(text) => f.write_str(text),
        }
    }
}

/// The log of one proxy: bounded, in the order of happening.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: VecDeque<Entry>,
    beyond: u64,
}

impl Log {
    /// Adds the entry that `entry` makes, or counts it when there are enough.
    pub(crate) fn add(&self, entry: impl FnOnce() -> Entry) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.entries.len() < KEPT {
            inner.entries.push_back(entry());
        } else {
            inner.beyond += 1;
        }
    }

    /// A copy of what there is.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entries.iter().cloned().collect()
    }

    /// What there is and how many more were only counted; the log is empty after it.
    pub(crate) fn take(&self) -> (Vec<Entry>, u64) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut inner.entries).into(), std::mem::take(&mut inner.beyond))
    }
}
