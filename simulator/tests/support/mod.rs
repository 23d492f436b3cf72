//! A scripted broker, and a way to watch an engine, for the tests of this crate.

pub(crate) mod broker;
pub(crate) mod watch;
