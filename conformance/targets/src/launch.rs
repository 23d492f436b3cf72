//! Starting a broker and ending it.
//!
//! ```text
//!   Command ─spawn─▶ child ─▶ ready (first line, or its port accepts) ─▶ Running ─stop/drop─▶ gone
//!                      └─ died, silent or unintelligible ─▶ killed ─▶ LaunchError, with its last words
//! ```
//!
//! A child never outlives its parent: its standard input is a pipe that nobody writes to. Closing it asks the child to end,
//! and the kernel closes it when this process dies, however it dies. A child that does not watch its standard input
//! ([`Ending::Terminated`]) has a guard that does, and kills it and its children then.

mod control;
pub(crate) mod group;
pub(crate) mod guard;
pub(crate) mod ready;
mod words;

use std::{io, path::Path, process::ExitStatus, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout},
    time,
};

pub use self::ready::Silence;
use self::{group::Group, guard::Guard, words::LastWords};
use crate::{Command, Ending, Readiness, Target, live::container::Boxed};

/// A target that can be reached. Dropping it kills the child or removes the container, if there is one; the runtime collects
/// it.
#[derive(Debug)]
pub struct Running {
    address: String,
    monitor: Option<String>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Address,
    Process(Box<Process>),
    Container(Boxed),
}

/// A child that runs.
#[derive(Debug)]
struct Process {
    child: Child,
    pid: u32,
    words: LastWords,
    grace: Duration,
    /// Of a child that is not asked to end by its standard input.
    group: Option<Group>,
    /// What it was started with.
    command: Command,
    frozen: bool,
    /// Kills the frozen child when this process ends; a group has a guard anyway.
    keeper: Option<Guard>,
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
    /// The program is not installed.
    #[error("there is no program {program}{install}")]
    Absent {
        /// The program.
        program: String,
        /// How to get it, as a clause to append; may be empty.
        install: String,
    },
    /// No port is free, or the folder of the broker cannot be made.
    #[error("cannot make a place for the broker: {source}")]
    Place {
        /// What the system said.
        source: io::Error,
    },
    /// A command that runs before the broker failed.
    #[error("`{command}`, which comes before the broker, failed: {said}")]
    Unprepared {
        /// The command.
        command: String,
        /// How it ended and what it said.
        said: String,
    },
    /// A broker that somebody else runs was not there in time.
    #[error("nobody answered at {url} within {deadline:?}: {why}")]
    Silent {
        /// Where.
        url: String,
        /// The time that it had.
        deadline: Duration,
        /// What came of the latest attempt.
        why: Silence,
    },
    /// The container could not be started, or the broker in it did not answer in time; it was removed.
    #[error("no broker in a container of {image}: {said}")]
    Container {
        /// The image with its tag.
        image: String,
        /// Why, in words of Docker or of the broker.
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
            Self::Address(address) => Ok(Running { address: address.clone(), monitor: None, kind: Kind::Address }),
            Self::Child(command) => launch(command).await,
        }
    }
}

/// Starts a command and waits until it is ready.
pub(crate) async fn launch(command: &Command) -> Result<Running, LaunchError> {
    let program = command.program.display().to_string();
    let spawn = |source| LaunchError::Spawn { program: program.clone(), source };
    let mut builder = tokio::process::Command::new(&command.program);
    builder.args(&command.arguments).envs(command.environment.iter().map(|(name, value)| (name, value)));
    builder.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    builder.current_dir(command.folder.as_deref().unwrap_or(Path::new(".")));
    // Ctrl-C in a terminal goes to all processes of a group: this one ends the child in order, when its own work is done.
    builder.process_group(0);
    let mut child = builder.spawn().map_err(spawn)?;
    let pid = child.id().ok_or_else(|| spawn(io::Error::other("it has no process id")))?;
    let group = match command.ending {
        Ending::InputCloses => None,
        Ending::Terminated => Some(Group::guard(pid).map_err(spawn)?),
    };
    let output = child.stdout.take().ok_or_else(|| spawn(io::Error::other("it has no standard output")))?;
    let errors = child.stderr.take().ok_or_else(|| spawn(io::Error::other("it has no standard error")))?;
    let words = LastWords::listen(errors);
    let command = command.clone();
    let mut process = Process { child, pid, words, grace: command.grace, group, command, frozen: false, keeper: None };
    let (deadline, readiness) = (process.command.deadline, process.command.readiness.clone());
    let ready = time::timeout(deadline, ready(&readiness, &mut process, output)).await;
    let failure = match ready {
        Ok(Ok(Ready::At { address, monitor })) => {
            return Ok(Running { address, monitor, kind: Kind::Process(Box::new(process)) });
        }
        Ok(Ok(Ready::Said(line))) => Failure::Said(line),
        Ok(Ok(Ready::Ended(status))) => Failure::Ended(status),
        Ok(Err(source)) => return Err(spawn(source)),
        Err(_) => Failure::Late,
    };
    Err(process.bury(program, deadline, failure).await)
}

/// What waiting for a child came to.
enum Ready {
    At { address: String, monitor: Option<String> },
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
        drop(self.group.take());
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

async fn ready(readiness: &Readiness, process: &mut Process, output: ChildStdout) -> io::Result<Ready> {
    let child = &mut process.child;
    let url = match readiness {
        Readiness::Announced => {
            let monitored = process.command.arguments.iter().any(|argument| argument == MONITOR);
            return announced(child, output, monitored).await;
        }
        Readiness::Connects(url) | Readiness::Answers(url) => url,
    };
    let arrival = async {
        match readiness {
            Readiness::Answers(_) => ready::answers(url).await,
            _ => ready::connects(url).await,
        }
    };
    // What it says there may be why it does not become ready.
    process.words.also(output);
    tokio::select! {
        status = child.wait() => Ok(Ready::Ended(status?)),
        () = arrival => Ok(Ready::At { address: url.clone(), monitor: None }),
    }
}

/// Before the URL on the first line of a child's standard output.
const ANNOUNCEMENT: &str = "listening on ";
/// Asks the reference broker for metrics over HTTP.
const MONITOR: &str = "--monitor";
/// Before the URL on the line that then says where.
const MONITORING: &str = "monitoring on ";

async fn announced(child: &mut Child, output: ChildStdout, monitored: bool) -> io::Result<Ready> {
    let mut output = BufReader::new(output);
    // Where its output ends, it ended, or it will never say where it listens; the deadline tells the two apart.
    let Some(line) = line(&mut output).await? else { return child.wait().await.map(Ready::Ended) };
    let address = match line.strip_prefix(ANNOUNCEMENT).map(str::trim) {
        Some(url) if url.contains("://") || url.starts_with("unix:") => url.to_owned(),
        _ => return Ok(Ready::Said(line.chars().take(200).collect())),
    };
    let mut monitor = None;
    while monitored && monitor.is_none() {
        let Some(line) = self::line(&mut output).await? else { return child.wait().await.map(Ready::Ended) };
        monitor = line.strip_prefix(MONITORING).map(|url| url.trim().to_owned());
    }
    discard(output);
    Ok(Ready::At { address, monitor })
}

/// The next line; absent at the end.
async fn line(output: &mut BufReader<ChildStdout>) -> io::Result<Option<String>> {
    /// The longest line that is waited for.
    const LONGEST: u64 = 4096;
    let mut line = Vec::new();
    output.take(LONGEST).read_until(b'\n', &mut line).await?;
    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
    Ok((!line.is_empty()).then_some(text))
}

/// Reads and drops what a child goes on to say, so that a full pipe never stops it.
fn discard(mut output: BufReader<ChildStdout>) {
    tokio::spawn(async move {
        if let Err(error) = tokio::io::copy(&mut output, &mut tokio::io::sink()).await {
            tracing::debug!(%error, "a broker's output ended");
        }
    });
}

impl Running {
    /// A broker in a container.
    pub(crate) fn in_container(address: String, container: Boxed) -> Self {
        Self { address, monitor: None, kind: Kind::Container(container) }
    }

    /// Its URL, such as `mqtt://127.0.0.1:40123`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where it serves its metrics, such as `http://127.0.0.1:40124`, when it was asked to and said so.
    #[must_use]
    pub fn monitor(&self) -> Option<&str> {
        self.monitor.as_deref()
    }

    /// The process, when it was started here.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process().map(|process| process.pid)
    }

    /// How the process ended, when it was started here and has ended by itself; absent while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let Kind::Process(process) = &mut self.kind else { return None };
        process.child.try_wait().ok().flatten()
    }

    /// The last lines of the process's standard error, oldest first, and of its standard output unless its address stood
    /// there; at most 20.
    #[must_use]
    pub fn last_words(&self) -> Vec<String> {
        self.process().map_or_else(Vec::new, |process| process.words.lines())
    }

    fn process(&self) -> Option<&Process> {
        match &self.kind {
            Kind::Process(process) => Some(process),
            Kind::Address | Kind::Container(_) => None,
        }
    }

    /// Asks the process to end (see [`Ending`]), waits for its grace and then kills it, or removes the container. Gives how
    /// the process ended; absent for an address and a container.
    ///
    /// # Errors
    ///
    /// When the system cannot collect the process, or Docker not remove the container.
    pub async fn stop(self) -> io::Result<Option<ExitStatus>> {
        match self.kind {
            Kind::Address => Ok(None),
            Kind::Container(container) => container.remove().await.map(|()| None),
            Kind::Process(mut process) => process.end().await.map(Some),
        }
    }
}
