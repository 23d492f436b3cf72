//! Every run below the folder, newest first. A document is read again only when it has changed.

use super::entry::{Entry, read, stamp};
use cap_std::fs::Dir;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How deep runs may lie.
const DEPTH: usize = 3;
/// Most folders that are looked into, and most lines that are shown.
const LOOKED_INTO: usize = 20_000;
const SHOWN: usize = 500;

/// What makes a line another one: the document, when it was written, its length, and whether it was written just now.
type Stamp = (&'static str, SystemTime, u64);

/// The list as it was last time.
#[derive(Debug, Default)]
pub(super) struct List {
    known: HashMap<PathBuf, (Stamp, Entry)>,
}

/// What is shown of it.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) entries: Vec<Entry>,
    pub(super) left_out: usize,
}

impl List {
    /// Looks at the folder.
    pub(super) fn look(&mut self, dir: &Dir) -> Shown {
        let mut before = std::mem::take(&mut self.known);
        for (path, stamp) in folders(dir, Path::new("."), DEPTH) {
            // A run without a summary becomes another line by waiting.
            let settled = stamp.0 != reports::run_folder::file::OBSERVATIONS;
            let kept = before.remove(&path).filter(|(known, _)| *known == stamp && settled).map(|(_, entry)| entry);
            if let Some(entry) = kept.or_else(|| read(dir, &path)) {
                self.known.insert(path, (stamp, entry));
            }
        }
        shown(self.known.values().map(|(_, entry)| entry.clone()).collect())
    }
}

/// What lies inside of a run, comparison or search.
pub(super) fn below(dir: &Dir, folder: &Path) -> Shown {
    let found = folders(dir, folder, DEPTH).into_iter().filter_map(|(path, _)| read(dir, &path));
    let mut shown = shown(found.collect());
    // Steps have their number in their name.
    shown.entries.sort_by(|a, b| a.path.cmp(&b.path));
    shown
}

fn shown(mut entries: Vec<Entry>) -> Shown {
    entries.sort_by(|a, b| b.started.cmp(&a.started).then_with(|| a.path.cmp(&b.path)));
    let left_out = entries.len().saturating_sub(SHOWN);
    entries.truncate(SHOWN);
    Shown { entries, left_out }
}

/// The folders below `top` that are worth a line, without what lies inside of these. Symbolic links are not followed.
fn folders(dir: &Dir, top: &Path, depth: usize) -> Vec<(PathBuf, Stamp)> {
    let mut found = Vec::new();
    let mut open = vec![(top.to_owned(), depth)];
    let mut looked_into = 0;
    while let Some((folder, depth)) = open.pop() {
        let Ok(entries) = dir.read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let name = entry.file_name().into_string().unwrap_or_default();
            if !is_folder || super::files::inside(&name).is_none() || looked_into == LOOKED_INTO {
                continue;
            }
            looked_into += 1;
            let path = if folder == Path::new(".") { PathBuf::from(name) } else { folder.join(name) };
            match stamp(dir, &path) {
                Some(stamp) => found.push((path, stamp)),
                None if depth > 1 => open.push((path, depth - 1)),
                None => {}
            }
        }
    }
    found
}
