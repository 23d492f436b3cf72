//! Connections that read slowly.

use std::collections::BTreeMap;

use protocol::Time;
use simulator::{ClientEngine, ClientKey};

use super::pace::Pace;

/// Slow consumers: those that are connected, and those of them that read nothing at present.
#[derive(Debug, Default)]
pub(super) struct Slow {
    paces: BTreeMap<ClientKey, Pace>,
    paused: BTreeMap<ClientKey, Time>,
    /// All read what comes, for the end of the run.
    ended: bool,
}

impl Slow {
    /// A connection of `key`, which reads `rate` messages per second, begins.
    pub(super) fn connected(&mut self, key: ClientKey, rate: f64, now: Time) {
        self.paused.remove(&key);
        self.paces.insert(key, Pace::new(rate, now));
    }

    /// A message reached `key`.
    pub(super) fn took(&mut self, engine: &mut impl ClientEngine, key: ClientKey, now: Time) {
        if self.ended {
            return;
        }
        if let Some(resumes) = self.paces.get_mut(&key).and_then(|pace| pace.take(now)) {
            if !self.paused.contains_key(&key) {
                engine.pause(key);
            }
            self.paused.insert(key, resumes);
        }
    }

    /// Lets those read again whose time has come; when the next one's comes.
    pub(super) fn advance(&mut self, engine: &mut impl ClientEngine, now: Time) -> Option<Time> {
        self.paused.retain(|key, resumes| {
            if *resumes <= now {
                engine.resume(*key);
            }
            *resumes > now
        });
        self.paused.values().min().copied()
    }

    /// Lets all of them read whatever comes, from now on.
    pub(super) fn end(&mut self, engine: &mut impl ClientEngine) {
        self.ended = true;
        for key in std::mem::take(&mut self.paused).into_keys() {
            engine.resume(key);
        }
    }
}
