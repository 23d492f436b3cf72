//! A scripted broker and a way to watch an engine, for the tests of this crate.

#![expect(dead_code, reason = "each test binary uses its own part")]

pub mod broker;
pub mod watch;
