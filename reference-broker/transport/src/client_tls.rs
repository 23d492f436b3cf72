//! TLS as its client: whom to trust, what to show, and what went wrong in words.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsConnector, client,
    rustls::{
        AlertDescription, CertificateError, ClientConfig, Error, RootCertStore,
        client::{Resumption, WebPkiServerVerifier, danger::ServerCertVerifier},
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    },
};
use x509_parser::time::ASN1Time;

use self::anybody::Anybody;
use crate::{TlsVersions, certificates::Issued};

mod anybody;

/// Whom a client trusts and what it shows, as files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTlsFiles {
    /// The CAs to trust, PEM. Empty trusts those that the platform trusts.
    pub authorities: Vec<PathBuf>,
    /// The certificate to show, with its chain, and its private key, both PEM. Default none.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Trust whoever answers, whatever its certificate says. Anybody in between can then read and change everything.
    /// Default off.
    pub insecure: bool,
}

/// Why [`ClientTlsFiles`] cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFilesError {
    /// A file that cannot be read, or holds something else.
    #[error("{path}: {1}", path = .0.display())]
    File(PathBuf, String),
    /// The key is not the certificate's, or of a kind that TLS does not use.
    #[error("{certificate} with {key}: {2}", certificate = .0.display(), key = .1.display())]
    Identity(PathBuf, PathBuf, Error),
    /// The platform's store holds no CA.
    #[error("this machine trusts no CA: name the broker's{0}")]
    NoAuthorities(String),
    /// A certificate that was just issued cannot be shown with its key.
    #[error("a certificate with its key: {0}")]
    Issued(String),
}

/// How a client does TLS. Cheap to clone.
///
/// TLS 1.2 and 1.3. Sessions are never resumed: all clients of a process share this, as devices do not, and a resumed
/// handshake costs the broker less than a device's would.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    parts: Parts,
    insecure: bool,
}

/// What a configuration is made of, to make others like it.
#[derive(Clone)]
struct Parts {
    verifier: Arc<dyn ServerCertVerifier>,
    identity: Option<Arc<Identity>>,
    versions: TlsVersions,
}

/// What a client shows: its certificate with the chain, and the key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Parts {
    fn config(&self) -> Result<ClientConfig, Error> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(self.versions.supported())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&self.verifier));
        let mut config = match self.identity.as_deref() {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key())?,
        };
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

impl ClientTls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// [`TlsFilesError`] names the file and what is wrong with it.
    pub fn read(files: &ClientTlsFiles) -> Result<Self, TlsFilesError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> =
            if files.insecure { Arc::new(Anybody::new(&provider)) } else { authorities(files, &provider)? };
        let identity = match &files.identity {
            None => None,
            Some((certificate, key)) => Some(Arc::new(identity_of(certificate, key)?)),
        };
        let parts = Parts { verifier, identity, versions: TlsVersions::Both };
        let config = parts.config().map_err(|error| {
            let (certificate, key) = files.identity.clone().unwrap_or_default();
            TlsFilesError::Identity(certificate, key, error)
        })?;
        Ok(Self { config: Arc::new(config), parts, insecure: files.insecure })
    }

    /// The same, in these versions of TLS only.
    #[must_use]
    pub fn only(&self, versions: TlsVersions) -> Self {
        self.with(Parts { versions, ..self.parts.clone() }).expect("what it shows was taken before")
    }

    /// The same without a certificate to show.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        self.with(Parts { identity: None, ..self.parts.clone() }).expect("it shows nothing")
    }

    /// Whether it has a certificate to show.
    pub const fn is_anonymous(&self) -> bool {
        self.parts.identity.is_none()
    }

    /// The same, showing this certificate.
    ///
    /// # Errors
    ///
    /// [`TlsFilesError::Issued`] when TLS has no use for it.
    pub fn showing(&self, issued: &Issued) -> Result<Self, TlsFilesError> {
        let wrong = |error: String| TlsFilesError::Issued(error);
        let chain = CertificateDer::pem_slice_iter(issued.certificate.as_bytes()).collect::<Result<Vec<_>, _>>();
        let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).map_err(|error| wrong(error.to_string()))?;
        let identity = Some(Arc::new((chain.map_err(|error| wrong(error.to_string()))?, key)));
        self.with(Parts { identity, ..self.parts.clone() }).map_err(|error| wrong(error.to_string()))
    }

    /// The same, showing the certificate of this file with this key, both PEM.
    ///
    /// # Errors
    ///
    /// [`TlsFilesError`] names the file and what is wrong with it.
    pub fn showing_files(&self, certificate: &Path, key: &Path) -> Result<Self, TlsFilesError> {
        let identity = Some(Arc::new(identity_of(certificate, key)?));
        let wrong = |error| TlsFilesError::Identity(certificate.to_owned(), key.to_owned(), error);
        self.with(Parts { identity, ..self.parts.clone() }).map_err(wrong)
    }

    fn with(&self, parts: Parts) -> Result<Self, Error> {
        Ok(Self { config: Arc::new(parts.config()?), parts, insecure: self.insecure })
    }

    /// Whether it trusts whoever answers.
    pub const fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// The same for other users of rustls.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// The handshake with the server called `host` over `io`.
    pub(crate) async fn connect<S>(&self, host: &str, io: S) -> Result<client::TlsStream<S>, TlsFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsFailure::NoName(host.to_owned()))?;
        TlsConnector::from(self.config()).connect(name, io).await.map_err(TlsFailure::from)
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").field("insecure", &self.insecure).finish_non_exhaustive()
    }
}

fn authorities(
    files: &ClientTlsFiles,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, TlsFilesError> {
    let mut roots = RootCertStore::empty();
    let mut troubles = String::new();
    if files.authorities.is_empty() {
        let found = rustls_native_certs::load_native_certs();
        // One of many that is odd is none of ours to judge.
        roots.add_parsable_certificates(found.certs);
        troubles = found.errors.iter().map(|error| format!("; {error}")).collect();
    }
    for file in &files.authorities {
        for certificate in certificates(file)? {
            roots.add(certificate).map_err(|error| TlsFilesError::File(file.clone(), error.to_string()))?;
        }
    }
    if roots.is_empty() {
        return Err(TlsFilesError::NoAuthorities(troubles));
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| TlsFilesError::NoAuthorities(format!("; {error}")))
}

fn identity_of(certificate: &Path, key: &Path) -> Result<Identity, TlsFilesError> {
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| TlsFilesError::File(key.to_owned(), format!("no private key: {error}")))?;
    Ok((certificates(certificate)?, private))
}

/// Every certificate of a PEM file; at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFilesError> {
    let wrong = |why: String| TlsFilesError::File(file.to_owned(), why);
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let found = found.map_err(|error| wrong(format!("no certificate: {error}")))?;
    if found.is_empty() { Err(wrong("no certificate in it".to_owned())) } else { Ok(found) }
}

/// Why TLS with a broker did not come about, or ended.
#[derive(Debug, thiserror::Error)]
pub enum TlsFailure {
    /// Nobody vouches for the broker's certificate whom this client trusts.
    #[error("the broker's certificate is from a CA that is not trusted here")]
    UnknownAuthority,
    /// The broker's certificate claims to be from a CA that is trusted, and is not.
    #[error("the broker's certificate is not from the trusted CA that it names: another CA of the same name issued it")]
    WrongAuthority,
    /// The broker's certificate is too old.
    #[error("the broker's certificate expired on {0}")]
    Expired(String),
    /// The broker's certificate is too young, or the clock of this machine is wrong.
    #[error("the broker's certificate is valid only from {0} on")]
    NotYetValid(String),
    /// The broker's certificate is somebody else's.
    #[error("the broker's certificate is not for {expected}, but for {}", names(.presented))]
    WrongName {
        /// Whom this client wants to talk to.
        expected: String,
        /// All names of the certificate.
        presented: Vec<String>,
    },
    /// The broker's certificate is not for servers.
    #[error("the broker's certificate is not for servers")]
    WrongUsage,
    /// The broker's certificate is wrong in another way.
    #[error("the broker's certificate is refused: {0}")]
    Certificate(String),
    /// The broker wants a certificate and got none.
    #[error("the broker wants a client certificate")]
    CertificateWanted,
    /// The broker refuses the certificate that it got.
    #[error("the broker refuses the client certificate: {0}")]
    CertificateRefused(&'static str),
    /// The broker refuses for another reason.
    #[error("the broker ended TLS: {0}")]
    Alert(String),
    /// What answers does not speak TLS.
    #[error("no TLS is spoken there")]
    NotTls,
    /// The broker broke the rules of TLS, or speaks none of the versions and ciphers of this client.
    #[error("TLS failed: {0}")]
    Protocol(Error),
    /// TLS servers are known by name or address, and this is neither.
    #[error("`{0}` is neither a DNS name nor an IP address")]
    NoName(String),
    /// The connection broke meanwhile.
    #[error("during the TLS handshake: {0}")]
    Io(#[source] io::Error),
}

impl TlsFailure {
    /// What an error of reading or writing over TLS means; `None` when it is not about TLS.
    ///
    /// In TLS 1.3 a client is done before the broker has looked at its certificate, so a refusal comes here.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).map(Self::explain)
    }

    /// `error` of reading or writing in words, those above if it is about TLS.
    pub fn explained(error: &io::Error) -> String {
        Self::of(error).map_or_else(|| error.to_string(), |failure| failure.to_string())
    }

    fn explain(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(error) => Self::certificate(error),
            Error::AlertReceived(alert) => Self::alert(*alert),
            // An HTTP or MQTT server answers with something that is no record of TLS.
            Error::InvalidMessage(_) => Self::NotTls,
            other => Self::Protocol(other.clone()),
        }
    }

    fn certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownAuthority,
            CertificateError::BadSignature => Self::WrongAuthority,
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired(moment(*not_after)),
            CertificateError::NotValidYetContext { not_before, .. } => Self::NotYetValid(moment(*not_before)),
            CertificateError::NotValidForNameContext { expected, presented } => Self::WrongName {
                expected: expected.to_str().into_owned(),
                presented: presented.iter().map(|name| bare(name).to_owned()).collect(),
            },
            CertificateError::InvalidPurposeContext { .. } => Self::WrongUsage,
            CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
                Self::Certificate("it is signed in a way that is too weak or unknown, such as SHA-1".to_owned())
            }
            other => Self::Certificate(other.to_string()),
        }
    }

    fn alert(alert: AlertDescription) -> Self {
        match alert {
            // TLS 1.2 has no alert of its own for it; brokers on OpenSSL say HandshakeFailure.
            AlertDescription::CertificateRequired => Self::CertificateWanted,
            AlertDescription::UnknownCA => Self::CertificateRefused("it does not trust its CA"),
            AlertDescription::CertificateExpired => Self::CertificateRefused("expired, or not yet valid"),
            AlertDescription::CertificateRevoked => Self::CertificateRefused("revoked"),
            AlertDescription::CertificateUnknown => Self::CertificateRefused("it does not say why"),
            AlertDescription::BadCertificate => Self::CertificateRefused("something in it is wrong"),
            AlertDescription::UnsupportedCertificate => Self::CertificateRefused("not for this use, or too weak"),
            AlertDescription::DecryptError => Self::CertificateRefused("its signature does not hold"),
            other => Self::Alert(format!("{other:?}")),
        }
    }
}

impl From<io::Error> for TlsFailure {
    fn from(error: io::Error) -> Self {
        Self::of(&error).unwrap_or(Self::Io(error))
    }
}

/// A name as rustls shows it, such as `DnsName("localhost")`, without what is around it.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"')
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "nobody: it has no Subject Alternative Name".to_owned() } else { names.join(", ") }
}

/// A moment of a certificate, for people.
pub(crate) fn moment(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| ASN1Time::from_timestamp(seconds).ok())
        .map_or_else(|| "an impossible date".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio_rustls::{
        TlsAcceptor,
        rustls::{HandshakeKind, ServerConfig},
    };

    use super::*;
    use crate::certificates::{Authority, KeyKind, Period, Profile, Subject};

    #[tokio::test]
    async fn no_session_is_resumed() {
        let period = Period::starting(SystemTime::now(), Duration::from_secs(3600));
        let subject = Subject::default();
        let authority = Authority::create("Barn CA", &subject, KeyKind::Ecdsa, period).unwrap();
        let profile = Profile::Server(vec!["localhost".parse().unwrap()]);
        let issued = authority.issue(&profile, &subject, KeyKind::Ecdsa, period).unwrap();
        let chain = CertificateDer::pem_slice_iter(issued.certificate.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let server = server.with_no_client_auth().with_single_cert(chain, key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server));

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), authority.certificate()).unwrap();
        let files = ClientTlsFiles { authorities: vec![file.path().to_owned()], ..ClientTlsFiles::default() };
        let client = ClientTls::read(&files).unwrap();
        for _ in 0..3 {
            let (here, there) = duplex(64 * 1024);
            let accepting = tokio::spawn(acceptor.accept(there));
            let mut stream = client.connect("localhost", here).await.unwrap();
            let mut other = accepting.await.unwrap().unwrap();
            // The tickets of TLS 1.3 come with the first bytes.
            other.write_all(b"hay").await.unwrap();
            stream.read_exact(&mut [0; 3]).await.unwrap();
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
        }
    }
}
