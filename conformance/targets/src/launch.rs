//! Starting a broker and ending it.
//!
//! ```text
//!   Command ─spawn─▶ child ─▶ ready (first line, or its port accepts) ─▶ Running ─stop/drop─▶ gone
//!                      └─ died, silent or unintelligible ─▶ killed ─▶ LaunchError, with its last words
//! ```
//!
//! A child never outlives its parent: its standard input is a pipe that nobody writes to. Closing it asks the child to end,
//! and the kernel closes it when this process dies, however it dies. A child that does not watch its standard input
//! ([`Readiness::Connects`]) is killed by [`Running`]'s drop, which a kill of this process prevents.

mod words;

use std::{io, net::SocketAddr, process::ExitStatus, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::TcpStream,
    process::{Child, ChildStdout},
    time,
};

use self::words::LastWords;
use crate::{Command, Readiness, Target};

/// A target that can be reached. Dropping it kills the child, if there is one; the runtime collects it.
#[derive(Debug)]
pub struct Running {
    address: String,
    process: Option<Process>,
}

/// A child that runs.
#[derive(Debug)]
struct Process {
    child: Child,
    pid: u32,
    words: LastWords,
    grace: Duration,
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
    /// The first line of its output was not `listening on URL`; it was killed.
    #[error("{program} said {line:?} instead of `listening on URL`{said}")]
    Unintelligible {
        /// The program.
        program: String,
        /// The line, at most 200 characters of it.
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
        match self {
            Self::Address(address) => Ok(Running { address: address.clone(), process: None }),
            Self::Child(command) => launch(command).await,
        }
    }
}

async fn launch(command: &Command) -> Result<Running, LaunchError> {
    let program = command.program.display().to_string();
    let spawn = |source| LaunchError::Spawn { program: program.clone(), source };
    let mut child = tokio::process::Command::new(&command.program)
        .args(&command.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(spawn)?;
    let pid = child.id().ok_or_else(|| spawn(io::Error::other("it has no process id")))?;
    let output = child.stdout.take().ok_or_else(|| spawn(io::Error::other("it has no standard output")))?;
    let errors = child.stderr.take().ok_or_else(|| spawn(io::Error::other("it has no standard error")))?;
    let words = LastWords::listen(errors);
    let mut process = Process { child, pid, words, grace: command.grace };
    let ready = time::timeout(command.deadline, ready(&command.readiness, &mut process.child, output)).await;
    let failure = match ready {
        Ok(Ok(Ready::At(address))) => return Ok(Running { address, process: Some(process) }),
        Ok(Ok(Ready::Said(line))) => Failure::Said(line),
        Ok(Ok(Ready::Ended(status))) => Failure::Ended(status),
        Ok(Err(source)) => return Err(spawn(source)),
        Err(_) => Failure::Late,
    };
    Err(process.bury(program, command.deadline, failure).await)
}

/// What waiting for a child came to.
enum Ready {
    At(String),
    Said(String),
    Ended(ExitStatus),
}

/// Why a child is of no use.
enum Failure {
    Late,
    Said(String),
    Ended(ExitStatus),
}

impl Process {
    /// Kills and collects the child, and tells why.
    async fn bury(mut self, program: String, deadline: Duration, failure: Failure) -> LaunchError {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, pid = self.pid, "cannot kill a broker that did not become ready");
        }
        let said = self.words.finish().await;
        match failure {
            Failure::Late => LaunchError::NotReady { program, deadline, said },
            Failure::Said(line) => LaunchError::Unintelligible { program, line, said },
            Failure::Ended(status) => LaunchError::Died { program, status, said },
        }
    }
}

async fn ready(readiness: &Readiness, child: &mut Child, output: ChildStdout) -> io::Result<Ready> {
    match readiness {
        Readiness::Announced => announced(child, output).await,
        Readiness::Connects(url) => {
            discard(BufReader::new(output));
            tokio::select! {
                status = child.wait() => Ok(Ready::Ended(status?)),
                () = connects(url) => Ok(Ready::At(url.clone())),
            }
        }
    }
}

/// Before the URL on the first line of a child's standard output.
const ANNOUNCEMENT: &str = "listening on ";

async fn announced(child: &mut Child, output: ChildStdout) -> io::Result<Ready> {
    /// The longest line that is waited for.
    const LONGEST: u64 = 4096;
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    (&mut output).take(LONGEST).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        // Its output ended: it ended, or it will never say where it listens; the deadline tells the two apart.
        return child.wait().await.map(Ready::Ended);
    }
    discard(output);
    let line = String::from_utf8_lossy(&line);
    let line = line.trim_end();
    match line.strip_prefix(ANNOUNCEMENT).map(str::trim) {
        Some(url) if url.contains("://") => Ok(Ready::At(url.to_owned())),
        _ => Ok(Ready::Said(line.chars().take(200).collect())),
    }
}

/// Reads and drops what a child goes on to say, so that a full pipe never stops it.
fn discard(mut output: BufReader<ChildStdout>) {
    tokio::spawn(async move {
        if let Err(error) = tokio::io::copy(&mut output, &mut tokio::io::sink()).await {
            tracing::debug!(%error, "a broker's output ended");
        }
    });
}

/// Returns once something accepts at the URL's host and port.
async fn connects(url: &str) {
    /// Between two attempts: a refused connection on the same machine costs nothing.
    const PAUSE: Duration = Duration::from_millis(20);
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    loop {
        if let Ok(stream) = TcpStream::connect(authority).await {
            // Loopback can connect a port to itself while nobody listens there.
            let own = |end: io::Result<SocketAddr>| end.ok();
            if own(stream.local_addr()) != own(stream.peer_addr()) {
                return;
            }
        }
        time::sleep(PAUSE).await;
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
        self.process.as_ref().map(|process| process.pid)
    }

    /// How the process ended, when it was started here and has ended by itself; absent while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut()?.child.try_wait().ok().flatten()
    }

    /// The last lines of the process's standard error, oldest first; at most 20.
    #[must_use]
    pub fn last_words(&self) -> Vec<String> {
        self.process.as_ref().map_or_else(Vec::new, |process| process.words.lines())
    }

    /// Asks the process to end by closing its standard input, waits for its grace and then kills it. Gives how it ended;
    /// absent for an address.
    ///
    /// # Errors
    ///
    /// When the system cannot collect the process.
    pub async fn stop(self) -> io::Result<Option<ExitStatus>> {
        let Some(mut process) = self.process else { return Ok(None) };
        drop(process.child.stdin.take());
        match time::timeout(process.grace, process.child.wait()).await {
            Ok(status) => status.map(Some),
            Err(_) => {
                tracing::warn!(pid = process.pid, grace = ?process.grace, "the broker did not end by itself; killing it");
                process.child.start_kill()?;
                process.child.wait().await.map(Some)
            }
        }
    }
}
