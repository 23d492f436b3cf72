//! Users that are known beforehand: names with password hashes and SCRAM credentials, client certificates, and anonymous
//! clients where a listener lets them in.

mod password;
mod verifier;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use protocol::ReasonCode;

pub use self::password::{HashError, PasswordHash};
use self::verifier::Verifier;
use super::{Attempt, Authenticate, Decision, Exchange, Identity, Refusal, ScramCredential, scram::Scram};
use crate::Origin;

/// What proves that a client is a user. Without any, only a certificate does.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// For User Name and Password.
    pub password: Option<PasswordHash>,
    /// For the method SCRAM-SHA-256 of enhanced authentication.
    pub scram: Option<ScramCredential>,
}

/// The users of a broker, and how their passwords are verified.
#[derive(Clone, Debug)]
pub struct UsersConfig {
    /// Names and what proves them.
    pub users: BTreeMap<Box<str>, Credentials>,
    /// Whether SCRAM-SHA-256 is offered to users that have a credential for it. Default true.
    pub scram: bool,
    /// How many passwords are verified at the same time. Each takes a core and the memory that its hash demands (19 MiB by
    /// default); the rest wait, one after the other of each address. Default: half the cores, at least 1.
    pub parallel: usize,
    /// How long a password that was right is remembered (as a keyed hash, in memory), so that a client that comes back costs
    /// no verification; zero for never. Default 5 min.
    pub remember: Duration,
}

impl Default for UsersConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { users: BTreeMap::new(), scram: true, parallel: (cores / 2).max(1), remember: Duration::from_secs(300) }
    }
}

/// Authenticates clients against a list of users.
///
/// * A listener with [`crate::Bind::certificate_user`] makes the Common Name of a client certificate the user name; User
///   Name and Password then say nothing.
/// * A User Name must come with that user's password. An unknown name and a wrong password look alike (Bad User Name or
///   Password) and take the same time.
/// * A session belongs to the user who began it.
/// * A client without User Name is anonymous, where the listener allows that ([`crate::Bind::anonymous`]); elsewhere it is
///   Not authorized. Without any user, names mean nothing: whoever says one is anonymous too.
#[derive(Debug)]
pub struct Users {
    config: UsersConfig,
    verifier: Arc<Verifier>,
    scram: Option<Scram>,
}

impl Users {
    /// These users.
    pub fn new(config: UsersConfig) -> Self {
        let hashes = config.users.values().filter_map(|credentials| credentials.password.as_ref());
        let verifier = Verifier::new(PasswordHash::decoy(hashes), config.parallel, config.remember);
        let known = config.users.iter().filter_map(|(name, it)| Some((name.clone(), it.scram.clone()?)));
        let known: BTreeMap<_, _> = known.collect();
        let scram = (config.scram && !known.is_empty()).then(|| Scram::new(known));
        Self { config, verifier: Arc::new(verifier), scram }
    }
}

impl Authenticate for Users {
    fn connect(&self, attempt: &Attempt<'_>) -> Decision<Result<Identity, Refusal>> {
        let Origin { entrance, peer } = attempt.origin;
        if entrance.certificate_user
            && let Some(certificate) = &peer.certificate
        {
            return Decision::Now(match certificate.common_name.as_deref().map(user_name) {
                Some(Some(name)) => Ok(attempt.identity(Some(&name))),
                _ => Err(Refusal::Denied(ReasonCode::NotAuthorized)),
            });
        }
        let anonymous = || match entrance.anonymous {
            true => Decision::Now(Ok(attempt.identity(None))),
            false => Decision::Now(Err(Refusal::Denied(ReasonCode::NotAuthorized))),
        };
        let Some(name) = attempt.user_name else { return anonymous() };
        if self.config.users.is_empty() {
            return anonymous();
        }
        let credentials = self.config.users.get(name.as_str());
        let hash = credentials.and_then(|credentials| credentials.password.clone());
        let password = attempt.password.cloned().unwrap_or_default();
        let identity = attempt.identity(Some(name));
        let verified = self.verifier.verify(identity.address, name.as_str(), &password, hash);
        Decision::later(async move {
            match verified.await {
                Some(true) => Ok(identity),
                Some(false) => Err(Refusal::Denied(ReasonCode::BadUserNameOrPassword)),
                None => Err(Refusal::Failed),
            }
        })
    }

    fn begin(&self, method: &str, attempt: &Attempt<'_>) -> Option<Box<dyn Exchange>> {
        let scram = self.scram.as_ref().filter(|_| method == Scram::METHOD)?;
        Some(scram.begin(attempt.identity(None), attempt.user_name))
    }

    fn sessions_are_personal(&self) -> bool {
        true
    }

    fn still_admits(&self, identity: &Identity, origin: &Origin) -> bool {
        let Some(user) = &identity.user else { return origin.entrance.anonymous };
        let shown = origin.peer.certificate.as_ref().filter(|_| origin.entrance.certificate_user);
        let by_certificate = shown.is_some_and(|shown| shown.common_name.as_deref() == Some(user.as_str()));
        by_certificate || self.config.users.contains_key(user.as_str())
    }
}

/// The name in a certificate, if it may be a User Name.
fn user_name(common_name: &str) -> Option<protocol::Utf8String> {
    let harmless = !common_name.is_empty() && !common_name.contains(char::is_control);
    harmless.then(|| protocol::Utf8String::new(common_name).ok()).flatten()
}

#[cfg(test)]
mod tests;
