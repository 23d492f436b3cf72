//! The rumqttc library in both versions. Its two modules are twins with different types, so the checks are written once
//! and instantiated for each.

use std::{
    fs,
    time::{Duration, Instant},
};

use rumqttc::{
    Packet as Packet4, QoS as QoS4, Transport,
    v5::mqttbytes::{QoS as QoS5, v5::Packet as Packet5},
};

use crate::{
    support::{Broker, DEADLINE},
    ways::{Everywhere, Way},
};

/// What arrived: topic, payload, RETAIN.
type Arrived = (String, Vec<u8>, bool);

fn transport(way: &Way) -> Transport {
    let mut files = way.files().into_iter().map(|file| fs::read(file).expect("a file"));
    let authority = files.next().unwrap_or_default();
    let identity = files.next().zip(files.next());
    match way.scheme {
        "mqtts" => Transport::tls(authority, identity, None),
        "ws" => Transport::ws(),
        "wss" => Transport::wss(authority, identity, None),
        _ => Transport::tcp(),
    }
}

macro_rules! checks {
    ($version:ident, $options:ty, $client:ty, $connection:ty, $event:path, $packet:ident, $qos:ident, $will:expr) => {
        mod $version {
            use super::*;

            struct Peer {
                client: $client,
                connection: $connection,
            }

            impl Peer {
                fn connect(way: &Way, name: &str, will: Option<&str>) -> Self {
                    let id = format!("rumqttc-{}-{name}", stringify!($version));
                    // For WebSocket it wants the whole URL as the host.
                    let host = if way.is_web_socket() { way.url() } else { way.address.ip().to_string() };
                    let mut options = <$options>::new(id, host, way.address.port());
                    options.set_transport(transport(way));
                    options.set_keep_alive(Duration::from_secs(30));
                    if let Some(topic) = will {
                        options.set_last_will($will(topic));
                    }
                    let (client, connection) = <$client>::new(options, 100);
                    let mut peer = Self { client, connection };
                    peer.until("CONNACK", |packet| matches!(packet, $packet::ConnAck(_)).then_some(()));
                    peer
                }

                fn subscribe(&mut self, topic: &str, qos: $qos) {
                    self.client.subscribe(topic, qos).unwrap();
                    self.until("SUBACK", |packet| matches!(packet, $packet::SubAck(_)).then_some(()));
                }

                fn publish(&mut self, topic: &str, qos: $qos, retain: bool, payload: &str) {
                    self.client.publish(topic, qos, retain, payload.to_owned()).unwrap();
                    match qos {
                        // The next answer is a fence: the broker reads in order.
                        $qos::AtMostOnce => {
                            self.client.publish("fence", $qos::AtLeastOnce, false, "").unwrap();
                            self.until("PUBACK", |packet| matches!(packet, $packet::PubAck(_)).then_some(()));
                        }
                        $qos::AtLeastOnce => {
                            self.until("PUBACK", |packet| matches!(packet, $packet::PubAck(_)).then_some(()))
                        }
                        $qos::ExactlyOnce => {
                            self.until("PUBCOMP", |packet| matches!(packet, $packet::PubComp(_)).then_some(()))
                        }
                    }
                }

                fn message(&mut self) -> Arrived {
                    self.until("a message", |packet| match packet {
                        $packet::Publish(publish) => {
                            let topic = publish.topic.clone();
                            let topic = String::from_utf8(topic.into()).unwrap();
                            Some((topic, publish.payload.to_vec(), publish.retain))
                        }
                        _ => None,
                    })
                }

                fn until<T>(&mut self, what: &str, mut wanted: impl FnMut($packet) -> Option<T>) -> T {
                    let end = Instant::now() + DEADLINE;
                    loop {
                        let left = end.saturating_duration_since(Instant::now());
                        match self.connection.recv_timeout(left) {
                            Ok(Ok($event(packet))) => {
                                if let Some(found) = wanted(packet) {
                                    return found;
                                }
                            }
                            Ok(Ok(_)) => {}
                            other => panic!("no {what}: {other:?}"),
                        }
                    }
                }
            }

            #[test]
            fn exchanges_each_qos() {
                each_qos(&Broker::start().way());
            }

            #[test]
            fn exchanges_each_qos_over_tls_and_websocket() {
                let broker = Everywhere::start();
                broker.ways.iter().for_each(each_qos);
            }

            fn each_qos(way: &Way) {
                let mut receiver = Peer::connect(way, "receiver", None);
                let mut sender = Peer::connect(way, "sender", None);
                for qos in [$qos::AtMostOnce, $qos::AtLeastOnce, $qos::ExactlyOnce] {
                    let topic = format!("qos/{}", qos as u8);
                    receiver.subscribe(&topic, qos);
                    for payload in ["one", "two", "three"] {
                        sender.publish(&topic, qos, false, payload);
                        assert_eq!(receiver.message(), (topic.clone(), payload.into(), false));
                    }
                }
            }

            #[test]
            fn gets_and_clears_retained_messages() {
                let broker = Broker::start();
                let mut sender = Peer::connect(&broker.way(), "sender", None);
                sender.publish("kept", $qos::AtLeastOnce, true, "kept");
                let mut late = Peer::connect(&broker.way(), "late", None);
                late.subscribe("kept", $qos::AtLeastOnce);
                assert_eq!(late.message(), ("kept".into(), "kept".into(), true));
                sender.publish("kept", $qos::AtLeastOnce, true, "");
                let mut later = Peer::connect(&broker.way(), "later", None);
                later.subscribe("kept", $qos::AtLeastOnce);
                sender.publish("kept", $qos::AtLeastOnce, false, "fence");
                assert_eq!(later.message(), ("kept".into(), "fence".into(), false));
            }

            #[test]
            fn leaves_a_will() {
                let broker = Broker::start();
                let mut watcher = Peer::connect(&broker.way(), "watcher", None);
                watcher.subscribe("will", $qos::AtLeastOnce);
                drop(Peer::connect(&broker.way(), "mortal", Some("will")));
                assert_eq!(watcher.message(), ("will".into(), "gone".into(), false));
            }

            #[test]
            fn shares_a_subscription() {
                let broker = Broker::start();
                let mut members = ["one", "two"].map(|name| Peer::connect(&broker.way(), name, None));
                for member in &mut members {
                    member.subscribe("$share/herd/shared", $qos::AtLeastOnce);
                    member.subscribe("end", $qos::AtLeastOnce);
                }
                let mut sender = Peer::connect(&broker.way(), "sender", None);
                for n in 0..20_u8 {
                    sender.publish("shared", $qos::AtLeastOnce, false, &n.to_string());
                }
                sender.publish("end", $qos::AtLeastOnce, false, "");
                let mut got = Vec::new();
                for member in &mut members {
                    let before = got.len();
                    loop {
                        let (topic, payload, _) = member.message();
                        if topic == "end" {
                            break;
                        }
                        got.push(String::from_utf8(payload).unwrap().parse::<u8>().unwrap());
                    }
                    assert!(got.len() > before, "one member got everything");
                }
                got.sort_unstable();
                assert_eq!(got, (0..20).collect::<Vec<_>>());
            }
        }
    };
}

checks!(
    v311,
    rumqttc::MqttOptions,
    rumqttc::Client,
    rumqttc::Connection,
    rumqttc::Event::Incoming,
    Packet4,
    QoS4,
    |topic| rumqttc::LastWill::new(topic, "gone", QoS4::AtLeastOnce, false)
);
checks!(
    v5,
    rumqttc::v5::MqttOptions,
    rumqttc::v5::Client,
    rumqttc::v5::Connection,
    rumqttc::v5::Event::Incoming,
    Packet5,
    QoS5,
    |topic| rumqttc::v5::mqttbytes::v5::LastWill::new(topic, "gone", QoS5::AtLeastOnce, false, None)
);
