//! Logs go to stderr; data goes to stdout.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Starts logging: warnings by default, more with each `-v`, or as `PADDOCK_LOG` says (`info,reference_broker=debug`).
pub(crate) fn start(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("PADDOCK_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}
