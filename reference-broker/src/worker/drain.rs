//! The end of a worker: first everything that clients were promised, then good-bye.
//!
//! ```text
//!   drain()  nothing is read any more ──▶ LastWord 1 to every other worker
//!            all others said LastWord 1 ─▶ what they had accepted has come; what that made goes out; LastWord 2
//!            all others said LastWord 2 ─▶ what they forwarded has come: shut_down()
//! ```
//!
//! Mail keeps its order, so a message that was acknowledged to its publisher is in its receiver's connection before that
//! closes. The driver gives up waiting when half of its time is over.

use protocol::Time;

use super::Worker;
use crate::{mail::Mail, routing::WorkerId};

/// A message takes two trips at most: to where its session was, and on to where that moved.
const ROUNDS: usize = 2;

/// How far the end has come.
#[derive(Debug, Default)]
pub(super) struct Drain {
    /// How often this worker said its last word; 0 while it works.
    said: usize,
    /// How many others said theirs, by round.
    heard: [usize; ROUNDS],
    over: bool,
}

impl Worker {
    /// Begins the end. From now on the owner reads from no client, but goes on to carry mail and to transmit.
    pub(crate) fn drain(&mut self, now: Time) {
        if self.drain.said == 0 {
            self.say_last_word();
            self.go_on_draining(now);
        }
    }

    /// Whether nothing may be read because the end has begun and its connections are still open.
    pub(crate) const fn is_draining(&self) -> bool {
        self.drain.said > 0 && !self.drain.over
    }

    pub(super) fn heard_last_word(&mut self, now: Time, round: usize) {
        if let Some(heard) = self.drain.heard.get_mut(round) {
            *heard += 1;
        }
        self.go_on_draining(now);
    }

    fn go_on_draining(&mut self, now: Time) {
        while self.is_draining() && self.drain.heard[self.drain.said - 1] + 1 == self.shared.workers() {
            if self.drain.said == ROUNDS {
                self.shut_down(now);
            } else {
                self.say_last_word();
            }
        }
    }

    fn say_last_word(&mut self) {
        let round = self.drain.said;
        for index in 0..self.shared.workers() {
            let to = WorkerId(u16::try_from(index).expect("workers are counted in u16"));
            if to != self.id {
                self.post(to, Mail::LastWord { round });
            }
        }
        self.drain.said += 1;
    }

    pub(super) const fn note_shut_down(&mut self) {
        self.drain.over = true;
    }
}
