//! The reports of conformance runs, each made from every kind of run.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests that call them")]

mod documents;
mod page;
mod specimen;
mod terminal;
mod xml;
