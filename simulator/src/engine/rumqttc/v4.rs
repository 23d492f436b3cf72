//! MQTT 3.1.1 in the library's words.

use std::collections::VecDeque;

use protocol::{Message, Properties, ReasonCode, SubscribeFilter, TopicFilter, TopicName};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, Incoming, LastWill, MqttOptions, Outgoing as Wrote, StateError,
    SubscribeReasonCode,
};

use super::{
    INFLIGHT_LIMIT,
    task::{self, Ending, Step},
};
use crate::{ConnectOptions, Outgoing};

pub(super) struct Connection(EventLoop);

pub(super) struct Requests(AsyncClient);

pub(super) fn prepare(options: &ConnectOptions) -> (Requests, Connection) {
    let endpoint = &options.endpoint;
    let mut ours = MqttOptions::new(options.client_id.as_str(), task::address(endpoint), endpoint.port);
    ours.set_transport(task::transport(options));
    ours.set_clean_session(options.clean_start || options.client_id.is_empty());
    ours.set_keep_alive(std::time::Duration::from_secs(options.keep_alive.into()));
    // The limit counts for both directions; a large message of ours is for the broker to refuse.
    ours.set_max_packet_size(options.maximum_packet_size as usize, 256 << 20);
    ours.set_inflight(options.maximum_inflight.get().min(INFLIGHT_LIMIT));
    if let Some(credentials) = &options.credentials {
        ours.set_credentials(credentials.user_name.as_str(), super::v5::password(credentials));
    }
    if let Some(will) = will(options) {
        ours.set_last_will(will);
    }
    let (client, mut connection) = AsyncClient::new(ours, options.queue_limit);
    connection.network_options.set_tcp_nodelay(true);
    // The task has a finer time-out of its own.
    connection.network_options.set_connection_timeout(u64::from(u32::MAX));
    (Requests(client), Connection(connection))
}

impl Connection {
    pub(super) fn renew_will(&mut self, options: &ConnectOptions) {
        if let Some(will) = will(options) {
            self.0.mqtt_options.set_last_will(will);
        }
    }

    pub(super) async fn poll(&mut self) -> Result<Step, Ending> {
        self.0.poll().await.map(step).map_err(ending)
    }

    pub(super) fn untold(&mut self) -> VecDeque<Step> {
        self.0.state.events.drain(..).map(step).collect()
    }

    pub(super) fn cut(&mut self) {
        self.0.clean();
        self.0.state.events.clear();
    }
}

impl Requests {
    pub(super) fn publish(&self, outgoing: Outgoing) -> bool {
        let Outgoing { message, qos, retain, .. } = outgoing;
        self.0.try_publish(message.topic.as_str(), theirs(qos), retain, message.payload).is_ok()
    }

    pub(super) fn subscribe(&self, filters: Vec<SubscribeFilter>) -> bool {
        let filters = filters
            .into_iter()
            .map(|one| rumqttc::SubscribeFilter::new(one.filter.as_str().to_owned(), theirs(one.options.qos)));
        self.0.try_subscribe_many(filters).is_ok()
    }

    pub(super) fn unsubscribe(&self, filter: TopicFilter) -> bool {
        self.0.try_unsubscribe(filter.as_str()).is_ok()
    }

    pub(super) fn disconnect(&self) -> bool {
        self.0.try_disconnect().is_ok()
    }
}

fn will(options: &ConnectOptions) -> Option<LastWill> {
    let will = options.will.as_ref()?;
    Some(LastWill::new(will.message.topic.as_str(), will.message.payload.clone(), theirs(will.qos), will.retain))
}

fn theirs(qos: protocol::QoS) -> rumqttc::QoS {
    match qos {
        protocol::QoS::AtMostOnce => rumqttc::QoS::AtMostOnce,
        protocol::QoS::AtLeastOnce => rumqttc::QoS::AtLeastOnce,
        protocol::QoS::ExactlyOnce => rumqttc::QoS::ExactlyOnce,
    }
}

fn ours(qos: rumqttc::QoS) -> protocol::QoS {
    match qos {
        rumqttc::QoS::AtMostOnce => protocol::QoS::AtMostOnce,
        rumqttc::QoS::AtLeastOnce => protocol::QoS::AtLeastOnce,
        rumqttc::QoS::ExactlyOnce => protocol::QoS::ExactlyOnce,
    }
}

fn step(event: Event) -> Step {
    match event {
        Event::Incoming(Incoming::ConnAck(connack)) => Step::Connected { session_present: connack.session_present },
        Event::Incoming(Incoming::Publish(publish)) => match TopicName::new(publish.topic) {
            Ok(topic) => Step::Message {
                message: Message { topic, payload: publish.payload, properties: Properties::EMPTY },
                qos: ours(publish.qos),
                retain: publish.retain,
                dup: publish.dup,
            },
            // The library lets a malformed topic through; nobody can have asked for it.
            Err(_) => Step::Nothing,
        },
        Event::Incoming(Incoming::PubAck(ack)) => Step::Acknowledged { id: ack.pkid, reason: ReasonCode::Success },
        Event::Incoming(Incoming::PubComp(ack)) => Step::Acknowledged { id: ack.pkid, reason: ReasonCode::Success },
        Event::Incoming(Incoming::SubAck(ack)) => {
            let reasons = ack.return_codes.iter().map(|code| match code {
                SubscribeReasonCode::Success(qos) => granted(ours(*qos)),
                SubscribeReasonCode::Failure => ReasonCode::UnspecifiedError,
            });
            Step::Subscribed { id: ack.pkid, reasons: reasons.collect() }
        }
        Event::Incoming(Incoming::UnsubAck(ack)) => Step::Unsubscribed { id: ack.pkid },
        Event::Outgoing(Wrote::Publish(id)) => Step::PublishWritten { id },
        Event::Outgoing(Wrote::AwaitAck(id)) => Step::PublishHeldBack { id },
        Event::Outgoing(Wrote::Subscribe(id)) => Step::SubscribeWritten { id },
        Event::Outgoing(Wrote::Unsubscribe(id)) => Step::UnsubscribeWritten { id },
        Event::Outgoing(Wrote::Disconnect) => Step::DisconnectWritten,
        Event::Incoming(_) | Event::Outgoing(_) => Step::Nothing,
    }
}

pub(super) fn granted(qos: protocol::QoS) -> ReasonCode {
    match qos {
        protocol::QoS::AtMostOnce => ReasonCode::Success,
        protocol::QoS::AtLeastOnce => ReasonCode::GrantedQos1,
        protocol::QoS::ExactlyOnce => ReasonCode::GrantedQos2,
    }
}

fn ending(error: ConnectionError) -> Ending {
    match error {
        ConnectionError::Io(error) => Ending::io(error),
        ConnectionError::ConnectionRefused(code) => {
            let reason = ReasonCode::from_connect_return_code(code as u8);
            Ending::Refused(reason.unwrap_or(ReasonCode::UnspecifiedError))
        }
        ConnectionError::MqttState(StateError::AwaitPingResp) => Ending::PingTimeout,
        ConnectionError::MqttState(StateError::ConnectionAborted) => Ending::Transport("end of stream".to_owned()),
        ConnectionError::MqttState(StateError::Io(error)) => Ending::lost(&error),
        ConnectionError::MqttState(error) => Ending::of(&error, Ending::Violation),
        ConnectionError::NotConnAck(packet) => Ending::Violation(format!("{packet:?} instead of CONNACK")),
        other => Ending::of(&other, Ending::NotReached),
    }
}
