//! What a child said last.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    task::JoinHandle,
    time,
};

/// The lines that are kept.
const LINES: usize = 20;

/// The bytes that are kept of a line; the rest counts as lines of their own.
const LONGEST: u64 = 1000;

type Lines = Arc<Mutex<VecDeque<String>>>;

/// Reads what a child says to its end and keeps the last lines.
#[derive(Debug)]
pub(super) struct LastWords {
    lines: Lines,
    readers: Vec<JoinHandle<()>>,
}

impl LastWords {
    /// Begins to read on the current runtime.
    pub(super) fn listen(source: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let mut words = Self { lines: Lines::default(), readers: Vec::new() };
        words.also(source);
        words
    }

    /// Reads from this source too.
    pub(super) fn also(&mut self, source: impl AsyncRead + Unpin + Send + 'static) {
        self.readers.push(tokio::spawn(keep(source, Arc::clone(&self.lines))));
    }

    /// The lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The lines of a child that has ended, as a clause to append to a sentence; empty when it said nothing.
    pub(super) async fn finish(mut self) -> String {
        /// A grandchild may hold the pipe open; what it says is not waited for.
        const PATIENCE: Duration = Duration::from_millis(500);
        for reader in &mut self.readers {
            if time::timeout(PATIENCE, &mut *reader).await.is_err() {
                reader.abort();
            }
        }
        match self.lines() {
            lines if lines.is_empty() => String::new(),
            lines => format!("; it said: {}", lines.join(" / ")),
        }
    }
}

async fn keep(source: impl AsyncRead + Unpin, lines: Lines) {
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut source).take(LONGEST).read_until(b'\n', &mut line).await {
        let text: String = String::from_utf8_lossy(&line).trim_end().chars().map(visible).collect();
        tracing::debug!(target: "targets::broker", "{text}");
        let mut kept = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == LINES {
            kept.pop_front();
        }
        kept.push_back(text);
        line.clear();
    }
}

/// Control characters of a broker's log stay away from the terminal.
fn visible(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}
