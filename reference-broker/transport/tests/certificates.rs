//! What the CA issues, before two judges: rustls and `openssl verify`.

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio_rustls::rustls::{
    CertificateError as Refusal, Error, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::WebPkiClientVerifier,
};
use transport::certificates::{Authority, CertificateError, Flaw, Folder, Issued, KeyKind, Period, Profile, Subject};

const DAY: Duration = Duration::from_secs(86_400);

/// Some noon in 2033: nothing may depend on today.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(2_000_000_000)
}

fn subject() -> Subject {
    "/C=BD/ST=Dhaka/L=Dhaka/O=Smart Dairy Ltd".parse().unwrap()
}

fn server() -> Profile {
    Profile::Server(["localhost", "*.smartdairy.local", "127.0.0.1", "::1"].map(|name| name.parse().unwrap()).into())
}

fn device() -> Profile {
    Profile::Device("milk_meter_001".parse().unwrap())
}

fn authority(key: KeyKind) -> Authority {
    Authority::create("Smart Dairy IoT CA", &subject(), key, Period::starting(now(), 3650 * DAY)).unwrap()
}

/// A large RSA key takes a moment to find: one serves all tests.
static RSA: LazyLock<Authority> = LazyLock::new(|| authority(KeyKind::Rsa));

#[test]
fn sound_certificates_are_accepted_from_the_first_second_to_the_last() {
    for (authority, key) in [(&*RSA, KeyKind::Rsa), (&authority(KeyKind::Ecdsa), KeyKind::Ecdsa)] {
        for profile in [server(), device()] {
            let issued = authority.issue(&profile, &subject(), key, Period::starting(now(), 365 * DAY)).unwrap();
            for moment in [now() - Duration::from_secs(3600), now(), now() + 365 * DAY] {
                assert_eq!(judged(authority, &profile, &issued, moment), Ok(()), "{profile:?} {key:?}");
            }
            let late = judged(authority, &profile, &issued, now() + 365 * DAY + Duration::from_secs(1));
            assert!(matches!(late, Err(Error::InvalidCertificate(Refusal::ExpiredContext { .. }))), "{late:?}");
            assert_eq!(openssl_verifies(authority, &profile, &issued), Ok(()));
            // The key can be used, and by its owner only for what it is for.
            let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
            assert!(aws_lc_rs::sign::any_supported_type(&key).is_ok());
        }
    }
}

#[test]
fn a_server_certificate_is_good_for_each_of_its_names_and_no_other() {
    let authority = authority(KeyKind::Ecdsa);
    let issued = authority.issue(&server(), &subject(), KeyKind::Ecdsa, Period::starting(now(), DAY)).unwrap();
    for name in ["localhost", "emqx.smartdairy.local", "127.0.0.1", "::1"] {
        assert_eq!(server_judged(&authority, &issued, name, now()), Ok(()), "{name}");
    }
    for name in ["smartdairy.local", "a.b.smartdairy.local", "127.0.0.2"] {
        let refused = server_judged(&authority, &issued, name, now());
        assert!(matches!(refused, Err(Error::InvalidCertificate(Refusal::NotValidForNameContext { .. }))), "{name}");
    }
}

#[test]
fn each_bad_certificate_is_refused_for_its_own_flaw() {
    for flaw in Flaw::ALL {
        for profile in [server(), device()] {
            let issued = match RSA.issue_bad(flaw, &profile, &subject(), KeyKind::Ecdsa, now()) {
                Ok(issued) => issued,
                Err(CertificateError::Inapplicable(_)) => {
                    assert_eq!((flaw, &profile), (Flaw::WrongName, &device()));
                    continue;
                }
                Err(error) => panic!("{flaw:?}: {error}"),
            };
            let by_rustls = judged(&RSA, &profile, &issued, now());
            let by_openssl = openssl_verifies(&RSA, &profile, &issued);
            let expected = match flaw {
                Flaw::Expired => matches!(by_rustls, Err(Error::InvalidCertificate(Refusal::ExpiredContext { .. }))),
                Flaw::NotYetValid => {
                    matches!(by_rustls, Err(Error::InvalidCertificate(Refusal::NotValidYetContext { .. })))
                }
                Flaw::WrongName => {
                    matches!(by_rustls, Err(Error::InvalidCertificate(Refusal::NotValidForNameContext { .. })))
                }
                Flaw::WrongCa => matches!(by_rustls, Err(Error::InvalidCertificate(Refusal::BadSignature))),
                Flaw::SelfSigned => matches!(by_rustls, Err(Error::InvalidCertificate(Refusal::UnknownIssuer))),
                Flaw::WrongUsage => {
                    matches!(by_rustls, Err(Error::InvalidCertificate(Refusal::InvalidPurposeContext { .. })))
                }
                Flaw::LeafAsCa => {
                    let said = format!("{by_rustls:?}");
                    said.contains("EndEntityUsedAsCa")
                }
                // rustls looks at the key itself only when the key signs: see the next test.
                Flaw::WeakKey => by_rustls == Ok(()),
                Flaw::WeakSignature => matches!(
                    by_rustls,
                    Err(Error::InvalidCertificate(Refusal::UnsupportedSignatureAlgorithmContext { .. }))
                ),
            };
            assert!(expected, "{flaw:?} {profile:?}: {by_rustls:?}");
            let reason = match flaw {
                Flaw::Expired => "certificate has expired",
                Flaw::NotYetValid => "certificate is not yet valid",
                Flaw::WrongName => "hostname mismatch",
                Flaw::WrongCa => "certificate signature failure",
                Flaw::SelfSigned => "self-signed certificate",
                Flaw::WrongUsage => "unsuitable certificate purpose",
                Flaw::LeafAsCa => "invalid CA certificate",
                Flaw::WeakKey => "EE certificate key too weak",
                Flaw::WeakSignature => "CA signature digest algorithm too weak",
            };
            let said = by_openssl.unwrap_err();
            assert!(said.contains(reason), "{flaw:?} {profile:?}: {said}");
        }
    }
}

#[test]
fn a_weak_key_is_no_key_for_rustls() {
    let issued = RSA.issue_bad(Flaw::WeakKey, &server(), &subject(), KeyKind::Rsa, now()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    assert!(aws_lc_rs::sign::any_supported_type(&key).is_err());
}

#[test]
fn an_ecdsa_authority_says_that_it_has_no_sha_1() {
    let refused = authority(KeyKind::Ecdsa).issue_bad(Flaw::WeakSignature, &server(), &subject(), KeyKind::Rsa, now());
    assert!(matches!(refused, Err(CertificateError::Inapplicable(why)) if why.contains("RSA")));
}

#[test]
fn nothing_outlives_its_authority() {
    let authority = authority(KeyKind::Ecdsa);
    let refused = authority.issue(&device(), &subject(), KeyKind::Ecdsa, Period::starting(now() + DAY, 3650 * DAY));
    assert!(matches!(refused, Err(CertificateError::OutlivesAuthority)));
}

#[test]
fn serial_numbers_differ() {
    let authority = authority(KeyKind::Ecdsa);
    let serial = |_| {
        let issued = authority.issue_bad(Flaw::WeakKey, &device(), &subject(), KeyKind::Rsa, now()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("crt"), issued.certificate).unwrap();
        said(Command::new("openssl").args(["x509", "-noout", "-serial", "-in"]).arg(folder.path().join("crt")))
    };
    assert_ne!(serial(1), serial(2));
}

#[test]
fn a_stored_authority_issues_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Folder::new(folder.path().join("new"), false);
    assert!(folder.authority("ca").unwrap().is_none());
    let first = authority(KeyKind::Ecdsa);
    let place = folder.store("ca", &Issued { certificate: first.certificate().to_owned(), key: first.key() }).unwrap();
    let again = folder.authority("ca").unwrap().unwrap();
    assert_eq!((again.common_name(), again.until()), ("Smart Dairy IoT CA", now() + 3650 * DAY));
    let issued = again.issue(&device(), &subject(), KeyKind::Ecdsa, Period::starting(now(), DAY)).unwrap();
    assert_eq!(judged(&first, &device(), &issued, now()), Ok(()));
    assert_eq!(mode(&place.key), 0o600);
    assert_eq!(mode(&place.certificate), 0o644);
}

#[test]
fn an_authority_that_openssl_made_issues() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for traditional in [false, true] {
        said(
            Command::new("openssl")
                .args(["req", "-new", "-x509", "-days", "3650", "-newkey", "rsa:2048", "-nodes"])
                .args(["-subj", "/C=BD/ST=Dhaka/L=Dhaka/O=Smart Dairy Ltd/CN=Smart Dairy IoT CA"])
                .args(["-keyout", &path("ca.key"), "-out", &path("ca.crt")]),
        );
        if traditional {
            said(Command::new("openssl").args([
                "rsa",
                "-traditional",
                "-in",
                &path("ca.key"),
                "-out",
                &path("ca.key"),
            ]));
        }
        let authority = Folder::new(folder.path(), false).authority("ca").unwrap().unwrap();
        let today = SystemTime::now();
        for flaw in [None, Some(Flaw::WeakSignature)] {
            let issued = match flaw {
                None => authority.issue(&server(), &subject(), KeyKind::Ecdsa, Period::starting(today, DAY)),
                Some(flaw) => authority.issue_bad(flaw, &server(), &subject(), KeyKind::Ecdsa, today),
            };
            let judged = judged(&authority, &server(), &issued.unwrap(), today);
            assert_eq!(judged.is_ok(), flaw.is_none(), "{judged:?}");
        }
    }
}

#[test]
fn what_is_there_is_overwritten_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let issued = |text: &str| Issued { certificate: text.to_owned(), key: text.to_owned() };
    let careful = Folder::new(folder.path(), false);
    let bold = Folder::new(folder.path(), true);
    careful.store("device.1", &issued("first")).unwrap();
    assert!(careful.keeps("device.1").unwrap());
    assert!(matches!(careful.store("device.1", &issued("second")), Err(CertificateError::Exists(_))));
    let place = careful.place("device.1");
    assert_eq!(fs::read_to_string(&place.certificate).unwrap(), "first");
    assert!(!bold.keeps("device.1").unwrap());
    bold.store("device.1", &issued("second")).unwrap();
    assert_eq!(fs::read_to_string(&place.key).unwrap(), "second");
    assert_eq!(mode(&place.key), 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a draft is left");
    fs::remove_file(&place.key).unwrap();
    let half = careful.keeps("device.1").unwrap_err().to_string();
    assert!(half.contains("device.1.key"), "{half}");
}

#[test]
fn what_is_no_authority_is_said() {
    let first = authority(KeyKind::Ecdsa);
    let other = authority(KeyKind::Ecdsa);
    let leaf = first.issue(&device(), &subject(), KeyKind::Ecdsa, Period::starting(now(), DAY)).unwrap();
    for (certificate, key, why) in [
        (first.certificate(), other.key(), "does not belong to the key"),
        (&leaf.certificate, leaf.key.clone(), "not one of a CA"),
        ("nonsense", first.key(), "cannot be read"),
        (first.certificate(), "nonsense".into(), "key that cannot be read"),
    ] {
        let error = Authority::from_pem(certificate, &key).err().unwrap().to_string();
        assert!(error.contains(why), "{error}");
    }
}

/// What rustls says as the other side of `profile`'s holder.
fn judged(authority: &Authority, profile: &Profile, issued: &Issued, at: SystemTime) -> Result<(), Error> {
    match profile {
        Profile::Server(_) => server_judged(authority, issued, "localhost", at),
        Profile::Device(_) => {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(trusting(authority), provider()).build().unwrap();
            let chain = chain(issued);
            verifier.verify_client_cert(&chain[0], &chain[1..], moment(at)).map(drop)
        }
    }
}

fn server_judged(authority: &Authority, issued: &Issued, name: &str, at: SystemTime) -> Result<(), Error> {
    let verifier = WebPkiServerVerifier::builder_with_provider(trusting(authority), provider()).build().unwrap();
    let chain = chain(issued);
    let name = ServerName::try_from(name).unwrap();
    verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], moment(at)).map(drop)
}

fn provider() -> Arc<tokio_rustls::rustls::crypto::CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn trusting(authority: &Authority) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate().as_bytes()).unwrap()).unwrap();
    Arc::new(roots)
}

fn chain(issued: &Issued) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(issued.certificate.as_bytes()).map(Result::unwrap).collect()
}

fn moment(at: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(at.duration_since(UNIX_EPOCH).unwrap())
}

/// `openssl verify` at the security level of Debian's TLS, at the tests' moment; what it said when it refused.
fn openssl_verifies(authority: &Authority, profile: &Profile, issued: &Issued) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("ca.crt"), authority.certificate()).unwrap();
    fs::write(path("leaf.crt"), &issued.certificate).unwrap();
    let at = now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let mut command = Command::new("openssl");
    command.args(["verify", "-x509_strict", "-auth_level", "2", "-attime", &at, "-CAfile"]).arg(path("ca.crt"));
    match profile {
        Profile::Server(_) => command.args(["-purpose", "sslserver", "-verify_hostname", "localhost"]),
        Profile::Device(_) => command.args(["-purpose", "sslclient"]),
    };
    // The first certificate is judged, the others help.
    let output = output(command.arg("-untrusted").arg(path("leaf.crt")).arg(path("leaf.crt")));
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn said(command: &mut Command) -> String {
    let output = output(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; tests/run installs what is missing"))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
