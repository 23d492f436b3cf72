//! Reading `observations.jsonl` back, also after a crash and from newer versions.

use crate::observation::{Observation, SCHEMA};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Longest line accepted, in bytes; the lines we write are far shorter.
const LONGEST_LINE: u64 = 16 << 20;

/// Why recorded observations cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The first line is not the start of a run.
    #[error("{} does not begin with a run's first line (run_started or suite_started, with a schema number)", path.display())]
    NotARun {
        /// The file.
        path: PathBuf,
    },
    /// Written under another schema number.
    #[error(
        "{} has schema {found}; this version reads schema {SCHEMA}. Use the paddock that wrote it{}",
        path.display(), writer.as_ref().map(|v| format!(" ({v})")).unwrap_or_default()
    )]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// Its schema number.
        found: u64,
        /// The version that wrote it, when it says so.
        writer: Option<String>,
    },
    /// A line in the middle is damaged. (A damaged last line is a run that was cut off, not an error.)
    #[error("{} line {line}: {cause}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        cause: String,
    },
}

/// Observations of one file in order. Kinds this version does not know are passed over; a last line that was cut off ends
/// the sequence.
#[derive(Debug)]
pub struct Reader<R> {
    path: PathBuf,
    input: R,
    line: u64,
    ended: bool,
}

impl Reader<BufReader<File>> {
    /// Opens a file. Nothing is read yet.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|cause| ReadError::Io { path: path.to_owned(), cause })?;
        Ok(Self::new(path, BufReader::new(file)))
    }
}

/// The part of any line that every schema shares.
#[derive(Deserialize)]
struct Head {
    kind: String,
    schema: Option<u64>,
    tool: Option<HeadTool>,
}

#[derive(Deserialize)]
struct HeadTool {
    version: Option<String>,
}

const KINDS: &[&str] = &[
    "run_started",
    "stage_started",
    "stage_ended",
    "window",
    "event",
    "witness",
    "evidence",
    "histogram",
    "ledger",
    "requests",
    "generator_health",
    "broker_drops",
    "aborted",
    "threshold",
    "run_ended",
    "suite_started",
    "case_judged",
    "mutant_judged",
    "suite_ended",
];

/// What a first line may be.
const FRAMES: [&str; 2] = ["run_started", "suite_started"];

impl<R: BufRead> Reader<R> {
    /// Reads from memory or a stream; `path` names it in errors.
    pub fn new(path: &Path, input: R) -> Self {
        Self { path: path.to_owned(), input, line: 0, ended: false }
    }

    fn read_line(&mut self) -> Result<Option<(String, bool)>, ReadError> {
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(LONGEST_LINE).read_until(b'\n', &mut bytes);
        read.map_err(|cause| ReadError::Io { path: self.path.clone(), cause })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        let complete = bytes.ends_with(b"\n");
        if !complete && bytes.len() as u64 == LONGEST_LINE {
            return Err(self.damaged(format!("longer than {LONGEST_LINE} bytes")));
        }
        Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), complete)))
    }

    fn parse(&self, line: &str) -> Result<Option<Observation>, ReadError> {
        let head: Head = match serde_json::from_str(line) {
            Ok(head) => head,
            Err(_) if self.line == 1 => return Err(ReadError::NotARun { path: self.path.clone() }),
            Err(error) => return Err(self.damaged(error.to_string())),
        };
        if self.line == 1 {
            self.check_schema(&head)?;
        }
        if !KINDS.contains(&head.kind.as_str()) {
            return Ok(None);
        }
        serde_json::from_str(line).map(Some).map_err(|error| self.damaged(error.to_string()))
    }

    fn check_schema(&self, head: &Head) -> Result<(), ReadError> {
        match head.schema {
            Some(schema) if schema == u64::from(SCHEMA) && FRAMES.contains(&head.kind.as_str()) => Ok(()),
            Some(found) if found != u64::from(SCHEMA) => Err(ReadError::OtherSchema {
                path: self.path.clone(),
                found,
                writer: head.tool.as_ref().and_then(|tool| tool.version.clone()),
            }),
            _ => Err(ReadError::NotARun { path: self.path.clone() }),
        }
    }

    fn damaged(&self, cause: String) -> ReadError {
        ReadError::Line { path: self.path.clone(), line: self.line, cause }
    }

    fn advance(&mut self) -> Result<Option<Observation>, ReadError> {
        while let Some((line, complete)) = self.read_line()? {
            match self.parse(&line) {
                Ok(Some(observation)) => return Ok(Some(observation)),
                Ok(None) => {}
                // A run that was killed while it wrote its last line.
                Err(ReadError::Line { .. }) if !complete => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        if self.line == 0 {
            return Err(ReadError::NotARun { path: self.path.clone() });
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Observation, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.advance().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_is_written_is_read() {
        let unknown = serde_json::from_str::<Observation>(r#"{"kind":"?"}"#).unwrap_err().to_string();
        let (_, named) = unknown.split_once("expected one of ").unwrap();
        // The list ends where the error says its place.
        let (named, _) = named.split_once(" at line").unwrap_or((named, ""));
        let kinds: Vec<&str> = named.split(", ").map(|kind| kind.trim_matches('`')).collect();
        let (mut kinds, mut known) = (kinds, KINDS.to_vec());
        kinds.sort_unstable();
        known.sort_unstable();
        assert_eq!(known, kinds);
    }
}
