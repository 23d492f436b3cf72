//! Logs go to stderr; data goes to stdout.
//!
//! What is logged may come from strangers and may come fast, so a line is made harmless in one place ([`mod@line`]) and written
//! by a thread of its own ([`writer`]): whoever logs never waits for whoever reads the log.

mod line;
mod writer;

use std::sync::{OnceLock, atomic::Ordering::Relaxed};

use clap::ValueEnum;
use reference_broker::{LogFormat, LogLevel};
use tracing_subscriber::{EnvFilter, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt};

/// The environment variable that sets levels per module.
const VARIABLE: &str = "PADDOCK_LOG";

/// The filter, and what of the command line and the environment a configuration file does not change.
static CONTROL: OnceLock<Control> = OnceLock::new();

#[derive(Debug)]
struct Control {
    filter: reload::Handle<EnvFilter, Registry>,
    level_is_given: bool,
    format_is_given: bool,
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Time, level, what happened, `key=value` pairs.
    Text,
    /// One JSON object per line.
    Json,
}

/// Writes what is left when it is dropped.
#[derive(Debug)]
pub(crate) struct Flush(writer::Lines);

/// Starts logging: warnings by default, more with each `-v`, or as `PADDOCK_LOG` says (`info,reference_broker=debug`).
pub(crate) fn start(verbose: u8, format: Option<Format>) -> Flush {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let environment = EnvFilter::try_from_env(VARIABLE).ok();
    let level_is_given = verbose > 0 || environment.is_some();
    line::FORMAT.store(format == Some(Format::Json), Relaxed);
    let (filter, handle) = reload::Layer::new(environment.unwrap_or_else(|| EnvFilter::new(default)));
    let lines = writer::start();
    let layer = fmt::layer().event_format(line::Line).with_ansi(false).with_writer(lines.clone());
    tracing_subscriber::registry().with(filter).with(layer).init();
    let _only_once = CONTROL.set(Control { filter: handle, level_is_given, format_is_given: format.is_some() });
    Flush(lines)
}

/// Logs as a configuration says, now or when it is read again. The command line and the environment win over it.
pub(crate) fn configure((level, format): (LogLevel, LogFormat)) {
    let Some(control) = CONTROL.get() else { return };
    if !control.format_is_given {
        line::FORMAT.store(format == LogFormat::Json, Relaxed);
    }
    if !control.level_is_given {
        // It fails when nobody logs any more.
        let _ended = control.filter.reload(EnvFilter::new(level.as_str()));
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.0.flush();
    }
}
