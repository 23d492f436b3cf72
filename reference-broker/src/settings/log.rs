//! What whoever writes the log shall do. The library writes none itself: it emits events.

/// The least that is worth a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Nothing is.
    Off,
    /// A part of the broker ended.
    Error,
    /// A limit of the broker cost somebody something.
    Warn,
    /// Clients come and go.
    Info,
    /// Subscriptions.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word for it, as filters of `tracing` have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Time, level, what happened, `key=value` pairs.
    Text,
    /// One JSON object per line.
    Json,
}
