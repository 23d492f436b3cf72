//! A CA for the time of a run, and what it issues.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use transport::{
    ClientTls, ClientTlsFiles,
    certificates::{Authority, Flaw, Folder, Issued, KeyKind, Period, Profile, Stored, Subject},
};

/// Longer than a day, so that a certificate which begins with the last one is not valid yet.
const LIFETIME: Duration = Duration::from_secs(3 * 86_400);

/// A CA whose files are in a folder, under the names that the configurations use: `ca.crt`, `server.crt`, `server.key`.
pub(crate) struct Certificates {
    authority: Authority,
    subject: Subject,
    period: Period,
    files: Folder,
    ca: PathBuf,
}

impl Certificates {
    /// A new CA, its certificate in `folder`.
    ///
    /// # Errors
    ///
    /// There is no randomness, or the folder cannot be written.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let period = Period::starting(SystemTime::now(), LIFETIME);
        let subject: Subject = "/O=Paddock".parse().map_err(words)?;
        let authority = Authority::create("Paddock Conformance", &subject, KeyKind::Ecdsa, period).map_err(words)?;
        let files = Folder::new(PathBuf::from(folder), false);
        let own = Issued { certificate: authority.certificate().to_owned(), key: authority.key() };
        let ca = files.store("ca", &own).map_err(words)?.certificate;
        Ok(Self { authority, subject, period, files, ca })
    }

    /// Issues the certificate of a server at this machine's loopback names, wrong in this way if any.
    ///
    /// # Errors
    ///
    /// There is no randomness, or the folder cannot be written.
    pub(crate) fn server(&self, flaw: Option<Flaw>) -> io::Result<Stored> {
        let names = ["localhost", "127.0.0.1", "::1"].iter().map(|name| name.parse()).collect::<Result<Vec<_>, _>>();
        let profile = Profile::Server(names.map_err(words)?);
        let issued = match flaw {
            None => self.authority.issue(&profile, &self.subject, KeyKind::Ecdsa, self.period),
            Some(flaw) => self.authority.issue_bad(flaw, &profile, &self.subject, KeyKind::Ecdsa, SystemTime::now()),
        };
        self.files.store("server", &issued.map_err(words)?).map_err(words)
    }

    /// Issues the certificate of a client.
    ///
    /// # Errors
    ///
    /// There is no randomness.
    pub(crate) fn client(&self) -> io::Result<Issued> {
        let profile = Profile::Device("conformance".parse().map_err(words)?);
        self.authority.issue(&profile, &self.subject, KeyKind::Ecdsa, self.period).map_err(words)
    }

    /// How to trust what it issues.
    ///
    /// # Errors
    ///
    /// The file of its certificate is gone.
    pub(crate) fn trusted(&self) -> io::Result<ClientTls> {
        let files = ClientTlsFiles { authorities: vec![self.ca.clone()], ..ClientTlsFiles::default() };
        ClientTls::read(&files).map_err(words)
    }
}

fn words(error: impl fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}
