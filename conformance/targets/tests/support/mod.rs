//! What the tests of the launcher share.

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, retry_on_intr},
    process::{Pid, PidfdFlags, pidfd_open},
};
use tokio::task::spawn_blocking;

/// Waits until the process is gone, collected or not.
pub(crate) async fn gone(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("the number of a process");
    let process = match pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return,
        process => process.expect("a process can be awaited"),
    };
    let ended = spawn_blocking(move || {
        let deadline = Timespec { tv_sec: 20, tv_nsec: 0 };
        let mut events = [PollFd::new(&process, PollFlags::IN)];
        retry_on_intr(|| poll(&mut events, Some(&deadline)))
    });
    let count = ended.await.expect("it does not panic").expect("a process can be awaited");
    assert_eq!(count, 1, "the process is still there");
}
