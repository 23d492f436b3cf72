//! The broker that a run drives: reached where somebody else runs it, or started for the run and kept.

mod keeper;

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use loadgen::{BrokerControl, MetricsPage};
use protocol::Utf8String;
use scenarios::Scenario;
use simulator::Credentials;
use targets::{Descriptor, Host, Reach, Whereabouts};
use tokio::{
    net::{TcpStream, UnixStream, lookup_host},
    time::{sleep, timeout},
};
use transport::{Endpoint, Scheme};

use self::keeper::{Keeper, Kept};
use super::target::Named;
use crate::exit::Failure;

/// How often it is looked whether somebody listens again.
const LOOK: Duration = Duration::from_millis(250);
/// How long whoever listens may take to say so.
const ANSWER: Duration = Duration::from_secs(2);

/// What to do where what a broker uses is not sampled, as the end of a sentence.
pub(crate) const HINT: &str = "; --metrics URL reads them from the broker's own page of metrics";

/// The broker under test, ours or somebody's.
pub(crate) struct Broker {
    /// Where it is.
    pub(crate) endpoint: Endpoint,
    /// For reports.
    pub(crate) description: String,
    /// As whom clients come, when its descriptor says that nobody else may.
    pub(crate) credentials: Option<Credentials>,
    /// Why it is not known what it uses, though it is on this machine: a lowercase clause.
    pub(crate) unseen: Option<String>,
    keeper: Option<Keeper>,
    /// The process of a broker on this machine that somebody else started.
    process: Option<u32>,
}

impl Broker {
    /// Takes it as it is, or starts it.
    pub(crate) async fn reach(named: Named) -> Result<Self, Failure> {
        match named {
            Named::At(endpoint) => {
                let mut broker = Self::at(endpoint, "broker named by the user".to_owned());
                if let Some((pid, program)) = broker.find_process().await {
                    broker.description = format!("{program}, process {pid} of this machine, named by the user");
                }
                Ok(broker)
            }
            Named::Embedded => {
                // What it drops, and why, it says there alone.
                let monitor = ["--monitor", "127.0.0.1:0"].map(Into::into);
                let target = targets::Target::embedded(monitor).map_err(Failure::internal)?;
                Self::launch(target, concat!("reference broker ", env!("CARGO_PKG_VERSION"), ", child process")).await
            }
            Named::Described(descriptor) => Self::describe(*descriptor).await,
        }
    }

    /// Starts `target`, a process of our own that says where it listens.
    pub(crate) async fn launch(target: targets::Target, description: &str) -> Result<Self, Failure> {
        let launch = async move { target.launch().await.map(Kept::Embedded).map_err(Failure::internal) };
        let keeper = Keeper::start(launch).await?;
        let endpoint = keeper.address.parse().map_err(Failure::internal)?;
        Ok(Self { keeper: Some(keeper), ..Self::at(endpoint, description.to_owned()) })
    }

    /// One that somebody else runs.
    fn at(endpoint: Endpoint, description: String) -> Self {
        Self { endpoint, description, credentials: None, unseen: None, keeper: None, process: None }
    }

    async fn describe(descriptor: Descriptor) -> Result<Self, Failure> {
        let host = Host::here().map_err(Failure::internal)?;
        let (name, product, nodes) = (descriptor.name.clone(), descriptor.product.clone(), descriptor.nodes());
        let ours = !matches!(descriptor.reach, Reach::Addresses { .. });
        let credentials = credentials(&descriptor)?;
        let launch = async move {
            let live = descriptor.launch(&host).await;
            live.map(Kept::Described).map_err(|error| Failure::unreachable(format!("{}: {error}", descriptor.name)))
        };
        let keeper = Keeper::start(launch).await?;
        let mut description = product;
        if let Some(release) = &keeper.release {
            description.push_str(&format!(" {release}"));
        }
        if ours {
            description.push_str(", started for this run");
        }
        if nodes > 1 {
            description.push_str(&format!(", the first of {nodes} nodes"));
        }
        let endpoint = keeper.address.parse().map_err(|error| Failure::usage(format!("{name}: {error}")))?;
        let mut broker = Self { credentials, ..Self::at(endpoint, description) };
        if ours {
            broker.keeper = Some(keeper);
        } else if let Some((pid, program)) = broker.find_process().await {
            broker.description.push_str(&format!(", process {pid} ({program}) of this machine"));
        }
        Ok(broker)
    }

    /// Looks for the process of a broker that somebody else runs, on this machine; gives its number and its program's name.
    async fn find_process(&mut self) -> Option<(u32, String)> {
        let found = match self.endpoint.scheme {
            Scheme::Unix => Whereabouts::of_path(Path::new(&self.endpoint.path)),
            _ => {
                // Whoever connects says it when the name is not known.
                let named = timeout(ANSWER, lookup_host((self.endpoint.host.as_str(), self.endpoint.port)));
                Whereabouts::of(&named.await.ok()?.ok()?.collect::<Vec<_>>())
            }
        };
        match found {
            Whereabouts::Process { pid, name } => {
                self.process = Some(pid);
                Some((pid, name))
            }
            // Whoever connects says it when nobody is there.
            Whereabouts::Unknown(why) if absence(&self.endpoint).await.is_none() => {
                self.unseen = Some(why);
                None
            }
            Whereabouts::Unknown(_) | Whereabouts::Elsewhere => None,
        }
    }

    /// Says on stderr why it is not known what the broker uses, if it should be; `hint` says what to do.
    pub(crate) fn tell_unseen(&self, hint: &str) {
        if let Some(why) = &self.unseen {
            tracing::warn!("CPU and memory of the broker at {} are not sampled: {why}{hint}", self.endpoint);
        }
    }

    /// Whether it was started for this run, and nobody else uses it.
    pub(crate) fn is_ours(&self) -> bool {
        self.keeper.is_some()
    }

    /// Its process, when it is one of this machine and known.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.keeper.as_ref().map_or(self.process, |keeper| keeper.pid)
    }

    /// Its own page of metrics, when it was started with one.
    pub(crate) fn page(&self) -> Option<MetricsPage> {
        self.keeper.as_ref()?.monitor.as_deref()?.parse().ok()
    }

    /// What events do to it, when it is a process of ours.
    pub(crate) fn control(&self) -> Option<Box<dyn BrokerControl>> {
        self.keeper.as_ref().filter(|keeper| keeper.pid.is_some()).map(Keeper::control)
    }

    /// What is known of its end, as a fragment, when it is gone: its process has ended, or nobody listens at its address any more
    /// and nobody does so in `patience` either. A broker that is busy, frozen or refuses clients is there.
    pub(crate) async fn is_gone(&self, patience: Duration) -> Option<String> {
        if let Some(keeper) = &self.keeper
            && let Some(status) = keeper.ended().await
        {
            return Some(format!("its process ended: {status}"));
        }
        let until = Instant::now() + patience;
        loop {
            let error = absence(&self.endpoint).await?;
            if Instant::now() >= until {
                return Some(format!("nobody listens at {} any more: {error}", self.endpoint));
            }
            sleep(LOOK).await;
        }
    }

    /// Ends it, when it is ours.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        match self.keeper {
            Some(keeper) => keeper.stop().await.map_err(Failure::internal),
            None => Ok(()),
        }
    }
}

/// Why nobody is there; `None` when somebody is, or may be.
async fn absence(endpoint: &Endpoint) -> Option<io::Error> {
    let dialled = async {
        match endpoint.scheme {
            Scheme::Unix => UnixStream::connect(&endpoint.path).await.map(drop),
            _ => TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map(drop),
        }
    };
    let refused =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound);
    // Who takes long to answer is there.
    timeout(ANSWER, dialled).await.ok()?.err().filter(refused)
}

/// Refuses events that are done to the process of a broker that has none here.
pub(crate) fn refuse_events(name: &str, scenario: &Scenario, named: &Named) -> Result<(), Failure> {
    let whose = match named {
        Named::Embedded => return Ok(()),
        Named::At(endpoint) => format!("somebody else runs {endpoint}"),
        Named::Described(descriptor) => match descriptor.reach {
            Reach::Process(_) => return Ok(()),
            Reach::Container(_) => format!("{} runs in a container", descriptor.name),
            Reach::Addresses { .. } => format!("somebody else runs {}", descriptor.name),
        },
    };
    match scenario.events.iter().position(|event| event.action.is_about_broker()) {
        None => Ok(()),
        Some(index) => Err(Failure::usage(format!(
            "{name}: events[{index}]: a broker is frozen, killed or restarted only when Paddock started its process, and {whose}: \
             leave --target out, or name one to start, such as --target mosquitto"
        ))),
    }
}

/// Whom a descriptor lets in, where it lets in nobody without a name.
fn credentials(descriptor: &Descriptor) -> Result<Option<Credentials>, Failure> {
    let Some(user) = descriptor.users.first().filter(|_| !descriptor.capabilities.anonymous) else { return Ok(None) };
    let user_name = Utf8String::new(user.name.clone())
        .map_err(|error| Failure::usage(format!("{}: the user: {error}", descriptor.name)))?;
    Ok(Some(Credentials { user_name, password: Some(user.password.clone().into()) }))
}
