//! A server machine whose peer sends anything, in any pieces, while its owner answers in any order.
//!
//! An input is a program: one byte chooses a step, and the step takes what it needs from the bytes that follow. Steps
//! that send well-formed packets get past CONNECT quickly; the raw step sends bytes as they are.
#![no_main]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocol::{
    Ack, Auth, ConnAck, Connect, Decoder, Delivery, Disconnect, Machine, Message, Packet, PacketId, PacketLimits,
    Properties, Property, Publish, QoS, ReasonCode, RetainHandling, Role, Subscribe, SubscribeFilter,
    SubscriptionOptions, Time, Token, TopicFilter, TopicName, Unsubscribe, Utf8String, Version, Violation,
    server::{Answer, Config, Event, Server},
};

/// The one authentication method of these programs.
const METHOD: &str = "SCRAM";
/// How many questions may be open: 4 publications, 16 SUBSCRIBE and UNSUBSCRIBE, one AUTH.
const QUESTIONS: usize = 21;
/// What a peer may make the machine transmit, beyond what it sent and what the owner delivered.
const SLACK: usize = 256;

fuzz_target!(|input: &[u8]| Run::new().play(&mut Program(input)));

/// The rest of an input.
struct Program<'a>(&'a [u8]);

impl Program<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn bytes(&mut self) -> Bytes {
        let wanted = usize::from(self.byte()).min(self.0.len());
        let (taken, rest) = self.0.split_at(wanted);
        self.0 = rest;
        Bytes::copy_from_slice(taken)
    }

    fn packet_id(&mut self) -> PacketId {
        PacketId(u16::from(self.byte() % 8 + 1).try_into().expect("not zero"))
    }

    fn qos(&mut self) -> QoS {
        [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][usize::from(self.byte() % 3)]
    }

    fn topic(&mut self) -> &'static str {
        ["a", "a/b", "$share", "barn/7/milk"][usize::from(self.byte() % 4)]
    }

    fn reason(&mut self) -> ReasonCode {
        [
            ReasonCode::Success,
            ReasonCode::NoMatchingSubscribers,
            ReasonCode::UnspecifiedError,
            ReasonCode::QuotaExceeded,
        ][usize::from(self.byte() % 4)]
    }
}

/// A question of the machine.
enum Question {
    /// Whether the client named an authentication method: only then it may be challenged.
    Connect {
        challenged: bool,
    },
    Auth,
    Publish,
    Subscribe(usize),
    Unsubscribe(usize),
}

struct Run {
    now: Time,
    server: Server,
    version: Version,
    open: Vec<(Token, Question)>,
    output: Decoder,
    received: usize,
    delivered: usize,
    sent: usize,
    /// Whether CONNECT was accepted.
    accepted: bool,
    closed: bool,
}

impl Run {
    fn new() -> Self {
        let config = Config {
            maximum_packet_size: 4096,
            receive_maximum: 4,
            topic_alias_maximum: 4,
            maximum_inflight: 4,
            outgoing_topic_alias_maximum: 2,
            ..Config::default()
        };
        Self {
            now: Time::ZERO,
            server: Server::new(Arc::new(config), Time::ZERO),
            version: Version::V5,
            open: Vec::new(),
            output: Decoder::new(Role::Client, PacketLimits::default()),
            received: 0,
            delivered: 0,
            sent: 0,
            accepted: false,
            closed: false,
        }
    }

    fn play(mut self, program: &mut Program<'_>) {
        while !program.0.is_empty() {
            self.step(program);
            self.settle();
            assert!(self.open.len() <= QUESTIONS, "{} questions are open", self.open.len());
        }
        // What came before the end is then reported without waiting for answers.
        self.server.transport_closed(self.now);
        self.settle();
        assert!(self.closed, "a transport that ended ends the connection");
    }

    fn step(&mut self, program: &mut Program<'_>) {
        match program.byte() % 8 {
            0 => {
                let bytes = program.bytes();
                self.receive(bytes);
            }
            1 | 2 => {
                let packet = self.packet(program);
                let mut bytes = Vec::new();
                if packet.encode(self.version, &mut bytes).is_ok() {
                    let cut = usize::from(program.byte()).min(bytes.len());
                    let rest = bytes.split_off(cut);
                    self.receive(bytes.into());
                    self.receive(rest.into());
                }
            }
            3 | 4 => self.answer(program),
            5 => self.deliver(program),
            6 => {
                self.now = self.now.after(Duration::from_millis(u64::from(program.byte()) * 100));
                self.server.handle_timeout(self.now);
            }
            _ => self.server.close(self.now, ReasonCode::AdministrativeAction, Properties::EMPTY),
        }
    }

    fn receive(&mut self, bytes: Bytes) {
        self.received += bytes.len();
        self.server.receive(self.now, bytes);
    }

    fn packet(&mut self, program: &mut Program<'_>) -> Packet {
        let properties = Properties::EMPTY;
        match program.byte() % 11 {
            0 | 1 => {
                self.version = if program.byte() & 1 == 0 { Version::V5 } else { Version::V311 };
                let mut properties = Properties::EMPTY;
                if self.version == Version::V5 {
                    properties.push(Property::ReceiveMaximum(2));
                    if program.byte() & 1 == 1 {
                        let method = Utf8String::new(METHOD).expect("letters");
                        properties.push(Property::AuthenticationMethod(method));
                    }
                }
                Packet::Connect(Box::new(Connect {
                    version: self.version,
                    clean_start: program.byte() & 1 == 0,
                    keep_alive: program.byte().into(),
                    client_id: Utf8String::new("cow").expect("letters"),
                    will: None,
                    user_name: None,
                    password: None,
                    properties,
                }))
            }
            2 | 3 => {
                let qos = program.qos();
                Packet::Publish(Publish {
                    dup: qos > QoS::AtMostOnce && program.byte() & 1 == 1,
                    qos,
                    retain: program.byte() & 1 == 1,
                    topic: TopicName::new(program.topic()).ok(),
                    packet_id: (qos > QoS::AtMostOnce).then(|| program.packet_id()),
                    properties,
                    payload: program.bytes(),
                })
            }
            4 => Packet::PubAck(Ack::new(program.packet_id(), program.reason())),
            5 => Packet::PubRec(Ack::new(program.packet_id(), program.reason())),
            6 => Packet::PubRel(Ack::new(program.packet_id(), ReasonCode::Success)),
            7 => Packet::PubComp(Ack::new(program.packet_id(), ReasonCode::Success)),
            8 => Packet::Subscribe(Subscribe {
                packet_id: program.packet_id(),
                properties,
                filters: vec![SubscribeFilter {
                    filter: TopicFilter::new("a/#").expect("a filter"),
                    options: SubscriptionOptions {
                        qos: program.qos(),
                        no_local: false,
                        retain_as_published: false,
                        retain_handling: RetainHandling::default(),
                    },
                }],
            }),
            9 => Packet::Unsubscribe(Unsubscribe {
                packet_id: program.packet_id(),
                properties,
                filters: vec![TopicFilter::new("a/#").expect("a filter")],
            }),
            _ if program.byte() & 1 == 0 => {
                let method = Utf8String::new(METHOD).expect("letters");
                let reason = match program.byte() & 1 {
                    0 => ReasonCode::ContinueAuthentication,
                    _ => ReasonCode::ReAuthenticate,
                };
                Packet::Auth(Auth {
                    reason,
                    properties: [Property::AuthenticationMethod(method)].into_iter().collect(),
                })
            }
            _ => Packet::Disconnect(Disconnect { reason: ReasonCode::Success, properties }),
        }
    }

    fn answer(&mut self, program: &mut Program<'_>) {
        if self.open.is_empty() {
            return;
        }
        let index = usize::from(program.byte()) % self.open.len();
        let (token, question) = self.open.swap_remove(index);
        let properties = Properties::EMPTY;
        let answer = match question {
            Question::Connect { .. } | Question::Auth if program.byte() % 4 == 0 => {
                Answer::Refuse { reason: ReasonCode::NotAuthorized, properties }
            }
            Question::Connect { challenged: true } | Question::Auth if program.byte() % 2 == 0 => {
                let method = Utf8String::new(METHOD).expect("letters");
                Answer::Challenge([Property::AuthenticationMethod(method)].into_iter().collect())
            }
            Question::Auth if self.accepted => Answer::Authenticated(properties),
            Question::Connect { .. } | Question::Auth => {
                self.accepted = true;
                Answer::Accept {
                    connack: Box::new(ConnAck { session_present: false, reason: ReasonCode::Success, properties }),
                    session: Box::default(),
                }
            }
            Question::Publish => Answer::Publish(program.reason(), properties),
            Question::Subscribe(filters) => Answer::Subscribe(vec![ReasonCode::GrantedQos1; filters], properties),
            Question::Unsubscribe(filters) => Answer::Unsubscribe(vec![ReasonCode::Success; filters], properties),
        };
        self.server.answer(self.now, token, answer);
    }

    fn deliver(&mut self, program: &mut Program<'_>) {
        let message = Message {
            topic: TopicName::new(program.topic()).expect("a topic"),
            payload: program.bytes(),
            properties: Properties::EMPTY,
        };
        // Twice: it may be sent again in this connection's CONNACK turn, and each time with a header.
        self.delivered += 2 * (message.weight() + SLACK);
        let mut delivery = Delivery::new(Arc::new(message), program.qos());
        if program.byte() & 1 == 1 {
            delivery.expires_at = Some(self.now.after(Duration::from_secs(1)));
        }
        self.server.deliver(self.now, delivery);
    }

    /// Hears what the machine has to say and checks what it sends.
    fn settle(&mut self) {
        while let Some(event) = self.server.poll_event() {
            assert!(!self.closed, "{event:?} after the close");
            match event {
                Event::Connect { token, connect } => {
                    self.version = connect.version;
                    let challenged = connect.properties.authentication_method().is_some();
                    self.open.push((token, Question::Connect { challenged }));
                }
                Event::Auth { token, .. } => self.open.push((token, Question::Auth)),
                Event::Publish { token, .. } => self.open.extend(token.map(|token| (token, Question::Publish))),
                Event::Subscribe { token, subscribe } => {
                    self.open.push((token, Question::Subscribe(subscribe.filters.len())));
                }
                Event::Unsubscribe { token, unsubscribe } => {
                    self.open.push((token, Question::Unsubscribe(unsubscribe.filters.len())));
                }
                Event::Delivered { .. } | Event::Dropped { .. } => {}
                Event::Closed(_) => self.closed = true,
            }
        }
        assert_eq!(self.closed, self.server.is_closed());
        let mut out = Vec::new();
        self.server.poll_transmit(&mut out);
        self.sent += out.len();
        let most = 8 * self.received + self.delivered + SLACK;
        assert!(self.sent <= most, "{} bytes sent for {} received", self.sent, self.received);
        match self.server.version() {
            Some(version) => {
                self.output.set_version(version);
                let read = readable(&mut self.output, out);
                assert!(read.is_ok(), "the server sent what a client must refuse: {read:?}");
            }
            // The refusal of a CONNECT that could not be read, in the version that it claimed.
            None => {
                let read = [Version::V311, Version::V5].map(|version| {
                    let mut decoder = Decoder::new(Role::Client, PacketLimits::default());
                    decoder.set_version(version);
                    readable(&mut decoder, out.clone())
                });
                assert!(read.iter().any(Result::is_ok), "a refusal that no client understands: {out:?}, {read:?}");
            }
        }
    }
}

/// Whether `bytes` are packets as a server may send them.
fn readable(decoder: &mut Decoder, bytes: Vec<u8>) -> Result<(), Violation> {
    let mut bytes = Bytes::from(bytes);
    while decoder.decode(&mut bytes)?.is_some() {}
    Ok(())
}
