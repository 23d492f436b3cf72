//! A whole broker whose clients must say who they are: what takes time, fails or changes while it runs.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use protocol::{
    Connect, Decoder, Packet, PacketId, PacketLimits, Properties, Publish, QoS, ReasonCode, Role, TopicName,
    Utf8String, Version,
};
use reference_broker::{
    Access, Action, AllowAll, Authorize, Bind, Broker, Config, Decision, Handle, Identity, Verdict,
    access::{Credentials, Deed, Effect, Groups, PasswordHash, Rule, Rules, Topics, Users, UsersConfig, Who},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use transport::{Listener, Options};

const DEADLINE: Duration = Duration::from_secs(20);

struct Client {
    stream: TcpStream,
    decoder: Decoder,
    unread: Bytes,
}

impl Client {
    /// A 5.0 client from the local address `from`.
    async fn dial(from: [u8; 4], to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        let mut decoder = Decoder::new(Role::Client, PacketLimits::default());
        decoder.set_version(Version::V5);
        Self { stream: socket.connect(to).await.unwrap(), decoder, unread: Bytes::new() }
    }

    async fn send(&mut self, packet: Packet) {
        let mut bytes = Vec::new();
        packet.encode(Version::V5, &mut bytes).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
    }

    async fn say(&mut self, client_id: &str, login: Option<(&str, &'static str)>) {
        let connect = Connect {
            version: Version::V5,
            clean_start: true,
            keep_alive: 0,
            client_id: Utf8String::new(client_id).unwrap(),
            will: None,
            user_name: login.map(|(name, _)| Utf8String::new(name).unwrap()),
            password: login.map(|(_, password)| password.into()),
            properties: Properties::EMPTY,
        };
        self.send(Packet::Connect(Box::new(connect))).await;
    }

    /// The next packet; `None` when the broker has closed.
    async fn next(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = self.decoder.decode(&mut self.unread).unwrap() {
                return Some(packet);
            }
            let mut buffer = [0; 1024];
            let length = timeout(DEADLINE, self.stream.read(&mut buffer)).await.expect("in time").unwrap_or(0);
            if length == 0 {
                return None;
            }
            self.unread = Bytes::copy_from_slice(&buffer[..length]);
        }
    }

    async fn connack(&mut self) -> ReasonCode {
        match self.next().await {
            Some(Packet::ConnAck(connack)) => connack.reason,
            other => panic!("no CONNACK: {other:?}"),
        }
    }

    async fn publish(&mut self, topic: &str) -> ReasonCode {
        let (topic, packet_id) = (Some(TopicName::new(topic).unwrap()), PacketId::new(1));
        let (dup, retain, properties, payload) = (false, false, Properties::EMPTY, Bytes::new());
        let publish = Publish { dup, qos: QoS::AtLeastOnce, retain, topic, packet_id, properties, payload };
        self.send(Packet::Publish(publish)).await;
        match self.next().await {
            Some(Packet::PubAck(ack)) => ack.reason,
            other => panic!("no PUBACK: {other:?}"),
        }
    }
}

const ALICE: (&str, &str) = ("alice", "correct horse");

/// The user `alice`, whose password takes its time.
fn users(parallel: usize) -> Arc<Users> {
    let password = Some(PasswordHash::new(ALICE.1.as_bytes()).unwrap());
    let users = [(ALICE.0.into(), Credentials { password, scram: None })].into();
    Arc::new(Users::new(UsersConfig { users, parallel, ..UsersConfig::default() }))
}

fn start(access: Access, anonymous: &[bool]) -> (Broker, Handle, Vec<SocketAddr>) {
    let bind = |anonymous: &bool| {
        let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let mut bind = Bind::new(Listener::bind(address, Options::default()).unwrap());
        bind.anonymous = *anonymous;
        bind
    };
    let config = Config { workers: 1, access, ..Config::default() };
    let broker = Broker::start(anonymous.iter().map(bind).collect(), config).unwrap();
    let handle = broker.handle();
    let addresses = handle.entrances().filter_map(|entrance| entrance.address.tcp()).collect();
    (broker, handle, addresses)
}

#[tokio::test]
async fn a_flood_of_wrong_passwords_holds_up_neither_a_bystander_nor_a_login_from_elsewhere() {
    const FLOOD: u64 = 200;
    let (_broker, handle, addresses) = start(Access::new(users(1), Arc::new(AllowAll)), &[true]);
    let address = addresses[0];
    let mut bystander = Client::dial([127, 0, 0, 1], address).await;
    bystander.say("bystander", None).await;
    assert_eq!(bystander.connack().await, ReasonCode::Success);
    let mut flood = Vec::new();
    for number in 0..FLOOD {
        let mut client = Client::dial([127, 0, 0, 1], address).await;
        // Unknown names take as long as wrong passwords.
        let name = if number % 2 == 0 { "alice" } else { "mallory" };
        client.say(&format!("flood-{number}"), Some((name, "wrong"))).await;
        flood.push(client);
    }
    for _ in 0..20 {
        assert_eq!(bystander.publish("t").await, ReasonCode::NoMatchingSubscribers);
    }
    let mut alice = Client::dial([127, 0, 0, 2], address).await;
    alice.say("alice", Some(ALICE)).await;
    assert_eq!(alice.connack().await, ReasonCode::Success);
    assert!(handle.counters().connects_refused < FLOOD, "the flood is still being worked off");
    // Whoever comes back with a password that was right costs nothing, wherever it comes from.
    let mut again = Client::dial([127, 0, 0, 1], address).await;
    again.say("again", Some(ALICE)).await;
    assert_eq!(again.connack().await, ReasonCode::Success);
    assert!(handle.counters().connects_refused < FLOOD);
    let first = flood[0].connack().await;
    assert_eq!(first, ReasonCode::BadUserNameOrPassword);
    assert!(flood[0].next().await.is_none(), "it is closed");
}

/// CVE-2018-20145: rules and users hold on every listener.
#[tokio::test]
async fn every_listener_has_its_own_way_in_and_the_same_rules() {
    let allow = |user: Who, topic: &str| Rule {
        effect: Effect::Allow,
        who: vec![user],
        deed: Deed::All,
        topics: Topics::Matching(topic.parse().unwrap()),
        qos: None,
        retain: None,
    };
    let rules = vec![allow(Who::User("alice".into()), "alice/#"), allow(Who::Anonymous, "public/#")];
    let rules = Arc::new(Rules::new(rules, Groups::new(), Effect::Deny));
    let (_broker, _, addresses) = start(Access::new(users(1), rules), &[true, false]);
    for (address, anonymous) in addresses.into_iter().zip([true, false]) {
        let mut alice = Client::dial([127, 0, 0, 1], address).await;
        alice.say("a", Some(ALICE)).await;
        assert_eq!(alice.connack().await, ReasonCode::Success);
        assert_eq!(alice.publish("alice/x").await, ReasonCode::NoMatchingSubscribers);
        assert_eq!(alice.publish("public/x").await, ReasonCode::NotAuthorized);
        let mut nobody = Client::dial([127, 0, 0, 1], address).await;
        nobody.say("n", None).await;
        if anonymous {
            assert_eq!(nobody.connack().await, ReasonCode::Success);
            assert_eq!(nobody.publish("public/x").await, ReasonCode::NoMatchingSubscribers);
            assert_eq!(nobody.publish("alice/x").await, ReasonCode::NotAuthorized);
        } else {
            assert_eq!(nobody.connack().await, ReasonCode::NotAuthorized);
        }
    }
}

#[tokio::test]
async fn new_rules_hold_at_once_and_users_that_are_gone_are_closed() {
    let (_broker, handle, addresses) = start(Access::new(users(1), Arc::new(AllowAll)), &[true]);
    let mut alice = Client::dial([127, 0, 0, 1], addresses[0]).await;
    alice.say("alice", Some(ALICE)).await;
    assert_eq!(alice.connack().await, ReasonCode::Success);
    let mut bystander = Client::dial([127, 0, 0, 1], addresses[0]).await;
    bystander.say("bystander", None).await;
    assert_eq!(bystander.connack().await, ReasonCode::Success);
    let bob = [("bob".into(), Credentials::default())].into();
    let users = Users::new(UsersConfig { users: bob, ..UsersConfig::default() });
    let nothing = Rules::new(Vec::new(), Groups::new(), Effect::Deny);
    handle.set_access(Access::new(Arc::new(users), Arc::new(nothing)));
    match alice.next().await {
        Some(Packet::Disconnect(disconnect)) => assert_eq!(disconnect.reason, ReasonCode::NotAuthorized),
        other => panic!("no DISCONNECT: {other:?}"),
    }
    assert!(alice.next().await.is_none());
    assert_eq!(bystander.publish("t").await, ReasonCode::NotAuthorized);
}

/// Panics about one topic.
#[derive(Debug)]
struct Fragile;

impl Authorize for Fragile {
    fn authorize(&self, _: &Arc<Identity>, action: Action<'_>) -> Decision<Verdict> {
        let fatal = matches!(action, Action::Publish { topic, .. } if topic.as_str() == "fatal");
        Decision::later(async move {
            tokio::task::yield_now().await;
            assert!(!fatal, "on purpose");
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_decision_that_panics_is_a_refusal_and_nothing_else_suffers() {
    let (_broker, _, addresses) = start(Access::new(Arc::new(AllowAll), Arc::new(Fragile)), &[true]);
    let mut client = Client::dial([127, 0, 0, 1], addresses[0]).await;
    client.say("client", None).await;
    assert_eq!(client.connack().await, ReasonCode::Success);
    for _ in 0..3 {
        assert_eq!(client.publish("fatal").await, ReasonCode::NotAuthorized);
        assert_eq!(client.publish("fine").await, ReasonCode::NoMatchingSubscribers);
    }
}
