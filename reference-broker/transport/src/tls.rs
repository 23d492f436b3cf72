//! TLS on the accepting side.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use tokio_rustls::{
    TlsAcceptor, TlsStream,
    rustls::{
        self, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
        server::{VerifierBuilderError, WebPkiClientVerifier},
        version::{TLS12, TLS13},
    },
};
use x509_parser::{extensions::GeneralName, prelude::FromDer};

use crate::{peer::PeerCertificate, socket::Socket};

/// Encrypted bytes that wait for one socket, beyond which nothing more is encrypted for it.
const BUFFER: usize = 64 * 1024;

/// What a TLS listener shows and asks for. Files are PEM.
#[derive(Clone, Debug)]
pub struct ServerTlsOptions {
    /// The server's certificate, followed by those between it and a CA that clients know.
    pub certificates: PathBuf,
    /// The private key of the first certificate: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: PathBuf,
    /// Whether clients are asked for certificates.
    pub client_certificates: ClientCertificates,
    /// Which versions of TLS are spoken.
    pub versions: TlsVersions,
}

impl ServerTlsOptions {
    /// TLS 1.2 and 1.3 without client certificates.
    pub fn new(certificates: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificates: certificates.into(),
            key: key.into(),
            client_certificates: ClientCertificates::NotAsked,
            versions: TlsVersions::default(),
        }
    }

    /// Everything that is wrong with the files, each of which is looked at for itself; empty when [`ServerTls::load`] would
    /// succeed now.
    pub fn errors(&self) -> Vec<TlsError> {
        let authorities = match &self.client_certificates {
            ClientCertificates::NotAsked => None,
            ClientCertificates::Optional(path) | ClientCertificates::Required(path) => certificates(path).err(),
        };
        let files = [authorities, certificates(&self.certificates).err(), private_key(&self.key).err()];
        let mut errors: Vec<_> = files.into_iter().flatten().collect();
        if errors.is_empty() {
            errors.extend(config(self).err());
        }
        errors
    }
}

/// Whether clients are asked for certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// No.
    #[default]
    NotAsked,
    /// Yes, but a client may have none. One that it shows must come from a CA in this file.
    Optional(PathBuf),
    /// Yes; a client without one from a CA in this file is refused.
    Required(PathBuf),
}

/// Which versions of TLS a listener speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    #[default]
    Both,
    /// 1.2 only, for tests of old devices.
    Only12,
    /// 1.3 only.
    Only13,
}

impl TlsVersions {
    pub(crate) fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self {
            Self::Both => &BOTH,
            Self::Only13 => &BOTH[..1],
            Self::Only12 => &BOTH[1..],
        }
    }
}

/// Why TLS cannot be offered with given options.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is not PEM of the kind it should be.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// The key is of no known kind, or does not belong to the certificate.
    #[error("{}: {}", .0.display(), flaw_of_key(.1))]
    Key(PathBuf, #[source] rustls::Error),
    /// The CAs for clients are no CAs.
    #[error("{0}: {1}")]
    ClientCa(PathBuf, #[source] VerifierBuilderError),
    /// The cryptography library does not offer a version.
    #[error("TLS: {0}")]
    Versions(#[source] rustls::Error),
}

/// TLS for listeners. Clones share what [`ServerTls::reload`] replaces.
#[derive(Clone)]
pub struct ServerTls(Arc<Inner>);

struct Inner {
    options: ServerTlsOptions,
    config: ArcSwap<ServerConfig>,
}

impl ServerTls {
    /// Reads the files that `options` names.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file and what is wrong with it.
    pub fn load(options: ServerTlsOptions) -> Result<Self, TlsError> {
        let config = ArcSwap::new(config(&options)?);
        Ok(Self(Arc::new(Inner { options, config })))
    }

    /// Reads the same files again. Connections that begin from now on get what they hold; older ones go on undisturbed, and
    /// none can be resumed.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file and what is wrong with it; then everything stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.0.config.store(config(&self.0.options)?);
        Ok(())
    }

    /// What it was loaded with.
    pub fn options(&self) -> &ServerTlsOptions {
        &self.0.options
    }

    /// Shakes hands with a client.
    pub(crate) async fn accept(&self, socket: Socket) -> std::io::Result<(TlsStream<Socket>, Shown)> {
        let acceptor = TlsAcceptor::from(self.0.config.load_full());
        let limit = |connection: &mut ServerConnection| connection.set_buffer_limit(Some(BUFFER));
        let stream = acceptor.accept_with(socket, limit).await?;
        let (_, connection) = stream.get_ref();
        let shown = Shown {
            certificate: connection.peer_certificates().and_then(|chain| chain.first()).map(read_certificate),
            server_name: connection.server_name().map(Into::into),
        };
        Ok((stream.into(), shown))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerTls").field(&self.0.options).finish()
    }
}

/// What a client showed and asked for.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) certificate: Option<Arc<PeerCertificate>>,
    pub(crate) server_name: Option<Box<str>>,
}

fn config(options: &ServerTlsOptions) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(options.versions.supported())
        .map_err(TlsError::Versions)?;
    let verifier = |path: &Path| -> Result<_, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| TlsError::File(path.to_owned(), error.to_string()))?;
        }
        Ok(WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()))
    };
    let builder = match &options.client_certificates {
        ClientCertificates::NotAsked => builder.with_no_client_auth(),
        ClientCertificates::Optional(path) => builder.with_client_cert_verifier(
            verifier(path)?.allow_unauthenticated().build().map_err(|e| TlsError::ClientCa(path.clone(), e))?,
        ),
        ClientCertificates::Required(path) => {
            builder.with_client_cert_verifier(verifier(path)?.build().map_err(|e| TlsError::ClientCa(path.clone(), e))?)
        }
    };
    let chain = certificates(&options.certificates)?;
    let key = private_key(&options.key)?;
    let mut config = builder.with_single_cert(chain, key).map_err(|error| TlsError::Key(options.key.clone(), error))?;
    // A client that comes back is spared the costly part, and the server keeps nothing for it. The key of the tickets is as
    // old as the configuration, so a reload makes all of them worthless.
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::Versions)?;
    // One connection at a time is resumed.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |error| unreadable(path, "certificate", &error);
    let chain =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(unreadable)?;
    if chain.is_empty() { Err(unreadable(pem::Error::NoItemsFound)) } else { Ok(chain) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(path, "private key", &error))
}

fn flaw_of_key(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => "this private key does not belong to the certificate".to_owned(),
        error => error.to_string(),
    }
}

fn unreadable(path: &Path, what: &str, error: &pem::Error) -> TlsError {
    let text = match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => format!("there is no {what} in PEM in it"),
        error => format!("it is not PEM: {error}"),
    };
    TlsError::File(path.to_owned(), text)
}

/// Reads a certificate that has been verified. One that the parser cannot read has no names.
fn read_certificate(der: &CertificateDer<'_>) -> Arc<PeerCertificate> {
    let mut certificate =
        PeerCertificate { common_name: None, alternative_names: Box::default(), der: Box::from(&**der) };
    if let Ok((_, parsed)) = x509_parser::certificate::X509Certificate::from_der(der) {
        certificate.common_name =
            parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok()).last().map(Into::into);
        if let Ok(Some(names)) = parsed.subject_alternative_name() {
            certificate.alternative_names = names.value.general_names.iter().filter_map(alternative_name).collect();
        }
    }
    Arc::new(certificate)
}

fn alternative_name(name: &GeneralName<'_>) -> Option<Box<str>> {
    let text = match name {
        GeneralName::DNSName(name) => format!("DNS:{name}"),
        GeneralName::URI(uri) => format!("URI:{uri}"),
        GeneralName::RFC822Name(address) => format!("email:{address}"),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from)).ok()?;
            format!("IP:{address}")
        }
        _ => return None,
    };
    Some(text.into())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::certificates::{Authority, KeyKind, Period, Profile, Subject};

    #[test]
    fn the_names_of_a_certificate_are_read() {
        let period = Period::starting(SystemTime::now(), Duration::from_secs(3600));
        let authority = Authority::create("CA", &Subject::default(), KeyKind::Ecdsa, period).unwrap();
        let names = ["barn.example", "192.0.2.1", "2001:db8::1"].map(|name| name.parse().unwrap());
        let profile = Profile::Server(names.to_vec());
        let issued = authority.issue(&profile, &Subject::default(), KeyKind::Ecdsa, period).unwrap();
        let der = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
        let read = read_certificate(&der);
        assert_eq!(read.common_name.as_deref(), Some("barn.example"));
        assert_eq!(*read.alternative_names, ["DNS:barn.example", "IP:192.0.2.1", "IP:2001:db8::1"].map(Box::from));
        assert_eq!(*read.der, *der);
    }

    #[test]
    fn a_key_of_another_certificate_is_called_that() {
        let (folder, subject) = (tempfile::tempdir().unwrap(), Subject::default());
        let period = Period::starting(SystemTime::now(), Duration::from_secs(3600));
        let authority = Authority::create("CA", &subject, KeyKind::Ecdsa, period).unwrap();
        let issue = || authority.issue(&Profile::Server(Vec::new()), &subject, KeyKind::Ecdsa, period).unwrap();
        let [certificate, key] = ["a.crt", "b.key"].map(|name| folder.path().join(name));
        std::fs::write(&certificate, issue().certificate).unwrap();
        std::fs::write(&key, issue().key).unwrap();
        let error = ServerTls::load(ServerTlsOptions::new(certificate, key)).unwrap_err();
        assert!(error.to_string().ends_with("does not belong to the certificate"), "{error}");
    }

    #[test]
    fn a_certificate_that_cannot_be_read_has_no_names() {
        let read = read_certificate(&CertificateDer::from_slice(b"\x30\x03moo"));
        assert_eq!(
            (read.common_name.as_deref(), read.alternative_names.len(), &*read.der),
            (None, 0, &b"\x30\x03moo"[..])
        );
    }
}
