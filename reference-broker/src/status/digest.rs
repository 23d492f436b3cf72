//! What was dropped or refused, one line for each cause and interval instead of one for each message.

use std::time::Duration;

use protocol::Time;

use crate::Counters;

/// What was said last.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    last: Option<Time>,
    said: Counters,
}

impl Digest {
    /// When it is due, for a line every `interval` at most.
    pub(crate) fn due(&self, interval: Duration) -> Time {
        self.last.unwrap_or(Time::ZERO).after(interval)
    }

    /// Writes a line for every cause whose counter rose.
    pub(crate) fn say(&mut self, now: Time, counters: &Counters) {
        let elapsed = now.since(self.last.replace(now).unwrap_or(Time::ZERO)).as_secs();
        for ((name, help), (value, said)) in Counters::ALL.iter().zip(counters.values().zip(self.said.values())) {
            let count = value.wrapping_sub(said);
            if is_trouble(name) && count > 0 {
                tracing::warn!(counter = name, count, seconds = elapsed, "{}", super::plain(help));
            }
        }
        self.said = *counters;
    }
}

/// Whether a counter tells of something that a client lost: by its name, so that no new one is forgotten.
fn is_trouble(name: &str) -> bool {
    let starts = ["dropped_", "limit_"].iter().any(|start| name.starts_with(start));
    let ends = ["_refused", "_late", "_busy"].iter().any(|end| name.ends_with(end));
    // A refused CONNECT has a line of its own.
    (starts || ends) && name != "connects_refused"
}
