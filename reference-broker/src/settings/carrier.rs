//! What a listener speaks below MQTT.

use std::{
    io,
    path::{Path, PathBuf},
};

use located::{Node, Problems, Reading};
use schemars::{Schema, SchemaGenerator, json_schema};
use transport::{ClientCertificates, Options, ServerTls, ServerTlsOptions, TlsError, TlsVersions, WebSocketOptions};

use super::{
    listener::ListenerSection,
    node::{Value, sample},
    section::section,
    tree::Tree,
    value::{Text, texts, words},
};

section! {
    /// TLS on a listener. The files are PEM. A reload of the configuration reads them again, whatever else it changes:
    /// connections that begin from then on get the new certificates.
    TlsSection {
        /// The file with the server's certificate, followed by those between it and a CA that clients know.
        restart required certificate: File, like "\"server.crt\"";
        /// The file with the private key of the certificate, not encrypted.
        restart required key: File, like "\"server.key\"";
        /// Certificates of clients. Default: clients are not asked for any.
        restart optional client_certificates: ClientCertificatesSection;
        /// Which versions of TLS are spoken.
        restart default versions: TlsVersions = TlsVersions::default();
    }
}

section! {
    /// Certificates that clients of a TLS listener are asked for.
    ClientCertificatesSection {
        /// The file with the CAs that issue them.
        restart required ca: File, like "\"ca.crt\"";
        /// Whether a client without one is refused. One that is not valid is refused in any case.
        restart default required: bool = true;
    }
}

section! {
    /// WebSocket on a listener, over TLS if it has that. Clients connect to `ws://ADDRESS/PATH` with the subprotocol `mqtt`.
    WebSocketSection {
        /// The path of the URL; others are answered with 404.
        restart default path: UrlPath = UrlPath(WebSocketOptions::default().path);
        /// Which web pages may connect, by their Origin; others are answered with 403. Whoever is no web page always may.
        /// Default: all.
        restart optional origins: Origins, like "[\"https://farm.example\"]";
    }
}

words! {
    TlsVersions, "a choice of versions": "both" => Self::Both, "1.2" => Self::Only12, "1.3" => Self::Only13;
}

texts! { File, UrlPath, PageOrigin, Mode }

/// The path of a file, relative to the folder of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File(String);

impl Text for File {
    const EXPECTED: &str = "the path of a file as text";
    const HINT: &str = "write a path, relative to the folder of this file";
    const PATTERN: &str = ".";

    fn parse(text: &str) -> Result<Self, String> {
        let fits = !text.is_empty() && !text.contains('\0');
        if fits { Ok(Self(text.to_owned())) } else { Err(format!("`{}` is not a path", text.escape_debug())) }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

impl File {
    fn within(&self, folder: &Path) -> PathBuf {
        folder.join(&self.0)
    }
}

/// The path of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UrlPath(String);

impl Text for UrlPath {
    const EXPECTED: &str = "the path of a URL as text";
    const HINT: &str = "write a path such as `/mqtt`, without `?` and `#`";
    const PATTERN: &str = r"^/[!-~]*$";

    fn parse(text: &str) -> Result<Self, String> {
        let fits = text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{}` is not the path of a URL", text.escape_debug()))
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

/// Where a web page comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageOrigin(String);

impl Text for PageOrigin {
    const EXPECTED: &str = "the Origin of a web page as text";
    const HINT: &str = "write scheme and host, and the port if it is not the default one: `https://farm.example`";
    const PATTERN: &str = r"^https?://[!-~]+$";

    fn parse(text: &str) -> Result<Self, String> {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let fits = |host: &str| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
        match host.filter(|host| fits(host)) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err(format!("`{}` is not an Origin", text.escape_debug())),
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

/// Where web pages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origins(Vec<String>);

impl Value for Origins {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        let origins = node.elements(reading, PageOrigin::read)?;
        Some(Self(origins.into_iter().map(|origin| origin.value.0).collect()))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": PageOrigin::schema(generator) })
    }

    fn tree(&self) -> Tree {
        Tree::leaf(self.0.clone())
    }

    fn outline(text: &str) -> Tree {
        sample(text)
    }
}

/// The permissions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode(pub(super) u32);

impl Text for Mode {
    const EXPECTED: &str = "permissions as text";
    const HINT: &str = "write three octal digits for owner, group and others, such as `660`";
    const PATTERN: &str = "^[0-7]{3}$";

    fn parse(text: &str) -> Result<Self, String> {
        let mode = u32::from_str_radix(text, 8).ok().filter(|_| text.len() == 3);
        mode.map(Self).ok_or_else(|| format!("`{}` is no permissions", text.escape_debug()))
    }

    fn write(&self) -> String {
        format!("{:03o}", self.0)
    }
}

impl ListenerSection {
    /// What is spoken below MQTT. Reads the files of TLS.
    pub(super) fn options(&self, folder: &Path) -> io::Result<Options> {
        let tls = self.tls.as_ref().map(|tls| ServerTls::load(tls.options(folder)));
        Ok(Options {
            tls: tls.transpose().map_err(io::Error::other)?,
            websocket: self.websocket.as_ref().map(|websocket| websocket.options()),
            proxy_protocol: self.proxy_protocol.value,
            handshake_timeout: self.handshake_timeout.duration(),
            pending_handshakes: self.pending_handshakes.to(),
            unix_mode: self.unix_mode.0,
        })
    }
}

impl TlsSection {
    /// Reads the files, to say at the key of the one that is wrong what is wrong with it.
    pub(super) fn check_files(&self, folder: &Path, problems: &mut Problems) {
        for error in self.options(folder).errors() {
            let file = match &error {
                TlsError::File(file, _) | TlsError::Key(file, _) | TlsError::ClientCa(file, _) => file.clone(),
                TlsError::Versions(_) => PathBuf::new(),
            };
            let ca = self.client_certificates.as_ref().map(|asked| &asked.ca);
            let blamed = ca
                .filter(|ca| ca.within(folder) == file)
                .unwrap_or_else(|| if self.key.within(folder) == file { &self.key } else { &self.certificate });
            let hint = match &error {
                TlsError::Key(..) => "name the key that was made with the certificate; both are PEM",
                _ => {
                    "name a PEM file that the broker may read, such as `paddock certs` makes; paths are relative to the \
                     folder of the configuration"
                }
            };
            problems.push(blamed.problem(error.to_string(), hint));
        }
    }

    fn options(&self, folder: &Path) -> ServerTlsOptions {
        ServerTlsOptions {
            certificates: self.certificate.within(folder),
            key: self.key.within(folder),
            client_certificates: match &self.client_certificates {
                None => ClientCertificates::NotAsked,
                Some(asked) if asked.required.value => ClientCertificates::Required(asked.ca.within(folder)),
                Some(asked) => ClientCertificates::Optional(asked.ca.within(folder)),
            },
            versions: self.versions.value,
        }
    }
}

impl WebSocketSection {
    fn options(&self) -> WebSocketOptions {
        let origins = self.origins.as_ref().map(|origins| origins.0.clone()).unwrap_or_default();
        WebSocketOptions { path: self.path.0.clone(), origins }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use transport::ClientCertificates;

    use super::super::Settings;

    fn read(listener: &str) -> Result<Settings, String> {
        let text = format!("[[listeners]]\naddress = \"127.0.0.1:0\"\n{listener}\n");
        Settings::read("broker.toml", &text, &|_| None, None).map_err(|errors| errors.to_string())
    }

    #[test]
    fn every_setting_of_a_carrier_reaches_the_listener() {
        let settings = read(
            "proxy_protocol = true\nhandshake_timeout = \"3s\"\npending_handshakes = 7\nunix_mode = \"600\"\n\
             websocket = { path = \"/ws\", origins = [\"https://farm.example\"] }",
        );
        let binds = settings.unwrap().bind().unwrap();
        let options = binds[0].listener.options();
        assert!(options.proxy_protocol && options.tls.is_none());
        assert_eq!((options.handshake_timeout, options.pending_handshakes), (Duration::from_secs(3), 7));
        assert_eq!(options.unix_mode, 0o600);
        let websocket = options.websocket.as_ref().unwrap();
        assert_eq!((websocket.path.as_str(), &*websocket.origins), ("/ws", &["https://farm.example".to_owned()][..]));
    }

    #[test]
    fn without_settings_a_listener_has_the_defaults_of_the_library() {
        let binds = read("").unwrap().bind().unwrap();
        assert_eq!(format!("{:?}", binds[0].listener.options()), format!("{:?}", transport::Options::default()));
    }

    #[test]
    fn tls_looks_for_its_files_beside_the_configuration_and_names_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("broker.toml");
        let tls = "tls = { certificate = \"c.pem\", key = \"k.pem\", client_certificates = { ca = \"a\" } }";
        std::fs::write(&file, format!("[[listeners]]\naddress = \"127.0.0.1:0\"\n{tls}\n")).unwrap();
        let error = Settings::load(&file).unwrap_err().to_string();
        // All of them at once.
        for (name, key) in [("a", "client_certificates.ca"), ("c.pem", "certificate"), ("k.pem", "key")] {
            assert!(error.contains(&format!("error: {}: No such file", folder.path().join(name).display())), "{error}");
            assert!(error.contains(&format!("key: listeners[0].tls.{key}\n")), "{error}");
        }
        assert!(error.contains("toml:3:") && error.contains("\n3 errors in "), "{error}");
    }

    #[test]
    fn client_certificates_are_required_unless_they_are_optional() {
        let asked = |rest: &str| {
            let tls = format!("tls = {{ certificate = \"c\", key = \"k\"{rest} }}");
            let settings = read(&tls).unwrap();
            let listener = &settings.document.listeners.0[0];
            listener.tls.as_ref().unwrap().options("etc".as_ref()).client_certificates
        };
        assert_eq!(asked(""), ClientCertificates::NotAsked);
        let ca = || "etc/ca".into();
        assert_eq!(asked(", client_certificates = { ca = \"ca\" }"), ClientCertificates::Required(ca()));
        let optional = ", client_certificates = { ca = \"ca\", required = false }";
        assert_eq!(asked(optional), ClientCertificates::Optional(ca()));
    }

    #[test]
    fn what_is_wrong_with_a_carrier_is_said() {
        for (listener, complaint) in [
            ("tls = { certificate = \"c\" }", "`key` is missing"),
            ("tls = { certificate = \"c\", key = \"k\", client_certificates = {} }", "`ca` is missing"),
            ("tls = { certificate = \"c\", key = \"k\", versions = \"1.1\" }", "is not a choice of versions"),
            ("tls = { certificates = \"c\", key = \"k\" }", "did you mean `certificate`?"),
            ("unix_mode = \"0660\"", "is no permissions"),
            ("unix_mode = \"888\"", "three octal digits"),
            ("websocket = { path = \"mqtt\" }", "is not the path of a URL"),
            ("websocket = { origins = [\"farm.example\"] }", "is not an Origin"),
            ("websocket = { origins = [\"https://farm.example/page\"] }", "is not an Origin"),
        ] {
            let error = read(listener).unwrap_err();
            assert!(error.contains(complaint), "{listener}: {error}");
        }
    }
}
