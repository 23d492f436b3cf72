//! Starting a broker and ending it.

use std::{io, process::ExitStatus, time::Duration};

use crate::Target;

/// A target that can be reached. Dropping it kills the child, if there is one, and collects it.
#[derive(Debug)]
pub struct Running {
    address: String,
    pid: Option<u32>,
}

/// Why a target cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The program could not be started.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The program ended before it was ready.
    #[error("{program} ended before it was ready ({status}){said}")]
    Died {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its standard error, as a clause to append; may be empty.
        said: String,
    },
    /// The program was not ready in time, and was killed.
    #[error("{program} was not ready within {deadline:?}{said}")]
    NotReady {
        /// The program.
        program: String,
        /// The time that it had.
        deadline: Duration,
        /// The last lines of its standard error, as a clause to append; may be empty.
        said: String,
    },
    /// The first line of its output was not `listening on URL`.
    #[error("{program} said {line:?} instead of `listening on URL`{said}")]
    Unintelligible {
        /// The program.
        program: String,
        /// The line.
        line: String,
        /// The last lines of its standard error, as a clause to append; may be empty.
        said: String,
    },
}

impl Target {
    /// Makes the target reachable: an address is taken as it is, a command is started and awaited. Runs on a tokio runtime
    /// with time and input/output.
    ///
    /// # Errors
    ///
    /// See [`LaunchError`]; no child outlives an error.
    pub async fn launch(&self) -> Result<Running, LaunchError> {
        todo!("lands next")
    }
}

impl Running {
    /// Its URL, such as `mqtt://127.0.0.1:40123`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process, when it was started here.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// How the process ended, when it was started here and has ended by itself; absent while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        todo!("lands next")
    }

    /// The last lines of the process's standard error, oldest first.
    #[must_use]
    pub fn last_words(&self) -> Vec<String> {
        todo!("lands next")
    }

    /// Asks the process to end, waits for its grace and then kills it. Gives how it ended; absent for an address.
    ///
    /// # Errors
    ///
    /// When the system cannot collect the process.
    pub async fn stop(self) -> io::Result<Option<ExitStatus>> {
        todo!("lands next")
    }
}
