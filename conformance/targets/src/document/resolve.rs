//! From keys to what they mean: what is missing, and what does not go together.

use std::time::Duration;

use located::{At, Problem, Reading, Table};

use super::{
    scalar::{Span, Text},
    sections::{
        AddressSection, CapabilitiesSection, ContainerSection, Document, ListenersSection, ProcessSection,
        ReleaseSection, UserSection,
    },
};
use crate::descriptor::{
    Container, Descriptor, Process, Reach, Ready, Release,
    capabilities::{Capabilities, User},
    deviation::{Cases, Deviation},
    listeners::Listeners,
    template::{Hole, Template},
};

/// What the document means; absent when something is wrong, which has been reported then.
pub(super) fn resolve(document: Document, reading: &mut Reading<'_>) -> Option<Descriptor> {
    let holes = Holes::of(&document);
    if let Some(process) = &document.process {
        holes.check_process(&process.value, reading);
    }
    if let Some(listeners) = &document.listeners {
        holes.check_all(listeners.value.texts(), reading);
    }
    let versions =
        document.versions.and_then(|versions| filled(versions, "a broker speaks one version at least", reading));
    let reach = reach(document.address, document.process, document.container, reading);
    let release = release(document.release, reach.as_ref(), &holes, reading);
    let listeners = document.listeners.map(|section| listeners(section.value, reading)).unwrap_or_default();
    let mut versions: Vec<_> = plain(versions.map(|versions| versions.value));
    versions.sort_unstable();
    versions.dedup();
    Some(Descriptor {
        name: document.name?.value.0,
        product: document.product?.value.0,
        home: document.home.map(text),
        release,
        versions,
        reach: reach?,
        listeners,
        capabilities: document.capabilities.map(|section| capabilities(section.value)).unwrap_or_default(),
        users: plain(document.users.map(|users| users.value)).into_iter().filter_map(user).collect(),
        deviations: deviations(document.deviations),
        deviations_of: document.deviations_of.map(text),
        alone: deviations(document.alone),
    })
}

fn deviations(table: Option<At<Table<Cases, Text>>>) -> Vec<Deviation> {
    let entries = table.map(|table| table.value.0).unwrap_or_default().into_iter();
    entries.map(|(cases, reason)| Deviation { cases: cases.value, reason: reason.value.0 }).collect()
}

fn reach(
    address: Option<At<AddressSection>>,
    process: Option<At<ProcessSection>>,
    container: Option<At<ContainerSection>>,
    reading: &mut Reading<'_>,
) -> Option<Reach> {
    let places = [address.as_ref().map(At::place), process.as_ref().map(At::place), container.as_ref().map(At::place)];
    let mut written = places.into_iter().flatten();
    let Some(first) = written.next() else {
        let message = "nothing says how the broker is reached or started";
        // What is wrong with the section itself has been said.
        if !["address", "process", "container"].iter().any(|section| reading.problems.mention(section)) {
            reading.problems.push(Problem {
                span: 0..0,
                path: String::new(),
                message: message.to_owned(),
                hint: Some("write one of `[address]`, `[process]` and `[container]`".to_owned()),
            });
        }
        return None;
    };
    for other in written {
        let message = format!("`{}` says already how the broker is reached or started", first.path);
        reading.problems.push(other.problem(message, "write one of `[address]`, `[process]` and `[container]`"));
    }
    match (address, process, container) {
        (Some(address), ..) => {
            let urls = filled(address.value.urls?, "the list names no URL", reading)?;
            let urls = plain(Some(urls.value)).into_iter().map(|url| url.0).collect();
            Some(Reach::Addresses { urls, deadline: span(address.value.deadline, Duration::ZERO) })
        }
        (_, Some(section), _) => process_of(section.value, reading).map(Reach::Process),
        (.., Some(section)) => container_of(section.value).map(Reach::Container),
        (None, None, None) => None,
    }
}

fn process_of(section: ProcessSection, reading: &mut Reading<'_>) -> Option<Process> {
    let prepare = plain(section.prepare.map(|list| {
        list.value
            .into_iter()
            .filter_map(|command| filled(command, "the command is empty", reading))
            .collect::<Vec<_>>()
    }));
    Some(Process {
        program: section.program?.value,
        arguments: plain(section.arguments.map(|list| list.value)),
        environment: pairs(section.environment, |name| name.0, |value| value),
        config: section.config.map(|config| config.value),
        files: pairs(section.files, |name| name.0, |text| text),
        prepare: prepare.into_iter().map(|command| plain(Some(command))).collect(),
        ready: section.ready.map_or(Ready::Answers, |ready| ready.value),
        deadline: span(section.deadline, Duration::from_secs(20)),
        grace: span(section.grace, Duration::from_secs(5)),
        nodes: section.nodes.map_or(1, |nodes| nodes.value.0),
        install: section.install.map(text),
    })
}

fn container_of(section: ContainerSection) -> Option<Container> {
    Some(Container {
        image: section.image?.value.0,
        tag: section.tag?.value.0,
        port: section.port.map_or(1883, |port| port.value.0),
        ports: pairs(section.ports, |name| name.0, |port| port.0),
        arguments: plain(section.arguments.map(|list| list.value)),
        environment: pairs(section.environment, |name| name.0, |value| value),
        files: pairs(section.files, |path| path.0, |text| text),
        deadline: span(section.deadline, Duration::from_secs(60)),
    })
}

fn release(
    section: Option<At<ReleaseSection>>,
    reach: Option<&Reach>,
    holes: &Holes,
    reading: &mut Reading<'_>,
) -> Release {
    let Some(section) = section else {
        return match reach {
            Some(Reach::Container(container)) => Release::Is(container.tag.clone()),
            _ => Release::Unknown,
        };
    };
    let place = section.place();
    let ReleaseSection { is, command, after } = section.value;
    match (is, command) {
        (Some(is), None) => {
            if let Some(after) = after {
                reading
                    .problems
                    .push(after.problem("there is no command whose answer this could be in", "leave it out"));
            }
            Release::Is(is.value.0)
        }
        (None, Some(command)) => {
            for word in &command.value {
                holes.check_command(word, reading);
            }
            match filled(command, "the command is empty", reading) {
                Some(command) => {
                    Release::Asked { command: plain(Some(command.value)), after: after.map(text).unwrap_or_default() }
                }
                None => Release::Unknown,
            }
        }
        (is, _) => {
            if !reading.problems.mention(&format!("{}.is", place.path)) {
                let message = if is.is_some() { "the release is told twice" } else { "nothing tells the release" };
                reading.problems.push(place.problem(message, "write either `is` or `command`"));
            }
            Release::Unknown
        }
    }
}

fn listeners(section: ListenersSection, reading: &mut Reading<'_>) -> Listeners<Template> {
    match (&section.cert, &section.key) {
        (Some(cert), None) => reading.problems.push(cert.problem("a certificate without its key", "write `key` too")),
        (None, Some(key)) => reading.problems.push(key.problem("a key without its certificate", "write `cert` too")),
        _ => {}
    }
    let value = |key: Option<At<Template>>| key.map(|key| key.value);
    Listeners {
        mqtt: value(section.mqtt),
        mqtt_5: value(section.mqtt_5),
        tls: value(section.tls),
        websocket: value(section.websocket),
        secure_websocket: value(section.secure_websocket),
        unix: value(section.unix),
        ca: value(section.ca),
        cert: value(section.cert),
        key: value(section.key),
    }
}

fn capabilities(section: CapabilitiesSection) -> Capabilities {
    let truth = |key: Option<At<bool>>| key.map(|key| key.value);
    let text = |key: Option<At<Text>>| key.map(text);
    let nothing = Capabilities::default();
    Capabilities {
        retain: truth(section.retain),
        // Bounded by its type.
        qos: section.qos.and_then(|qos| u8::try_from(qos.value.0).ok()),
        wildcards: truth(section.wildcards),
        subscription_identifiers: truth(section.subscription_identifiers),
        shared_subscriptions: truth(section.shared_subscriptions),
        topic_aliases: section.topic_aliases.map(|number| number.value.0),
        outgoing_topic_aliases: truth(section.outgoing_topic_aliases).unwrap_or(nothing.outgoing_topic_aliases),
        response_information: truth(section.response_information).unwrap_or(nothing.response_information),
        sessions: truth(section.sessions).unwrap_or(nothing.sessions),
        session_expiry: section.session_expiry.map(|span| span.value.0),
        empty_client_id: truth(section.empty_client_id).unwrap_or(nothing.empty_client_id),
        anonymous: truth(section.anonymous).unwrap_or(nothing.anonymous),
        refused_client_id: text(section.refused_client_id),
        forbidden_topic: text(section.forbidden_topic),
        forbidden_filter: text(section.forbidden_filter),
        jobs: section.jobs.map(|jobs| usize::from(jobs.value.0)),
        tolerance: span(section.tolerance, nothing.tolerance),
    }
}

fn user(section: UserSection) -> Option<User> {
    let scram = section.scram.is_some_and(|scram| scram.value);
    Some(User { name: text(section.name?), password: text(section.password?), scram })
}

/// Which holes texts may have, and how many nodes there are.
struct Holes {
    kind: Kind,
}

enum Kind {
    Address,
    Process { nodes: u16, config: bool },
    Container { ports: Vec<String> },
}

impl Holes {
    fn of(document: &Document) -> Self {
        let kind = if let Some(process) = &document.process {
            Kind::Process {
                nodes: process.value.nodes.as_ref().map_or(1, |nodes| nodes.value.0),
                config: process.value.config.is_some(),
            }
        } else if let Some(container) = &document.container {
            let ports = container.value.ports.as_ref().map(|table| &table.value.0);
            Kind::Container { ports: ports.into_iter().flatten().map(|(name, _)| name.value.0.clone()).collect() }
        } else {
            Kind::Address
        };
        Self { kind }
    }

    fn check_process(&self, section: &ProcessSection, reading: &mut Reading<'_>) {
        let ProcessSection { program, arguments, environment, config, files, prepare, .. } = section;
        self.check_all(program.iter().chain(config), reading);
        self.check_all(arguments.iter().flat_map(|list| &list.value), reading);
        self.check_all(environment.iter().flat_map(|table| table.value.0.iter().map(|(_, value)| value)), reading);
        self.check_all(files.iter().flat_map(|table| table.value.0.iter().map(|(_, text)| text)), reading);
        self.check_all(prepare.iter().flat_map(|list| &list.value).flat_map(|command| &command.value), reading);
    }

    fn check_all<'a>(&self, texts: impl IntoIterator<Item = &'a At<Template>>, reading: &mut Reading<'_>) {
        for text in texts {
            for hole in text.value.holes() {
                if let Some((message, hint)) = self.objection(hole) {
                    reading.problems.push(text.problem(message, hint));
                }
            }
        }
    }

    /// A command that asks for the release runs without a broker.
    fn check_command(&self, text: &At<Template>, reading: &mut Reading<'_>) {
        for hole in text.value.holes().filter(|hole| **hole != Hole::Paddock) {
            reading.problems.push(text.problem(format!("{hole} is not known when the release is asked for"), ""));
        }
    }

    fn objection(&self, hole: &Hole) -> Option<(String, String)> {
        let because = |message: String, hint: &str| Some((message, hint.to_owned()));
        match (&self.kind, hole) {
            (Kind::Address, _) => {
                because(format!("{hole} is known only of what is started here"), "write the address itself")
            }
            (Kind::Process { nodes, .. }, Hole::Port { node: Some(node), .. }) if node > nodes => {
                because(format!("{hole} is of a node that is not there"), "raise `process.nodes`")
            }
            (Kind::Process { config: false, .. }, Hole::Config) => {
                because(format!("{hole} names a file without a text"), "write `process.config`")
            }
            (Kind::Process { .. }, _) | (Kind::Container { .. }, Hole::Host) => None,
            (Kind::Container { ports }, Hole::Port { name, node: None }) => {
                if name.is_empty() || ports.contains(name) {
                    return None;
                }
                because(format!("{hole} is no port of the container"), "add it to `container.ports`")
            }
            (Kind::Container { .. }, _) => because(format!("{hole} is not known of a container"), ""),
        }
    }
}

impl ListenersSection {
    fn texts(&self) -> impl Iterator<Item = &At<Template>> {
        let Self { mqtt, mqtt_5, tls, websocket, secure_websocket, unix, ca, cert, key } = self;
        [mqtt, mqtt_5, tls, websocket, secure_websocket, unix, ca, cert, key].into_iter().flatten()
    }
}

/// The list, unless it is empty, which is reported.
fn filled<T>(list: At<Vec<At<T>>>, message: &str, reading: &mut Reading<'_>) -> Option<At<Vec<At<T>>>> {
    if list.value.is_empty() {
        reading.problems.push(list.problem(message, ""));
        return None;
    }
    Some(list)
}

/// The elements without their places.
fn plain<T>(list: Option<Vec<At<T>>>) -> Vec<T> {
    list.into_iter().flatten().map(|element| element.value).collect()
}

/// The entries without their places.
fn pairs<K, V, A, B>(table: Option<At<Table<K, V>>>, key: impl Fn(K) -> A, value: impl Fn(V) -> B) -> Vec<(A, B)> {
    let entries = table.into_iter().flat_map(|table| table.value.0);
    entries.map(|(name, entry)| (key(name.value), value(entry.value))).collect()
}

fn text(key: At<Text>) -> String {
    key.value.0
}

fn span(key: Option<At<Span>>, default: Duration) -> Duration {
    key.map_or(default, |key| key.value.0)
}
