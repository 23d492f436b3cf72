//! What is done when this process ends without having done it.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// A shell that waits for the end of its standard input, which comes when this process ends in whatever way, and runs a script
/// then. Dropping it ends it, and the script never runs.
#[derive(Debug)]
pub(crate) struct Guard(Child);

impl Guard {
    /// Stands by with `script`, whose `$1` and so on are these arguments.
    pub(crate) fn with(script: &str, arguments: &[&str]) -> io::Result<Self> {
        // In a group of its own, so that neither the terminal's Ctrl-C nor the end of the broker takes it along.
        let shell = Command::new("/bin/sh")
            .args(["-c", &format!("cat >/dev/null; {script}"), "guard"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self(shell))
    }

    /// Runs the script now, and waits for its end.
    pub(crate) fn act(mut self) -> io::Result<ExitStatus> {
        drop(self.0.stdin.take());
        self.0.wait()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Once it is collected, another process may have its number.
        if let Ok(None) = self.0.try_wait()
            && let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process_group(group, Signal::KILL);
            let _ = self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_runs_when_it_is_told_to_and_not_when_the_guard_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        for acts in [false, true] {
            let mark = folder.path().join(acts.to_string());
            let guard = Guard::with("touch \"$1\"", &[mark.to_str().unwrap()]).unwrap();
            if acts {
                assert!(guard.act().unwrap().success());
            } else {
                drop(guard);
            }
            assert_eq!(mark.exists(), acts);
        }
    }
}
