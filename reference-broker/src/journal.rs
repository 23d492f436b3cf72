//! How much one worker may write to the log.
//!
//! Strangers decide how often clients come and go, so each kind of line has a budget for each second. What was left out
//! is said in one line when the second is over. The worker passes the time in, as everywhere.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use protocol::Time;

/// What budgets hold for.
const WINDOW: Duration = Duration::from_secs(1);

/// What a line is about; each kind has a budget of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connected,
    Refused,
    Disconnected,
    TakenOver,
    Violation,
    Subscribed,
    Handshake,
    Revoked,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Connected,
        Self::Refused,
        Self::Disconnected,
        Self::TakenOver,
        Self::Violation,
        Self::Subscribed,
        Self::Handshake,
        Self::Revoked,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Refused => "refused",
            Self::Disconnected => "disconnected",
            Self::TakenOver => "taken over",
            Self::Violation => "violation",
            Self::Subscribed => "subscribed",
            Self::Handshake => "not ready",
            Self::Revoked => "subscriptions revoked",
        }
    }
}

/// The budgets of one worker.
#[derive(Debug)]
pub(crate) struct Journal {
    /// Of each kind; a reload changes it.
    lines_per_second: Arc<AtomicU32>,
    /// The end of the second that the counts are of.
    until: Time,
    /// Lines asked for, by kind.
    asked: [u32; Kind::ALL.len()],
}

impl Journal {
    pub(crate) const fn new(lines_per_second: Arc<AtomicU32>) -> Self {
        Self { lines_per_second, until: Time::ZERO, asked: [0; Kind::ALL.len()] }
    }

    /// Whether one more line of `kind` may be written.
    pub(crate) fn admits(&mut self, now: Time, kind: Kind) -> bool {
        if now >= self.until {
            self.end_second();
            self.until = now.after(WINDOW);
        }
        let asked = &mut self.asked[kind as usize];
        *asked = asked.saturating_add(1);
        *asked <= self.lines_per_second.load(Relaxed)
    }

    /// When [`Journal::handle_timeout`] is due: only if something was left out.
    pub(crate) fn due(&self) -> Option<Time> {
        let most = self.lines_per_second.load(Relaxed);
        self.asked.iter().any(|asked| *asked > most).then_some(self.until)
    }

    /// Says what was left out once the second is over.
    pub(crate) fn handle_timeout(&mut self, now: Time) {
        if now >= self.until {
            self.end_second();
        }
    }

    fn end_second(&mut self) {
        let most = self.lines_per_second.load(Relaxed);
        for (kind, asked) in Kind::ALL.into_iter().zip(&mut self.asked) {
            let left_out = asked.saturating_sub(most);
            if left_out > 0 {
                tracing::info!(kind = kind.name(), lines = left_out, "left out of the log");
            }
            *asked = 0;
        }
    }
}
