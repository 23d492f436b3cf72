//! A process with all that it started, and the guard beside them.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// The processes of one group. Dropping it kills them.
#[derive(Debug)]
pub(super) struct Group {
    leader: Pid,
    guard: Child,
}

impl Group {
    /// Watches over the group of the child `pid`, which leads it: a shell waits for the end of its standard input, which comes
    /// when this process ends in whatever way, and kills the group then.
    pub(super) fn guard(pid: u32) -> std::io::Result<Self> {
        let leader = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let leader = leader.ok_or_else(|| std::io::Error::other("its process id is no number of a process"))?;
        let script = format!("cat >/dev/null; kill -KILL -{pid}");
        // In a group of its own, so that neither the terminal's Ctrl-C nor the end of the broker takes it along.
        let guard = Command::new("/bin/sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { leader, guard })
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
        // The guard must not fire later, when another group may have the same number.
        if let Some(guard) = i32::try_from(self.guard.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(guard, Signal::KILL);
        }
        let _ = self.guard.wait();
    }
}
