//! Passwords as argon2id hashes.

use std::{fmt, str::FromStr};

use argon2::{
    Argon2, PasswordHasher, PasswordVerifier,
    password_hash::{self, Ident, PasswordHashString, SaltString, rand_core::OsRng},
};

/// An argon2id hash of a password, in the PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(PasswordHashString);

/// Why a text is no [`PasswordHash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Anything but a hash.
    #[error(
        "not a password hash of the form $argon2id$v=19$m=19456,t=2,p=1$...; `paddock broker hash-password` makes one"
    )]
    Malformed,
    /// Another algorithm than argon2id.
    #[error("only argon2id hashes are taken; `paddock broker hash-password` makes one")]
    Algorithm,
    /// Parameters that would take the broker's memory or time away.
    #[error("the hash demands more than 1 GiB of memory or more than 64 rounds")]
    Excessive,
}

/// The most that a hash may demand: KiB and rounds.
const MOST: (u32, u32) = (1 << 20, 64);

impl PasswordHash {
    /// Hashes `password` with a fresh salt and 19 MiB of memory. Takes some ten milliseconds.
    ///
    /// # Errors
    ///
    /// The password is longer than 4 GiB.
    pub fn new(password: &[u8]) -> Result<Self, HashError> {
        let salt = SaltString::generate(&mut OsRng);
        let hash = Argon2::default().hash_password(password, &salt).map_err(|_| HashError::Malformed)?;
        Ok(Self(hash.serialize()))
    }

    /// Whether `password` is the one. Takes as long as the hash demands; compares in constant time.
    pub fn verify(&self, password: &[u8]) -> bool {
        Argon2::default().verify_password(password, &self.0.password_hash()).is_ok()
    }

    /// A hash that nobody has the password to and that takes as long to verify as the slowest of `others`.
    pub(super) fn decoy<'a>(others: impl Iterator<Item = &'a Self>) -> Self {
        let cost =
            |hash: &&Self| hash.memory_and_rounds().map(|(memory, rounds)| u64::from(memory) * u64::from(rounds));
        let params = others.max_by_key(cost).and_then(|hash| argon2::Params::try_from(&hash.0.password_hash()).ok());
        let argon2 = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params.unwrap_or_default());
        let (salt, password) = (SaltString::generate(&mut OsRng), SaltString::generate(&mut OsRng));
        let hash = argon2.hash_password(password.as_str().as_bytes(), &salt);
        Self(hash.expect("valid parameters, a short password and a fresh salt").serialize())
    }

    fn memory_and_rounds(&self) -> Option<(u32, u32)> {
        let hash = self.0.password_hash();
        Some((hash.params.get_decimal("m")?, hash.params.get_decimal("t")?))
    }
}

impl FromStr for PasswordHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let hash = PasswordHashString::parse(text, password_hash::Encoding::B64).map_err(|_| HashError::Malformed)?;
        if hash.algorithm() != Ident::new_unwrap("argon2id") {
            return Err(HashError::Algorithm);
        }
        let complete = hash.salt().is_some() && hash.hash().is_some();
        if !complete || argon2::Params::try_from(&hash.password_hash()).is_err() {
            return Err(HashError::Malformed);
        }
        let hash = Self(hash);
        match hash.memory_and_rounds() {
            Some((memory, rounds)) if memory <= MOST.0 && rounds <= MOST.1 => Ok(hash),
            Some(_) => Err(HashError::Excessive),
            None => Err(HashError::Malformed),
        }
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// Logs must not show it.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(...)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the reference implementation (`argon2 somesalt -id -t 2 -k 64 -p 1`) and cheap enough for tests.
    pub(crate) const CHEAP: &str =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    #[test]
    fn a_password_verifies_against_its_hash_only() {
        // The vector of the reference implementation's test.c: "password", "somesalt", t = 2, m = 2^8, p = 1.
        let hash: PasswordHash = CHEAP.parse().unwrap();
        assert!(hash.verify(b"password"));
        assert!(!hash.verify(b"passwore") && !hash.verify(b""));
        let fresh = PasswordHash::new(b"secret").unwrap();
        assert!(fresh.verify(b"secret") && !fresh.verify(b"Secret"));
        assert_eq!(fresh.to_string().parse(), Ok(fresh.clone()));
        assert_ne!(PasswordHash::new(b"secret").unwrap(), fresh, "each has its own salt");
        assert!(!format!("{fresh:?}").contains("argon2"));
    }

    /// The class of CVE-2018-12551: what is no hash is no user with an empty password, but an error.
    #[test]
    fn what_is_no_argon2id_hash_is_refused() {
        for (text, error) in [
            ("", HashError::Malformed),
            ("secret", HashError::Malformed),
            ("$argon2id$", HashError::Malformed),
            ("$argon2id$v=19$m=256,t=2,p=1", HashError::Malformed),
            ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ", HashError::Malformed),
            (
                "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                HashError::Algorithm,
            ),
            ("$6$rounds=5000$salt$hash", HashError::Malformed),
            (
                "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                HashError::Excessive,
            ),
            (
                "$argon2id$v=19$m=256,t=65,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                HashError::Excessive,
            ),
        ] {
            assert_eq!(text.parse::<PasswordHash>(), Err(error), "{text}");
        }
    }

    #[test]
    fn the_decoy_costs_as_much_as_the_most_expensive_hash() {
        let cheap: PasswordHash = CHEAP.parse().unwrap();
        assert_eq!(PasswordHash::decoy([&cheap].into_iter()).memory_and_rounds(), Some((256, 2)));
        let usual = PasswordHash::new(b"x").unwrap();
        assert_eq!(PasswordHash::decoy([&cheap, &usual].into_iter()).memory_and_rounds(), Some((19_456, 2)));
        assert_eq!(PasswordHash::decoy([].into_iter()).memory_and_rounds(), Some((19_456, 2)));
    }
}
