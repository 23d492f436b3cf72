//! A certificate authority.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256, PublicKeyData, RsaKeySize,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{CertificateError, Period, Profile, Subject, profile};

/// What keys are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA: 4,096 bits for a CA, 2,048 for what it issues. Every device understands it.
    #[default]
    Rsa,
    /// ECDSA on P-256: much cheaper to make and to use.
    Ecdsa,
}

impl KeyKind {
    pub(super) fn make(self) -> Result<KeyPair, rcgen::Error> {
        match self {
            Self::Rsa => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
            Self::Ecdsa => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        }
    }

    fn make_for_authority(self) -> Result<KeyPair, rcgen::Error> {
        match self {
            Self::Rsa => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096),
            Self::Ecdsa => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        }
    }
}

/// A certificate and its private key, both PEM. The certificate of a `Flaw::LeafAsCa` is followed by its chain.
pub struct Issued {
    /// What everybody may see.
    pub certificate: String,
    /// What nobody else may see: PKCS #8.
    pub key: String,
}

/// A CA: its certificate and its key.
pub struct Authority {
    certificate: String,
    pub(super) issuer: Issuer<'static, KeyPair>,
    /// What the certificate says, for one that differs from it only in the key.
    pub(super) common_name: String,
    until: SystemTime,
}

impl Authority {
    /// Makes a CA that signs with its own key and whose certificates issue to servers and devices only, not to other CAs.
    ///
    /// # Errors
    ///
    /// A Common Name that cannot be one; no randomness.
    pub fn create(
        common_name: &str,
        subject: &Subject,
        key: KeyKind,
        period: Period,
    ) -> Result<Self, CertificateError> {
        Self::with_key(common_name, subject, key.make_for_authority()?, period)
    }

    pub(super) fn with_key(
        common_name: &str,
        subject: &Subject,
        key: KeyPair,
        period: Period,
    ) -> Result<Self, CertificateError> {
        let parameters = authority_parameters(common_name, subject, period)?;
        let certificate = parameters.self_signed(&key)?.pem();
        Ok(Self {
            certificate,
            issuer: Issuer::new(parameters, key),
            common_name: common_name.to_owned(),
            until: period.until,
        })
    }

    /// Reads a CA from its certificate and its private key, both PEM; openssl's are understood too.
    ///
    /// # Errors
    ///
    /// It is no certificate of a CA, or the key is not its key.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, CertificateError> {
        let wrong = |what: &str| CertificateError::Authority(what.to_owned());
        let key = KeyPair::from_pem(key).map_err(|error| wrong(&format!("has a key that cannot be read: {error}")))?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        let (_, parsed) =
            X509Certificate::from_der(&der).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        if !parsed.is_ca() {
            return Err(wrong("is not one of a CA (basicConstraints CA:TRUE is missing)"));
        }
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err(wrong("does not belong to the key beside it"));
        }
        let common_name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        let until = parsed.validity().not_after.timestamp();
        Ok(Self {
            common_name: common_name.unwrap_or_default().to_owned(),
            until: UNIX_EPOCH + Duration::from_secs(u64::try_from(until).unwrap_or(0)),
            issuer: Issuer::from_ca_cert_der(&der, key)?,
            certificate: certificate.to_owned(),
        })
    }

    /// Its certificate, PEM: what clients and servers shall trust.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its private key, PEM.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Its Common Name.
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// The last moment at which it is valid.
    pub fn until(&self) -> SystemTime {
        self.until
    }

    /// Issues a sound certificate with a key of its own.
    ///
    /// # Errors
    ///
    /// It would outlive the CA; no randomness.
    pub fn issue(
        &self,
        profile: &Profile,
        subject: &Subject,
        key: KeyKind,
        period: Period,
    ) -> Result<Issued, CertificateError> {
        if period.until > self.until {
            return Err(CertificateError::OutlivesAuthority);
        }
        let pair = key.make()?;
        let certificate = profile.parameters(subject, key, period)?.signed_by(&pair, &self.issuer)?;
        Ok(Issued { certificate: certificate.pem(), key: pair.serialize_pem() })
    }
}

fn authority_parameters(
    common_name: &str,
    subject: &Subject,
    period: Period,
) -> Result<CertificateParams, CertificateError> {
    if common_name.is_empty() || common_name.chars().count() > 64 {
        return Err(CertificateError::Name(format!("`{common_name}` is no name of a CA: 1 to 64 characters are")));
    }
    let mut parameters = profile::parameters(period)?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.distinguished_name = subject.named(common_name);
    Ok(parameters)
}
