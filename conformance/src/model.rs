//! What an MQTT server may do, in both versions: an oracle of allowed outcomes.
//!
//! A random [`Program`] of several clients is run against a server. The [`Model`] is told what the clients ask and what comes
//! back, and objects to what no conforming server could have sent. It predicts nothing: where the standard leaves a choice
//! (one copy or several for overlapping subscriptions, which member of a shared group, whether a message raced with an
//! UNSUBSCRIBE) every outcome is allowed, until what came leaves only one.
//!
//! What this module is: values in, values out. What it is not: it opens no socket and reads no clock; the time is passed in as
//! the [`Duration`](std::time::Duration) since the program began.
//!
//! How it thinks: whatever the server owes or may send is a *debt* to one session (or to the members of one shared group),
//! with the forms that a copy may have. Each copy that arrives must be a payment of some debt; which one is decided as late as
//! possible, by looking for any assignment that explains all copies of a message (or of all empty messages to one topic, where
//! nothing tells them apart). Debts that no copy paid although their session was connected, had nothing unacknowledged and
//! time enough are losses.
//!
//! Where to start reading: [`program`] for what clients do, [`Model`] for what the runner tells, `debts` for how copies are
//! explained, `rules` for what a finding cites.

mod arrivals;
mod arrivals_words;
mod connections;
mod debts;
mod explain;
mod matching;
mod owed;
pub mod program;
mod publications;
mod retained;
mod rules;
mod sessions;
mod state;
mod subscriptions;
mod time;

#[cfg(test)]
mod tests;

pub use self::{
    arrivals::{Arrival, Due},
    connections::End,
    owed::Owed,
    program::{Client, Dialect, Program, Step},
    rules::{Finding, Rule},
    state::{Message, Model, Number},
    subscriptions::Granted,
    time::Span,
};
