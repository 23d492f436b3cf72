//! What the tests of the launcher share.

use std::time::Duration;

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::timeout,
};

/// Waits until the process is gone, collected or not.
pub(crate) async fn gone(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("the number of a process");
    let process = match pidfd_open(pid, PidfdFlags::NONBLOCK) {
        Err(Errno::SRCH) => return,
        process => process.expect("a process can be awaited"),
    };
    let process = AsyncFd::with_interest(process, Interest::READABLE).expect("a runtime with input and output");
    let ended = timeout(Duration::from_secs(20), process.readable()).await.expect("the process is still there");
    ended.expect("a process can be awaited").retain_ready();
}
