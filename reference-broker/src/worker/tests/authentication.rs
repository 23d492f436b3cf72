//! Enhanced authentication (4.12): whole exchanges with SCRAM-SHA-256, and what goes wrong in them.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use protocol::{
    Auth, Connect, Machine, Packet, Properties, Property, QoS, ReasonCode, Session, Time, Utf8String, client,
};
use sha2::{Digest, Sha256};

use super::{
    super::{After, Shared, Worker},
    bench::{Bench, PeerId, lasting, origin, v5, with_will},
};
use crate::{
    Access, AllowAll, Attempt, Authenticate, Config, Decision, Exchange, Identity, Progress, Refusal,
    access::{Credentials, ScramCredential, Users, UsersConfig},
    routing::WorkerId,
};

const METHOD: &str = "SCRAM-SHA-256";

/// Users `alice` and `bob` with the password `pencil`.
fn access() -> Access {
    let scram = ScramCredential::derive(b"pencil", b"salt", 4096);
    let credentials = Credentials { password: None, scram: Some(scram) };
    let users = ["alice", "bob"].map(|name| (name.into(), credentials.clone())).into();
    let users = Users::new(UsersConfig { users, ..UsersConfig::default() });
    Access::new(Arc::new(users), Arc::new(AllowAll))
}

fn bench(workers: usize, access: Access) -> Bench {
    Bench::seeded(0, Config { workers, access, ..Config::default() })
}

/// The client's side of SCRAM-SHA-256, written from RFC 5802.
struct Scram {
    bare: String,
    password: &'static str,
    signature: Option<String>,
}

impl Scram {
    fn new(user: &str, password: &'static str) -> Self {
        Self { bare: format!("n={user},r=fyko+d2lbbFgONRv9qkxdawL"), password, signature: None }
    }

    fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    fn last(&mut self, challenge: &[u8]) -> String {
        let challenge = std::str::from_utf8(challenge).unwrap();
        let field = |name: &str| challenge.split(',').find_map(|field| field.strip_prefix(name)).unwrap();
        let (nonce, salt) = (field("r="), STANDARD.decode(field("s=")).unwrap());
        let iterations = field("i=").parse().unwrap();
        assert!(nonce.len() >= 24 + 18 && nonce.starts_with("fyko+d2lbbFgONRv9qkxdawL"));
        let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(self.password.as_bytes(), &salt, iterations);
        let hmac = |key: &[u8], text: &[u8]| -> [u8; 32] {
            Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().into()
        };
        let without_proof = format!("c=biws,r={nonce}");
        let said = format!("{},{challenge},{without_proof}", self.bare);
        let key = hmac(&salted, b"Client Key");
        let mut proof = hmac(&Sha256::digest(key), said.as_bytes());
        proof.iter_mut().zip(key).for_each(|(proof, key)| *proof ^= key);
        let signature = hmac(&hmac(&salted, b"Server Key"), said.as_bytes());
        self.signature = Some(format!("v={}", STANDARD.encode(signature)));
        format!("{without_proof},p={}", STANDARD.encode(proof))
    }
}

fn properties(method: &str, data: &str) -> Properties {
    let method = Property::AuthenticationMethod(Utf8String::new(method).unwrap());
    [method, Property::AuthenticationData(Bytes::copy_from_slice(data.as_bytes()))].into_iter().collect()
}

fn with_method(mut connect: Connect, data: &str) -> Connect {
    connect.properties.extend(properties(METHOD, data).iter().cloned());
    connect
}

fn auth(bench: &mut Bench, peer: PeerId, reason: ReasonCode, method: &str, data: &str) {
    bench.send(peer, &Packet::Auth(Auth { reason, properties: properties(method, data) }));
    bench.run();
}

/// The challenge that the client got.
fn challenged(bench: &mut Bench, peer: PeerId) -> Bytes {
    let Some(Packet::Auth(auth)) = bench.next(peer) else { panic!("no AUTH") };
    // MQTT-4.12.0-2, MQTT-4.12.0-5.
    assert_eq!(auth.reason, ReasonCode::ContinueAuthentication);
    assert_eq!(auth.properties.authentication_method().map(Utf8String::as_str), Some(METHOD));
    auth.properties.authentication_data().unwrap().clone()
}

fn connack(bench: &mut Bench, peer: PeerId) -> (ReasonCode, Properties, bool) {
    let Some(Packet::ConnAck(connack)) = bench.next(peer) else { panic!("no CONNACK") };
    (connack.reason, connack.properties, connack.session_present)
}

/// Goes through the whole exchange of a CONNECT.
fn connect(bench: &mut Bench, worker: usize, connect: Connect, user: &str) -> (PeerId, bool) {
    let mut scram = Scram::new(user, "pencil");
    let peer = bench.dial(worker, with_method(connect, &scram.first()));
    bench.run();
    let challenge = challenged(bench, peer);
    let last = scram.last(&challenge);
    auth(bench, peer, ReasonCode::ContinueAuthentication, METHOD, &last);
    let (reason, properties, present) = connack(bench, peer);
    assert_eq!(reason, ReasonCode::Success);
    // MQTT-4.12.0-5: and the server has proved itself too.
    assert_eq!(properties.authentication_method().map(Utf8String::as_str), Some(METHOD));
    assert_eq!(properties.authentication_data().map(|data| data.to_vec()), scram.signature.map(String::into_bytes));
    (peer, present)
}

#[test]
fn a_client_and_the_broker_prove_themselves_to_each_other() {
    // MQTT-4.12.0-2, MQTT-4.12.0-5.
    let mut bench = bench(2, access());
    let (alice, _) = connect(&mut bench, 0, lasting("client", 60), "alice");
    bench.subscribe(alice, "t", QoS::AtLeastOnce);
    bench.publish(alice, "t", "x", QoS::AtLeastOnce);
    bench.run();
    assert_eq!(bench.payloads(alice), ["x"]);
    let (_, present) = connect(&mut bench, 1, lasting("client", 60), "alice");
    assert!(present);
}

#[test]
fn a_failed_exchange_closes_and_touches_no_session() {
    // MQTT-4.12.0-4, MQTT-3.1.4-2.
    let mut bench = bench(2, access());
    let (bystander, _) = connect(&mut bench, 0, v5("bystander"), "bob");
    bench.subscribe(bystander, "#", QoS::AtLeastOnce);
    let (alice, _) = connect(&mut bench, 0, with_will(lasting("same", 60), "old", 0, false), "alice");
    bench.subscribe(alice, "t", QoS::AtLeastOnce);
    for (user, password) in [("alice", "wrong"), ("nobody", "pencil"), ("bob", "pencil")] {
        let mut scram = Scram::new(user, password);
        let stranger = bench.dial(1, with_method(with_will(v5("same"), "stranger's", 0, false), &scram.first()));
        bench.run();
        let challenge = challenged(&mut bench, stranger);
        let last = scram.last(&challenge);
        auth(&mut bench, stranger, ReasonCode::ContinueAuthentication, METHOD, &last);
        assert_eq!(connack(&mut bench, stranger).0, ReasonCode::NotAuthorized, "{user} {password}");
        assert!(bench.is_closed(stranger) && !bench.is_closed(alice));
    }
    // A proof for one exchange is none for another.
    let (mut heard, mut replayed) = (Scram::new("alice", "pencil"), String::new());
    for _ in 0..2 {
        let stranger = bench.dial(0, with_method(v5("other"), &heard.first()));
        bench.run();
        let challenge = challenged(&mut bench, stranger);
        if replayed.is_empty() {
            replayed = heard.last(&challenge);
            bench.drop_socket(stranger);
        } else {
            auth(&mut bench, stranger, ReasonCode::ContinueAuthentication, METHOD, &replayed);
            assert_eq!(connack(&mut bench, stranger).0, ReasonCode::NotAuthorized);
        }
    }
    bench.publish(bystander, "t", "mine", QoS::AtLeastOnce);
    bench.run();
    assert_eq!(bench.payloads(alice), ["mine"]);
    assert_eq!(bench.payloads(bystander), ["mine"], "no Will of anybody");
}

#[test]
fn a_method_that_nobody_offers_is_refused_and_without_one_there_is_no_auth() {
    // MQTT-4.12.0-1.
    let mut bench = bench(1, access());
    let mut unknown = v5("client");
    unknown.properties.extend(properties("SCRAM-SHA-1", "n,,n=alice,r=abc").iter().cloned());
    let client = bench.dial(0, unknown);
    bench.run();
    assert_eq!(connack(&mut bench, client).0, ReasonCode::BadAuthenticationMethod);
    assert!(bench.is_closed(client));
    // MQTT-4.12.0-6: neither AUTH nor a method in CONNACK.
    let plain = bench.dial(0, v5("plain"));
    bench.run();
    let (reason, properties, _) = connack(&mut bench, plain);
    assert_eq!((reason, properties.authentication_method()), (ReasonCode::Success, None));
    // MQTT-4.12.0-7: a client that named none may not begin one.
    auth(&mut bench, plain, ReasonCode::ReAuthenticate, METHOD, &Scram::new("alice", "pencil").first());
    let Some(Packet::Disconnect(disconnect)) = bench.next(plain) else { panic!("no DISCONNECT") };
    assert_eq!(disconnect.reason, ReasonCode::ProtocolError);
}

#[test]
fn whoever_begins_an_exchange_and_says_no_more_is_closed_in_time() {
    let mut bench = bench(1, access());
    let client = bench.dial(0, with_method(v5("client"), &Scram::new("alice", "pencil").first()));
    bench.run();
    challenged(&mut bench, client);
    bench.advance(Duration::from_secs(9));
    assert!(!bench.is_closed(client));
    bench.advance(Duration::from_secs(1));
    assert!(bench.is_closed(client));
    assert_eq!((bench.counters().sessions(), bench.counters().connections()), (0, 0));
}

/// Goes through a re-authentication up to the answer to it.
fn again(bench: &mut Bench, peer: PeerId, user: &str, password: &'static str) -> Option<Packet> {
    let mut scram = Scram::new(user, password);
    auth(bench, peer, ReasonCode::ReAuthenticate, METHOD, &scram.first());
    let challenge = challenged(bench, peer);
    // Other packets keep flowing meanwhile (4.12.1).
    bench.publish(peer, "elsewhere", "x", QoS::AtLeastOnce);
    bench.run();
    assert!(matches!(bench.next(peer), Some(Packet::PubAck(_))));
    let last = scram.last(&challenge);
    auth(bench, peer, ReasonCode::ContinueAuthentication, METHOD, &last);
    let answer = bench.next(peer);
    if let Some(Packet::Auth(auth)) = &answer {
        assert_eq!(auth.properties.authentication_method().map(Utf8String::as_str), Some(METHOD));
        assert_eq!(
            auth.properties.authentication_data().map(|data| data.to_vec()),
            scram.signature.map(String::into_bytes)
        );
    }
    answer
}

#[test]
fn a_client_may_authenticate_again_as_often_as_it_likes() {
    // MQTT-4.12.1-1, MQTT-4.12.0-5.
    let mut bench = bench(1, access());
    let (client, _) = connect(&mut bench, 0, v5("client"), "alice");
    for _ in 0..3 {
        let Some(Packet::Auth(auth)) = again(&mut bench, client, "alice", "pencil") else { panic!("no AUTH") };
        assert_eq!(auth.reason, ReasonCode::Success);
    }
}

#[test]
fn a_re_authentication_that_fails_or_would_make_somebody_else_of_it_closes() {
    // MQTT-4.12.1-2.
    for (user, password) in [("alice", "wrong"), ("nobody", "pencil"), ("bob", "pencil")] {
        let mut bench = bench(1, access());
        let (bystander, _) = connect(&mut bench, 0, v5("bystander"), "bob");
        let (client, _) = connect(&mut bench, 0, v5("client"), "alice");
        let Some(Packet::Disconnect(disconnect)) = again(&mut bench, client, user, password) else {
            panic!("no DISCONNECT")
        };
        assert_eq!(disconnect.reason, ReasonCode::NotAuthorized, "{user} {password}");
        assert!(bench.is_closed(client) && !bench.is_closed(bystander));
    }
}

#[test]
fn a_re_authentication_under_way_does_not_outlive_the_rules_that_it_began_by() {
    let mut bench = bench(1, access());
    let (bystander, _) = connect(&mut bench, 0, v5("bystander"), "bob");
    let (client, _) = connect(&mut bench, 0, v5("client"), "alice");
    let mut scram = Scram::new("alice", "pencil");
    auth(&mut bench, client, ReasonCode::ReAuthenticate, METHOD, &scram.first());
    let last = scram.last(&challenged(&mut bench, client));
    bench.set_access(access());
    auth(&mut bench, client, ReasonCode::ContinueAuthentication, METHOD, &last);
    assert!(matches!(bench.next(client), Some(Packet::Disconnect(it)) if it.reason == ReasonCode::ServerBusy));
    assert!(bench.is_closed(client) && !bench.is_closed(bystander));
}

#[test]
fn a_re_authentication_keeps_to_its_method() {
    // MQTT-4.12.1-1.
    let mut bench = bench(1, access());
    let (client, _) = connect(&mut bench, 0, v5("client"), "alice");
    auth(&mut bench, client, ReasonCode::ReAuthenticate, "PLAIN", "x");
    assert!(matches!(bench.next(client), Some(Packet::Disconnect(it)) if it.reason == ReasonCode::ProtocolError));
    assert!(bench.is_closed(client));
}

/// The client machine of `protocol` and the broker, packet by packet.
#[test]
fn the_client_machine_completes_an_exchange_and_another() {
    // MQTT-4.12.0-3, MQTT-4.12.1-1.
    let shared = Arc::new(Shared::new(&Config { workers: 1, access: access(), ..Config::default() }));
    let mut worker = Worker::new(WorkerId(0), shared);
    let now = Time::from_secs(1);
    let id = worker.opened(now, origin());
    let mut scram = Scram::new("alice", "pencil");
    let connect = with_method(v5("client"), &scram.first());
    let mut client = client::Client::new(client::Config::new(connect), Box::<Session>::default(), now);
    let (mut told, mut successes) = (VecDeque::new(), 0);
    loop {
        let mut out = Vec::new();
        client.poll_transmit(&mut out);
        if !out.is_empty() {
            worker.received(now, id, out.into());
        }
        let mut back = Vec::new();
        assert!(matches!(worker.transmit(now, id, 0, &mut back), After::Open { .. }));
        client.receive(now, back.into());
        while let Some(event) = client.poll_event() {
            told.push_back(event);
        }
        match told.pop_front() {
            Some(client::Event::Auth { token, auth }) => {
                let last = scram.last(auth.properties.authentication_data().unwrap());
                let data = Property::AuthenticationData(last.into_bytes().into());
                client.answer(now, token, client::Answer::Auth([data].into_iter().collect()));
            }
            Some(client::Event::Connected(connack)) => {
                let signature = scram.signature.take().map(String::into_bytes);
                assert_eq!(connack.properties.authentication_data().map(|data| data.to_vec()), signature);
                let data = Property::AuthenticationData(scram.first().into_bytes().into());
                client.reauthenticate(now, [data].into_iter().collect());
            }
            Some(client::Event::Authenticated(_)) => {
                successes += 1;
                break;
            }
            Some(other) => panic!("{other:?}"),
            None => panic!("nothing happens any more"),
        }
    }
    assert_eq!(successes, 1);
}

/// A method that never comes to an end, and takes its time.
#[derive(Debug)]
struct Endless;

impl Authenticate for Endless {
    fn connect(&self, attempt: &Attempt<'_>) -> Decision<Result<Identity, Refusal>> {
        AllowAll.connect(attempt)
    }

    fn begin(&self, _: &str, _: &Attempt<'_>) -> Option<Box<dyn Exchange>> {
        Some(Box::new(Self))
    }
}

impl Exchange for Endless {
    fn step(self: Box<Self>, data: Bytes) -> Decision<Progress> {
        Decision::later(async move { Progress::Challenge { data, next: self } })
    }
}

#[test]
fn no_exchange_goes_on_for_ever() {
    let mut bench = bench(1, Access::new(Arc::new(Endless), Arc::new(AllowAll)));
    let client = bench.dial(0, with_method(v5("client"), "more"));
    bench.run();
    let mut rounds = 0;
    while let Some(packet) = bench.next(client) {
        match packet {
            Packet::Auth(_) => auth(&mut bench, client, ReasonCode::ContinueAuthentication, METHOD, "more"),
            Packet::ConnAck(connack) => assert_eq!(connack.reason, ReasonCode::ServerUnavailable),
            other => panic!("{other:?}"),
        }
        rounds += 1;
    }
    assert!(bench.is_closed(client) && rounds < 20);
}
