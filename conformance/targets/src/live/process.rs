//! Brokers as processes of this machine.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use tempfile::TempDir;
use tokio::{task::JoinSet, time};

use super::{Host, Node, ports::Ports};
use crate::{
    Command, Ending, LaunchError, Readiness, Running,
    descriptor::{
        Process, Ready,
        listeners::Listeners,
        template::{Hole, Template},
    },
    launch::{self, group},
};

/// How often a broker is started whose ports others took between the moment when they were free and its start.
const ATTEMPTS: u32 = 3;

/// Starts every node.
pub(super) async fn launch(
    process: &Process,
    listeners: &Listeners<Template>,
    host: &Host,
) -> Result<(Vec<Node>, TempDir), LaunchError> {
    for _ in 1..ATTEMPTS {
        match attempt(process, listeners, host).await {
            Err(LaunchError::Died { said, .. }) if is_about_a_port(&said) => {
                tracing::info!("a port was taken; trying with others{said}");
            }
            result => return result,
        }
    }
    attempt(process, listeners, host).await
}

fn is_about_a_port(said: &str) -> bool {
    let said = said.to_lowercase();
    ["address already in use", "address in use", "eaddrinuse"].iter().any(|words| said.contains(words))
}

async fn attempt(
    process: &Process,
    listeners: &Listeners<Template>,
    host: &Host,
) -> Result<(Vec<Node>, TempDir), LaunchError> {
    let place = |source| LaunchError::Place { source };
    let folder = tempfile::Builder::new().prefix("paddock-").tempdir().map_err(place)?;
    let ports = Ports::default();
    let mut plans = Vec::new();
    for node in 1..=process.nodes {
        let dir = folder.path().join(node.to_string());
        fs::create_dir(&dir).map_err(place)?;
        plans.push(Site { process, listeners, host, node, dir, ports: &ports }.plan()?);
    }
    drop(ports);
    for plan in &plans {
        for command in &plan.prepare {
            prepare(command, plan, process, host).await?;
        }
    }
    // The nodes of a cluster may be ready only together.
    let mut starting = JoinSet::new();
    let mut listeners = Vec::new();
    for (index, plan) in plans.into_iter().enumerate() {
        listeners.push(Some(plan.listeners));
        starting.spawn(async move { (index, launch::launch(&plan.command).await) });
    }
    let mut nodes: Vec<Option<Node>> = listeners.iter().map(|_| None).collect();
    while let Some(started) = starting.join_next().await {
        let (index, running) = started.map_err(|error| place(io::Error::other(error)))?;
        let running: Running = running?;
        nodes[index] = listeners[index].take().map(|listeners| Node::new(running, listeners));
    }
    Ok((nodes.into_iter().flatten().collect(), folder))
}

/// What is done for one node.
struct Plan {
    prepare: Vec<Vec<String>>,
    command: Command,
    listeners: Listeners<String>,
}

/// One node and what its texts are filled with.
struct Site<'a> {
    process: &'a Process,
    listeners: &'a Listeners<Template>,
    host: &'a Host,
    /// From 1.
    node: u16,
    dir: PathBuf,
    ports: &'a Ports,
}

/// The file that `${config}` names.
const CONFIG: &str = "config";

impl Site<'_> {
    fn plan(&self) -> Result<Plan, LaunchError> {
        let place = |source| LaunchError::Place { source };
        let Process { config, files, .. } = self.process;
        let named = files.iter().map(|(name, text)| (name.as_str(), text));
        for (name, text) in config.iter().map(|text| (CONFIG, text)).chain(named) {
            fs::write(self.dir.join(name), self.fill(text)?).map_err(place)?;
        }
        let prepare = self.process.prepare.iter().map(|command| command.iter().map(|word| self.fill(word)).collect());
        let mut listeners = Listeners::default();
        self.fill_listeners(&mut listeners)?;
        Ok(Plan { prepare: prepare.collect::<Result<_, _>>()?, command: self.command()?, listeners })
    }

    fn command(&self) -> Result<Command, LaunchError> {
        let Process { program, arguments, environment, ready, deadline, grace, install, .. } = self.process;
        let url = || self.ports.of(self.node, "").map(|port| format!("mqtt://127.0.0.1:{port}"));
        let url = || url().map_err(|source| LaunchError::Place { source });
        let arguments = arguments.iter().map(|word| self.fill(word).map(OsString::from));
        let pair = |(name, value): &(String, Template)| self.fill(value).map(|value| (name.into(), value.into()));
        Ok(Command {
            program: find(self.host, &self.fill(program)?, install.as_deref())?,
            arguments: arguments.collect::<Result<_, _>>()?,
            environment: environment.iter().map(pair).collect::<Result<_, _>>()?,
            folder: Some(self.dir.clone()),
            readiness: match ready {
                Ready::Announces => Readiness::Announced,
                Ready::Connects => Readiness::Connects(url()?),
                Ready::Answers => Readiness::Answers(url()?),
            },
            deadline: *deadline,
            ending: Ending::Terminated,
            grace: *grace,
        })
    }

    fn fill_listeners(&self, listeners: &mut Listeners<String>) -> Result<(), LaunchError> {
        let mut first = Ok(());
        *listeners = self.listeners.map(|text| {
            self.fill(text).unwrap_or_else(|error| {
                first = Err(error);
                String::new()
            })
        });
        first
    }

    fn fill(&self, text: &Template) -> Result<String, LaunchError> {
        // Ports are made before the text is, so that nothing fails on the way.
        for hole in text.holes() {
            if let Hole::Port { name, node } = hole {
                self.ports.of(node.unwrap_or(self.node), name).map_err(|source| LaunchError::Place { source })?;
            }
        }
        Ok(text.fill(&|hole| match hole {
            Hole::Port { name, node } => {
                self.ports.of(node.unwrap_or(self.node), name).map_or_else(|_| String::new(), |port| port.to_string())
            }
            Hole::Dir => self.dir.display().to_string(),
            Hole::Config => self.dir.join(CONFIG).display().to_string(),
            Hole::Node => self.node.to_string(),
            Hole::Host => "127.0.0.1".to_owned(),
            Hole::Paddock => self.host.paddock().display().to_string(),
        }))
    }
}

fn find(host: &Host, program: &str, install: Option<&str>) -> Result<PathBuf, LaunchError> {
    host.find(program).ok_or_else(|| LaunchError::Absent {
        program: program.to_owned(),
        install: install.map_or_else(String::new, |install| format!("; get it with: {install}")),
    })
}

/// Runs a command that has to be done before the broker starts.
async fn prepare(words: &[String], plan: &Plan, process: &Process, host: &Host) -> Result<(), LaunchError> {
    let failed = |said: String| LaunchError::Unprepared { command: words.join(" "), said };
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let program = find(host, program, process.install.as_deref())?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).envs(plan.command.environment.iter().map(|(name, value)| (name, value)));
    command.current_dir(plan.command.folder.as_deref().unwrap_or(Path::new("."))).stdin(Stdio::null());
    let output = match time::timeout(process.deadline, group::output(command)).await {
        Err(_) => return Err(failed(format!("it did not end within {:?}", process.deadline))),
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Ok(Ok(output)) => output,
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().take(5).collect();
    Err(failed(format!("{}: {}", output.status, last.into_iter().rev().collect::<Vec<_>>().join(" / "))))
}
