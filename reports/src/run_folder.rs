//! The folder of one run.

use jiff::Timestamp;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Names of the files in a run folder.
pub mod file {
    /// Every observation, one JSON object per line.
    pub const OBSERVATIONS: &str = "observations.jsonl";
    /// Figures for programs.
    pub const SUMMARY: &str = "summary.json";
    /// Figures for people.
    pub const REPORT: &str = "report.html";
    /// Verdicts for CI servers.
    pub const JUNIT: &str = "junit.xml";
    /// Two sides compared, for programs.
    pub const COMPARISON: &str = "comparison.json";
    /// What a search for capacity found, for programs.
    pub const CAPACITY: &str = "capacity.json";
    /// Latency distributions over time, for HdrHistogram's plotters.
    pub const LATENCY: &str = "latency.hlog";
    /// A row per window, for spreadsheets.
    pub const WINDOWS: &str = "windows.csv";
    /// Figures for monitoring systems.
    pub const METRICS: &str = "metrics.om";
}

/// A folder that holds the outputs of exactly one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// Why a run folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be created or written.
    #[error("cannot write to the folder {}: {cause}; choose another with --out DIR", path.display())]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It is taken already.
    #[error("the folder {} already holds {}; choose another with --out DIR, or remove it", path.display(), held(document))]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// The file in it that says so.
        document: String,
    },
}

impl RunFolder {
    /// `<base>/<time>-<scenario>/` (UTC, `20260131T120000Z-phase-1`), created now; a number is appended while that name is
    /// taken.
    ///
    /// # Errors
    /// When it cannot be created or written to.
    pub fn create(base: &Path, scenario: &str, started_at: Timestamp) -> Result<Self, FolderError> {
        timed_folder(base, scenario, started_at, file::OBSERVATIONS).map(|path| Self { path })
    }

    /// The folder the user named with `--out`, created if missing.
    ///
    /// # Errors
    /// When it cannot be created or written to, or already holds a run.
    pub fn at(path: &Path) -> Result<Self, FolderError> {
        named_folder(path, file::OBSERVATIONS).map(|path| Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the HTML report will be.
    pub fn report(&self) -> PathBuf {
        self.path.join(file::REPORT)
    }

    pub(crate) fn observations(&self) -> io::Result<File> {
        File::create(self.path.join(file::OBSERVATIONS))
    }
}

/// Takes the folder `path` for what is called `document` in it, which is made empty so that nobody else can take it; the folder
/// is created if missing.
///
/// # Errors
/// When it cannot be created or written to, or the document is there.
pub fn named_folder(path: &Path, document: &str) -> Result<PathBuf, FolderError> {
    let unwritable = |cause| FolderError::Unwritable { path: path.to_owned(), cause };
    if path.is_file() {
        return Err(unwritable(io::ErrorKind::NotADirectory.into()));
    }
    fs::create_dir_all(path).map_err(unwritable)?;
    match OpenOptions::new().write(true).create_new(true).open(path.join(document)) {
        Ok(_) => Ok(path.to_owned()),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            Err(FolderError::Occupied { path: path.to_owned(), document: document.to_owned() })
        }
        Err(cause) => Err(unwritable(cause)),
    }
}

/// Takes `<base>/<time>-<name>/` for `document`, as [`named_folder`] does; a number is appended while that name is taken.
///
/// # Errors
/// When it cannot be created.
pub fn timed_folder(base: &Path, name: &str, started_at: Timestamp, document: &str) -> Result<PathBuf, FolderError> {
    let unwritable = |path: &Path, cause| FolderError::Unwritable { path: path.to_owned(), cause };
    fs::create_dir_all(base).map_err(|cause| unwritable(base, cause))?;
    let name = format!("{}-{}", started_at.strftime("%Y%m%dT%H%M%SZ"), file_name_part(name));
    let candidates = std::iter::once(name.clone()).chain((2..1000).map(|n| format!("{name}-{n}")));
    for candidate in candidates {
        let path = base.join(candidate);
        match fs::create_dir(&path) {
            Ok(()) => return named_folder(&path, document),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(unwritable(&path, cause)),
        }
    }
    Err(FolderError::Occupied { path: base.join(name), document: document.to_owned() })
}

/// What a folder is that has this document.
fn held(document: &str) -> &'static str {
    match document {
        file::CAPACITY => "a search",
        file::COMPARISON => "a comparison",
        _ => "a run",
    }
}

/// Replaces a file in one step, so that nobody reads half of it.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    fs::write(&draft, content).and_then(|()| fs::rename(&draft, path)).inspect_err(|_| {
        let _may_not_exist = fs::remove_file(&draft);
    })
}

/// Letters, digits, `-`, `_` and `.` stay; everything else becomes `-`.
fn file_name_part(scenario: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = scenario.chars().map(keep).take(80).collect();
    if name.is_empty() { "run".to_owned() } else { name }
}
