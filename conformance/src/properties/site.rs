//! Where programs run, and how they are kept apart.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use transport::{DialError, DialOptions, Endpoint, Stream, dial};
use wire::Version;

/// A target, and how to talk to it.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Where it speaks 5.0, if that is elsewhere.
    pub endpoint_of_5: Option<Endpoint>,
    /// How it is reached.
    pub dial: DialOptions,
    /// User name and password. Default none.
    pub credentials: Option<(String, Option<Vec<u8>>)>,
    /// How long an answer, or a message that is owed, may take. Default 2 s.
    pub patience: Duration,
    /// After so many rounds of pings, all answered, a message that is owed counts as lost, without waiting longer. It is a
    /// measure that a slow machine does not upset, and good enough to shrink by. Default none: patience decides.
    pub rounds: Option<u32>,
}

impl Site {
    /// The target at `endpoint`.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            endpoint_of_5: None,
            dial: DialOptions::default(),
            credentials: None,
            patience: Duration::from_secs(2),
            rounds: None,
        }
    }

    /// The target that cases know; `None` if it listens nowhere.
    pub fn of(site: &crate::Site) -> Option<Self> {
        let known = Self::new(site.endpoints.first()?.clone());
        let user = site.facts.user.clone().filter(|_| site.facts.closed);
        Some(Self {
            endpoint_of_5: site.endpoint_of_5.clone(),
            dial: DialOptions { tls: site.tls.clone(), ..known.dial },
            credentials: user.map(|(name, password)| (name, Some(password.into_bytes()))),
            ..known
        })
    }

    /// The same with another patience.
    #[must_use]
    pub fn patience(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// The same, where rounds of pings tell that a message is lost.
    #[must_use]
    pub fn rounds(&self, rounds: u32) -> Self {
        Self { rounds: Some(rounds), ..self.clone() }
    }

    pub(crate) async fn dial(&self, version: Version) -> Result<Stream, DialError> {
        let own = self.endpoint_of_5.as_ref().filter(|_| version == Version::V5);
        dial(own.unwrap_or(&self.endpoint), &self.dial).await
    }
}

/// A name that no other run has: for Client Identifiers and the first level of topics. 12 letters and digits.
pub(crate) fn fresh_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64);
    // Processes differ in the moment, runs of one process in the count.
    let mixed = (moment ^ u64::from(std::process::id()).rotate_left(40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("p{:07x}{:04x}", mixed >> 36, (count ^ mixed) & 0xffff)
}
