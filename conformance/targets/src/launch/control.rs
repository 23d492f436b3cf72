//! What can be done to a broker while it serves: freezing it, ending it, starting it again.
//!
//! ```text
//!               freeze          end, kill           start_again
//!   serving ◀──────────▶ frozen ─────────▶ ended ───────────────▶ serving, at the same address
//!      │        thaw                         ▲
//!      └─────────────────────────────────────┘
//! ```

use std::{ffi::OsStr, io, process::ExitStatus};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time;

use super::{Kind, LaunchError, MONITOR, Process, Running, guard::Guard, launch};
use crate::Command;

/// Any free port, as a broker is asked for it on its command line.
const ANY_PORT: &str = "127.0.0.1:0";

impl Running {
    /// Whether it is a process that was started here, to which all of this can be done.
    #[must_use]
    pub fn is_child(&self) -> bool {
        matches!(self.kind, Kind::Process(_))
    }

    /// Stops the process, and all of its group, where they are (SIGSTOP). Its connections stay open, and the kernel goes on to
    /// take what is sent to them. Should this process end meanwhile, the broker is killed all the same.
    ///
    /// # Errors
    ///
    /// It is no child, or it has ended.
    pub fn freeze(&mut self) -> io::Result<()> {
        let process = self.child()?;
        if process.child.try_wait()?.is_some() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it has ended"));
        }
        if !process.frozen && process.group.is_none() {
            // Stopped, it does not see that its standard input ends.
            process.keeper = Some(Guard::with("kill -KILL \"$1\"", &[&process.pid.to_string()])?);
        }
        process.signal(Signal::STOP)?;
        process.frozen = true;
        Ok(())
    }

    /// Lets a frozen process go on (SIGCONT); nothing happens to one that is not frozen.
    ///
    /// # Errors
    ///
    /// It is no child, or it has ended.
    pub fn thaw(&mut self) -> io::Result<()> {
        self.child()?.thaw()
    }

    /// Kills the process (SIGKILL) and collects it.
    ///
    /// # Errors
    ///
    /// It is no child, or the system cannot collect it.
    pub async fn kill(&mut self) -> io::Result<()> {
        let process = self.child()?;
        drop(process.group.take());
        process.child.kill().await?;
        process.forget_freeze();
        Ok(())
    }

    /// Asks the process to end, as [`stop`](Self::stop) does, and keeps what is needed to start it again.
    ///
    /// # Errors
    ///
    /// It is no child, or the system cannot collect it.
    pub async fn end(&mut self) -> io::Result<ExitStatus> {
        self.child()?.end().await
    }

    /// Starts the command again after its process has ended: in the same folder, at the same address (an argument
    /// `127.0.0.1:0` becomes the port that was announced). What the broker had written down there it finds again.
    ///
    /// # Errors
    ///
    /// See [`LaunchError`]; then there is no process.
    pub async fn start_again(&mut self) -> Result<(), LaunchError> {
        let command = match &self.kind {
            Kind::Process(process) => at(&process.command, &self.address, self.monitor.as_deref()),
            Kind::Address | Kind::Container(_) => {
                return Err(LaunchError::Place { source: not_a_child() });
            }
        };
        *self = launch(&command).await?;
        Ok(())
    }

    fn child(&mut self) -> io::Result<&mut Process> {
        match &mut self.kind {
            Kind::Process(process) => Ok(process),
            Kind::Address | Kind::Container(_) => Err(not_a_child()),
        }
    }
}

impl Process {
    pub(super) async fn end(&mut self) -> io::Result<ExitStatus> {
        self.thaw()?;
        drop(self.child.stdin.take());
        if let Some(group) = &self.group {
            group.terminate();
        }
        let status = match time::timeout(self.grace, self.child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                tracing::warn!(pid = self.pid, grace = ?self.grace, "the broker did not end by itself; killing it");
                self.child.start_kill()?;
                self.child.wait().await
            }
        };
        // Whatever it started goes with it.
        drop(self.group.take());
        status
    }

    fn thaw(&mut self) -> io::Result<()> {
        if self.frozen && self.child.try_wait()?.is_none() {
            self.signal(Signal::CONT)?;
        }
        self.forget_freeze();
        Ok(())
    }

    fn forget_freeze(&mut self) {
        self.frozen = false;
        drop(self.keeper.take());
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        if let Some(group) = &self.group {
            return group.signal(signal);
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("its process id is no number of a process"))?;
        kill_process(pid, signal).map_err(io::Error::from)
    }
}

fn not_a_child() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "it was not started here as a process")
}

/// The same command for a broker that listens at `address`, a URL, and shows its metrics at `monitor`, another one: whoever read
/// them comes back to them.
fn at(command: &Command, address: &str, monitor: Option<&str>) -> Command {
    let mut arguments = command.arguments.clone();
    for place in 0..arguments.len() {
        let is_monitor = place > 0 && arguments[place - 1] == OsStr::new(MONITOR);
        let announced = if is_monitor { monitor } else { Some(address) };
        if let Some(url) = announced.filter(|_| arguments[place] == OsStr::new(ANY_PORT)) {
            arguments[place] = authority(url).into();
        }
    }
    Command { arguments, ..command.clone() }
}

/// `HOST:PORT` of a URL.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once('/').map_or(rest, |(authority, _)| authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_becomes_the_announced_one() {
        let command = Command {
            arguments: ["--listen", "127.0.0.1:0", "--exit-with-parent"].map(Into::into).to_vec(),
            ..Command::new("broker")
        };
        let again = at(&command, "mqtt://127.0.0.1:40123", None);
        assert_eq!(again.arguments, ["--listen", "127.0.0.1:40123", "--exit-with-parent"]);
        assert_eq!(at(&again, "mqtt://127.0.0.1:40123", None), again);
        let monitored = Command { arguments: ["--monitor", "127.0.0.1:0"].map(Into::into).to_vec(), ..command };
        let again = at(&monitored, "mqtt://127.0.0.1:40123", Some("http://127.0.0.1:40124/metrics"));
        assert_eq!(again.arguments, ["--monitor", "127.0.0.1:40124"]);
    }
}
