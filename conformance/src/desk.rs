//! What a case and its peers share: the evidence, what was found, and where the target is.

use std::sync::{Arc, Mutex, PoisonError};

use wire::Version;

use crate::{Finding, Site, transcript::Transcript};

/// One case's desk. Clones are the same desk.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) version: Version,
    pub(crate) site: Arc<Site>,
    /// Begins every Client Identifier and every topic of the case, and nobody else's.
    pub(crate) tag: Arc<str>,
    pub(crate) transcript: Transcript,
    found: Arc<Mutex<Found>>,
}

/// What was found beside the way in which a case stops.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) findings: Vec<Finding>,
    pub(crate) notes: Vec<String>,
}

impl Desk {
    pub(crate) fn new(version: Version, site: Arc<Site>, tag: String) -> Self {
        Self { version, site, tag: tag.into(), transcript: Transcript::new(version), found: Arc::default() }
    }

    /// Files a departure that does not stop the case.
    pub(crate) fn find(&self, finding: Finding) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).findings.push(finding);
    }

    /// Says which of several lawful outcomes was seen.
    pub(crate) fn note(&self, note: impl Into<String>) {
        let note = note.into();
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if !found.notes.contains(&note) {
            found.notes.push(note);
        }
    }

    pub(crate) fn found(&self) -> Found {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
