//! The client's part of SCRAM-SHA-256, written from RFC 5802 and RFC 7677. No channel binding, and names and passwords in
//! ASCII only.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// What a client says in one exchange.
#[derive(Clone, Debug)]
pub(super) struct Scram {
    /// The first message without its header: both sides sign it.
    bare: String,
    password: String,
}

impl Scram {
    pub(super) fn new(user: &str, password: &str, nonce: String) -> Self {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Self { bare: format!("n={user},r={nonce}"), password: password.to_owned() }
    }

    /// The same exchange by one who knows another password.
    pub(super) fn with_password(&self, password: &str) -> Self {
        Self { password: password.to_owned(), ..self.clone() }
    }

    /// `n,,n=user,r=nonce`
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// `c=biws,r=nonces,p=proof`, if the challenge is one: `r=nonces,s=salt,i=iterations`.
    pub(super) fn last(&self, challenge: &[u8]) -> Option<String> {
        let challenge = std::str::from_utf8(challenge).ok()?;
        let field = |name: &str| challenge.split(',').find_map(|field| field.strip_prefix(name));
        let (nonces, salt) = (field("r=")?, STANDARD.decode(field("s=")?).ok()?);
        let iterations = field("i=")?.parse().ok()?;
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(self.password.as_bytes(), &salt, iterations);
        let without_proof = format!("c=biws,r={nonces}");
        let said = format!("{},{challenge},{without_proof}", self.bare);
        let key = sign(&salted, b"Client Key")?;
        let mut proof = sign(&Sha256::digest(key), said.as_bytes())?;
        proof.iter_mut().zip(key).for_each(|(proof, key)| *proof ^= key);
        Some(format!("{without_proof},p={}", STANDARD.encode(proof)))
    }
}

fn sign(key: &[u8], text: &[u8]) -> Option<[u8; 32]> {
    let signature = Hmac::<Sha256>::new_from_slice(key).ok()?.chain_update(text);
    Some(signature.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7677() {
        let scram = Scram::new("user", "pencil", "rOprNGfwEbeRWgbNEkqO".into());
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let nonces = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let challenge = format!("r={nonces},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(scram.last(challenge.as_bytes()).unwrap(), format!("c=biws,r={nonces},p={proof}"));
    }
}
