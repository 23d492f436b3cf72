//! Where programs are.

use std::{
    env, io,
    os::unix::fs::PermissionsExt,
    path::{self, Path, PathBuf},
};

/// The machine that targets are started on.
#[derive(Clone, Debug)]
pub struct Host {
    paddock: PathBuf,
    folders: Vec<PathBuf>,
}

impl Host {
    /// This machine: `${paddock}` is this very program, others are looked up in PATH, then where daemons lie.
    ///
    /// # Errors
    ///
    /// When the path of this program is not known.
    pub fn here() -> io::Result<Self> {
        Ok(Self::with_paddock(env::current_exe()?))
    }

    /// This machine, where `paddock` lies at this path.
    pub fn with_paddock(paddock: impl Into<PathBuf>) -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from));
        Self { paddock: paddock.into(), folders: folders.collect() }
    }

    /// Looks in this folder first.
    #[must_use]
    pub fn and_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folders.insert(0, folder.into());
        self
    }

    /// The program `paddock`.
    pub(crate) fn paddock(&self) -> &Path {
        &self.paddock
    }

    /// The program of this name or path, if it is there.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        let found = if program.contains('/') {
            Some(PathBuf::from(program)).filter(|path| is_program(path))
        } else {
            self.folders.iter().map(|folder| folder.join(program)).find(|path| is_program(path))
        };
        // It is started in another folder.
        found.and_then(|path| path::absolute(path).ok())
    }
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_name_and_by_path() {
        let host = Host::with_paddock("/bin/paddock");
        assert!(host.find("sh").unwrap().ends_with("sh"));
        assert_eq!(host.find("/bin/sh"), Some("/bin/sh".into()));
        assert_eq!(host.find("/etc/passwd"), None);
        assert_eq!(host.find("no-such-broker"), None);
        assert!(host.find("../../../../../../../../../../bin/sh").unwrap().is_absolute());
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/bin/cat", folder.path().join("sh")).unwrap();
        assert_eq!(host.and_in(folder.path()).find("sh"), Some(folder.path().join("sh")));
    }
}
