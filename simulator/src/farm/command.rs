//! What reaches a device: finding out what is asked, without trusting a byte of it.

use std::time::Duration;

use serde::Deserialize;

use super::{
    Received, Request,
    barn::Barn,
    clock::{Moment, Timestamp},
    device::Device,
    dice::mix_name,
    status::Outcome,
};

/// The longest request that a device reads.
const LONGEST: usize = 16 * 1024;

/// The longest correlation id and command name that a device gives back.
const LONGEST_NAME: usize = 128;

/// Correlation ids that a device remembers.
const REMEMBERED: usize = 16;

/// The intervals that a device accepts, in seconds.
const INTERVALS: std::ops::RangeInclusive<f64> = 0.1..=86_400.0;

/// A request that was found on one of the device's topics.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) command: Option<String>,
    pub(super) correlation_id: Option<String>,
    /// What to do, or why not.
    pub(super) verdict: Result<Action, (Outcome, String)>,
}

/// What a device can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Action {
    /// Answer, that is all.
    Acknowledge,
    /// Take another interval; `None` returns to the natural one.
    SetInterval(Option<Duration>),
    /// Send a measurement now.
    Report,
    /// Go and come back with a new boot.
    Restart,
}

/// Configuration: a state to be in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigDocument {
    /// Seconds between two messages; null returns to the natural interval.
    #[serde(default, deserialize_with = "present")]
    interval_seconds: Option<Option<f64>>,
    correlation_id: Option<String>,
}

/// A command. Keys that are not read are left to other receivers.
#[derive(Debug, Deserialize)]
struct CommandDocument {
    command: Option<String>,
    correlation_id: Option<String>,
    /// RFC 3339.
    issued_at: Option<String>,
    /// Seconds from `issued_at` in which the command may be done.
    ttl_seconds: Option<f64>,
    interval_seconds: Option<f64>,
}

/// Tells a key that is null from one that is absent.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Asked {
    /// Reads a request; `None` when the topic is not one of the device's.
    pub(super) fn read(device: &Device, barn: &Barn, received: &Received<'_>, moment: Moment) -> Option<Self> {
        let (request, level) = device.profile().listens.iter().find_map(|listen| {
            let filter = device.fill(barn, listen.filter);
            match filter.strip_suffix('+') {
                Some(above) => {
                    let level = received.topic.strip_prefix(above).filter(|level| !level.contains('/'))?;
                    Some((listen.request, Some(level)))
                }
                None => (filter == received.topic).then_some((listen.request, None)),
            }
        })?;
        let command = level.map(shortened);
        let nothing = Self { request, command, correlation_id: None, verdict: Ok(Action::Acknowledge) };
        if received.payload.len() > LONGEST {
            let reason = format!("longer than {LONGEST} bytes");
            return Some(Self { verdict: Err((Outcome::Rejected, reason)), ..nothing });
        }
        Some(match request {
            Request::Config => nothing.read_config(received),
            Request::Command => nothing.read_command(device, received, moment),
        })
    }

    fn read_config(self, received: &Received<'_>) -> Self {
        let document: ConfigDocument = match serde_json::from_slice(received.payload) {
            Ok(document) => document,
            Err(error) => return self.malformed(&error),
        };
        let verdict = match document.interval_seconds {
            None => Ok(Action::Acknowledge),
            Some(None) => Ok(Action::SetInterval(None)),
            Some(Some(seconds)) => interval(seconds),
        };
        Self { correlation_id: document.correlation_id.as_deref().map(shortened), verdict, ..self }
    }

    fn read_command(self, device: &Device, received: &Received<'_>, moment: Moment) -> Self {
        let document: CommandDocument = match serde_json::from_slice(received.payload) {
            Ok(document) => document,
            Err(error) => return self.malformed(&error),
        };
        let command = self.command.or_else(|| document.command.as_deref().map(shortened));
        let correlation_id = document.correlation_id.as_deref().map(shortened);
        let verdict = if received.retained {
            // A retained command would be done at every connect.
            Err((Outcome::Stale, "a retained command is not executed".to_owned()))
        } else if correlation_id.as_deref().is_some_and(|id| device.executed.contains(&identity(id))) {
            Err((Outcome::Duplicate, "executed before".to_owned()))
        } else {
            timely(&document, moment).and_then(|()| action(command.as_deref(), document.interval_seconds))
        };
        Self { command, correlation_id, verdict, ..self }
    }

    fn malformed(self, error: &serde_json::Error) -> Self {
        Self { verdict: Err((Outcome::Rejected, shortened(&format!("malformed: {error}")))), ..self }
    }

    /// Notes that a command was executed.
    pub(super) fn remember(&self, device: &mut Device) {
        let (Request::Command, Some(id)) = (self.request, self.correlation_id.as_deref()) else { return };
        if device.executed.len() == REMEMBERED {
            device.executed.remove(0);
        }
        device.executed.push(identity(id));
    }
}

/// Whether a command may still be done.
fn timely(document: &CommandDocument, moment: Moment) -> Result<(), (Outcome, String)> {
    let (Some(issued), Some(ttl)) = (document.issued_at.as_deref(), document.ttl_seconds) else { return Ok(()) };
    let Some(issued) = Timestamp::parse(issued) else {
        return Err((Outcome::Rejected, "issued_at is not an RFC 3339 time".to_owned()));
    };
    if moment.timestamp().millis_since(issued) as f64 > ttl * 1000.0 {
        return Err((Outcome::Stale, "past its time".to_owned()));
    }
    Ok(())
}

fn action(command: Option<&str>, interval_seconds: Option<f64>) -> Result<Action, (Outcome, String)> {
    match command {
        Some("ping" | "identify" | "calibrate" | "test") => Ok(Action::Acknowledge),
        Some("report") => Ok(Action::Report),
        Some("restart") => Ok(Action::Restart),
        Some("set_interval") => match interval_seconds {
            Some(seconds) => interval(seconds),
            None => Err((Outcome::Rejected, "set_interval needs interval_seconds".to_owned())),
        },
        Some(_) => Err((Outcome::Rejected, "unknown command".to_owned())),
        None => Err((Outcome::Rejected, "names no command".to_owned())),
    }
}

fn interval(seconds: f64) -> Result<Action, (Outcome, String)> {
    if INTERVALS.contains(&seconds) {
        return Ok(Action::SetInterval(Some(Duration::from_secs_f64(seconds))));
    }
    let reason = format!("interval_seconds must be {} to {}", INTERVALS.start(), INTERVALS.end());
    Err((Outcome::Rejected, reason))
}

/// `text` as far as a device gives it back.
fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_NAME)].to_owned()
}

fn identity(correlation_id: &str) -> u64 {
    mix_name(0, correlation_id)
}
