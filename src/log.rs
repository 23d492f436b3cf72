//! Logs go to stderr; data goes to stdout.
//!
//! What is logged may come from strangers and may come fast, so a line is made harmless in one place ([`line`]) and written
//! by a thread of its own ([`writer`]): whoever logs never waits for whoever reads the log.

mod line;
mod writer;

use std::sync::atomic::Ordering::Relaxed;

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// The environment variable that sets levels per module.
const VARIABLE: &str = "PADDOCK_LOG";

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Time, level, what happened, `key=value` pairs.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Writes what is left when it is dropped.
#[derive(Debug)]
pub(crate) struct Flush(writer::Lines);

/// Starts logging: warnings by default, more with each `-v`, or as `PADDOCK_LOG` says (`info,reference_broker=debug`).
pub(crate) fn start(verbose: u8, format: Format) -> Flush {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    line::FORMAT.store(format == Format::Json, Relaxed);
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    let lines = writer::start();
    let layer = fmt::layer().event_format(line::Line).with_ansi(false).with_writer(lines.clone());
    tracing_subscriber::registry().with(filter).with(layer).init();
    Flush(lines)
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.0.flush();
    }
}
