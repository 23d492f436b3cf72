//! The bad network: a proxy that sees MQTT packets and does to them what its rules say.
//!
//! What this crate is: hardship for scenarios, mutants that prove the conformance suite, a recorder. What it is not: a judge;
//! it lets malformed bytes pass.
