//! The thread that writes the log, so that a reader who stands still stops nobody but itself.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

use super::line::notice;

/// How many lines may wait to be written; more are lost, and counted.
const WAITING: usize = 8_192;
/// How long the end of the program waits for the last lines.
const LAST: Duration = Duration::from_secs(1);

/// Where lines go.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    sender: SyncSender<Vec<u8>>,
    lost: Arc<AtomicU64>,
    /// Holds the other end of a channel that closes when everything is written; an empty line asks for it.
    flushed: Arc<std::sync::Mutex<Option<Receiver<()>>>>,
}

/// Starts the thread. Without one, which is when the system has no room for threads, nothing is logged.
pub(super) fn start() -> Lines {
    let (lines, received) = Lines::caught();
    let (done, flushed) = sync_channel::<()>(0);
    let lost = Arc::clone(&lines.lost);
    let writes = move || {
        while let Ok(line) = received.recv() {
            // An empty line is the end.
            if line.is_empty() {
                break;
            }
            let lost = lost.swap(0, Relaxed);
            if lost > 0 {
                write(notice("the log was not read in time, and lines are lost", "lines", lost).as_bytes());
            }
            write(&line);
        }
        drop(done);
    };
    if thread::Builder::new().name("log".into()).spawn(writes).is_ok()
        && let Ok(mut place) = lines.flushed.lock()
    {
        *place = Some(flushed);
    }
    lines
}

fn write(line: &[u8]) {
    // There is nobody to tell when stderr is closed.
    let _told = io::stderr().write_all(line);
}

impl Lines {
    /// Lines for whoever holds the other end.
    pub(super) fn caught() -> (Self, Receiver<Vec<u8>>) {
        let (sender, received) = sync_channel(WAITING);
        (Self { sender, lost: Arc::default(), flushed: Arc::default() }, received)
    }

    /// Waits a moment until everything is written. Nothing is written afterwards.
    pub(super) fn flush(&self) {
        let Some(flushed) = self.flushed.lock().ok().and_then(|mut place| place.take()) else { return };
        if self.sender.try_send(Vec::new()).is_ok() {
            // It answers by closing the channel.
            let _: Result<(), RecvTimeoutError> = flushed.recv_timeout(LAST);
        }
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.sender.try_send(line.to_vec()).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_logs_does_not_wait_for_a_reader_who_stands_still() {
        let (lines, received) = Lines::caught();
        for _ in 0..WAITING + 10 {
            (&lines).write_all(b"line\n").unwrap();
        }
        assert_eq!(lines.lost.load(Relaxed), 10);
        assert_eq!(received.try_iter().count(), WAITING);
        lines.flush();
    }
}
