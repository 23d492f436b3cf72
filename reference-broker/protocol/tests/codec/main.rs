//! The codec against literal bytes, against itself, and against noise.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod limits;
mod outgoing;
mod places;
mod robustness;
mod round_trip;
mod strategy;
mod topics;
mod vectors;
