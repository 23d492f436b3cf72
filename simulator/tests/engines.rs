//! What every engine does, in both versions, against a scripted broker on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "engines/both.rs"]
mod both;
#[path = "engines/plain.rs"]
mod plain;
#[path = "engines/pressure.rs"]
mod pressure;
#[path = "engines/sessions.rs"]
mod sessions;
mod support;

use std::time::{Duration, Instant};

use plain::plain_publications_are_written_and_acknowledged;
use pressure::full_queue_takes_nothing;
use protocol::{
    Message, Properties, QoS, ReasonCode, SubscribeFilter, SubscriptionOptions, Tag, TopicFilter, TopicName,
    Utf8String, Version, Will, server,
};
use sessions::{lost_session_drops_what_was_in_flight, resumed_session_sends_again_what_was_not_acknowledged};
use simulator::{
    ClientEngine, ClientEvent, ClientKey, Clock, ConnectOptions, Engine, EngineKind, Outgoing,
    engine::{Closed, ConnectFailure, Unsent},
};
use support::{
    broker::{Broker, Script, Seen},
    watch::{event, seen},
};

/// Runs each fact with each engine in each version.
macro_rules! facts {
    ($($fact:ident),* $(,)?) => {
        mod native_v311 { $(#[tokio::test] async fn $fact() { super::$fact(super::EngineKind::Native, super::Version::V311).await; })* }
        mod native_v5 { $(#[tokio::test] async fn $fact() { super::$fact(super::EngineKind::Native, super::Version::V5).await; })* }
        mod rumqttc_v311 { $(#[tokio::test] async fn $fact() { super::$fact(super::EngineKind::Rumqttc, super::Version::V311).await; })* }
        mod rumqttc_v5 { $(#[tokio::test] async fn $fact() { super::$fact(super::EngineKind::Rumqttc, super::Version::V5).await; })* }
    };
}

facts![
    connect_carries_its_options,
    refused_connect_says_why,
    unreachable_target_fails,
    silent_target_fails_within_its_time_out,
    every_qos_is_written_then_published,
    publication_before_connack_waits_for_it,
    plain_publications_are_written_and_acknowledged,
    subscription_is_granted_and_brings_messages,
    disconnect_is_orderly,
    abandon_cuts_without_disconnect,
    reconnect_brings_a_new_will,
    broken_connection_is_reported,
    resumed_session_sends_again_what_was_not_acknowledged,
    lost_session_drops_what_was_in_flight,
    full_queue_takes_nothing,
    offline_client_takes_nothing,
    forgotten_client_is_silent,
];

/// One client of a fresh engine.
struct Bench {
    engine: Engine,
    broker: Broker,
    options: ConnectOptions,
}

impl Bench {
    async fn new(kind: EngineKind, version: Version, script: Script) -> Self {
        let broker = Broker::start(script).await;
        let options = ConnectOptions {
            engine: kind,
            version,
            ..ConnectOptions::new(broker.endpoint.clone(), Utf8String::new("meter-1").unwrap())
        };
        Self { engine: Engine::new(Clock::new()).unwrap(), broker, options }
    }

    async fn connected(&mut self) -> ClientKey {
        let client = self.engine.connect(self.options.clone());
        self.online(client).await;
        client
    }

    /// Waits for `Connected`; whether the session was resumed.
    async fn online(&mut self, client: ClientKey) -> bool {
        event(&mut self.engine, |key, event| match event {
            ClientEvent::Connected { session_present, .. } if key == client => Some(*session_present),
            ClientEvent::Refused { .. } | ClientEvent::ConnectFailed(_) => panic!("{event:?}"),
            _ => None,
        })
        .await
    }

    async fn closed(&mut self) -> Closed {
        event(&mut self.engine, |_, event| match event {
            ClientEvent::Closed(cause) => Some(cause.clone()),
            _ => None,
        })
        .await
    }

    async fn failure(&mut self) -> String {
        event(&mut self.engine, |_, event| match event {
            ClientEvent::ConnectFailed(failure) => Some(format!("{failure:?}")),
            ClientEvent::Connected { .. } => panic!("{event:?}"),
            _ => None,
        })
        .await
    }

    async fn seen<T>(&mut self, pick: impl FnMut(Seen) -> Option<T>) -> T {
        seen(&mut self.engine, &mut self.broker, pick).await
    }
}

fn outgoing(payload: &'static str, qos: QoS, tag: u64) -> Outgoing {
    let topic = TopicName::new("farm/barn_1/data").unwrap();
    let message = Message { topic, payload: payload.into(), properties: Properties::EMPTY };
    Outgoing { message, qos, retain: true, tag: Some(Tag(tag)) }
}

fn will(payload: &'static str) -> Option<Box<Will>> {
    let topic = TopicName::new("farm/barn_1/status").unwrap();
    let message = Message { topic, payload: payload.into(), properties: Properties::EMPTY };
    Some(Box::new(Will { message, qos: QoS::AtLeastOnce, retain: true }))
}

async fn connect_carries_its_options(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script::default()).await;
    bench.options.keep_alive = 33;
    bench.options.will = will("offline");
    bench.options.clean_start = false;
    bench.options.session_expiry = 60;
    bench.options.credentials =
        Some(simulator::Credentials { user_name: Utf8String::new("vet").unwrap(), password: Some("secret".into()) });
    bench.connected().await;
    let connect = bench.seen(|seen| if let Seen::Connect(connect) = seen { Some(connect) } else { None }).await;
    assert_eq!((connect.version, connect.client_id.as_str()), (version, "meter-1"));
    assert_eq!((connect.keep_alive, connect.clean_start), (33, false));
    assert_eq!(connect.user_name.as_deref(), Some("vet"));
    assert_eq!(connect.password.as_deref(), Some(&b"secret"[..]));
    assert_eq!(connect.will, will("offline"));
    let expiry = (version == Version::V5).then_some(60);
    assert_eq!(connect.properties.session_expiry_interval(), expiry);
}

async fn refused_connect_says_why(kind: EngineKind, version: Version) {
    let script = Script { connack: Some(ReasonCode::NotAuthorized), ..Script::default() };
    let mut bench = Bench::new(kind, version, script).await;
    let client = bench.engine.connect(bench.options.clone());
    let reason = event(&mut bench.engine, |_, event| match event {
        ClientEvent::Refused { reason } => Some(*reason),
        ClientEvent::Connected { .. } | ClientEvent::ConnectFailed(_) => panic!("{event:?}"),
        _ => None,
    })
    .await;
    assert_eq!(reason, ReasonCode::NotAuthorized);
    bench.broker.script(|script| script.connack = Some(ReasonCode::Success));
    bench.engine.reconnect(client, None);
    bench.online(client).await;
}

async fn unreachable_target_fails(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script::default()).await;
    // A port that was free a moment ago and on which nobody listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    bench.options.endpoint.port = free;
    bench.engine.connect(bench.options.clone());
    let failure = bench.failure().await;
    assert!(failure.starts_with("Unreachable("), "{failure}");
}

async fn silent_target_fails_within_its_time_out(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script { connack: None, ..Script::default() }).await;
    bench.options.connect_timeout = Duration::from_millis(40);
    bench.options.connack_timeout = Duration::from_millis(40);
    let started = Instant::now();
    bench.engine.connect(bench.options.clone());
    let failure = bench.failure().await;
    // rumqttc cannot tell the one from the other.
    let expected = match kind {
        EngineKind::Native => ConnectFailure::ConnackTimeout,
        EngineKind::Rumqttc => ConnectFailure::ConnectTimeout,
    };
    assert_eq!(failure, format!("{expected:?}"));
    assert!((40..5_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
}

async fn every_qos_is_written_then_published(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script::default()).await;
    let client = bench.connected().await;
    let mut ended = Vec::new();
    for (tag, qos) in [(10, QoS::AtMostOnce), (11, QoS::AtLeastOnce), (12, QoS::ExactlyOnce)] {
        assert!(bench.engine.takes(client));
        let before = bench.engine.clock().now();
        bench.engine.publish(client, outgoing("17.3", qos, tag)).unwrap();
        let mut written = None;
        let (reason, published) = event(&mut bench.engine, |_, event| match event {
            ClientEvent::Written { tag: of, at, .. } if of.0 == tag => {
                assert_eq!(written.replace(*at), None, "written once");
                None
            }
            ClientEvent::Published { tag: of, reason, at, .. } => {
                ended.push(of.0);
                (of.0 == tag).then_some((*reason, *at))
            }
            _ => None,
        })
        .await;
        assert_eq!(reason, ReasonCode::Success);
        let written = written.expect("written before published");
        assert!(before <= written && written <= published, "{before} {written} {published}");
        let message = bench.seen(|seen| match seen {
            Seen::Publish { client, message, qos, retain, dup } => Some((client, message, qos, retain, dup)),
            _ => None,
        });
        let (from, message, at_qos, retain, dup) = message.await;
        assert_eq!((from.as_str(), at_qos, retain, dup), ("meter-1", qos, true, false));
        assert_eq!((message.topic.as_str(), &message.payload[..]), ("farm/barn_1/data", &b"17.3"[..]));
        assert_eq!(bench.engine.backlog(client), 0);
    }
    assert_eq!(ended, [10, 11, 12], "each ends once");
}

async fn publication_before_connack_waits_for_it(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script::default()).await;
    let client = bench.engine.connect(bench.options.clone());
    bench.engine.publish(client, outgoing("early", QoS::AtLeastOnce, 7)).unwrap();
    let mut connected = false;
    event(&mut bench.engine, |_, event| {
        connected |= matches!(event, ClientEvent::Connected { .. });
        matches!(event, ClientEvent::Published { tag: Tag(7), .. }).then_some(())
    })
    .await;
    assert!(connected);
}

async fn subscription_is_granted_and_brings_messages(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script::default()).await;
    let client = bench.connected().await;
    let filter = TopicFilter::new("farm/+/config").unwrap();
    let options = SubscriptionOptions { qos: QoS::AtLeastOnce, ..SubscriptionOptions::default() };
    bench.engine.subscribe(client, vec![SubscribeFilter { filter: filter.clone(), options }], Tag(5));
    let reasons = event(&mut bench.engine, |_, event| match event {
        ClientEvent::Subscribed { tag: Tag(5), reasons } => Some(reasons.clone()),
        _ => None,
    })
    .await;
    assert_eq!(reasons, [ReasonCode::GrantedQos1]);
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        bench.broker.deliver("meter-1", "farm/barn_1/config", "{}", qos, true);
        let (message, at_qos, retain) = event(&mut bench.engine, |_, event| match event {
            ClientEvent::Message { message, qos, retain, .. } => Some((message.clone(), *qos, *retain)),
            _ => None,
        })
        .await;
        assert_eq!((message.topic.as_str(), &message.payload[..]), ("farm/barn_1/config", &b"{}"[..]));
        assert_eq!((at_qos, retain), (qos, true));
    }
    bench.engine.unsubscribe(client, vec![filter], Tag(6));
    event(&mut bench.engine, |_, event| matches!(event, ClientEvent::Unsubscribed { tag: Tag(6) }).then_some(())).await;
}

async fn disconnect_is_orderly(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script::default()).await;
    let client = bench.connected().await;
    bench.engine.publish(client, outgoing("last words", QoS::AtMostOnce, 1)).unwrap();
    bench.engine.disconnect(client);
    assert_eq!(bench.closed().await, Closed::Disconnected);
    let mut heard = false;
    let cause = bench.seen(|seen| match seen {
        Seen::Publish { message, .. } => {
            heard = message.payload == "last words";
            None
        }
        Seen::Closed { cause, .. } => Some(cause),
        _ => None,
    });
    assert!(matches!(cause.await, server::Closed::Client(_)));
    assert!(heard);
}

async fn abandon_cuts_without_disconnect(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script::default()).await;
    let client = bench.connected().await;
    bench.engine.abandon(client);
    assert_eq!(bench.closed().await, Closed::Abandoned);
    let cause = bench.seen(|seen| if let Seen::Closed { cause, .. } = seen { Some(cause) } else { None }).await;
    assert_eq!(cause, server::Closed::Transport);
}

async fn reconnect_brings_a_new_will(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script::default()).await;
    bench.options.will = will("first");
    let client = bench.connected().await;
    bench.engine.abandon(client);
    bench.closed().await;
    bench.engine.reconnect(client, will("second"));
    assert!(!bench.online(client).await);
    let mut wills = Vec::new();
    let wills = bench.seen(|seen| {
        if let Seen::Connect(connect) = seen {
            wills.push(connect.will.unwrap().message.payload);
        }
        (wills.len() == 2).then(|| std::mem::take(&mut wills))
    });
    assert_eq!(wills.await, ["first", "second"]);
}

async fn broken_connection_is_reported(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script::default()).await;
    bench.connected().await;
    bench.broker.cut("meter-1");
    let cause = bench.closed().await;
    assert!(matches!(cause, Closed::Transport(_)), "{cause:?}");
}

async fn offline_client_takes_nothing(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script::default()).await;
    let client = bench.connected().await;
    bench.engine.abandon(client);
    bench.closed().await;
    assert!(!bench.engine.takes(client));
    assert_eq!(bench.engine.publish(client, outgoing("lost", QoS::AtLeastOnce, 1)), Err(Unsent::Offline));
}

async fn forgotten_client_is_silent(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script::default()).await;
    let client = bench.connected().await;
    bench.engine.forget(client);
    let cause = bench.seen(|seen| if let Seen::Closed { cause, .. } = seen { Some(cause) } else { None }).await;
    assert_eq!(cause, server::Closed::Transport);
    assert!(bench.engine.poll_event().is_none());
    let other = bench.connected().await;
    assert_ne!(client, other);
}
