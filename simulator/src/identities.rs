//! One certificate for each client.

use std::{collections::HashMap, fmt, sync::Arc};

use transport::ClientTls;

/// What each client shows, by its name in the scenario: without what stands before Client Identifiers on a broker that others
/// use. Cheap to clone.
#[derive(Clone)]
pub struct Identities {
    by_name: Arc<HashMap<String, ClientTls>>,
    others: ClientTls,
}

impl Identities {
    /// `others` is for clients that are not in the scenario: the one that looks whether the broker answers, the one that tidies.
    pub fn new(by_name: HashMap<String, ClientTls>, others: ClientTls) -> Self {
        Self { by_name: Arc::new(by_name), others }
    }

    /// What the client of this name shows.
    pub fn of(&self, name: &str) -> &ClientTls {
        self.by_name.get(name).unwrap_or(&self.others)
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identities").field("clients", &self.by_name.len()).finish_non_exhaustive()
    }
}
