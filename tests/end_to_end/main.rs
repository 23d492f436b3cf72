//! The command from end to end, alone and with real counterparts: programs and libraries that farms use.
//!
//! The counterparts must be installed; `tests/run` does that first. Without them their tests fail and say so.

mod broker;
mod capacity;
mod certificates;
mod command_line;
mod compare;
mod configuration;
mod conformance;
mod counterparts;
mod generator;
mod identities;
mod ledger;
mod library;
mod metrics;
mod network;
mod report;
mod saturation;
mod segments;
mod soak;
mod styles;
mod support;
mod upheaval;
mod ways;
