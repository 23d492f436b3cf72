//! The folder of one run.

use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// A folder that holds the outputs of exactly one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// Why a run folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be created or written.
    #[error("cannot write to the run folder {}: {cause}; choose another with --out DIR", path.display())]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It already holds a run.
    #[error("the folder {} already holds a run; choose another with --out DIR, or remove it", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
}

impl RunFolder {
    /// `runs/<time>-<scenario>/` below `base`, created now; a number is appended when that name is taken.
    ///
    /// # Errors
    /// When it cannot be created or written to.
    pub fn create(base: &Path, scenario: &str, started_at: Timestamp) -> Result<Self, FolderError> {
        let _ = (base, scenario, started_at);
        todo!("create the folder")
    }

    /// The folder the user named with `--out`, created if missing.
    ///
    /// # Errors
    /// When it cannot be created or written to, or already holds a run.
    pub fn at(path: &Path) -> Result<Self, FolderError> {
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
