//! The brokers under test: the reference broker in its configurations, or somebody's.

use std::{
    env,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use conformance::{Chosen, Facts, Site, Started, Subject, covers, embedded::Embedded};
use targets::{Descriptor, Host, Reach};
use transport::{ClientTls, ClientTlsFiles, Endpoint};

use crate::{cli, command::target, exit::Failure};

/// Brokers that can be reached.
pub(super) enum Reached {
    /// Started here.
    Embedded(Box<Embedded>),
    /// Started by somebody else.
    External(Box<Subject>),
    /// What descriptors name, started here or not.
    Described(Vec<Subject>, Vec<Started>),
}

/// What the command line names.
pub(super) async fn reach(
    targets: &[String],
    options: &cli::Target,
    chosen: &[Chosen],
    seed: u64,
) -> Result<Reached, Failure> {
    let of_runs =
        [("--source", options.access.source.is_some()), ("--client-ca", !options.access.client_ca.is_empty())];
    if let Some((flag, _)) = of_runs.iter().find(|(_, given)| *given) {
        return Err(Failure::usage(format!("{flag} is for the clients of a scenario: conformance has its own")));
    }
    match &options.target {
        _ if !targets.is_empty() => described(targets, chosen, seed).await,
        None => embedded(seed).await,
        Some(url) => external(url, options, seed).await,
    }
}

/// Descriptors: every one is read before the first is started.
async fn described(targets: &[String], chosen: &[Chosen], seed: u64) -> Result<Reached, Failure> {
    let descriptors = targets.iter().map(|target| Descriptor::load(target)).collect::<Result<Vec<_>, _>>();
    let descriptors = descriptors.map_err(Failure::usage)?;
    let host = Host::here().map_err(Failure::internal)?;
    let (mut subjects, mut running): (Vec<Subject>, _) = (Vec::new(), Vec::new());
    for descriptor in &descriptors {
        if subjects.iter().any(|subject| subject.name == descriptor.name) {
            return Err(Failure::usage(format!("two targets are called {}", descriptor.name)));
        }
        let live = launch(descriptor, &host).await?;
        let mut subject = Subject::of(descriptor, &live, seed).await.map_err(Failure::unreachable)?;
        running.push(live);
        for deadly in chosen.iter().filter(|chosen| descriptor.alone.iter().any(|alone| covers(alone, chosen))) {
            if let Reach::Addresses { .. } = descriptor.reach {
                let message = "`alone` wants a broker that is started, not one at an address";
                return Err(Failure::usage(format!("{}: {message}", descriptor.name)));
            }
            let live = launch(descriptor, &host).await?;
            subject.leave_alone(*deadly, descriptor, &live, seed).await.map_err(Failure::unreachable)?;
            running.push(live);
        }
        subjects.push(subject);
    }
    Ok(Reached::Described(subjects, running))
}

async fn launch(descriptor: &Descriptor, host: &Host) -> Result<Started, Failure> {
    let live = descriptor.launch(host).await;
    live.map(Started::new).map_err(|error| Failure::unreachable(format!("{}: {error}", descriptor.name)))
}

/// The reference broker.
pub(super) async fn embedded(seed: u64) -> Result<Reached, Failure> {
    let program = env::current_exe().map_err(Failure::internal)?;
    let embedded = Embedded::launch(&program, seed).await.map_err(Failure::internal)?;
    Ok(Reached::Embedded(Box::new(embedded)))
}

async fn external(url: &str, options: &cli::Target, seed: u64) -> Result<Reached, Failure> {
    let mut endpoint: Endpoint = url.parse().map_err(|error| Failure::usage(format!("--target: {error}")))?;
    let tls = if endpoint.scheme.is_tls() {
        let identity = options.access.cert.clone().zip(options.access.key.clone());
        let files =
            ClientTlsFiles { authorities: options.access.ca.clone(), identity, insecure: options.access.insecure };
        Some(ClientTls::read(&files).map_err(|error| Failure::usage(format!("TLS: {error}")))?)
    } else {
        None
    };
    let user = target::user_and_password(options, &mut endpoint)?;
    let facts = Facts { closed: user.is_some(), user, ..Facts::default() };
    let site = Site { tls, facts, ..Site::at(endpoint.clone()) };
    let site = site.probed(seed).await.map_err(|error| Failure::unreachable(format!("{endpoint}: {error}")))?;
    Ok(Reached::External(Box::new(Subject {
        name: "target".into(),
        description: "broker named by the user".into(),
        sites: vec![Arc::new(site)],
        deviations: Vec::new(),
        alone: Vec::new(),
        jobs: None,
    })))
}

impl Reached {
    /// For a plan.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        match self {
            Self::Embedded(embedded) => vec![embedded.subject().clone()],
            Self::External(subject) => vec![Subject::clone(subject)],
            Self::Described(subjects, _) => subjects.clone(),
        }
    }

    /// What keeps this run apart from earlier ones that the broker remembers.
    pub(super) fn salt(&self) -> u64 {
        match self {
            Self::Embedded(_) => 0,
            Self::External(_) | Self::Described(..) => {
                SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64)
            }
        }
    }

    /// Ends what was started here.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        match self {
            Self::Embedded(embedded) => embedded.stop().await.map_err(Failure::internal),
            Self::External(_) => Ok(()),
            Self::Described(_, running) => {
                for live in running {
                    live.stop().await.map_err(Failure::internal)?;
                }
                Ok(())
            }
        }
    }
}
