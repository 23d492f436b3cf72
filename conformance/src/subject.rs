//! A broker under test, in all its configurations.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use reports::observation::SuiteTarget;
use targets::{Capabilities, Descriptor, Deviation, Node};
use transport::{ClientTls, ClientTlsFiles, Endpoint};
use wire::Version;

use crate::{Capability, Chosen, Facts, Site, Started, Stopping};

/// A broker under test, in all its configurations.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Unique within the run.
    pub name: String,
    /// What stands there, for people.
    pub description: String,
    /// Its configurations; a case goes to the first that has what it needs.
    pub sites: Vec<Arc<Site>>,
    /// Where it is known to depart from the standard.
    pub deviations: Vec<Deviation>,
    /// Cases that end the broker, each with one of its own.
    pub alone: Vec<(Chosen, Arc<Site>)>,
    /// How many cases it stands side by side; as many as the run wants when absent.
    pub jobs: Option<usize>,
}

impl Subject {
    /// The broker of `descriptor`, which runs as `live`, asked what it offers.
    ///
    /// # Errors
    ///
    /// In words, when it does not answer, or its descriptor cannot be used.
    pub async fn of(descriptor: &Descriptor, live: &Started, seed: u64) -> Result<Self, String> {
        let site = Site::of(descriptor, live, seed).await?;
        let release = live.look(|live| live.release().map(str::to_owned)).await.flatten();
        let deviations = deviations(descriptor, release.as_deref());
        let release = release.map_or(String::new(), |release| format!(" {release}"));
        Ok(Self {
            name: descriptor.name.clone(),
            description: format!("{}{release}", descriptor.product),
            sites: vec![Arc::new(site)],
            deviations,
            alone: Vec::new(),
            jobs: descriptor.capabilities.jobs,
        })
    }

    /// Gives `chosen` a broker of its own, which was started from the same descriptor.
    ///
    /// # Errors
    ///
    /// As [`Subject::of`].
    pub async fn leave_alone(
        &mut self,
        chosen: Chosen,
        descriptor: &Descriptor,
        live: &Started,
        seed: u64,
    ) -> Result<(), String> {
        self.alone.push((chosen, Arc::new(Site::of(descriptor, live, seed).await?)));
        Ok(())
    }

    /// Its own, if it has one; else the first configuration that has what the case needs and speaks the version, or else the
    /// first of all, where the case will say what is missing.
    pub(crate) fn site_for(&self, chosen: &Chosen) -> Option<Arc<Site>> {
        let own = self.alone.iter().find(|(of, _)| of.case.id == chosen.case.id && of.version == chosen.version);
        if let Some((_, site)) = own {
            return Some(Arc::clone(site));
        }
        let fits =
            |site: &&Arc<Site>| site.lacks(chosen.case.needs).is_none() && site.versions.contains(&chosen.version);
        self.sites.iter().find(fits).or_else(|| self.sites.first()).cloned()
    }

    /// The known departure that accepts a failure of the case.
    pub(crate) fn deviation(&self, chosen: &Chosen) -> Option<&Deviation> {
        self.deviations.iter().find(|deviation| covers(deviation, chosen))
    }

    /// For reports.
    pub fn described(&self) -> SuiteTarget {
        let all = |of: fn(&Site) -> Vec<String>| -> Vec<String> {
            let every: BTreeSet<String> = self.sites.iter().flat_map(|site| of(site)).collect();
            every.into_iter().collect()
        };
        let first = self.sites.first().and_then(|site| site.endpoints.first());
        SuiteTarget {
            name: self.name.clone(),
            description: self.description.clone(),
            address: first.map(ToString::to_string).unwrap_or_default(),
            versions: all(|site| site.versions.iter().map(ToString::to_string).collect()),
            capabilities: all(|site| site.capabilities.iter().map(ToString::to_string).collect()),
        }
    }
}

/// What is known of this release.
fn deviations(descriptor: &Descriptor, release: Option<&str>) -> Vec<Deviation> {
    match descriptor.deviations_of.as_deref() {
        Some(known) if release != Some(known) => Vec::new(),
        _ => descriptor.deviations.clone(),
    }
}

/// Whether `deviation` is about the case.
pub fn covers(deviation: &Deviation, chosen: &Chosen) -> bool {
    let version = match chosen.version {
        Version::V3_1 => targets::Version::V3_1,
        Version::V3_1_1 => targets::Version::V3_1_1,
        Version::V5 => targets::Version::V5,
    };
    deviation.covers(chosen.case.id, version)
}

impl Site {
    /// A broker, as its descriptor says and as it says itself.
    async fn of(descriptor: &Descriptor, live: &Started, seed: u64) -> Result<Self, String> {
        let stopping = live.is_stoppable().await.then(|| Stopping::Processes(live.clone()));
        let described = live.look(|live| Self::described(descriptor, live.nodes())).await;
        let described = described.ok_or_else(|| format!("{} has ended", descriptor.name))??;
        let site = Self { stopping, ..described };
        let mut site = site.probed(seed).await.map_err(|error| format!("{}: {error}", descriptor.name))?;
        declare(&mut site.capabilities, &descriptor.capabilities);
        Ok(site)
    }

    /// A broker, as its descriptor says.
    fn described(descriptor: &Descriptor, nodes: &[Node]) -> Result<Self, String> {
        let of = |text: &String| text.parse::<Endpoint>().map_err(|error| format!("{}: {error}", descriptor.name));
        let nowhere = || format!("{} listens nowhere", descriptor.name);
        let at = nodes.first().ok_or_else(nowhere)?.listeners();
        let carriers = [&at.mqtt, &at.tls, &at.websocket, &at.secure_websocket, &at.unix];
        let endpoints = carriers.into_iter().flatten().map(of).collect::<Result<Vec<_>, _>>()?;
        let identity = at.cert.as_ref().zip(at.key.as_ref()).map(|(cert, key)| (cert.into(), key.into()));
        let tls = if endpoints.iter().any(|endpoint| endpoint.scheme.is_tls()) {
            let authorities = at.ca.iter().map(Into::into).collect();
            let files = ClientTlsFiles { authorities, identity, insecure: false };
            Some(ClientTls::read(&files).map_err(|error| format!("{}: {error}", descriptor.name))?)
        } else {
            None
        };
        let known = &descriptor.capabilities;
        let scram = descriptor.users.iter().find(|user| user.scram);
        let first = endpoints.first().cloned().ok_or_else(nowhere)?;
        Ok(Self {
            endpoints,
            nodes: nodes.iter().filter_map(|node| node.listeners().mqtt.as_ref()).map(of).collect::<Result<_, _>>()?,
            endpoint_of_5: at.mqtt_5.as_ref().map(of).transpose()?,
            tls,
            versions: descriptor.versions.iter().filter_map(|version| of_the_suite(*version)).collect(),
            tolerance: known.tolerance,
            patience: Duration::from_secs(5).max(known.tolerance),
            facts: Facts {
                user: descriptor.users.first().map(|user| (user.name.clone(), user.password.clone())),
                closed: !known.anonymous,
                scram: scram.map(|user| (user.name.clone(), user.password.clone())),
                forbidden_topic: known.forbidden_topic.clone(),
                forbidden_filter: known.forbidden_filter.clone(),
                refused_client_id: known.refused_client_id.clone(),
            },
            ..Self::at(first)
        })
    }
}

/// MQTT 3.1 is no standard that there are statements of.
fn of_the_suite(version: targets::Version) -> Option<Version> {
    match version {
        targets::Version::V3_1 => None,
        targets::Version::V3_1_1 => Some(Version::V3_1_1),
        targets::Version::V5 => Some(Version::V5),
    }
}

/// What a descriptor says beats what CONNACK says.
fn declare(capabilities: &mut BTreeSet<Capability>, known: &Capabilities) {
    let mut either = |said: Option<bool>, yes: Capability, no: Option<Capability>| {
        let Some(said) = said else { return };
        let (holds, fails) = if said { (Some(yes), no) } else { (no, Some(yes)) };
        fails.iter().for_each(|capability| {
            capabilities.remove(capability);
        });
        capabilities.extend(holds);
    };
    either(known.retain, Capability::Retain, Some(Capability::NoRetain));
    either(known.wildcards, Capability::Wildcards, Some(Capability::NoWildcards));
    let identifiers = (Capability::SubscriptionIdentifiers, Capability::NoSubscriptionIdentifiers);
    either(known.subscription_identifiers, identifiers.0, Some(identifiers.1));
    let shared = (Capability::SharedSubscriptions, Capability::NoSharedSubscriptions);
    either(known.shared_subscriptions, shared.0, Some(shared.1));
    let aliases = known.topic_aliases.map(|maximum| maximum > 0);
    either(aliases, Capability::TopicAliases, Some(Capability::NoTopicAliases));
    either(known.qos.map(|qos| qos >= 1), Capability::Qos1, None);
    either(known.qos.map(|qos| qos >= 2), Capability::Qos2, Some(Capability::LimitedQos));
    either(Some(known.outgoing_topic_aliases), Capability::OutgoingTopicAliases, None);
    either(Some(known.response_information), Capability::ResponseInformation, None);
    either(Some(known.sessions), Capability::Sessions, None);
    either(Some(known.empty_client_id), Capability::EmptyClientId, None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_are_those_of_one_release() {
        let text = "name = \"x\"\nproduct = \"X\"\nversions = [\"5.0\"]\ndeviations_of = \"2.1\"\n[process]\nprogram = \"x\"\n\
                    [deviations]\n\"will.*\" = \"it is old\"\n";
        let bound = Descriptor::parse("x.toml", text).unwrap();
        assert_eq!(deviations(&bound, Some("2.1")).len(), 1);
        assert_eq!(deviations(&bound, Some("2.2")), []);
        assert_eq!(deviations(&bound, None), []);
        let any = Descriptor::parse("x.toml", &text.replace("deviations_of = \"2.1\"\n", "")).unwrap();
        assert_eq!(deviations(&any, Some("2.2")).len(), 1);
    }
}
