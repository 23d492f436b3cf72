//! The evidence: every packet of a case, with its time and its bytes.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reports::observation::{LineKind, TranscriptLine};
use tokio::time::Instant;
use wire::{Direction, Version};

/// The packets of one case so far. Clones write to the same.
#[derive(Clone, Debug)]
pub(crate) struct Transcript {
    began: Instant,
    version: Version,
    entries: Arc<Mutex<Vec<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    at: Duration,
    peer: String,
    event: LineKind,
    text: String,
    bytes: Vec<u8>,
    /// Bytes of the packet that are not in `bytes`.
    cut: usize,
}

/// What a broker sends without end is not kept without end.
pub(crate) const ENTRIES: usize = 2000;

/// Bytes that are kept of one packet; the decoded line tells its true length.
pub(crate) const BYTES: usize = 1024;

impl Transcript {
    pub(crate) fn new(version: Version) -> Self {
        Self { began: Instant::now(), version, entries: Arc::default() }
    }

    /// A packet, or whatever else the bytes are.
    pub(crate) fn packet(&self, peer: &str, event: LineKind, bytes: &[u8]) {
        self.add(peer, event, String::new(), bytes);
    }

    /// Anything that is no packet.
    pub(crate) fn say(&self, peer: &str, event: LineKind, text: impl Into<String>) {
        self.add(peer, event, text.into(), &[]);
    }

    fn add(&self, peer: &str, event: LineKind, text: String, bytes: &[u8]) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() < ENTRIES {
            let kept = &bytes[..bytes.len().min(BYTES)];
            let cut = bytes.len() - kept.len();
            let at = self.began.elapsed();
            entries.push(Entry { at, peer: peer.to_owned(), event, text, bytes: kept.to_vec(), cut });
        }
    }

    /// Decoded, for reports.
    pub(crate) fn lines(&self) -> Vec<TranscriptLine> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| entry.line(self.version)).collect()
    }
}

impl Entry {
    fn line(&self, version: Version) -> TranscriptLine {
        let direction = match self.event {
            LineKind::Sent => Some(Direction::FromClient),
            LineKind::Received => Some(Direction::FromServer),
            LineKind::Opened | LineKind::Closed | LineKind::Remark => None,
        };
        let text = match (direction, self.cut) {
            (None, _) => self.text.clone(),
            (Some(direction), 0) => wire::line(version, direction, &self.bytes),
            (Some(_), cut) => format!("{} bytes, cut here", self.bytes.len() + cut),
        };
        let hex = self.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        TranscriptLine { at: self.at, peer: self.peer.clone(), event: self.event, text, hex }
    }
}
