//! What each answer of the owner does.

use std::mem;

use super::{
    Answer, Closed, Server,
    questions::Questions,
    state::{Asking, Authentication, Facts, KeepAlive, Progress, Serving, State, Turn},
};
use crate::{
    Auth, ConnAck, Packet, PacketId, PacketType, Properties, Property, PropertyId, QoS, ReasonCode, Session, SubAck,
    Token, UnsubAck, Utf8String, Version,
    link::{Limits, Link},
};

impl Server {
    pub(super) fn take_answer(&mut self, token: Token, answer: Answer) {
        match answer {
            Answer::Publish(reason, properties) => self.answer_publish(token, reason, properties),
            Answer::Accept { connack, session } => self.accept(token, connack, session),
            Answer::Refuse { reason, properties } => self.refuse(token, reason, properties),
            Answer::Challenge(properties) => self.challenge(token, properties),
            Answer::Authenticated(properties) => self.authenticated(token, properties),
            Answer::Subscribe(reasons, properties) => {
                let Some((packet_id, reasons)) = self.question(token, PacketType::SubAck, reasons) else { return };
                self.send_suback(packet_id, properties, reasons);
            }
            Answer::Unsubscribe(reasons, properties) => {
                let Some((packet_id, reasons)) = self.question(token, PacketType::UnsubAck, reasons) else { return };
                self.send_or_close(Packet::UnsubAck(UnsubAck { packet_id, properties, reasons }));
            }
        }
    }

    fn answer_publish(&mut self, token: Token, reason: ReasonCode, properties: Properties) {
        // MQTT-3.4.2-1, MQTT-3.5.2-1: the two have the same codes.
        let reason = fitting(reason, PacketType::PubAck);
        match &mut self.state {
            State::Serving(serving) => {
                serving.link.answer(Some(&mut self.outbox), token, reason, properties);
            }
            // Nobody is told any more, but the Session remembers the outcome of a QoS 2 message.
            State::Closed { link: Some(link), .. } => {
                link.answer(None, token, reason, properties);
            }
            State::Waiting { .. } | State::Asking(_) | State::Closed { link: None, .. } => {}
        }
    }

    fn accept(&mut self, token: Token, mut connack: Box<ConnAck>, session: Box<Session>) {
        let Some(asking) = self.take_asking(token) else { return };
        let facts = asking.facts;
        debug_assert_eq!(connack.reason, ReasonCode::Success, "a refusal is Answer::Refuse");
        connack.reason = ReasonCode::Success;
        match facts.version {
            Version::V311 => {
                connack.properties.clear();
                // The byte is reserved in MQTT 3.1.
                connack.session_present &= !self.speaks_mqtt_3_1();
            }
            Version::V5 => self.announce(&facts, &mut connack.properties),
        }
        // MQTT-3.2.2-21, MQTT-3.2.2-22.
        let keep_alive = match connack.properties.server_keep_alive() {
            Some(seconds) => seconds,
            // 3.1.2.10: a client that is silent for longer than the bound may be disconnected, though it was not told.
            None => self.config.bound_keep_alive(facts.keep_alive),
        };
        self.decoder.distrust(false);
        let link = Link::new(session, self.limits(&facts));
        self.state = State::Serving(Serving {
            link,
            questions: Questions::default(),
            keep_alive: KeepAlive { seconds: keep_alive, last_heard: self.now },
            session_outlives: facts.session_outlives,
            authentication: facts
                .authentication_method
                .map(|method| Box::new(Authentication { method: *method, progress: Progress::Idle })),
        });
        // MQTT-3.2.0-1 in both; MQTT-3.1.4-5 (MQTT-3.1.4-4 in 3.1.1): before anything that the Session has to send.
        if self.outbox.packet(Packet::ConnAck(connack)).is_err() {
            // MQTT-3.14.0-1: a client that cannot be told that it is accepted is not.
            self.send_connack_refusal(ReasonCode::PacketTooLarge);
            self.end(Closed::Refused(ReasonCode::PacketTooLarge));
        }
        if let State::Serving(serving) = &mut self.state {
            serving.link.resume(self.now, &mut self.outbox, &|_| false);
        }
    }

    fn refuse(&mut self, token: Token, reason: ReasonCode, properties: Properties) {
        match &self.state {
            State::Asking(asking) if asking.turn == Turn::Owner(token) => {
                // MQTT-3.2.2-7 (MQTT-3.2.2-5 in 3.1.1), MQTT-3.1.4-2, MQTT-4.12.0-1, MQTT-4.12.0-4.
                self.tell(reason, properties);
                self.end(Closed::Refused(reason));
            }
            State::Serving(serving)
                if serving.authentication.as_ref().is_some_and(|it| it.progress == Progress::Asked(token)) =>
            {
                // MQTT-4.12.1-2.
                self.close(self.now, reason, properties);
            }
            _ => {}
        }
    }

    fn challenge(&mut self, token: Token, properties: Properties) {
        let deadline = self.now.after(self.config.connect_timeout);
        let method = match &mut self.state {
            State::Asking(asking) if asking.turn == Turn::Owner(token) => {
                let Some(method) = asking.facts.authentication_method.as_deref() else {
                    // MQTT-4.12.0-6.
                    debug_assert!(false, "only a CONNECT with an Authentication Method can be challenged");
                    return;
                };
                asking.turn = Turn::Client;
                asking.deadline = deadline;
                method.clone()
            }
            State::Serving(serving) => match serving.authentication.as_deref_mut() {
                Some(it) if it.progress == Progress::Asked(token) => {
                    it.progress = Progress::Challenged;
                    it.method.clone()
                }
                _ => return,
            },
            _ => return,
        };
        // MQTT-4.12.0-2.
        self.send_auth(ReasonCode::ContinueAuthentication, method, properties);
    }

    fn authenticated(&mut self, token: Token, properties: Properties) {
        let State::Serving(serving) = &mut self.state else { return };
        let Some(authentication) = serving.authentication.as_deref_mut() else { return };
        if authentication.progress == Progress::Asked(token) {
            authentication.progress = Progress::Idle;
            let method = authentication.method.clone();
            self.send_auth(ReasonCode::Success, method, properties);
        }
    }

    fn send_auth(&mut self, reason: ReasonCode, method: Utf8String, mut properties: Properties) {
        // MQTT-4.12.0-5; MQTT-3.15.2-1: Success or Continue authentication, nothing else.
        properties.set(Property::AuthenticationMethod(method));
        self.send_or_close(Packet::Auth(Auth { reason, properties }));
    }

    /// What a question was about, and as many Reason Codes as it had filters.
    fn question(
        &mut self,
        token: Token,
        packet_type: PacketType,
        mut reasons: Vec<ReasonCode>,
    ) -> Option<(PacketId, Vec<ReasonCode>)> {
        let State::Serving(serving) = &mut self.state else { return None };
        let question = serving.questions.take(token, packet_type)?;
        debug_assert_eq!(reasons.len(), question.filters, "one Reason Code per filter");
        // MQTT-3.9.3-2, MQTT-3.11.3-2.
        reasons.iter_mut().for_each(|reason| *reason = fitting(*reason, packet_type));
        // MQTT-3.8.4-6 (MQTT-3.8.4-5 in 3.1.1).
        reasons.resize(question.filters, ReasonCode::UnspecifiedError);
        for index in question.refused {
            reasons.insert(index, ReasonCode::UnspecifiedError);
        }
        // MQTT-2.2.1-6 (MQTT-2.3.1-7 in 3.1.1); MQTT-3.8.4-2, MQTT-3.10.4-5 in both; MQTT-3.9.3-1 in both: in their order.
        Some((question.packet_id, reasons))
    }

    /// SUBACK. One of MQTT 3.1 cannot say that a subscription failed, and is positive all the same (its section 3.8).
    pub(super) fn send_suback(&mut self, packet_id: PacketId, properties: Properties, mut reasons: Vec<ReasonCode>) {
        if self.speaks_mqtt_3_1() {
            let failed = reasons.iter_mut().filter(|reason| reason.is_failure());
            failed.for_each(|reason| *reason = ReasonCode::Success);
        }
        self.send_or_close(Packet::SubAck(SubAck { packet_id, properties, reasons }));
    }

    /// A client whose Maximum Packet Size is below a packet that it must get cannot be served.
    pub(super) fn send_or_close(&mut self, packet: Packet) {
        if self.outbox.packet(packet).is_err() {
            self.close(self.now, ReasonCode::PacketTooLarge, Properties::EMPTY);
        }
    }

    pub(super) fn send_connack_refusal(&mut self, reason: ReasonCode) {
        let connack = ConnAck { session_present: false, reason, properties: Properties::EMPTY };
        // A client that cannot take five bytes is not told.
        let _ = self.outbox.packet(Packet::ConnAck(Box::new(connack)));
    }

    /// Ends `Asking` when the owner holds `token`: CONNECT is answered once (MQTT-3.2.0-2).
    fn take_asking(&mut self, token: Token) -> Option<Box<Asking>> {
        match mem::replace(&mut self.state, State::Closed { report: None, link: None }) {
            State::Asking(asking) if asking.turn == Turn::Owner(token) => Some(asking),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Adds to CONNACK what the configuration demands.
    fn announce(&self, facts: &Facts, properties: &mut Properties) {
        let config = &self.config;
        if config.receive_maximum < u16::MAX {
            properties.set(Property::ReceiveMaximum(config.receive_maximum));
        }
        if config.maximum_packet_size < crate::MAXIMUM_PACKET_SIZE {
            properties.set(Property::MaximumPacketSize(config.maximum_packet_size));
        }
        if config.topic_alias_maximum > 0 {
            properties.set(Property::TopicAliasMaximum(config.topic_alias_maximum));
        }
        // MQTT-3.2.2-9.
        if config.maximum_qos < QoS::ExactlyOnce {
            properties.set(Property::MaximumQos(config.maximum_qos));
        }
        for (available, property) in [
            (config.retain_available, Property::RetainAvailable(false)),
            (config.wildcard_available, Property::WildcardSubscriptionAvailable(false)),
            (config.subscription_ids_available, Property::SubscriptionIdentifierAvailable(false)),
            (config.shared_available, Property::SharedSubscriptionAvailable(false)),
        ] {
            if !available {
                properties.set(property);
            }
        }
        let bound = config.bound_keep_alive(facts.keep_alive);
        if let Some(seconds) = config.server_keep_alive.or((bound != facts.keep_alive).then_some(bound)) {
            properties.set(Property::ServerKeepAlive(seconds));
        }
        // MQTT-3.1.2-28.
        if !facts.wants_response_information {
            properties.remove(PropertyId::ResponseInformation);
        }
        match &facts.authentication_method {
            // MQTT-4.12.0-5.
            Some(method) => properties.set(Property::AuthenticationMethod(method.as_ref().clone())),
            // MQTT-4.12.0-6.
            None => drop(properties.remove(PropertyId::AuthenticationMethod)),
        }
    }

    fn limits(&self, facts: &Facts) -> Limits {
        let config = &self.config;
        Limits {
            version: facts.version,
            receive_maximum: config.receive_maximum.max(1),
            topic_alias_maximum: config.topic_alias_maximum,
            topic_alias_bytes: config.topic_alias_bytes,
            // MQTT-4.9.0-1.
            send_maximum: facts.receive_maximum.min(config.maximum_inflight).max(1),
            // MQTT-3.1.2-26, MQTT-3.1.2-27.
            outgoing_topic_alias_maximum: facts.topic_alias_maximum.min(config.outgoing_topic_alias_maximum),
            maximum_qos: QoS::ExactlyOnce,
            retain_available: true,
        }
    }
}

/// `reason`, or what comes next to it among the codes of `packet`.
fn fitting(reason: ReasonCode, packet: PacketType) -> ReasonCode {
    if reason == ReasonCode::Success || reason.allowed_in(packet) {
        reason
    } else if reason.is_failure() {
        ReasonCode::UnspecifiedError
    } else {
        ReasonCode::Success
    }
}
