//! MQTT 5.0 in the library's words.

use std::collections::VecDeque;

use bytes::Bytes;
use protocol::{
    Message, Properties, Property, QoS, ReasonCode, RetainHandling, SubscribeFilter, TopicFilter, TopicName, Utf8String,
};
use rumqttc::{
    Outgoing as Wrote,
    v5::{
        AsyncClient, ConnectionError, Event, EventLoop, Incoming, MqttOptions, StateError,
        mqttbytes::{
            self,
            v5::{
                ConnectProperties, ConnectReturnCode, Filter, LastWill, LastWillProperties, PubAckReason,
                PubCompReason, PubRecReason, PublishProperties, RetainForwardRule, SubscribeReasonCode,
            },
        },
    },
};

use super::{
    INFLIGHT_LIMIT,
    task::{self, Ending, Step},
    v4::granted,
};
use crate::{ConnectOptions, Credentials, Outgoing};

pub(super) struct Connection(EventLoop);

pub(super) struct Requests(AsyncClient);

pub(super) fn prepare(options: &ConnectOptions) -> (Requests, Connection) {
    let endpoint = &options.endpoint;
    let mut ours = MqttOptions::new(options.client_id.as_str(), task::address(endpoint), endpoint.port);
    ours.set_transport(task::transport(options));
    ours.set_clean_start(options.clean_start);
    // The library insists on 5 s, and would ping without pause at 0.
    let keep_alive = if options.keep_alive == 0 { u16::MAX } else { options.keep_alive.max(5) };
    ours.set_keep_alive(std::time::Duration::from_secs(keep_alive.into()));
    let mut properties = ConnectProperties::new();
    properties.session_expiry_interval = (options.session_expiry > 0).then_some(options.session_expiry);
    properties.receive_maximum = options.receive_maximum.map(std::num::NonZeroU16::get);
    properties.max_packet_size = Some(options.maximum_packet_size);
    ours.set_connect_properties(properties);
    ours.set_outgoing_inflight_upper_limit(options.maximum_inflight.get().min(INFLIGHT_LIMIT));
    if let Some(credentials) = &options.credentials {
        ours.set_credentials(credentials.user_name.as_str(), password(credentials));
    }
    if let Some(will) = will(options) {
        ours.set_last_will(will);
    }
    let mut network = ours.network_options();
    network.set_tcp_nodelay(true);
    ours.set_network_options(network);
    // The task has a finer time-out of its own.
    ours.set_connection_timeout(u64::from(u32::MAX));
    let (client, connection) = AsyncClient::new(ours, options.queue_limit);
    (Requests(client), Connection(connection))
}

/// The library knows only passwords in UTF-8.
pub(super) fn password(credentials: &Credentials) -> String {
    credentials.password.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned()
}

impl Connection {
    pub(super) fn renew_will(&mut self, options: &ConnectOptions) {
        if let Some(will) = will(options) {
            self.0.options.set_last_will(will);
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
        let Outgoing { message: Message { topic, payload, properties }, qos, retain, .. } = outgoing;
        let (topic, qos) = (topic.as_str(), theirs(qos));
        if properties.is_empty() {
            self.0.try_publish(topic, qos, retain, payload).is_ok()
        } else {
            self.0.try_publish_with_properties(topic, qos, retain, payload, their_properties(&properties)).is_ok()
        }
    }

    pub(super) fn subscribe(&self, filters: Vec<SubscribeFilter>) -> bool {
        let filters = filters.into_iter().map(|SubscribeFilter { filter, options }| Filter {
            path: filter.as_str().to_owned(),
            qos: theirs(options.qos),
            nolocal: options.no_local,
            preserve_retain: options.retain_as_published,
            retain_forward_rule: match options.retain_handling {
                RetainHandling::Always => RetainForwardRule::OnEverySubscribe,
                RetainHandling::IfNew => RetainForwardRule::OnNewSubscribe,
                RetainHandling::Never => RetainForwardRule::Never,
            },
        });
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
    let PublishProperties {
        payload_format_indicator,
        message_expiry_interval,
        response_topic,
        correlation_data,
        user_properties,
        content_type,
        ..
    } = their_properties(&will.message.properties);
    let properties = (!will.message.properties.is_empty()).then(|| LastWillProperties {
        delay_interval: will.message.properties.will_delay_interval(),
        payload_format_indicator,
        message_expiry_interval,
        content_type,
        response_topic,
        correlation_data,
        user_properties,
    });
    let message = &will.message;
    Some(LastWill::new(message.topic.as_str(), message.payload.clone(), theirs(will.qos), will.retain, properties))
}

fn theirs(qos: QoS) -> mqttbytes::QoS {
    match qos {
        QoS::AtMostOnce => mqttbytes::QoS::AtMostOnce,
        QoS::AtLeastOnce => mqttbytes::QoS::AtLeastOnce,
        QoS::ExactlyOnce => mqttbytes::QoS::ExactlyOnce,
    }
}

fn ours(qos: mqttbytes::QoS) -> QoS {
    match qos {
        mqttbytes::QoS::AtMostOnce => QoS::AtMostOnce,
        mqttbytes::QoS::AtLeastOnce => QoS::AtLeastOnce,
        mqttbytes::QoS::ExactlyOnce => QoS::ExactlyOnce,
    }
}

fn their_properties(properties: &Properties) -> PublishProperties {
    PublishProperties {
        payload_format_indicator: properties.payload_format_indicator().map(u8::from),
        message_expiry_interval: properties.message_expiry_interval(),
        topic_alias: None,
        response_topic: properties.response_topic().map(|topic| topic.as_str().to_owned()),
        correlation_data: properties.correlation_data().cloned(),
        user_properties: properties
            .user_properties()
            .map(|pair| (pair.name.as_str().to_owned(), pair.value.as_str().to_owned()))
            .collect(),
        subscription_identifiers: Vec::new(),
        content_type: properties.content_type().map(|text| text.as_str().to_owned()),
    }
}

/// What of the library's properties is well formed.
fn our_properties(properties: PublishProperties) -> Properties {
    let text = |text: String| Utf8String::new(text).ok();
    let mut ours = Properties::new();
    let known = [
        properties.payload_format_indicator.map(|flag| Property::PayloadFormatIndicator(flag != 0)),
        properties.message_expiry_interval.map(Property::MessageExpiryInterval),
        properties.content_type.and_then(text).map(Property::ContentType),
        properties.response_topic.and_then(|topic| TopicName::new(topic).ok()).map(Property::ResponseTopic),
        properties.correlation_data.map(Property::CorrelationData),
    ];
    known.into_iter().flatten().for_each(|property| ours.push(property));
    for id in properties.subscription_identifiers {
        ours.push(Property::SubscriptionIdentifier(u32::try_from(id).unwrap_or(u32::MAX)));
    }
    for (name, value) in properties.user_properties {
        if let (Some(name), Some(value)) = (text(name), text(value)) {
            ours.push_user(name, value);
        }
    }
    ours
}

fn step(event: Event) -> Step {
    match event {
        Event::Incoming(Incoming::ConnAck(connack)) => Step::Connected { session_present: connack.session_present },
        Event::Incoming(Incoming::Publish(publish)) => match topic(publish.topic) {
            Some(topic) => Step::Message {
                message: Message {
                    topic,
                    payload: publish.payload,
                    properties: publish.properties.map(our_properties).unwrap_or_default(),
                },
                qos: ours(publish.qos),
                retain: publish.retain,
                dup: publish.dup,
            },
            // The library lets a malformed topic through; nobody can have asked for it.
            None => Step::Nothing,
        },
        Event::Incoming(Incoming::PubAck(ack)) => {
            Step::Acknowledged { id: ack.pkid, reason: puback_reason(ack.reason) }
        }
        // A PUBREC that says yes is followed by PUBCOMP.
        Event::Incoming(Incoming::PubRec(ack)) => match pubrec_reason(ack.reason) {
            reason if reason.is_failure() => Step::Acknowledged { id: ack.pkid, reason },
            _ => Step::Nothing,
        },
        Event::Incoming(Incoming::PubComp(ack)) => Step::Acknowledged {
            id: ack.pkid,
            reason: match ack.reason {
                PubCompReason::Success => ReasonCode::Success,
                PubCompReason::PacketIdentifierNotFound => ReasonCode::PacketIdentifierNotFound,
            },
        },
        Event::Incoming(Incoming::SubAck(ack)) => {
            Step::Subscribed { id: ack.pkid, reasons: ack.return_codes.into_iter().map(suback_reason).collect() }
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

fn topic(bytes: Bytes) -> Option<TopicName> {
    TopicName::from_text(Utf8String::from_wire(bytes).ok()?).ok()
}

fn puback_reason(reason: PubAckReason) -> ReasonCode {
    match reason {
        PubAckReason::Success => ReasonCode::Success,
        PubAckReason::NoMatchingSubscribers => ReasonCode::NoMatchingSubscribers,
        PubAckReason::UnspecifiedError => ReasonCode::UnspecifiedError,
        PubAckReason::ImplementationSpecificError => ReasonCode::ImplementationSpecificError,
        PubAckReason::NotAuthorized => ReasonCode::NotAuthorized,
        PubAckReason::TopicNameInvalid => ReasonCode::TopicNameInvalid,
        PubAckReason::PacketIdentifierInUse => ReasonCode::PacketIdentifierInUse,
        PubAckReason::QuotaExceeded => ReasonCode::QuotaExceeded,
        PubAckReason::PayloadFormatInvalid => ReasonCode::PayloadFormatInvalid,
    }
}

fn pubrec_reason(reason: PubRecReason) -> ReasonCode {
    match reason {
        PubRecReason::Success => ReasonCode::Success,
        PubRecReason::NoMatchingSubscribers => ReasonCode::NoMatchingSubscribers,
        PubRecReason::UnspecifiedError => ReasonCode::UnspecifiedError,
        PubRecReason::ImplementationSpecificError => ReasonCode::ImplementationSpecificError,
        PubRecReason::NotAuthorized => ReasonCode::NotAuthorized,
        PubRecReason::TopicNameInvalid => ReasonCode::TopicNameInvalid,
        PubRecReason::PacketIdentifierInUse => ReasonCode::PacketIdentifierInUse,
        PubRecReason::QuotaExceeded => ReasonCode::QuotaExceeded,
        PubRecReason::PayloadFormatInvalid => ReasonCode::PayloadFormatInvalid,
    }
}

fn suback_reason(reason: SubscribeReasonCode) -> ReasonCode {
    match reason {
        SubscribeReasonCode::Success(qos) => granted(ours(qos)),
        SubscribeReasonCode::Failure | SubscribeReasonCode::Unspecified => ReasonCode::UnspecifiedError,
        SubscribeReasonCode::ImplementationSpecific => ReasonCode::ImplementationSpecificError,
        SubscribeReasonCode::NotAuthorized => ReasonCode::NotAuthorized,
        SubscribeReasonCode::TopicFilterInvalid => ReasonCode::TopicFilterInvalid,
        SubscribeReasonCode::PkidInUse => ReasonCode::PacketIdentifierInUse,
        SubscribeReasonCode::QuotaExceeded => ReasonCode::QuotaExceeded,
        SubscribeReasonCode::SharedSubscriptionsNotSupported => ReasonCode::SharedSubscriptionsNotSupported,
        SubscribeReasonCode::SubscriptionIdNotSupported => ReasonCode::SubscriptionIdentifiersNotSupported,
        SubscribeReasonCode::WildcardSubscriptionsNotSupported => ReasonCode::WildcardSubscriptionsNotSupported,
    }
}

fn connack_reason(code: ConnectReturnCode) -> ReasonCode {
    match code {
        ConnectReturnCode::Success => ReasonCode::Success,
        ConnectReturnCode::MalformedPacket => ReasonCode::MalformedPacket,
        ConnectReturnCode::ProtocolError => ReasonCode::ProtocolError,
        ConnectReturnCode::ImplementationSpecificError => ReasonCode::ImplementationSpecificError,
        ConnectReturnCode::UnsupportedProtocolVersion | ConnectReturnCode::RefusedProtocolVersion => {
            ReasonCode::UnsupportedProtocolVersion
        }
        ConnectReturnCode::ClientIdentifierNotValid | ConnectReturnCode::BadClientId => {
            ReasonCode::ClientIdentifierNotValid
        }
        ConnectReturnCode::BadUserNamePassword => ReasonCode::BadUserNameOrPassword,
        ConnectReturnCode::NotAuthorized => ReasonCode::NotAuthorized,
        ConnectReturnCode::ServerUnavailable | ConnectReturnCode::ServiceUnavailable => ReasonCode::ServerUnavailable,
        ConnectReturnCode::ServerBusy => ReasonCode::ServerBusy,
        ConnectReturnCode::Banned => ReasonCode::Banned,
        ConnectReturnCode::BadAuthenticationMethod => ReasonCode::BadAuthenticationMethod,
        ConnectReturnCode::TopicNameInvalid => ReasonCode::TopicNameInvalid,
        ConnectReturnCode::PacketTooLarge => ReasonCode::PacketTooLarge,
        ConnectReturnCode::QuotaExceeded => ReasonCode::QuotaExceeded,
        ConnectReturnCode::PayloadFormatInvalid => ReasonCode::PayloadFormatInvalid,
        ConnectReturnCode::RetainNotSupported => ReasonCode::RetainNotSupported,
        ConnectReturnCode::QoSNotSupported => ReasonCode::QosNotSupported,
        ConnectReturnCode::UseAnotherServer => ReasonCode::UseAnotherServer,
        ConnectReturnCode::ServerMoved => ReasonCode::ServerMoved,
        ConnectReturnCode::ConnectionRateExceeded => ReasonCode::ConnectionRateExceeded,
        ConnectReturnCode::UnspecifiedError => ReasonCode::UnspecifiedError,
    }
}

fn ending(error: ConnectionError) -> Ending {
    match error {
        ConnectionError::Io(error) => Ending::io(error),
        ConnectionError::ConnectionRefused(code) => Ending::Refused(connack_reason(code)),
        ConnectionError::MqttState(StateError::AwaitPingResp) => Ending::PingTimeout,
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
            let reason = ReasonCode::from_value(reason_code as u8);
            Ending::Broker(reason.unwrap_or(ReasonCode::UnspecifiedError))
        }
        ConnectionError::MqttState(StateError::ConnectionAborted) => Ending::Transport("end of stream".to_owned()),
        ConnectionError::MqttState(StateError::Io(error)) => Ending::lost(&error),
        // It hides what it wraps.
        ConnectionError::MqttState(StateError::Deserialization(error)) => Ending::of(&error, Ending::Violation),
        ConnectionError::MqttState(error) => Ending::of(&error, Ending::Violation),
        ConnectionError::NotConnAck(packet) => Ending::Violation(format!("{packet:?} instead of CONNACK")),
        other => Ending::of(&other, Ending::NotReached),
    }
}
