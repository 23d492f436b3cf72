//! A client against a server under virtual time: no sockets, no clock, no waiting.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod harness;
mod observer;
mod random;
mod stories;
