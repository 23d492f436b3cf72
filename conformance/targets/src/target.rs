//! What a target is, before it runs.

use std::{ffi::OsString, io, path::PathBuf, time::Duration};

/// A broker under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A broker that somebody else runs, at this URL.
    Address(String),
    /// A broker that is started for the run and ended with it.
    Child(Command),
}

/// A command that starts a broker in the foreground.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// When it counts as ready.
    pub readiness: Readiness,
    /// The longest time until it is ready; above 0.
    pub deadline: Duration,
    /// The longest time that it may take to end when it is asked to; then it is killed.
    pub grace: Duration,
}

/// When a started broker counts as ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The first line of its standard output is `listening on URL`, which is its address. Its standard input is a pipe that
    /// is closed to end it, and closes by itself when this process dies.
    Announced,
    /// A TCP connection to the port of this URL, `mqtt://HOST:PORT`, is accepted.
    Connects(String),
}

impl Target {
    /// The reference broker: this very program with `broker --listen 127.0.0.1:0 --exit-with-parent` and `more` arguments.
    ///
    /// # Errors
    ///
    /// When the path of this program is not known.
    pub fn embedded(more: impl IntoIterator<Item = OsString>) -> io::Result<Self> {
        let fixed = ["broker", "--listen", "127.0.0.1:0", "--exit-with-parent"].map(OsString::from);
        Ok(Self::Child(Command {
            program: std::env::current_exe()?,
            arguments: fixed.into_iter().chain(more).collect(),
            readiness: Readiness::Announced,
            deadline: Duration::from_secs(10),
            grace: Duration::from_secs(5),
        }))
    }
}
