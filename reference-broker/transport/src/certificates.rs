//! Making certificates: a CA, and what it issues to servers and devices, sound or bad on purpose.
//!
//! * [`Authority`]: a CA, made or read, and the only thing that issues.
//! * [`Profile`]: whom a certificate is for; [`Subject`], [`HostName`] and [`DeviceName`] are its checked parts.
//! * [`Flaw`]: every way in which a certificate can be wrong that a verifier must notice.
//! * [`Folder`]: the files, with the rule that nothing is overwritten unasked.
//!
//! Nothing here reads a clock: the caller passes the time in, so a test can be in any year.

mod authority;
mod flaw;
mod folder;
mod legacy;
mod name;
mod profile;

use std::{
    io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

pub use self::{
    authority::{Authority, Issued, KeyKind},
    flaw::Flaw,
    folder::{Folder, Stored},
    name::{DeviceName, HostName, Subject},
    profile::Profile,
};

/// How much earlier than its making a certificate begins to be valid: clocks of devices run behind.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(3600);

/// From when until when a certificate is valid, both inclusive, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub from: SystemTime,
    /// The last moment.
    pub until: SystemTime,
}

impl Period {
    /// The longest that a certificate may be asked to last: a hundred years, to the end of which X.509 can count.
    pub const LONGEST: Duration = Duration::from_secs(36_500 * 86_400);

    /// `length` from `now` on, at most [`Period::LONGEST`], and an hour before `now` for clocks that run behind.
    pub fn starting(now: SystemTime, length: Duration) -> Self {
        Self { from: now - CLOCK_TOLERANCE, until: now + length.min(Self::LONGEST) }
    }
}

/// Why a certificate could not be made, read or stored.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A name that cannot stand in a certificate.
    #[error("{0}")]
    Name(String),
    /// The CA's certificate cannot be used to issue.
    #[error("the CA's certificate {0}")]
    Authority(String),
    /// The certificate would outlive the CA that issues it.
    #[error("the certificate would be valid longer than its CA: ask for less, or make a new CA")]
    OutlivesAuthority,
    /// This flaw does not exist for this use or this kind of key.
    #[error("not to be had: {0}")]
    Inapplicable(&'static str),
    /// A file exists that may not be overwritten.
    #[error("{} exists", .0.display())]
    Exists(PathBuf),
    /// Of a certificate and its key only one file exists.
    #[error("{} is there without {}: put it back, or remove the other too", .0.display(), .1.display())]
    Half(PathBuf, PathBuf),
    /// A file cannot be read or written.
    #[error("{path}: {1}", path = .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The key or the signature could not be made.
    #[error("cannot make the certificate: {0}")]
    Making(#[from] rcgen::Error),
}
