//! Certificates with one thing wrong.

use std::time::{Duration, SystemTime};

use rcgen::{ExtendedKeyUsagePurpose, Issuer, KeyPair, PKCS_RSA_SHA256, SubjectPublicKeyInfo};

use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};

use super::{Authority, CertificateError, HostName, Issued, KeyKind, Period, Profile, Subject, legacy};

const DAY: Duration = Duration::from_secs(86_400);

/// A name that no server has (RFC 2606).
const NOBODY: &str = "wrong-name.invalid";

/// A 1,024-bit RSA key, which OpenSSL made. It is doubly weak: short, and in everybody's hands. Nothing that this crate
/// links against makes keys that short any more.
const SHORT_KEY: &str = include_str!("short.key");
const SHORT_PUBLIC_KEY: &str = include_str!("short.pub");

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It was valid until yesterday.
    Expired,
    /// It becomes valid on the CA's last day.
    NotYetValid,
    /// It is for another name. Servers only: what a device's name may do is for the broker's rules to say.
    WrongName,
    /// Another CA of the same name issued it.
    WrongCa,
    /// Nobody but itself vouches for it.
    SelfSigned,
    /// It may not be used here: a server's is for clients only, a device's for servers only.
    WrongUsage,
    /// Somebody with a good certificate issued it, who is no CA; the good certificate follows it in the file.
    LeafAsCa,
    /// Its RSA key has 1,024 bits, and is published in Paddock's source.
    WeakKey,
    /// The CA signed it with SHA-1. Only a CA with an RSA key can.
    WeakSignature,
}

impl Flaw {
    /// Every flaw.
    pub const ALL: [Self; 9] = [
        Self::Expired,
        Self::NotYetValid,
        Self::WrongName,
        Self::WrongCa,
        Self::SelfSigned,
        Self::WrongUsage,
        Self::LeafAsCa,
        Self::WeakKey,
        Self::WeakSignature,
    ];

    /// Its name in file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::WrongName => "wrong-name",
            Self::WrongCa => "wrong-ca",
            Self::SelfSigned => "self-signed",
            Self::WrongUsage => "wrong-usage",
            Self::LeafAsCa => "leaf-as-ca",
            Self::WeakKey => "weak-key",
            Self::WeakSignature => "weak-signature",
        }
    }

    /// What a person should know of it.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Expired => "was valid until yesterday",
            Self::NotYetValid => "becomes valid on the CA's last day",
            Self::WrongName => "is for wrong-name.invalid",
            Self::WrongCa => "another CA of the same name issued it",
            Self::SelfSigned => "vouches for itself",
            Self::WrongUsage => "is for the other side of TLS only",
            Self::LeafAsCa => "a certificate that is no CA's issued it",
            Self::WeakKey => "RSA key of 1,024 bits that everybody knows",
            Self::WeakSignature => "the CA signed it with SHA-1",
        }
    }
}

impl Authority {
    /// Issues a certificate with exactly one thing wrong. `now` decides what is expired and what not yet valid.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Inapplicable`] where the flaw does not exist; no randomness.
    pub fn issue_bad(
        &self,
        flaw: Flaw,
        profile: &Profile,
        subject: &Subject,
        key: KeyKind,
        now: SystemTime,
    ) -> Result<Issued, CertificateError> {
        let period = match flaw {
            Flaw::Expired => Period { from: now - 30 * DAY, until: now - DAY },
            Flaw::NotYetValid => Period { from: self.until() - DAY, until: self.until() },
            _ => Period { until: self.until(), ..Period::starting(now, Duration::ZERO) },
        };
        let wrong_name = Profile::Server(vec![HostName::Dns(NOBODY.to_owned())]);
        let profile = match (flaw, profile) {
            (Flaw::WrongName, Profile::Server(_)) => &wrong_name,
            (Flaw::WrongName, Profile::Device(_)) => {
                return Err(CertificateError::Inapplicable("TLS compares the names of servers only"));
            }
            _ => profile,
        };
        if flaw == Flaw::WeakSignature && self.issuer.key().algorithm() != &PKCS_RSA_SHA256 {
            return Err(CertificateError::Inapplicable("only a CA with an RSA key signs with SHA-1"));
        }
        // SHA-1 and 1,024 bits came with RSA.
        let key = if matches!(flaw, Flaw::WeakKey | Flaw::WeakSignature) { KeyKind::Rsa } else { key };
        let mut parameters = profile.parameters(subject, key, period)?;
        if flaw == Flaw::WrongUsage {
            parameters.extended_key_usages = vec![match profile {
                Profile::Server(_) => ExtendedKeyUsagePurpose::ClientAuth,
                Profile::Device(_) => ExtendedKeyUsagePurpose::ServerAuth,
            }];
        }
        if flaw == Flaw::WeakKey {
            let certificate = parameters.signed_by(&SubjectPublicKeyInfo::from_pem(SHORT_PUBLIC_KEY)?, &self.issuer)?;
            return Ok(Issued { certificate: certificate.pem(), key: SHORT_KEY.to_owned() });
        }
        let pair = key.make()?;
        let certificate = match flaw {
            Flaw::SelfSigned => parameters.self_signed(&pair)?.pem(),
            Flaw::WrongCa => parameters.signed_by(&pair, &impostor(self)?)?.pem(),
            Flaw::WeakSignature => {
                legacy::signed_with_sha1(&parameters.signed_by(&pair, &self.issuer)?, self.issuer.key())?
            }
            Flaw::LeafAsCa => {
                let middle_key = key.make()?;
                let middle_parameters = bystander(profile)?.parameters(subject, key, period)?;
                let middle = middle_parameters.signed_by(&middle_key, &self.issuer)?;
                let leaf = parameters.signed_by(&pair, &Issuer::new(middle_parameters, middle_key))?;
                leaf.pem() + &middle.pem()
            }
            _ => parameters.signed_by(&pair, &self.issuer)?.pem(),
        };
        Ok(Issued { certificate, key: pair.serialize_pem() })
    }
}

/// What claims to be the CA: every word of its certificate, but not its key.
fn impostor(authority: &Authority) -> Result<Issuer<'static, KeyPair>, rcgen::Error> {
    let der = CertificateDer::from_pem_slice(authority.certificate().as_bytes())
        .map_err(|error| rcgen::Error::PemError(error.to_string()))?;
    Issuer::from_ca_cert_der(&der, KeyPair::generate_for(authority.issuer.key().algorithm())?)
}

/// Who has a good certificate and issues what he may not.
fn bystander(victim: &Profile) -> Result<Profile, CertificateError> {
    Ok(match victim {
        Profile::Server(_) => Profile::Server(vec!["another-server.invalid".parse()?]),
        Profile::Device(_) => Profile::Device("another-device".parse()?),
    })
}
