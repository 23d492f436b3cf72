//! Whom a certificate is for.

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SerialNumber};
use tokio_rustls::rustls::crypto::aws_lc_rs;

use super::{DeviceName, HostName, KeyKind, Period, Subject};

/// Whom a certificate is for, which decides its names and what it may be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A server with these names, at least one; the first is the Common Name. For TLS servers only.
    Server(Vec<HostName>),
    /// A device; its name is the Common Name. For TLS clients only.
    Device(DeviceName),
}

impl Profile {
    /// What the certificate may be used for.
    pub(super) fn purpose(&self) -> ExtendedKeyUsagePurpose {
        match self {
            Self::Server(_) => ExtendedKeyUsagePurpose::ServerAuth,
            Self::Device(_) => ExtendedKeyUsagePurpose::ClientAuth,
        }
    }

    /// Everything that the certificate says, but the key and the issuer.
    pub(super) fn parameters(
        &self,
        subject: &Subject,
        key: KeyKind,
        period: Period,
    ) -> Result<CertificateParams, rcgen::Error> {
        let mut parameters = parameters(period)?;
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.use_authority_key_identifier_extension = true;
        parameters.extended_key_usages = vec![self.purpose()];
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        match self {
            Self::Server(names) => {
                let first = names.first().map(ToString::to_string).unwrap_or_default();
                parameters.distinguished_name = subject.named(&first);
                parameters.subject_alt_names = names.iter().map(HostName::san).collect::<Result<_, _>>()?;
                // The key exchange of TLS 1.2 with RSA; an ECDSA key has no such use.
                if key == KeyKind::Rsa {
                    parameters.key_usages.push(KeyUsagePurpose::KeyEncipherment);
                }
            }
            Self::Device(name) => parameters.distinguished_name = subject.named(name.as_str()),
        }
        Ok(parameters)
    }
}

/// A period and a random serial number.
pub(super) fn parameters(period: Period) -> Result<CertificateParams, rcgen::Error> {
    let mut serial = [0_u8; 16];
    let random = aws_lc_rs::default_provider().secure_random;
    random.fill(&mut serial).map_err(|_| rcgen::Error::RingUnspecified)?;
    // RFC 5280, 4.1.2.2: positive and not zero.
    serial[0] = serial[0] & 0x7f | 0x40;
    let mut parameters = CertificateParams::default();
    parameters.not_before = period.from.into();
    parameters.not_after = period.until.into();
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(parameters)
}
