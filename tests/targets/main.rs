//! The shipped targets really start here, are what their descriptors say, and leave nothing behind.
//!
//! Those that `tests/run` installs are started with every run; the others, which `tests/run --peers` installs, are ignored
//! without it. A peer that is missing fails its test.

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod containers;
mod examples;
mod peer;
mod processes;

use std::{path::Path, time::Duration};

use targets::{Descriptor, Host, Live, Node, Version};

use self::peer::{Peer, Refused};

/// How long what comes through a cluster may take.
const DEADLINE: Duration = Duration::from_secs(30);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// This machine, with the `paddock` of this run and the programs that `tests/peers` installed.
fn host() -> Host {
    Host::with_paddock(env!("CARGO_BIN_EXE_paddock")).and_in(root().join("target/peers/bin"))
}

fn described(name: &str) -> Descriptor {
    Descriptor::load(name).unwrap_or_else(|error| panic!("{error}"))
}

async fn launched(descriptor: &Descriptor) -> Live {
    descriptor.launch(&host()).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Starts the shipped target, and sees that it is what its descriptor says and ends without a trace.
async fn is_what_it_says(name: &str) {
    let descriptor = described(name);
    let live = launched(&descriptor).await;
    assert_eq!(live.nodes().len(), descriptor.nodes());
    let release = live.release().unwrap_or_else(|| panic!("{name} does not tell its release"));
    assert!(release.contains(|c: char| c.is_ascii_digit()), "{name} is {release}");
    for node in live.nodes() {
        speaks_its_versions(&descriptor, node).await;
        listens_where_it_says(&descriptor, node).await;
        knows_its_users(&descriptor, node).await;
    }
    carries_messages(&descriptor, &live).await;
    let pids: Vec<u32> = live.nodes().iter().filter_map(|node| node.running()?.pid()).collect();
    live.stop().await.unwrap();
    for pid in pids {
        assert!(!group_lives(pid), "{name} left a process of group {pid} behind");
    }
}

/// Who connects where nobody may without saying who he is.
fn login(descriptor: &Descriptor) -> Option<(&str, &str)> {
    let user = descriptor.users.first().filter(|_| !descriptor.capabilities.anonymous)?;
    Some((&user.name, user.password.as_str()))
}

async fn speaks_its_versions(descriptor: &Descriptor, node: &Node) {
    for version in [Version::V3_1, Version::V3_1_1, Version::V5] {
        let url = node.listeners().plain(version).expect("every node has an address");
        let spoken = Peer::connect(url, None, version, login(descriptor)).await.is_ok();
        let said = descriptor.versions.contains(&version);
        assert_eq!(spoken, said, "{} and MQTT {version}", descriptor.name);
    }
}

async fn listens_where_it_says(descriptor: &Descriptor, node: &Node) {
    let listeners = node.listeners();
    let urls = [&listeners.tls, &listeners.websocket, &listeners.secure_websocket, &listeners.unix];
    for url in urls.into_iter().flatten() {
        let peer = Peer::connect(url, listeners.ca.as_deref(), Version::V3_1_1, login(descriptor)).await;
        peer.unwrap_or_else(|error| panic!("{} at {url}: {error:?}", descriptor.name));
    }
}

async fn knows_its_users(descriptor: &Descriptor, node: &Node) {
    for user in &descriptor.users {
        let as_user = |password| Peer::connect(node.address(), None, Version::V3_1_1, Some((&user.name, password)));
        as_user(user.password.as_str()).await.unwrap_or_else(|error| panic!("{}: {error:?}", user.name));
        let refused = as_user("wrong").await.expect_err("the password is wrong");
        assert!(matches!(refused, Refused::Code(4 | 5)), "{}: {refused:?}", descriptor.name);
    }
}

/// What is published at the first node arrives at the last, in every version.
async fn carries_messages(descriptor: &Descriptor, live: &Live) {
    let (first, last) = (&live.nodes()[0], &live.nodes()[live.nodes().len() - 1]);
    for &version in &descriptor.versions {
        let at = |node: &Node| node.listeners().plain(version).expect("every node has an address").clone();
        let mut subscriber = Peer::connect(&at(last), None, version, login(descriptor)).await.unwrap();
        subscriber.subscribe("paddock/test/+").await;
        let mut publisher = Peer::connect(&at(first), None, version, login(descriptor)).await.unwrap();
        let payload = format!("hello in {version}");
        let carried = async {
            // The first may come before the nodes have told each other of the subscription.
            loop {
                publisher.publish("paddock/test/hello", &payload).await;
                if subscriber.receives(&payload, Duration::from_millis(500)).await {
                    return;
                }
            }
        };
        tokio::time::timeout(DEADLINE, carried).await.unwrap_or_else(|_| panic!("{} loses it", descriptor.name));
    }
}

/// Whether a process of the group is there.
fn group_lives(group: u32) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok()).any(|stat| {
        // After the name, which may hold anything: state, parent, group.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.first() != Some(&"Z") && fields.get(2).and_then(|field| field.parse().ok()) == Some(group)
    })
}
