//! The files of a conformance run that its user named.

use super::{Suite, suite_html, suite_json, suite_junit};
use crate::json_lines::JsonLines;
use crate::observation::Observation;
use crate::sink::Sink;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::{fd::AsFd, unix::fs::MetadataExt};
use std::path::{Path, PathBuf};

/// What a file of a conformance run holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuiteOutput {
    /// Every observation, one JSON object per line, while the run lasts.
    Observations,
    /// Verdicts for CI servers.
    JUnit,
    /// One document for programs.
    Json,
    /// One page for people.
    Html,
}

/// Writes the files of a run. All of them are opened before it begins, so that a mistyped path costs no run; those that are
/// made of the whole run are written at its end. A run that never began leaves no empty files behind that were not there, and
/// those that were there as they were.
#[derive(Debug, Default)]
pub struct SuiteFiles {
    lines: Option<JsonLines<File>>,
    files: Vec<(SuiteOutput, Opened)>,
    suite: Suite,
}

/// A file that goes away if nothing is written to it and it is new: what reads an empty report takes it for a broken one.
#[derive(Debug)]
struct Opened {
    path: PathBuf,
    file: File,
    is_new: bool,
}

impl Drop for Opened {
    fn drop(&mut self) {
        if self.is_new && self.file.metadata().is_ok_and(|known| known.len() == 0) {
            let _gone_already = fs::remove_file(&self.path);
        }
    }
}

impl SuiteFiles {
    /// The path that stands for standard output.
    pub const STANDARD_OUTPUT: &str = "-";

    /// Opens every file; earlier content is lost when the first observation comes.
    ///
    /// # Errors
    /// One line about the first file that cannot be written, or that is named twice.
    pub fn create(wanted: &[(SuiteOutput, &Path)]) -> Result<Self, String> {
        let mut files = Self::default();
        for (output, path) in wanted {
            let unwritable = |error| format!("cannot write {}: {error}", path.display());
            let opened = open(path).map_err(unwritable)?;
            // However it is spelled: of two that write to one file the second wins. Two may share a pipe or a terminal.
            if files.files.iter().any(|(_, earlier)| earlier.is(&opened)) {
                return Err(format!("{} is named for two outputs; give each its own file", path.display()));
            }
            if *output == SuiteOutput::Observations {
                files.lines = Some(JsonLines::new(opened.file.try_clone().map_err(unwritable)?));
            }
            files.files.push((*output, opened));
        }
        Ok(files)
    }
}

fn open(path: &Path) -> io::Result<Opened> {
    let (file, is_new) = if path == Path::new(SuiteFiles::STANDARD_OUTPUT) {
        (io::stdout().as_fd().try_clone_to_owned().map(File::from)?, false)
    } else {
        match File::create_new(path) {
            Ok(file) => (file, true),
            // Nothing is lost yet: the run may not begin.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                (File::options().write(true).create(true).truncate(false).open(path)?, false)
            }
            Err(error) => return Err(error),
        }
    };
    Ok(Opened { path: path.to_path_buf(), file, is_new })
}

impl Opened {
    /// Whether both are one file, or both standard output.
    fn is(&self, other: &Self) -> bool {
        let place = |opened: &Self| {
            opened.file.metadata().ok().filter(fs::Metadata::is_file).map(|known| (known.dev(), known.ino()))
        };
        self.path == other.path || place(self).is_some_and(|own| Some(own) == place(other))
    }

    /// Forgets what was in it.
    fn clear(&self) -> io::Result<()> {
        // Standard output is appended to, a pipe has no length.
        let is_own = self.path != Path::new(SuiteFiles::STANDARD_OUTPUT) && self.file.metadata()?.is_file();
        if is_own { self.file.set_len(0) } else { Ok(()) }
    }

    fn write(&mut self, output: SuiteOutput, suite: &Suite) -> io::Result<()> {
        let text = match output {
            SuiteOutput::Observations => return Ok(()),
            SuiteOutput::JUnit => suite_junit(suite).map_err(io::Error::other)?,
            SuiteOutput::Json => suite_json(suite)?,
            SuiteOutput::Html => suite_html(suite).map_err(io::Error::other)?,
        };
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.flush());
        written.map_err(|error| io::Error::new(error.kind(), format!("cannot write {}: {error}", self.path.display())))
    }
}

impl Sink for SuiteFiles {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        if matches!(observation, Observation::SuiteStarted(_)) {
            self.files.iter().try_for_each(|(_, opened)| opened.clear())?;
        }
        self.suite.apply(observation);
        self.lines.as_mut().map_or(Ok(()), |lines| lines.record(observation))
    }

    /// Writes every document, also when one of them fails.
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        let lines = self.lines.take().map_or(Ok(()), |lines| Box::new(lines).finish());
        let suite = &self.suite;
        let results: Vec<io::Result<()>> =
            self.files.iter_mut().map(|(output, opened)| opened.write(*output, suite)).collect();
        lines.and(results.into_iter().collect())
    }
}
