//! The broker that random cases are for: somebody's, one that a descriptor starts, or the reference broker.

use std::{sync::Arc, time::Duration};

use conformance::{
    Capability, Facts, Subject,
    model::Dialect,
    properties::{Mix, Site},
};
use reports::observation::SuiteTarget;
use targets::{Descriptor, Host, Running, Target};
use transport::{ClientTls, ClientTlsFiles, Endpoint};
use wire::Version;

use crate::{
    cli::{self, Protocol, Random},
    exit::Failure,
};

/// A broker that can be reached, for as long as this lives.
pub(super) struct Started {
    pub(super) site: Site,
    /// For reports.
    pub(super) described: SuiteTarget,
    known: conformance::Site,
    _broker: Broker,
}

/// What ends when the broker is no longer needed.
enum Broker {
    Somebodys,
    Embedded { _running: Running },
    Described { _live: conformance::Started },
}

/// What `--target` names.
pub(super) async fn start(options: &cli::Site, seed: u64) -> Result<Started, Failure> {
    start_at(options.target.as_deref().unwrap_or("embedded"), options.patience, seed).await
}

/// The broker of this name or address, asked what it offers.
pub(super) async fn start_at(name: &str, patience: u32, seed: u64) -> Result<Started, Failure> {
    let (subject, broker) = match name {
        "embedded" => {
            let running = Target::embedded([]).map_err(Failure::internal)?.launch().await.map_err(Failure::internal)?;
            let known = at(running.address(), seed).await?;
            let description = concat!("reference broker ", env!("CARGO_PKG_VERSION"));
            (subject("reference broker", description, known), Broker::Embedded { _running: running })
        }
        url if url.contains(':') => {
            (subject("target", "broker named by the user", at(url, seed).await?), Broker::Somebodys)
        }
        name => {
            let descriptor = Descriptor::load(name).map_err(Failure::usage)?;
            let host = Host::here().map_err(Failure::internal)?;
            let unreachable = |error: String| Failure::unreachable(format!("{name}: {error}"));
            let live = descriptor.launch(&host).await.map_err(|error| unreachable(error.to_string()))?;
            let live = conformance::Started::new(live);
            let subject = Subject::of(&descriptor, &live, seed).await.map_err(Failure::unreachable)?;
            (subject, Broker::Described { _live: live })
        }
    };
    let nowhere = || Failure::unreachable(format!("{name}: it listens nowhere"));
    let known = subject.sites.first().map(|known| conformance::Site::clone(known)).ok_or_else(nowhere)?;
    let site = Site::of(&known).ok_or_else(|| Failure::unreachable(format!("{name} listens nowhere")))?;
    let site = site.patience(Duration::from_millis(patience.into()));
    Ok(Started { site, described: subject.described(), known, _broker: broker })
}

/// A broker with one configuration, of which no departures are known.
fn subject(name: &str, description: &str, site: conformance::Site) -> Subject {
    Subject {
        name: name.to_owned(),
        description: description.to_owned(),
        sites: vec![Arc::new(site)],
        deviations: Vec::new(),
        alone: Vec::new(),
        jobs: None,
    }
}

async fn at(url: &str, seed: u64) -> Result<conformance::Site, Failure> {
    let mut endpoint: Endpoint = url.parse().map_err(|error| Failure::usage(format!("--target {url}: {error}")))?;
    let tls = if endpoint.scheme.is_tls() {
        Some(ClientTls::read(&ClientTlsFiles::default()).map_err(|error| Failure::usage(format!("TLS: {error}")))?)
    } else {
        None
    };
    let password = endpoint.password.take().unwrap_or_default();
    let user = endpoint.user.take().map(|user| (user, password));
    let facts = Facts { closed: user.is_some(), user, ..Facts::default() };
    let site = conformance::Site { tls, facts, ..conformance::Site::at(endpoint) };
    site.probed(seed).await.map_err(|error| Failure::unreachable(format!("{url}: {error}")))
}

impl Started {
    /// What programs may be made of here.
    pub(super) fn mix(&self, random: &Random) -> Result<Mix, Failure> {
        let of = |version| match version {
            Version::V5 => Dialect::V5,
            Version::V3_1 | Version::V3_1_1 => Dialect::V311,
        };
        let dialects: Vec<Dialect> = self.versions(random)?.into_iter().map(of).collect();
        self.restrict(Mix { waits: random.waits, ..Mix::of(&dialects) })
    }

    /// The same without what this broker lacks.
    pub(super) fn restrict(&self, mix: Mix) -> Result<Mix, Failure> {
        let spoken = |dialect: &Dialect| {
            self.known.versions.contains(if *dialect == Dialect::V5 { &Version::V5 } else { &Version::V3_1_1 })
        };
        let dialects: Vec<Dialect> = mix.dialects.iter().copied().filter(spoken).collect();
        if dialects.is_empty() {
            return Err(Failure::usage("the targets have no version in common"));
        }
        Ok(Mix { dialects, ..mix }.within(&self.known.capabilities))
    }

    /// The versions that are wanted and spoken.
    pub(super) fn versions(&self, random: &Random) -> Result<Vec<Version>, Failure> {
        let wanted = match random.protocol {
            Some(Protocol::V311) => vec![Version::V3_1_1],
            Some(Protocol::V5) => vec![Version::V5],
            None => vec![Version::V3_1_1, Version::V5],
        };
        let spoken: Vec<Version> = wanted.into_iter().filter(|version| self.known.versions.contains(version)).collect();
        if spoken.is_empty() { Err(Failure::usage("the target does not speak that version")) } else { Ok(spoken) }
    }

    /// The first of `needs` that it does not have.
    pub(super) fn lacks(&self, needs: &[Capability]) -> Option<Capability> {
        self.known.lacks(needs)
    }
}
