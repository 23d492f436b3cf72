//! A whole broker behind every carrier that it offers, spoken to over real sockets in literal bytes.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod carriers;
mod certificates;
#[path = "../child/mod.rs"]
mod child;
mod hardship;
mod memory;
mod support;
