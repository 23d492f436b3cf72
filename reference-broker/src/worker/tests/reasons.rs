//! Every Reason Code that a server may send, in every packet that has one (2.4): what makes the broker send it, or why it
//! never does.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use protocol::{
    Ack, Connect, Packet, PacketId, PacketType, Properties, Property, QoS, ReasonCode, SubscriptionOptions, TopicName,
    Utf8String,
};

use super::bench::{Bench, PeerId, v5, with_will};
use crate::{
    Access, Action, Attempt, Authenticate, Authorize, Config, Decision, Identity, Origin, Redirect, Refusal, Verdict,
};

/// Brings a fresh broker to send it to the client that is returned.
type Scene = fn() -> (Bench, PeerId);

/// Where a Reason Code comes from.
enum Source {
    Broker(Scene),
    /// Whatever [`Authenticate`] or [`Authorize`] decides about a CONNECT, a PUBLISH or a SUBSCRIBE is told.
    Access,
    /// The machine sends it when its owner says so; this test of `protocol` shows it.
    Machine(&'static str),
    /// Never, because.
    Never(&'static str),
}

use PacketType::{Auth, ConnAck, Disconnect, PubAck, PubComp, PubRec, PubRel, SubAck, UnsubAck};
use Source::{Broker, Machine, Never};

const PACKETS: [PacketType; 9] = [ConnAck, PubAck, PubRec, PubRel, PubComp, SubAck, UnsubAck, Disconnect, Auth];

/// Packet, Reason Code, source.
fn table() -> Vec<(PacketType, u8, Source)> {
    [connacks(), acknowledgements(), subscriptions(), disconnects()].into_iter().flatten().collect()
}

fn connacks() -> Vec<(PacketType, u8, Source)> {
    let by_access = [0x80, 0x83, 0x85, 0x86, 0x88, 0x89, 0x8A, 0x99];
    let mut rows: Vec<_> = by_access.map(|reason| (ConnAck, reason, Source::Access)).into();
    rows.extend([
        (ConnAck, 0x00, Broker(|| dialled(plain(), v5("client")))),
        (ConnAck, 0x81, Broker(|| sent(plain(), None, b"\x10\x0e\x00\x04MQTT\x05\x03\x00\x00\x00\x00\x01a"))),
        (ConnAck, 0x82, Broker(|| dialled(plain(), with(v5("client"), Property::ReceiveMaximum(0))))),
        (ConnAck, 0x84, Broker(|| sent(plain(), None, b"\x10\x0e\x00\x04MQTT\x06\x02\x00\x00\x00\x00\x01a"))),
        (ConnAck, 0x87, Broker(|| dialled(plain(), with_will_on("$SYS/mine")))),
        (ConnAck, 0x8C, Broker(|| dialled(plain(), with(v5("client"), Property::AuthenticationMethod(text("none")))))),
        (ConnAck, 0x90, Broker(|| dialled(bench(|it| it.limits.topic_levels = 1), with_will_on("too/deep")))),
        (ConnAck, 0x95, Broker(|| dialled(plain(), with(v5("client"), Property::MaximumPacketSize(5))))),
        (ConnAck, 0x97, Broker(|| dialled(bench(|it| it.limits.sessions = 0), v5("client")))),
        (ConnAck, 0x9A, Broker(|| dialled(bench(|it| it.protocol.retain_available = false), with_will_on("will")))),
        (
            ConnAck,
            0x9B,
            Broker(|| dialled(bench(|it| it.protocol.maximum_qos = QoS::AtMostOnce), with_will_on("will"))),
        ),
        (ConnAck, 0x9C, Broker(|| dialled(bench(|it| it.redirect = Some(elsewhere(false))), v5("client")))),
        (ConnAck, 0x9F, Broker(in_a_hurry)),
        (ConnAck, 0x9D, Broker(|| dialled(bench(|it| it.redirect = Some(elsewhere(true))), v5("client")))),
    ]);
    rows
}

fn acknowledgements() -> Vec<(PacketType, u8, Source)> {
    let by_access =
        [PubAck, PubRec].map(|packet| [0x80, 0x83, 0x97, 0x99].map(|reason| (packet, reason, Source::Access)));
    let mut rows: Vec<_> = by_access.into_iter().flatten().collect();
    rows.extend([
        (PubAck, 0x00, Broker(|| published("heard", QoS::AtLeastOnce))),
        (PubAck, 0x10, Broker(|| published("unheard", QoS::AtLeastOnce))),
        (PubAck, 0x87, Broker(|| published("$SYS/mine", QoS::AtLeastOnce))),
        (PubAck, 0x90, Broker(|| published("far/too/deep", QoS::AtLeastOnce))),
        (PubAck, 0x91, Broker(|| said(b"\x34\x06\x00\x01a\x00\x05\x00\x32\x06\x00\x01a\x00\x05\x00"))),
        (PubRec, 0x00, Broker(|| published("heard", QoS::ExactlyOnce))),
        (PubRec, 0x10, Broker(|| published("unheard", QoS::ExactlyOnce))),
        (PubRec, 0x87, Broker(|| published("$SYS/mine", QoS::ExactlyOnce))),
        (PubRec, 0x90, Broker(|| published("far/too/deep", QoS::ExactlyOnce))),
        (PubRec, 0x91, Machine("a_publish_with_the_id_of_an_unfinished_one_is_refused")),
        (PubRel, 0x00, Broker(released)),
        (PubRel, 0x92, Broker(|| said(b"\x50\x02\x00\x09"))),
        (PubComp, 0x00, Broker(|| published("heard", QoS::ExactlyOnce))),
        (PubComp, 0x92, Broker(|| said(b"\x62\x02\x00\x09"))),
    ]);
    rows
}

fn subscriptions() -> Vec<(PacketType, u8, Source)> {
    const UNANNOUNCED: Source =
        Never("a filter that CONNACK announced as unavailable is a Protocol Error (3.2.2.3.11 to 13)");
    let mut rows: Vec<_> = [0x80, 0x83, 0x87].map(|reason| (SubAck, reason, Source::Access)).into();
    rows.extend([
        (SubAck, 0x00, Broker(|| subscribed("a", QoS::AtMostOnce))),
        (SubAck, 0x01, Broker(|| subscribed("a", QoS::AtLeastOnce))),
        (SubAck, 0x02, Broker(|| subscribed("a", QoS::ExactlyOnce))),
        (SubAck, 0x8F, Broker(|| subscribed("far/too/deep", QoS::AtMostOnce))),
        (SubAck, 0x91, Broker(|| said(b"\x34\x06\x00\x01a\x00\x05\x00\x82\x07\x00\x05\x00\x00\x01a\x00"))),
        (SubAck, 0x97, Broker(|| sent(bench(|it| it.limits.subscriptions = 0), Some(v5("client")), SUBSCRIBE))),
        (SubAck, 0x9E, UNANNOUNCED),
        (SubAck, 0xA1, UNANNOUNCED),
        (SubAck, 0xA2, UNANNOUNCED),
        (UnsubAck, 0x00, Broker(|| said(b"\x82\x07\x00\x01\x00\x00\x01a\x00\xa2\x06\x00\x02\x00\x00\x01a"))),
        (UnsubAck, 0x11, Broker(|| said(UNSUBSCRIBE))),
        (UnsubAck, 0x80, Never("nothing can fail")),
        (UnsubAck, 0x83, Never("nothing can fail")),
        (UnsubAck, 0x87, Never("whoever subscribed may unsubscribe")),
        (UnsubAck, 0x8F, Never("what cannot be subscribed to has no subscription: 0x11")),
        (UnsubAck, 0x91, Broker(|| said(b"\x34\x06\x00\x01a\x00\x02\x00\xa2\x06\x00\x02\x00\x00\x01a"))),
    ]);
    rows
}

fn disconnects() -> Vec<(PacketType, u8, Source)> {
    vec![
        (Disconnect, 0x00, Never("the broker has a reason whenever it closes")),
        (Disconnect, 0x04, Never("only a client sends it")),
        (Disconnect, 0x80, Never("each reason has its own code")),
        (Disconnect, 0x81, Broker(|| said(b"\x00\x00"))),
        (Disconnect, 0x82, Broker(|| said(b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01a"))),
        (Disconnect, 0x83, Never("each reason has its own code")),
        (Disconnect, 0x87, Broker(banned)),
        (Disconnect, 0x89, Never("load is met before CONNECT, and then by reading less")),
        (Disconnect, 0x8B, Broker(shut_down)),
        (Disconnect, 0x8C, Never("a changed method is a Protocol Error (4.12.1)")),
        (Disconnect, 0x8D, Broker(silent)),
        (Disconnect, 0x8E, Broker(taken_over)),
        (Disconnect, 0x8F, Never("an ill-formed filter is malformed, and one that is refused is told in SUBACK")),
        (
            Disconnect,
            0x90,
            Never("an ill-formed topic is malformed, and one that is refused is told in PUBACK or PUBREC"),
        ),
        (Disconnect, 0x93, Broker(|| offered(|it| it.protocol.receive_maximum = 1, TWO_PUBLISHES))),
        (Disconnect, 0x94, Broker(|| said(b"\x30\x07\x00\x01a\x03\x23\x00\x00"))),
        (Disconnect, 0x95, Broker(|| said(b"\x30\xff\xff\xff\x7f"))),
        (Disconnect, 0x96, Never("who publishes too much is read more slowly")),
        (Disconnect, 0x97, Broker(|| offered(|it| it.protocol.maximum_filters = 0, SUBSCRIBE))),
        (Disconnect, 0x98, Never("nobody ends single connections by hand yet")),
        (Disconnect, 0x99, Never("payloads are not looked into (3.3.2.3.2 leaves that open)")),
        (Disconnect, 0x9A, Broker(|| offered(|it| it.protocol.retain_available = false, b"\x31\x04\x00\x01a\x00"))),
        (Disconnect, 0x9B, Broker(|| offered(|it| it.protocol.maximum_qos = QoS::AtMostOnce, TWO_PUBLISHES))),
        (Disconnect, 0x9C, Broker(|| redirected(false))),
        (Disconnect, 0x9D, Broker(|| redirected(true))),
        (Disconnect, 0x9E, Broker(|| offered(|it| it.protocol.shared_available = false, SHARED))),
        (Disconnect, 0x9F, Never("a rate of CONNECT packets is told in CONNACK")),
        (Disconnect, 0xA0, Never("a connection may last")),
        (Disconnect, 0xA1, Broker(|| offered(|it| it.protocol.subscription_ids_available = false, IDENTIFIED))),
        (Disconnect, 0xA2, Broker(|| offered(|it| it.protocol.wildcard_available = false, WILDCARD))),
        (Auth, 0x00, Machine("reauthentication_ends_with_success_or_disconnect")),
        (Auth, 0x18, Machine("authentication_goes_back_and_forth_before_connack")),
        (Auth, 0x19, Never("only a client sends it")),
    ]
}

const SUBSCRIBE: &[u8] = b"\x82\x07\x00\x01\x00\x00\x01a\x00";
const UNSUBSCRIBE: &[u8] = b"\xa2\x06\x00\x02\x00\x00\x01a";
const SHARED: &[u8] = b"\x82\x10\x00\x01\x00\x00\x0a$share/g/a\x00";
const IDENTIFIED: &[u8] = b"\x82\x09\x00\x01\x02\x0b\x07\x00\x01a\x00";
const WILDCARD: &[u8] = b"\x82\x07\x00\x01\x00\x00\x01#\x00";
const TWO_PUBLISHES: &[u8] = b"\x34\x06\x00\x01a\x00\x01\x00\x34\x06\x00\x01a\x00\x02\x00";

/// Refuses with the Reason Code in the Client Identifier, the topic or the filter, such as `refuse-87`.
#[derive(Debug)]
struct Refuses;

fn decision(name: &str) -> Verdict {
    let Some(code) = name.strip_prefix("refuse-") else { return Ok(()) };
    let code = u8::from_str_radix(code, 16).unwrap();
    Err(Refusal::Denied(ReasonCode::from_value(code).unwrap()))
}

impl Authenticate for Refuses {
    fn connect(&self, attempt: &Attempt<'_>) -> Decision<Result<Identity, Refusal>> {
        Decision::Now(decision(attempt.client_id).map(|()| attempt.identity(None)))
    }

    fn still_admits(&self, identity: &Identity, _: &Origin) -> bool {
        identity.client_id != *"banned"
    }
}

impl Authorize for Refuses {
    fn authorize(&self, _: &Arc<Identity>, action: Action<'_>) -> Decision<Verdict> {
        Decision::Now(match action {
            Action::Publish { topic, .. } => decision(topic.as_str()),
            Action::Subscribe { filter, .. } => decision(filter.as_str()),
            Action::Receive { .. } => Ok(()),
        })
    }
}

/// The codes that the standard allows in `packet`.
fn codes(packet: PacketType) -> impl Iterator<Item = ReasonCode> {
    ReasonCode::ALL.iter().copied().filter(move |reason| reason.allowed_in(packet))
}

fn bench(change: impl FnOnce(&mut Config)) -> Bench {
    let mut config =
        Config { workers: 1, access: Access::new(Arc::new(Refuses), Arc::new(Refuses)), ..Config::default() };
    config.limits.topic_levels = 2;
    change(&mut config);
    Bench::seeded(0, config)
}

fn plain() -> Bench {
    bench(|_| {})
}

fn text(text: &str) -> Utf8String {
    Utf8String::new(text).unwrap()
}

fn elsewhere(permanent: bool) -> Redirect {
    Redirect { permanent, server: None }
}

fn with(mut connect: Connect, property: Property) -> Connect {
    connect.properties.push(property);
    connect
}

/// A Will at QoS 1 with RETAIN.
fn with_will_on(topic: &str) -> Connect {
    let mut connect = with_will(v5("client"), "x", 0, true);
    if let Some(will) = &mut connect.will {
        will.message.topic = TopicName::new(topic).unwrap();
    }
    connect
}

fn dialled(mut bench: Bench, connect: Connect) -> (Bench, PeerId) {
    let client = bench.dial(0, connect);
    bench.run();
    (bench, client)
}

/// Sends `bytes` on a connection, which begins with `connect` if there is one.
fn sent(mut bench: Bench, connect: Option<Connect>, bytes: &'static [u8]) -> (Bench, PeerId) {
    let client = match connect {
        Some(connect) => bench.connect(0, connect),
        None => bench.dial_silently(0),
    };
    bench.silence(client);
    bench.send_raw(client, bytes);
    bench.run();
    (bench, client)
}

fn said(bytes: &'static [u8]) -> (Bench, PeerId) {
    sent(plain(), Some(v5("client")), bytes)
}

fn offered(change: impl FnOnce(&mut Config), bytes: &'static [u8]) -> (Bench, PeerId) {
    sent(bench(change), Some(v5("client")), bytes)
}

fn published(topic: &str, qos: QoS) -> (Bench, PeerId) {
    let mut bench = plain();
    let subscriber = bench.connect(0, v5("subscriber"));
    bench.subscribe(subscriber, "heard", QoS::AtMostOnce);
    let client = bench.connect(0, v5("client"));
    bench.publish(client, topic, "x", qos);
    bench.run();
    (bench, client)
}

fn subscribed(filter: &str, qos: QoS) -> (Bench, PeerId) {
    let mut bench = plain();
    let client = bench.connect(0, v5("client"));
    bench.put_subscribe(client, filter, SubscriptionOptions { qos, ..SubscriptionOptions::default() }, None);
    bench.run();
    (bench, client)
}

/// The client is sent a message at QoS 2 and says that it came.
fn released() -> (Bench, PeerId) {
    let (mut bench, client) = subscribed("a", QoS::ExactlyOnce);
    bench.silence(client);
    bench.publish(client, "a", "x", QoS::ExactlyOnce);
    bench.run();
    let ack = Ack { packet_id: PacketId::new(1).unwrap(), reason: ReasonCode::Success, properties: Properties::EMPTY };
    bench.send(client, &Packet::PubRec(ack));
    bench.run();
    (bench, client)
}

/// One CONNECT per second, and a second one at once.
fn in_a_hurry() -> (Bench, PeerId) {
    let (bench, _) = dialled(bench(|it| it.limits.connect_rate = Some(1)), v5("first"));
    dialled(bench, v5("second"))
}

/// The rules change while the client is connected.
fn banned() -> (Bench, PeerId) {
    let (mut bench, client) = dialled(plain(), v5("banned"));
    bench.set_access(Access::new(Arc::new(Refuses), Arc::new(Refuses)));
    (bench, client)
}

fn shut_down() -> (Bench, PeerId) {
    let (mut bench, client) = dialled(plain(), v5("client"));
    bench.shut_down();
    (bench, client)
}

fn silent() -> (Bench, PeerId) {
    let (mut bench, client) = dialled(plain(), Connect { keep_alive: 1, ..v5("client") });
    bench.advance(Duration::from_secs(2));
    (bench, client)
}

fn taken_over() -> (Bench, PeerId) {
    let (mut bench, client) = dialled(plain(), v5("client"));
    bench.connect(0, v5("client"));
    (bench, client)
}

fn redirected(permanent: bool) -> (Bench, PeerId) {
    let (mut bench, client) = dialled(plain(), v5("client"));
    bench.redirect(Some(elsewhere(permanent)));
    (bench, client)
}

fn by_access(packet: PacketType, reason: u8) -> (Bench, PeerId) {
    let name = format!("refuse-{reason:02x}");
    let mut bench = plain();
    if packet == ConnAck {
        return dialled(bench, v5(&name));
    }
    let client = bench.connect(0, v5("client"));
    match packet {
        PubAck => bench.publish(client, &name, "x", QoS::AtLeastOnce),
        PubRec => bench.publish(client, &name, "x", QoS::ExactlyOnce),
        _ => bench.subscribe_quietly(client, &name, QoS::AtMostOnce),
    }
    bench.run();
    (bench, client)
}

/// The Reason Codes in the packets of the kind that the client got.
fn told(bench: &mut Bench, client: PeerId, kind: PacketType) -> Vec<u8> {
    let got = std::iter::from_fn(|| bench.next(client)).filter(|packet| packet.packet_type() == kind);
    let reasons = got.flat_map(|packet| match packet {
        Packet::ConnAck(connack) => vec![connack.reason],
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => vec![ack.reason],
        Packet::SubAck(suback) => suback.reasons,
        Packet::UnsubAck(unsuback) => unsuback.reasons,
        Packet::Disconnect(disconnect) => vec![disconnect.reason],
        _ => Vec::new(),
    });
    reasons.map(ReasonCode::value).collect()
}

#[test]
fn every_reason_code_is_in_the_table_once() {
    let mut seen = BTreeSet::new();
    for (packet, reason, _) in table() {
        assert!(seen.insert((packet as u8, reason)), "{packet:?} 0x{reason:02X} is there twice");
    }
    let allowed =
        PACKETS.into_iter().flat_map(|packet| codes(packet).map(move |reason| (packet as u8, reason.value())));
    assert_eq!(seen, allowed.collect());
}

#[test]
fn every_reason_code_that_the_broker_sends_is_seen() {
    // MQTT-3.2.2-8, MQTT-3.4.2-1, MQTT-3.5.2-1, MQTT-3.6.2-1, MQTT-3.7.2-1, MQTT-3.9.3-2, MQTT-3.11.3-2, MQTT-3.14.2-1.
    let tests = include_str!("../../../protocol/tests/scripted/server_exchange.rs").to_owned()
        + include_str!("../../../protocol/tests/scripted/server_connect.rs")
        + include_str!("../../../protocol/tests/scripted/server_close.rs");
    for (packet, reason, source) in table() {
        let (mut bench, client) = match source {
            Broker(scene) => scene(),
            Source::Access => by_access(packet, reason),
            Machine(test) => {
                assert!(tests.contains(&format!("fn {test}()")), "{test}");
                continue;
            }
            Never(why) => {
                assert!(!why.is_empty());
                continue;
            }
        };
        let told = told(&mut bench, client, packet);
        assert!(told.contains(&reason), "{packet:?} 0x{reason:02X}: {told:02X?}");
    }
}
