//! A broker that does as it is told: `protocol`'s server machine on loopback, one task per connection.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use protocol::{
    ConnAck, Connect, Delivery, Machine, Message, Properties, QoS, ReasonCode, Session, Tag, Time,
    server::{Answer, Closed, Config, Event, Server},
};
use simulator::Clock;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use transport::Endpoint;

/// What the broker was told to do.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// What CONNECT is answered with; `None` leaves it unanswered.
    pub(crate) connack: Option<ReasonCode>,
    /// Whether publications are acknowledged.
    pub(crate) acknowledge: Option<ReasonCode>,
    /// Whether the connection ends right after the answer to a publication.
    pub(crate) cut_on_publish: bool,
    /// Whether the session of a connection that ended is kept.
    pub(crate) keep_sessions: bool,
    /// Whether anything is read after CONNECT, without an order to.
    pub(crate) read: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            connack: Some(ReasonCode::Success),
            acknowledge: Some(ReasonCode::Success),
            cut_on_publish: false,
            keep_sessions: true,
            read: true,
        }
    }
}

/// What the broker saw.
#[derive(Debug)]
pub(crate) enum Seen {
    Connect(Box<Connect>),
    Publish { client: String, message: Message, qos: QoS, retain: bool, dup: bool },
    Closed { cause: Closed },
}

/// What a connection is told to do besides.
enum Order {
    Deliver(Box<Delivery>),
    /// End the transport without a word.
    Cut,
    /// Read from now on.
    Read,
}

pub(crate) struct Broker {
    pub(crate) endpoint: Endpoint,
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    script: Mutex<Script>,
    seen: mpsc::UnboundedSender<Seen>,
    orders: Mutex<HashMap<String, mpsc::UnboundedSender<Order>>>,
    sessions: Mutex<HashMap<String, Box<Session>>>,
}

impl Broker {
    /// Listens on a free port of loopback; ends with the runtime.
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("mqtt://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (sender, seen) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            clock: Clock::new(),
            script: Mutex::new(script),
            seen: sender,
            orders: Mutex::default(),
            sessions: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&accepting)));
            }
        });
        Self { endpoint, seen, shared }
    }

    pub(crate) fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.shared.script.lock().unwrap());
    }

    pub(crate) fn deliver(&self, client: &str, topic: &str, payload: &'static str, qos: QoS, retain: bool) {
        let message = Message {
            topic: protocol::TopicName::new(topic).unwrap(),
            payload: payload.into(),
            properties: Properties::EMPTY,
        };
        let delivery = Delivery { retain, tag: Some(Tag(1)), ..Delivery::new(Arc::new(message), qos) };
        self.order(client, Order::Deliver(Box::new(delivery)));
    }

    pub(crate) fn cut(&self, client: &str) {
        self.order(client, Order::Cut);
    }

    /// Reads on, on this connection and the next ones.
    pub(crate) fn read(&self, client: &str) {
        self.script(|script| script.read = true);
        self.order(client, Order::Read);
    }

    fn order(&self, client: &str, order: Order) {
        let orders = self.shared.orders.lock().unwrap();
        assert!(orders[client].send(order).is_ok(), "{client} is connected");
    }
}

/// One connection.
struct Peer {
    machine: Server,
    client: String,
    /// End the transport once what is to be said is written.
    cut_after: bool,
    shared: Arc<Shared>,
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let (sender, mut orders) = mpsc::unbounded_channel();
    let mut peer = Peer {
        machine: Server::new(Arc::new(Config::default()), Time::ZERO),
        client: String::new(),
        cut_after: false,
        shared,
    };
    let mut out = Vec::new();
    let mut cut = false;
    let mut reads = true;
    while !peer.machine.is_closed() {
        let mut buffer = bytes::BytesMut::with_capacity(4096);
        tokio::select! {
            read = stream.read_buf(&mut buffer), if reads => {
                match read {
                    Ok(0) | Err(_) => peer.machine.transport_closed(peer.now()),
                    Ok(_) => peer.machine.receive(peer.now(), buffer.freeze()),
                }
                reads = peer.shared.script.lock().unwrap().read;
            }
            order = orders.recv() => match order {
                Some(Order::Deliver(delivery)) => {
                    peer.machine.deliver(peer.now(), *delivery);
                }
                Some(Order::Read) => reads = true,
                Some(Order::Cut) | None => {
                    cut = true;
                    peer.machine.transport_closed(peer.now());
                }
            },
        }
        peer.answer_everything(&sender);
        out.clear();
        peer.machine.poll_transmit(&mut out);
        if !cut && stream.write_all(&out).await.is_err() {
            peer.machine.transport_closed(peer.now());
            peer.answer_everything(&sender);
        }
        if peer.cut_after {
            peer.machine.transport_closed(peer.now());
            peer.answer_everything(&sender);
        }
    }
    let kept = peer.shared.script.lock().unwrap().keep_sessions;
    if let Some(session) = peer.machine.into_session().filter(|_| kept) {
        peer.shared.sessions.lock().unwrap().insert(peer.client, session);
    }
}

impl Peer {
    fn now(&self) -> Time {
        self.shared.clock.now()
    }

    fn answer_everything(&mut self, orders: &mpsc::UnboundedSender<Order>) {
        while let Some(event) = self.machine.poll_event() {
            let now = self.now();
            let script = self.shared.script.lock().unwrap().clone();
            let client = self.client.clone();
            let seen = match event {
                Event::Connect { token, connect } => {
                    self.client = connect.client_id.as_str().to_owned();
                    match script.connack {
                        Some(ReasonCode::Success) => {
                            let kept = self.shared.sessions.lock().unwrap().remove(&self.client);
                            let kept = kept.filter(|_| !connect.clean_start);
                            let connack = ConnAck {
                                session_present: kept.is_some(),
                                reason: ReasonCode::Success,
                                properties: Properties::EMPTY,
                            };
                            let session = kept.unwrap_or_default();
                            self.shared.orders.lock().unwrap().insert(self.client.clone(), orders.clone());
                            self.machine.answer(now, token, Answer::Accept { connack: Box::new(connack), session });
                        }
                        Some(reason) => {
                            self.machine.answer(now, token, Answer::Refuse { reason, properties: Properties::EMPTY });
                        }
                        None => {}
                    }
                    Seen::Connect(connect)
                }
                Event::Publish { token, message, qos, retain, dup } => {
                    if let (Some(token), Some(reason)) = (token, script.acknowledge) {
                        self.machine.answer(now, token, Answer::Publish(reason, Properties::EMPTY));
                    }
                    self.cut_after = script.cut_on_publish;
                    Seen::Publish { client, message, qos, retain, dup }
                }
                Event::Subscribe { token, subscribe } => {
                    let granted = subscribe.filters.iter().map(|one| match one.options.qos {
                        QoS::AtMostOnce => ReasonCode::Success,
                        QoS::AtLeastOnce => ReasonCode::GrantedQos1,
                        QoS::ExactlyOnce => ReasonCode::GrantedQos2,
                    });
                    self.machine.answer(now, token, Answer::Subscribe(granted.collect(), Properties::EMPTY));
                    continue;
                }
                Event::Unsubscribe { token, unsubscribe } => {
                    let reasons = vec![ReasonCode::Success; unsubscribe.filters.len()];
                    self.machine.answer(now, token, Answer::Unsubscribe(reasons, Properties::EMPTY));
                    continue;
                }
                Event::Closed(cause) => Seen::Closed { cause },
                _ => continue,
            };
            // Fails when the test no longer looks.
            let _unseen = self.shared.seen.send(seen);
        }
    }
}
