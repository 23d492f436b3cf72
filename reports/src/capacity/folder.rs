//! Where a search leaves what it found.

use super::{Capacity, capacity_json};
use crate::html::capacity_html;
use crate::run_folder::{FolderError, RunFolder, file, named_folder, replace, timed_folder};
use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};

/// A folder that holds one search: `capacity.json`, `report.html`, and a run folder for each step below `steps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapacityFolder {
    path: PathBuf,
}

impl CapacityFolder {
    /// The name of the document.
    pub const DOCUMENT: &str = file::CAPACITY;

    /// `<base>/<time>-<scenario>-capacity/`, created now; a number is appended while that name is taken.
    ///
    /// # Errors
    /// When it cannot be created or written to.
    pub fn create(base: &Path, scenario: &str, started_at: Timestamp) -> Result<Self, FolderError> {
        timed_folder(base, &format!("{scenario}-capacity"), started_at, Self::DOCUMENT).map(|path| Self { path })
    }

    /// The folder the user named with `--out`, created if missing.
    ///
    /// # Errors
    /// When it cannot be created or written to, or already holds a search.
    pub fn at(path: &Path) -> Result<Self, FolderError> {
        named_folder(path, Self::DOCUMENT).map(|path| Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the document is.
    #[must_use]
    pub fn document(&self) -> PathBuf {
        self.path.join(Self::DOCUMENT)
    }

    /// Where its page for people is.
    #[must_use]
    pub fn page(&self) -> PathBuf {
        self.path.join(file::REPORT)
    }

    /// The name, relative to this folder, of the run folder for step `number` at `asked`: `steps/01-500`.
    #[must_use]
    pub fn step_name(number: u32, asked: f64) -> String {
        format!("steps/{number:02}-{asked}")
    }

    /// The run folder of a step, created now.
    ///
    /// # Errors
    /// When it cannot be created or written to.
    pub fn step(&self, name: &str) -> Result<RunFolder, FolderError> {
        RunFolder::at(&self.path.join(name))
    }

    /// Writes the document and its page (`report.html`), replacing what was there, each in one step.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, capacity: &Capacity) -> io::Result<()> {
        replace(&self.document(), capacity_json(capacity)?.as_bytes())?;
        let page = capacity_html(capacity).map_err(io::Error::other)?;
        replace(&self.page(), page.as_bytes())
    }
}
