//! A process with all that it started, and the guard beside them.

use std::{
    io,
    process::{Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

use super::guard::Guard;

/// Runs a command to its end. Given up, or when this process ends in whatever way, it goes with all that it started.
///
/// # Errors
///
/// It cannot be started or watched over.
pub(crate) async fn output(mut command: Command) -> io::Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let child = command.spawn()?;
    let _group = child.id().map(Group::guard).transpose()?;
    child.wait_with_output().await
}

/// The processes of one group. Dropping it kills them.
#[derive(Debug)]
pub(super) struct Group {
    leader: Pid,
    /// Let go after the group was killed: it must not fire later, when another group may have the same number.
    _guard: Guard,
}

impl Group {
    /// Watches over the group of the child `pid`, which leads it: it is killed when this process ends in whatever way.
    pub(super) fn guard(pid: u32) -> io::Result<Self> {
        let leader = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let leader = leader.ok_or_else(|| io::Error::other("its process id is no number of a process"))?;
        let guard = Guard::with("kill -KILL \"-$1\"", &[&pid.to_string()])?;
        Ok(Self { leader, _guard: guard })
    }

    /// Sends a signal to each of the processes.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        kill_process_group(self.leader, signal).map_err(io::Error::from)
    }

    /// Asks the processes to end.
    pub(super) fn terminate(&self) {
        // None may be left.
        let _ = kill_process_group(self.leader, Signal::TERM);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = kill_process_group(self.leader, Signal::KILL);
    }
}
