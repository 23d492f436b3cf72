//! What a child said last on its standard error.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::ChildStderr,
    task::JoinHandle,
    time,
};

/// The lines that are kept.
const LINES: usize = 20;

/// The bytes that are kept of a line; the rest counts as lines of their own.
const LONGEST: u64 = 1000;

/// Reads a child's standard error to its end and keeps the last lines.
#[derive(Debug)]
pub(super) struct LastWords {
    lines: Arc<Mutex<VecDeque<String>>>,
    reader: JoinHandle<()>,
}

impl LastWords {
    /// Begins to read on the current runtime.
    pub(super) fn listen(errors: ChildStderr) -> Self {
        let lines = Arc::new(Mutex::new(VecDeque::with_capacity(LINES)));
        let kept = Arc::clone(&lines);
        let reader = tokio::spawn(async move {
            let mut errors = BufReader::new(errors);
            let mut line = Vec::new();
            while let Ok(1..) = (&mut errors).take(LONGEST).read_until(b'\n', &mut line).await {
                let text: String = String::from_utf8_lossy(&line).trim_end().chars().map(visible).collect();
                tracing::debug!(target: "targets::broker", "{text}");
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == LINES {
                    kept.pop_front();
                }
                kept.push_back(text);
                line.clear();
            }
        });
        Self { lines, reader }
    }

    /// The lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The lines of a child that has ended, as a clause to append to a sentence; empty when it said nothing.
    pub(super) async fn finish(mut self) -> String {
        /// A grandchild may hold the pipe open; what it says is not waited for.
        const PATIENCE: Duration = Duration::from_millis(500);
        if time::timeout(PATIENCE, &mut self.reader).await.is_err() {
            self.reader.abort();
        }
        match self.lines() {
            lines if lines.is_empty() => String::new(),
            lines => format!("; it said: {}", lines.join(" / ")),
        }
    }
}

/// Control characters of a broker's log stay away from the terminal.
fn visible(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}
