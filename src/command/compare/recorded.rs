//! Runs that were made before.

use std::{
    fs,
    path::{Path, PathBuf},
};

use reports::run_folder::file;

use crate::exit::Failure;

/// The run folders that `named` is or holds, in the order of their names.
pub(super) fn runs(named: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_run = |folder: &Path| folder.join(file::OBSERVATIONS).is_file();
    if is_run(named) {
        return Ok(vec![named.to_owned()]);
    }
    let unreadable = |error| Failure::usage(format!("cannot read {}: {error}", named.display()));
    let entries = fs::read_dir(named).map_err(unreadable)?;
    let inner = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut folders: Vec<PathBuf> = inner.map_err(unreadable)?.into_iter().filter(|folder| is_run(folder)).collect();
    folders.sort();
    if folders.is_empty() {
        return Err(Failure::usage(format!(
            "{} holds no run: a run folder has a file {}",
            named.display(),
            file::OBSERVATIONS
        )));
    }
    Ok(folders)
}
