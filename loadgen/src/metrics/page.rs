//! A page of metrics: where it is, whom to trust there, what to show.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use transport::{ClientTls, ClientTlsFiles, TlsFailure, TlsFilesError};
use ureq::{
    http::{StatusCode, Uri, header},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

/// Where a target's metrics page is: `http://192.0.2.7:9100/metrics`, or over `https://`.
///
/// The page is the text format of Prometheus or OpenMetrics. What is read of it: `process_cpu_seconds_total`,
/// `process_resident_memory_bytes` and `process_open_fds`, as most programs have them, or else EMQX's `emqx_vm_cpu_use` (percent
/// of the machine) and `emqx_vm_used_memory`.
///
/// `Display` leaves out what follows a `?`, which may be a secret.
#[derive(Clone, Debug)]
pub struct MetricsPage {
    url: String,
    host: String,
    is_https: bool,
    /// The file of the CA that vouches for the page; without it those that this machine trusts do.
    authority: Option<PathBuf>,
    /// The file whose first line is the token. Read for every look: who issues it may replace it.
    token: Option<PathBuf>,
}

impl FromStr for MetricsPage {
    type Err = String;

    /// The error is a lowercase fragment.
    fn from_str(text: &str) -> Result<Self, String> {
        let scheme = ["http://", "https://"].into_iter().find(|scheme| text.starts_with(scheme));
        let scheme = scheme.ok_or("a metrics page is read over http:// or https://, as in http://HOST:9100/metrics")?;
        // Whoever names no path means the usual one.
        let url = if text[scheme.len()..].contains('/') { text.to_owned() } else { format!("{text}/metrics") };
        let no_host = "it names no host; write such as http://HOST:9100/metrics";
        let parsed = url.parse::<Uri>().map_err(|error| format!("{error}; write such as http://HOST:9100/metrics"))?;
        let authority = parsed.authority().filter(|authority| !authority.host().is_empty()).ok_or(no_host)?;
        if authority.as_str().contains('@') {
            return Err("it names a user, and a page is shown a token: --metrics-token-file FILE".to_owned());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        Ok(Self { url, host, is_https: scheme == "https://", authority: None, token: None })
    }
}

impl fmt::Display for MetricsPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.split('?').next().unwrap_or_default())
    }
}

impl MetricsPage {
    /// The same, trusted when the CA of this file, PEM, vouches for it, in place of those that this machine trusts.
    ///
    /// # Errors
    ///
    /// The page is not on `https://`, or the file holds no CA, as a lowercase fragment.
    pub fn vouched_for_by(mut self, authority: &Path) -> Result<Self, String> {
        if !self.is_https {
            return Err(format!("it is for https://, and the page is {self}"));
        }
        self.authority = Some(authority.to_owned());
        self.tls()?;
        Ok(self)
    }

    /// The same, shown the token on the first line of this file, as `Authorization: Bearer`.
    ///
    /// # Errors
    ///
    /// The file holds no token, or everybody on the way could read it, as a lowercase fragment.
    pub fn with_token_of(mut self, file: &Path) -> Result<Self, String> {
        let is_here =
            || self.host == "localhost" || self.host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        if !self.is_https && !is_here() {
            return Err(format!("over http:// everybody on the way to {} can read it: use https://", self.host));
        }
        token(file)?;
        self.token = Some(file.to_owned());
        Ok(self)
    }

    /// What asks for the page, within `patience` each time.
    pub(super) fn agent(&self, patience: Duration) -> Result<ureq::Agent, String> {
        // Neither a page elsewhere nor a machine in between was asked to answer, least of all with a token.
        let config = ureq::Agent::config_builder().timeout_global(Some(patience)).max_redirects(0).proxy(None);
        let config = if self.is_https { config.tls_config(self.tls()?) } else { config };
        Ok(ureq::Agent::new_with_config(config.build()))
    }

    /// Asks for the page, at most `longest` bytes of it.
    pub(super) fn text(&self, agent: &ureq::Agent, longest: u64) -> Result<String, String> {
        let mut request = agent.get(&self.url);
        if let Some(file) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token(file)?));
        }
        let mut answer = request.call().map_err(|error| self.explained(&error))?;
        if answer.status().is_redirection() {
            let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("another page");
            let to = to.split('?').next().unwrap_or_default();
            return Err(format!("it answers {} and points to {to}: name that one", answer.status()));
        }
        let body = answer.body_mut().with_config().limit(longest).read_to_string();
        body.map_err(|error| self.explained(&error))
    }

    fn tls(&self) -> Result<TlsConfig, String> {
        let files =
            ClientTlsFiles { authorities: self.authority.iter().cloned().collect(), ..ClientTlsFiles::default() };
        // Says what is wrong with them.
        let checked = ClientTls::read(&files).map_err(|error| match error {
            TlsFilesError::NoAuthorities(_) => {
                "this machine trusts no CA: name the page's with --metrics-ca FILE".to_owned()
            }
            other => other.to_string(),
        })?;
        let roots: Vec<Certificate<'static>> = match &self.authority {
            Some(file) => {
                let text = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
                let certificate = |item| if let Ok(PemItem::Certificate(one)) = item { Some(one) } else { None };
                parse_pem(&text).filter_map(certificate).collect()
            }
            None => {
                let found = rustls_native_certs::load_native_certs().certs;
                found.iter().map(|one| Certificate::from_der(one).to_owned()).collect()
            }
        };
        let provider = Arc::clone(checked.config().crypto_provider());
        let config = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots)));
        Ok(config.unversioned_rustls_crypto_provider(provider).build())
    }

    /// What `error` means and what to do about it.
    fn explained(&self, error: &ureq::Error) -> String {
        match error {
            ureq::Error::StatusCode(code) => {
                let status = StatusCode::from_u16(*code).map_or_else(|_| code.to_string(), |code| code.to_string());
                let what_to_do = match (*code, &self.token) {
                    (401 | 403, Some(file)) => format!(": it does not take the token in {}", file.display()),
                    (401 | 403, None) => ": it wants a token (--metrics-token-file FILE)".to_owned(),
                    (404, _) => ": the page has another path, so name that".to_owned(),
                    _ => String::new(),
                };
                format!("it answers {status}{what_to_do}")
            }
            ureq::Error::Io(error) => match TlsFailure::of(error) {
                Some(TlsFailure::UnknownAuthority | TlsFailure::WrongAuthority) => {
                    "its certificate is from a CA that is not trusted here: name that CA with --metrics-ca FILE"
                        .to_owned()
                }
                Some(TlsFailure::NotTls) => "no TLS is spoken there: write http://".to_owned(),
                Some(failure) => failure.to_string(),
                None => error.to_string(),
            },
            ureq::Error::Timeout(_) => "it does not answer in time".to_owned(),
            other => other.to_string(),
        }
    }
}

/// The token on the first line of `file`.
fn token(file: &Path) -> Result<String, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "the first line of {} is no token: it is empty, or has spaces or odd characters",
            file.display()
        ));
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests;
