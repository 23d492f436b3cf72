//! The reference broker as a target: several configurations of it, each a process of its own, so that what one of them lacks
//! another has.

use std::{collections::BTreeSet, fs, io, path::Path, sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use targets::{Command, LaunchError, Running, Target};
use tempfile::TempDir;
use transport::{ClientTls, Endpoint};

use crate::{Capability, Facts, Site, Stopping, Subject, certificates::Certificates};

/// One configuration of the reference broker.
struct Configuration {
    name: &'static str,
    /// A file for `paddock broker --config`.
    text: &'static str,
    /// What it offers and does not announce.
    offers: &'static [Capability],
}

macro_rules! configuration {
    ($name:literal $(, $offer:ident)*) => {
        Configuration {
            name: $name,
            text: include_str!(concat!("../configurations/", $name, ".toml")),
            offers: &[$(Capability::$offer),*],
        }
    };
}

/// Its listeners are the nodes of a cluster.
const CLUSTER: &str = "cluster";

/// A case goes to the first that has what it needs.
const CONFIGURATIONS: &[Configuration] = &[
    configuration!("default"),
    configuration!("limited"),
    configuration!("qos-0"),
    configuration!("tuned", OutgoingTopicAliases),
    configuration!("guarded"),
    configuration!("tls"),
    configuration!("client-certificates"),
    configuration!("websocket"),
    configuration!("secure-websocket"),
    configuration!("unix"),
    configuration!("cluster"),
];

/// The names of the configurations, in order.
pub fn configurations() -> impl Iterator<Item = &'static str> {
    CONFIGURATIONS.iter().map(|configuration| configuration.name)
}

/// The running processes. Dropping it ends them.
#[derive(Debug)]
pub struct Embedded {
    subject: Subject,
    running: Vec<Running>,
    _folder: TempDir,
}

/// Why the reference broker does not run.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// A configuration or a certificate could not be written.
    #[error("cannot prepare the reference broker: {0}")]
    Prepare(String),
    /// A process did not start.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// It does not answer.
    #[error("the reference broker ({0}) does not answer: {1}")]
    Silent(&'static str, String),
}

impl Embedded {
    /// Starts `program` (a `paddock`) once for each configuration, and asks what it offers.
    ///
    /// # Errors
    ///
    /// See [`EmbeddedError`]; nothing is left running.
    pub async fn launch(program: &Path, seed: u64) -> Result<Self, EmbeddedError> {
        let folder = TempDir::with_prefix("paddock-conformance-").map_err(prepare)?;
        let tls = certificates(folder.path()).map_err(prepare)?;
        let started = try_join_all(CONFIGURATIONS.iter().map(|configuration| {
            let (folder, tls) = (folder.path().to_owned(), tls.clone());
            async move { configuration.start(program, &folder, tls, seed).await }
        }));
        let (sites, running) = started.await?.into_iter().unzip();
        let subject = Subject {
            name: "reference broker".into(),
            description: concat!("reference broker ", env!("CARGO_PKG_VERSION"), ", child processes").into(),
            sites,
            deviations: Vec::new(),
            alone: Vec::new(),
            jobs: None,
        };
        Ok(Self { subject, running, _folder: folder })
    }

    /// The target.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Ends the processes.
    ///
    /// # Errors
    ///
    /// In words, when one of them had ended before, or cannot be ended.
    pub async fn stop(self) -> Result<(), String> {
        for (mut running, site) in self.running.into_iter().zip(&self.subject.sites) {
            if let Some(status) = running.ended() {
                let words = running.last_words().join(" / ");
                return Err(format!(
                    "the reference broker ({}) ended by itself ({status}): {words}",
                    site.configuration
                ));
            }
            running.stop().await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

impl Configuration {
    async fn start(
        &self,
        program: &Path,
        folder: &Path,
        tls: ClientTls,
        seed: u64,
    ) -> Result<(Arc<Site>, Running), EmbeddedError> {
        let file = folder.join(format!("{}.toml", self.name));
        fs::write(&file, self.text.replace("unix:", &format!("unix:{}/", folder.display()))).map_err(prepare)?;
        let arguments = vec!["broker".into(), "--config".into(), file.into(), "--exit-with-parent".into()];
        let command = Command { arguments, deadline: Duration::from_secs(30), ..Command::new(program) };
        let running = Target::Child(command).launch().await?;
        let silent = |what: String| EmbeddedError::Silent(self.name, what);
        let endpoint: Endpoint = running.address().parse().map_err(|error| silent(format!("{error}")))?;
        let site = Site {
            configuration: self.name.to_owned(),
            tls: endpoint.scheme.is_tls().then_some(tls),
            capabilities: self.offers.iter().copied().collect::<BTreeSet<_>>(),
            facts: self.facts(),
            nodes: self.nodes(&endpoint, folder).map_err(silent)?,
            stopping: (self.name == CLUSTER).then_some(Stopping::Ways),
            ..Site::at(endpoint)
        };
        let site = site.probed(seed).await.map_err(silent)?;
        Ok((Arc::new(site), running))
    }

    /// What stands in `cluster.toml`: the first listener, and the second.
    fn nodes(&self, first: &Endpoint, folder: &Path) -> Result<Vec<Endpoint>, String> {
        if self.name != CLUSTER {
            return Ok(Vec::new());
        }
        let second = format!("unix:{}/second.sock", folder.display()).parse().map_err(|error| format!("{error}"))?;
        Ok(vec![first.clone(), second])
    }

    /// What stands in `guarded.toml`.
    fn facts(&self) -> Facts {
        if self.name != "guarded" {
            return Facts::default();
        }
        let user = Some(("vet".to_owned(), "milk and hay".to_owned()));
        Facts {
            user: user.clone(),
            scram: user,
            closed: true,
            forbidden_topic: Some("forbidden/topic".into()),
            forbidden_filter: Some("forbidden/#".into()),
            // One byte more than `client_id_length`.
            refused_client_id: Some("x".repeat(65)),
        }
    }
}

/// Makes a CA and a certificate for this machine's loopback names in `folder`, and gives how to trust them, and a certificate
/// to show where clients need one.
fn certificates(folder: &Path) -> io::Result<ClientTls> {
    let certificates = Certificates::new(folder)?;
    certificates.server(None)?;
    certificates.trusted()?.showing(&certificates.client()?).map_err(io::Error::other)
}

fn prepare(error: io::Error) -> EmbeddedError {
    EmbeddedError::Prepare(error.to_string())
}
