//! The evidence: every packet, with its time and its bytes.

use std::{fmt, time::Duration};

use tokio::time::Instant;
use wire::{Direction, Version};

/// One line of the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Since the run began.
    pub at: Duration,
    /// Whose connection it was; empty for a remark.
    pub who: String,
    /// What it is.
    pub what: What,
    /// Decoded, for people.
    pub text: String,
    /// The packet; empty where there is none.
    pub bytes: Vec<u8>,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The client sent it.
    Sent,
    /// The target sent it.
    Received,
    /// The connection ended.
    Closed,
    /// What happens next.
    Remark,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.what {
            What::Sent => " > ",
            What::Received | What::Closed => " < ",
            What::Remark => "",
        };
        write!(f, "{:9.4} {}{arrow}{}", self.at.as_secs_f64(), self.who, self.text)
    }
}

/// The lines of one run so far.
#[derive(Debug)]
pub(super) struct Record {
    began: Instant,
    /// What stands before topics and Client Identifiers of the run, and is left out.
    name: String,
    lines: Vec<Line>,
}

impl Record {
    /// Begins now. `name` keeps the run apart from others, and says nothing to people.
    pub(super) fn new(began: Instant, name: &str) -> Self {
        Self { began, name: format!("{name}/"), lines: Vec::new() }
    }

    pub(super) fn sent(&mut self, who: &str, version: Version, bytes: &[u8]) {
        self.add(who, What::Sent, &wire::line(version, Direction::FromClient, bytes), bytes);
    }

    pub(super) fn received(&mut self, who: &str, version: Version, bytes: &[u8]) {
        self.add(who, What::Received, &wire::line(version, Direction::FromServer, bytes), bytes);
    }

    /// Bytes that need not be a packet.
    pub(super) fn raw(&mut self, who: &str, bytes: &[u8]) {
        self.add(who, What::Sent, &wire::hex::line(bytes), bytes);
    }

    pub(super) fn closed(&mut self, who: &str) {
        self.add(who, What::Closed, "closed", &[]);
    }

    pub(super) fn remark(&mut self, text: &str) {
        self.add("", What::Remark, text, &[]);
    }

    fn add(&mut self, who: &str, what: What, text: &str, bytes: &[u8]) {
        let text = text.replace(&self.name, "");
        self.lines.push(Line { at: self.began.elapsed(), who: who.to_owned(), what, text, bytes: bytes.to_vec() });
    }

    /// Another run's lines among these, by their time.
    pub(super) fn join(&mut self, other: Self) {
        self.lines.extend(other.lines);
        self.lines.sort_by_key(|line| line.at);
    }

    pub(super) fn began(&self) -> Instant {
        self.began
    }

    pub(super) fn into_lines(self) -> Vec<Line> {
        self.lines
    }
}
