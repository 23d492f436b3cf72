//! Certificates and keys as files.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Authority, CertificateError, Issued};

/// A folder with `NAME.crt` and `NAME.key` side by side. Keys can be read by their owner only.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    overwrite: bool,
}

/// Where something was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Folder {
    /// The folder at `path`, which need not exist yet. `overwrite` says whether what is there may be replaced.
    pub fn new(path: impl Into<PathBuf>, overwrite: bool) -> Self {
        Self { path: path.into(), overwrite }
    }

    /// A folder inside this one.
    #[must_use]
    pub fn inner(&self, name: &str) -> Self {
        Self { path: self.path.join(name), overwrite: self.overwrite }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the certificate and the key of `name` are or will be.
    pub fn place(&self, name: &str) -> Stored {
        // Not `with_extension`: names of devices may have dots.
        Stored { certificate: self.path.join(format!("{name}.crt")), key: self.path.join(format!("{name}.key")) }
    }

    /// Whether `name` is there and has to stay.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Half`] when only one of its two files is there, and may not be replaced.
    pub fn keeps(&self, name: &str) -> Result<bool, CertificateError> {
        if self.overwrite {
            return Ok(false);
        }
        self.has(name)
    }

    /// The CA that is stored as `name`, if there is one.
    ///
    /// # Errors
    ///
    /// Only one of its files is there, they cannot be read, or they are no CA.
    pub fn authority(&self, name: &str) -> Result<Option<Authority>, CertificateError> {
        if !self.has(name)? {
            return Ok(None);
        }
        let place = self.place(name);
        let read = |path: &Path| fs::read_to_string(path).map_err(|error| CertificateError::File(path.into(), error));
        Authority::from_pem(&read(&place.certificate)?, &read(&place.key)?).map(Some)
    }

    /// Stores a certificate and its key as `name`. The key comes first: a certificate that is there is complete.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Exists`] unless this folder may be overwritten; what the operating system says.
    pub fn store(&self, name: &str, issued: &Issued) -> Result<Stored, CertificateError> {
        fs::create_dir_all(&self.path).map_err(|error| CertificateError::File(self.path.clone(), error))?;
        let place = self.place(name);
        self.write(&place.key, &issued.key, 0o600)?;
        self.write(&place.certificate, &issued.certificate, 0o644)?;
        Ok(place)
    }

    fn has(&self, name: &str) -> Result<bool, CertificateError> {
        let Stored { certificate, key } = self.place(name);
        match (exists(&certificate)?, exists(&key)?) {
            (true, false) => Err(CertificateError::Half(certificate, key)),
            (false, true) => Err(CertificateError::Half(key, certificate)),
            (both, _) => Ok(both),
        }
    }

    fn write(&self, path: &Path, text: &str, mode: u32) -> Result<(), CertificateError> {
        if !self.overwrite {
            return create(path, text, mode).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => CertificateError::Exists(path.into()),
                _ => CertificateError::File(path.into(), error),
            });
        }
        // Whoever reads meanwhile sees the old file or the new one, whole.
        let mut draft = path.as_os_str().to_owned();
        draft.push(".draft");
        let draft = PathBuf::from(draft);
        let cleared = match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        cleared
            .and_then(|()| create(&draft, text, mode))
            .and_then(|()| fs::rename(&draft, path))
            .map_err(|error| CertificateError::File(path.into(), error))
    }
}

fn exists(path: &Path) -> Result<bool, CertificateError> {
    // A link that leads nowhere is in the way too.
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(CertificateError::File(path.into(), error)),
    }
}

/// Makes a file that was not there; nobody else can read it in between.
fn create(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _unknown = mode;
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
