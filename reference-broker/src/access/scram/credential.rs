//! What a server keeps of a password for SCRAM-SHA-256.

use std::{fmt, str::FromStr};

use argon2::password_hash::rand_core::{OsRng, RngCore};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// A credential for SCRAM-SHA-256, written `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` with all but the
/// number in Base64, as PostgreSQL does too. The password cannot be told from it, but whoever has it can play the server.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredential {
    salt: Box<[u8]>,
    iterations: u32,
    stored_key: [u8; 32],
    server_key: [u8; 32],
}

/// Why a text is no [`ScramCredential`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Anything else.
    #[error(
        "not of the form SCRAM-SHA-256$<iterations>:<salt>$<key>:<key>; `paddock broker hash-password --scram` makes one"
    )]
    Malformed,
    /// RFC 7677 demands 4,096, and more than ten million keep a client busy for minutes.
    #[error("the number of iterations is not between 4,096 and 10,000,000")]
    Iterations,
}

/// As many as a small device bears; RFC 7677 demands 4,096.
const ITERATIONS: u32 = 15_000;

impl ScramCredential {
    /// A credential for `password`, with a fresh salt and 15,000 iterations. Takes some milliseconds.
    pub fn new(password: &[u8]) -> Self {
        let mut salt = [0; 16];
        OsRng.fill_bytes(&mut salt);
        Self::derive(password, &salt, ITERATIONS)
    }

    /// The credential for `password` with this `salt`, which nobody else should have. RFC 7677 demands 4,096 iterations.
    pub fn derive(password: &[u8], salt: &[u8], iterations: u32) -> Self {
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, salt, iterations);
        let stored_key = Sha256::digest(hmac(&salted, &[b"Client Key"])).into();
        Self::from_parts(salt.to_vec(), iterations, stored_key, hmac(&salted, &[b"Server Key"]))
    }

    pub(super) fn from_parts(salt: Vec<u8>, iterations: u32, stored_key: [u8; 32], server_key: [u8; 32]) -> Self {
        Self { salt: salt.into(), iterations, stored_key, server_key }
    }

    pub(super) fn salt(&self) -> &[u8] {
        &self.salt
    }

    pub(super) fn iterations(&self) -> u32 {
        self.iterations
    }

    pub(super) fn stored_key(&self) -> &[u8; 32] {
        &self.stored_key
    }

    pub(super) fn server_key(&self) -> &[u8; 32] {
        &self.server_key
    }
}

impl FromStr for ScramCredential {
    type Err = CredentialError;

    fn from_str(text: &str) -> Result<Self, CredentialError> {
        let parts = || {
            let (salted, keys) = text.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
            let (iterations, salt) = salted.split_once(':')?;
            let (stored, server) = keys.split_once(':')?;
            let key = |text| <[u8; 32]>::try_from(STANDARD.decode(text).ok()?).ok();
            let salt = STANDARD.decode(salt).ok().filter(|salt| !salt.is_empty())?;
            Some(Self::from_parts(salt, iterations.parse().ok()?, key(stored)?, key(server)?))
        };
        let credential = parts().ok_or(CredentialError::Malformed)?;
        match credential.iterations {
            4096..=10_000_000 => Ok(credential),
            _ => Err(CredentialError::Iterations),
        }
    }
}

impl fmt::Display for ScramCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [salt, stored, server] =
            [&*self.salt, &self.stored_key, &self.server_key].map(|bytes| STANDARD.encode(bytes));
        write!(f, "SCRAM-SHA-256${}:{salt}${stored}:{server}", self.iterations)
    }
}

/// Logs must not show it.
impl fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramCredential(...)")
    }
}

/// HMAC-SHA-256 of several pieces in a row.
pub(super) fn hmac(key: &[u8], pieces: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    pieces.iter().for_each(|piece| mac.update(piece));
    mac.finalize().into_bytes().into()
}
