//! Signatures with RSA and SHA-1, as in RFC 8017, section 8.2. No library that we link against makes them any more.

use num_bigint::BigUint;
use rcgen::{Certificate, KeyPair};
use sha1::{Digest, Sha1};
use x509_parser::{
    der_parser::{ber::BerObjectContent, parse_der},
    prelude::{FromDer, X509Certificate},
};

use super::CertificateError;

/// 1.2.840.113549.1.1.11, sha256WithRSAEncryption; the last byte 5 makes it sha1WithRSAEncryption.
const SHA256_WITH_RSA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const SHA1_WITH_RSA: u8 = 0x05;
/// The DER of a DigestInfo with SHA-1, without the digest (RFC 8017, section 9.2, note 1).
const SHA1_DIGEST_INFO: [u8; 15] =
    [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];

/// The same certificate, PEM, signed with SHA-1 by the RSA key `signer`, which signed it with SHA-256 before.
pub(super) fn signed_with_sha1(certificate: &Certificate, signer: &KeyPair) -> Result<String, CertificateError> {
    let odd = || CertificateError::Inapplicable("the CA's key is no RSA key that can be read");
    let (modulus, exponent) = rsa_numbers(signer.serialized_der()).ok_or_else(odd)?;
    let mut der = certificate.der().to_vec();
    // Once where it is signed, once beside the signature. Both names are equally long, so nothing else changes.
    for at in 0..der.len().saturating_sub(SHA256_WITH_RSA.len()) {
        if der[at..].starts_with(&SHA256_WITH_RSA) {
            der[at + SHA256_WITH_RSA.len() - 1] = SHA1_WITH_RSA;
        }
    }
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| odd())?;
    let signature = sign(parsed.tbs_certificate.as_ref(), &modulus, &exponent);
    let place = der.len() - signature.len();
    der[place..].copy_from_slice(&signature);
    let certificate = pem::Pem::new("CERTIFICATE", der);
    Ok(pem::encode_config(&certificate, pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF)))
}

/// RSASSA-PKCS1-v1_5 with SHA-1.
fn sign(message: &[u8], modulus: &BigUint, exponent: &BigUint) -> Vec<u8> {
    let length = modulus.bits().div_ceil(8) as usize;
    let digest = Sha1::digest(message);
    let filling = length - 3 - SHA1_DIGEST_INFO.len() - digest.len();
    let mut block = vec![0, 1];
    block.resize(2 + filling, 0xff);
    block.push(0);
    block.extend(SHA1_DIGEST_INFO);
    block.extend(digest);
    let power = BigUint::from_bytes_be(&block).modpow(exponent, modulus).to_bytes_be();
    let mut signature = vec![0; length - power.len()];
    signature.extend(power);
    signature
}

/// Modulus and private exponent of an RSA key in PKCS #8 or PKCS #1.
fn rsa_numbers(der: &[u8]) -> Option<(BigUint, BigUint)> {
    let (_, key) = parse_der(der).ok()?;
    let fields = key.as_sequence().ok()?;
    match &fields.get(1)?.content {
        // PKCS #8: version, algorithm, key.
        BerObjectContent::Sequence(_) => rsa_numbers(fields.get(2)?.as_slice().ok()?),
        // PKCS #1: version, modulus, public exponent, private exponent.
        BerObjectContent::Integer(modulus) => {
            let exponent = fields.get(3)?.as_slice().ok()?;
            Some((BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent)))
        }
        _ => None,
    }
}
