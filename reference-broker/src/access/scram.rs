//! SCRAM-SHA-256 (RFC 5802, RFC 7677) as a method of enhanced authentication: the client proves that it knows the password
//! without sending it, and the server that it knows the client.
//!
//! ```text
//!   CONNECT  n,,n=user,r=<client nonce>      ─▶
//!                                            ◀─  AUTH 0x18  r=<both nonces>,s=<salt>,i=<iterations>
//!   AUTH 0x18  c=biws,r=<both nonces>,p=<proof> ─▶
//!                                            ◀─  CONNACK  v=<signature>
//! ```
//!
//! Channel binding is not offered. User names and passwords are compared as they are: beyond ASCII, both sides must have
//! prepared them in the same way (SASLprep, RFC 4013).

mod credential;
mod message;

use std::{collections::BTreeMap, fmt, sync::Arc};

use argon2::password_hash::rand_core::{OsRng, RngCore};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use protocol::{ReasonCode, Utf8String};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub use self::credential::{CredentialError, ScramCredential};
use self::{
    credential::hmac,
    message::{ClientFinal, ClientFirst},
};
use super::{Decision, Exchange, Identity, Progress, Refusal};

/// Random bytes of a server's nonce.
const NONCE: usize = 18;

/// The method, for users with credentials.
#[derive(Clone, Debug)]
pub(super) struct Scram {
    known: Arc<Known>,
}

struct Known {
    credentials: BTreeMap<Box<str>, ScramCredential>,
    /// What the salts of unknown users are made from: the same after a restart, or they would tell themselves apart.
    secret: [u8; 32],
    /// What unknown users seem to have.
    iterations: u32,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

/// Nothing was said yet.
#[derive(Debug)]
struct Start {
    known: Arc<Known>,
    identity: Identity,
    /// User Name of the CONNECT.
    user_name: Option<Utf8String>,
    nonce: String,
}

/// The challenge was sent.
#[derive(Debug)]
struct Challenged {
    /// As the proof will be checked; that of an unknown user fits no password.
    credential: ScramCredential,
    identity: Identity,
    first: ClientFirst,
    /// The server's message, as it was sent.
    challenge: String,
    nonce: String,
}

impl Scram {
    /// Its name in the Authentication Method.
    pub(super) const METHOD: &str = "SCRAM-SHA-256";

    pub(super) fn new(credentials: BTreeMap<Box<str>, ScramCredential>) -> Self {
        let mut secret = Sha256::new();
        for (name, credential) in &credentials {
            secret.update(name.as_bytes());
            secret.update([0]);
            secret.update(credential.server_key());
        }
        let iterations = credentials.values().map(ScramCredential::iterations).max().unwrap_or_default();
        Self { known: Arc::new(Known { credentials, secret: secret.finalize().into(), iterations }) }
    }

    pub(super) fn begin(&self, identity: Identity, user_name: Option<&Utf8String>) -> Box<dyn Exchange> {
        let mut nonce = [0; NONCE];
        OsRng.fill_bytes(&mut nonce);
        self.begin_with(identity, user_name, STANDARD.encode(nonce))
    }

    fn begin_with(&self, identity: Identity, user_name: Option<&Utf8String>, nonce: String) -> Box<dyn Exchange> {
        let user_name = user_name.map(Utf8String::detached);
        Box::new(Start { known: self.known.clone(), identity, user_name, nonce })
    }
}

impl Known {
    /// The credential of `user`, or one that looks like it and fits no password.
    fn find(&self, user: &str) -> ScramCredential {
        self.credentials.get(user).cloned().unwrap_or_else(|| {
            let salt = hmac(&self.secret, &[user.as_bytes()]);
            let (mut stored, mut server) = ([0; 32], [0; 32]);
            OsRng.fill_bytes(&mut stored);
            OsRng.fill_bytes(&mut server);
            ScramCredential::from_parts(salt[..16].to_vec(), self.iterations, stored, server)
        })
    }
}

/// The same for whatever is wrong, so that it tells nothing.
const REFUSED: Progress = Progress::Refused(Refusal::Denied(ReasonCode::NotAuthorized));

impl Exchange for Start {
    fn step(self: Box<Self>, data: Bytes) -> Decision<Progress> {
        let Some(first) = ClientFirst::parse(&data) else { return Decision::Now(REFUSED) };
        // Who is claimed in two places must be the same.
        let same = |name: &Utf8String| *name.as_str() == *first.user;
        let Ok(user) = Utf8String::new(&*first.user) else { return Decision::Now(REFUSED) };
        if !self.user_name.as_ref().is_none_or(same) {
            return Decision::Now(REFUSED);
        }
        let credential = self.known.find(&first.user);
        let nonce = format!("{}{}", first.nonce, self.nonce);
        let salt = STANDARD.encode(credential.salt());
        let challenge = format!("r={nonce},s={salt},i={}", credential.iterations());
        let data = Bytes::from(challenge.clone());
        let identity = Identity { user: Some(user), ..self.identity };
        let next = Box::new(Challenged { credential, identity, first, challenge, nonce });
        Decision::Now(Progress::Challenge { data, next })
    }
}

impl Exchange for Challenged {
    fn step(self: Box<Self>, data: Bytes) -> Decision<Progress> {
        Decision::Now(match self.check(&data) {
            Some(signature) => Progress::Done { identity: self.identity, data: Some(signature.into()) },
            None => REFUSED,
        })
    }
}

impl Challenged {
    /// The server's signature, if the proof is right.
    fn check(&self, data: &[u8]) -> Option<String> {
        let last = ClientFinal::parse(data)?;
        // What the client saw of the channel and of the nonces is what was said.
        let same = last.channel == STANDARD.encode(self.first.header.as_bytes()) && last.nonce == self.nonce;
        let proof: [u8; 32] = STANDARD.decode(last.proof).ok()?.try_into().ok()?;
        let said = [&*self.first.bare, ",", &self.challenge, ",", last.without_proof].map(str::as_bytes);
        let mut key = hmac(self.credential.stored_key(), &said);
        key.iter_mut().zip(proof).for_each(|(key, proof)| *key ^= proof);
        let known: bool = Sha256::digest(key).ct_eq(self.credential.stored_key()).into();
        (known && same).then(|| format!("v={}", STANDARD.encode(hmac(self.credential.server_key(), &said))))
    }
}

#[cfg(test)]
mod tests;
