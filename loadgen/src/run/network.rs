//! The bad network between devices and broker: a proxy in a thread of its own, with the scenario's rules.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
    thread,
};

use faults::{Deed, Hardship, Proxy, Rules, Switch, Trouble, Upstream};
use protocol::Time;
use reports::observation::EventKind;
use scenarios::model::{Direction, Fault, NetworkRule, RuleId};
use simulator::{Clock, farm::Farm};
use tokio::{runtime, sync::oneshot};
use transport::{Endpoint, Scheme};

use super::{Plan, chronicle::Scribe};
use crate::{Exit, judge::Failure};

/// A running network. Ends, with its connections, when it is dropped.
#[derive(Debug)]
pub(super) struct Network {
    proxy: Proxy,
    switches: Vec<Switch>,
    /// Its times count from here.
    began: Time,
    /// Its end wakes the thread, which then ends.
    _stop: oneshot::Sender<()>,
}

impl Network {
    /// Brings up the network of the plan's scenario; absent when it has none.
    ///
    /// # Errors
    ///
    /// The target's packets cannot be seen, or the operating system gives no thread or port.
    pub(super) fn new(plan: &Plan, farm: &Farm, clock: Clock) -> Result<Option<Self>, Failure> {
        let rules = &plan.scenario.network;
        if rules.is_empty() {
            return Ok(None);
        }
        let upstream = upstream(&plan.target.endpoint)?;
        let switches: Vec<Switch> = rules.iter().map(|rule| Switch::new(rule.enabled)).collect();
        let groups = groups(plan, farm);
        let hardships = rules.iter().zip(&switches).map(|(rule, switch)| hardship(rule, switch, &groups));
        let all = hardships.fold(Rules::none(), Rules::and);
        let failed = |error: std::io::Error| Failure {
            exit: Exit::Internal,
            reason: format!("cannot bring up the network of the scenario: {error}"),
        };
        let (proxy, stop) = start(upstream, all, plan.seed).map_err(failed)?;
        let began = clock.now();
        Ok(Some(Self { proxy, switches, began, _stop: stop }))
    }

    /// Where each group's devices connect: here when a rule is about them, else directly.
    pub(super) fn detours(&self, plan: &Plan) -> Vec<Option<Endpoint>> {
        let here = Endpoint {
            scheme: Scheme::Mqtt,
            host: self.proxy.address().ip().to_string(),
            port: self.proxy.address().port(),
            path: String::new(),
            user: None,
            password: None,
        };
        let concerned = |group: usize| {
            let mut groups = plan.scenario.network.iter().flat_map(|rule| &rule.groups);
            groups.any(|one| usize::from(one.0) == group)
        };
        (0..plan.scenario.devices.len()).map(|group| concerned(group).then(|| here.clone())).collect()
    }

    /// Turns a rule on or off.
    pub(super) fn switch(&self, rule: RuleId, on: bool) {
        if let Some(switch) = self.switches.get(usize::from(rule.0)) {
            switch.set(on);
        }
    }

    /// Notes what it did to connections since it was asked last, in a run that began at `start`. Delays and the like befall
    /// every packet and are not noted.
    pub(super) fn report(&self, start: Time, scribe: &mut Scribe) {
        let (entries, beyond) = self.proxy.take_log();
        let offset = |at: faults::Time| self.began.after(at.since_the_beginning()).since(start);
        let latest = entries.last().map(|entry| offset(entry.at));
        // Both directions of one connection are one event.
        let mut last = None;
        for entry in entries {
            let about = Some((entry.connection, entry.at, entry.rule.clone()));
            let kind = match &entry.deed {
                Deed::Severed(_) | Deed::Stalled(_) | Deed::Deafened | Deed::Limited(_) => EventKind::Injected,
                Deed::Unreached(_) => EventKind::Warning,
                _ => continue,
            };
            if last != about {
                let at = offset(entry.at);
                let client = Some(entry.client).filter(|client| !client.is_empty());
                let text = if entry.rule.is_empty() {
                    entry.deed.to_string()
                } else {
                    format!("network.{}: {}", entry.rule, entry.deed)
                };
                scribe.event_about(at, kind, &entry.rule, client, text);
            }
            last = about;
        }
        if let Some(at) = latest.filter(|_| beyond > 0) {
            let text = format!("{beyond} more things that the network did are not told one by one");
            scribe.event_about(at, EventKind::Warning, "network", None, text);
        }
    }
}

/// The broker, when its packets can be seen on the way.
fn upstream(endpoint: &Endpoint) -> Result<Upstream, Failure> {
    match endpoint.scheme {
        Scheme::Mqtt if endpoint.host.contains(':') => {
            Ok(format!("[{}]:{}", endpoint.host, endpoint.port).as_str().into())
        }
        Scheme::Mqtt => Ok(format!("{}:{}", endpoint.host, endpoint.port).as_str().into()),
        Scheme::Unix => Ok(Upstream::unix(&endpoint.path)),
        Scheme::Mqtts | Scheme::Ws | Scheme::Wss => Err(Failure {
            exit: Exit::Usage,
            reason: format!(
                "the scenario has a [network], which must see packets, and {}:// hides them: use an mqtt:// or unix: address",
                endpoint.scheme
            ),
        }),
    }
}

/// The group of each Client Identifier.
fn groups(plan: &Plan, farm: &Farm) -> Arc<HashMap<String, u16>> {
    let prefix = plan.target.client_prefix.as_str();
    let infos = farm.devices().map(|device| farm.info(device));
    Arc::new(infos.map(|info| (format!("{prefix}{}", info.name), info.group)).collect())
}

fn hardship(rule: &NetworkRule, switch: &Switch, groups: &Arc<HashMap<String, u16>>) -> Hardship {
    let trouble = match rule.fault {
        Fault::Delay { delay, jitter } => Trouble::Delay { least: delay, jitter },
        Fault::Stall { length } => Trouble::Stall { length },
        Fault::Sever => Trouble::Sever,
        Fault::HalfOpen => Trouble::HalfOpen,
        Fault::Bandwidth { bytes } => Trouble::Bandwidth { bytes: bytes.per_second().ceil() as u64 },
        Fault::Trickle { pause } => Trouble::Trickle { pause },
    };
    let (groups, concerned) = (Arc::clone(groups), rule.groups.clone());
    let hardship = Hardship::new(rule.name.as_str(), trouble)
        .chance(rule.chance)
        .switched_by(switch.clone())
        .clients(move |id| groups.get(id).is_some_and(|group| concerned.iter().any(|one| one.0 == *group)));
    match rule.direction {
        Direction::Up => hardship.up(),
        Direction::Down => hardship.down(),
        Direction::Both => hardship,
    }
}

/// A thread of its own, so that the proxy's work is no lag of the generator.
fn start(upstream: Upstream, rules: Rules, seed: u64) -> std::io::Result<(Proxy, oneshot::Sender<()>)> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let serve = async move {
        // Nobody listens any more when the run has failed meanwhile.
        let _gone = tell.send(Proxy::start(upstream, rules, seed).await);
        let _stopped = stopped.await;
    };
    thread::Builder::new().name("network".to_owned()).spawn(move || runtime.block_on(serve))?;
    let proxy = told.recv().map_err(|_| std::io::Error::other("its thread ended"))??;
    Ok((proxy, stop))
}
