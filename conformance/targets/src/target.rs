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
    /// What is added to the environment of this process.
    pub environment: Vec<(OsString, OsString)>,
    /// The folder that it runs in; this process's when absent.
    pub folder: Option<PathBuf>,
    /// When it counts as ready.
    pub readiness: Readiness,
    /// The longest time until it is ready; above 0.
    pub deadline: Duration,
    /// How it is asked to end.
    pub ending: Ending,
    /// The longest time that it may take to end when it is asked to; then it is killed.
    pub grace: Duration,
}

/// When a started broker counts as ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The first line of its standard output is `listening on URL`, which is its address. When it is asked for a `--monitor`, the
    /// line `monitoring on URL` follows.
    Announced,
    /// A TCP connection to the port of this URL, `mqtt://HOST:PORT`, is accepted.
    Connects(String),
    /// A CONNECT of 3.1.1 at this URL, `mqtt://HOST:PORT`, is answered with a CONNACK other than Server unavailable.
    Answers(String),
}

/// How a broker is asked to end, and what happens to it when this process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its standard input, a pipe, is closed. The system closes it too when this process ends, however it ends.
    InputCloses,
    /// It and every process that it started are sent SIGTERM, after the grace SIGKILL. A guard beside it kills them when this
    /// process ends without having done so.
    Terminated,
}

impl Command {
    /// Starts `program` without arguments; the rest as for the reference broker.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            readiness: Readiness::Announced,
            deadline: Duration::from_secs(10),
            ending: Ending::InputCloses,
            grace: Duration::from_secs(5),
        }
    }
}

impl Target {
    /// The reference broker: this very program with `broker --listen 127.0.0.1:0 --exit-with-parent` and `more` arguments.
    ///
    /// # Errors
    ///
    /// When the path of this program is not known.
    pub fn embedded(more: impl IntoIterator<Item = OsString>) -> io::Result<Self> {
        let fixed = ["broker", "--listen", "127.0.0.1:0", "--exit-with-parent"].map(OsString::from);
        let arguments = fixed.into_iter().chain(more).collect();
        Ok(Self::Child(Command { arguments, ..Command::new(std::env::current_exe()?) }))
    }
}
