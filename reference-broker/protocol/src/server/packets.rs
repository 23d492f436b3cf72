//! What each packet of a client does.

use super::{
    Closed, Event, Server,
    questions::Question,
    state::{Asking, Authentication, Facts, Progress, Serving, State, Turn},
};
use crate::{
    Auth, Connect, Disconnect, Packet, PacketId, PacketType, Properties, Publish, ReasonCode, Subscribe,
    SubscribeFilter, UnsubAck, Unsubscribe, Version, Violation, link::Arrived,
};

impl Asking {
    /// Before CONNACK only AUTH is read, and only when it is due; a client that does not authenticate may send further
    /// packets at once, which wait for the answer to its CONNECT (3.1.4).
    pub(super) fn is_decoding(&self) -> bool {
        self.turn == Turn::Client
    }
}

impl Serving {
    pub(super) fn is_decoding(&self) -> bool {
        !self.link.is_congested() && !self.questions.is_full()
    }

    /// Whether an exchange of the client with this identifier is unfinished (MQTT-2.2.1-3). 3.1.1 has no code for it; there
    /// the request is taken, as the acknowledgements of the two differ.
    fn has_in_use(&self, packet_id: PacketId) -> bool {
        self.questions.holds(packet_id) || self.link.has_open(packet_id)
    }
}

impl Server {
    pub(super) fn packet(&mut self, packet: Packet) -> Result<Option<Event>, Violation> {
        match &mut self.state {
            State::Waiting { .. } => match packet {
                Packet::Connect(connect) => self.connect(connect).map(Some),
                // MQTT-3.1.0-1 in both.
                _ => Err(Violation::FirstPacketNotConnect),
            },
            State::Asking(_) => match packet {
                Packet::Auth(auth) => self.auth_before_connack(auth).map(Some),
                Packet::Disconnect(disconnect) => Ok(self.disconnect(disconnect)),
                // MQTT-3.1.2-30.
                _ => Err(Violation::PacketDuringAuthentication),
            },
            State::Serving(serving) => {
                serving.keep_alive.last_heard = self.now;
                self.packet_while_serving(packet)
            }
            State::Closed { .. } => Ok(None),
        }
    }

    fn packet_while_serving(&mut self, packet: Packet) -> Result<Option<Event>, Violation> {
        let State::Serving(serving) = &mut self.state else { return Ok(None) };
        let outbox = &mut self.outbox;
        match packet {
            Packet::Publish(publish) => {
                self.config.check(&publish)?;
                return Ok(serving.link.publish(outbox, publish)?.map(Event::from));
            }
            Packet::PubAck(ack) => {
                serving.link.puback(&ack)?;
                serving.link.fill(self.now, outbox, &|_| false);
            }
            Packet::PubRec(ack) => {
                serving.link.pubrec(outbox, &ack)?;
                serving.link.fill(self.now, outbox, &|_| false);
            }
            Packet::PubComp(ack) => {
                serving.link.pubcomp(&ack)?;
                serving.link.fill(self.now, outbox, &|_| false);
            }
            Packet::PubRel(ack) => serving.link.pubrel(outbox, &ack)?,
            Packet::Subscribe(subscribe) => return self.subscribe(subscribe),
            Packet::Unsubscribe(unsubscribe) => return Ok(self.unsubscribe(unsubscribe)),
            // MQTT-3.12.4-1 in both.
            Packet::PingReq => drop(outbox.packet(Packet::PingResp)),
            Packet::Disconnect(disconnect) => {
                // 3.14.2.2.2.
                let revives = disconnect.properties.session_expiry_interval().is_some_and(|seconds| seconds > 0);
                if revives && !serving.session_outlives {
                    return Err(Violation::SessionExpiryRevived);
                }
                return Ok(self.disconnect(disconnect));
            }
            Packet::Auth(auth) => return self.reauthenticate(auth).map(Some),
            // MQTT-3.1.0-2 in both.
            Packet::Connect(_) => return Err(Violation::ConnectRepeated),
            Packet::ConnAck(_) | Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::PingResp => {
                return Err(Violation::PacketFromWrongSide);
            }
        }
        Ok(None)
    }

    fn connect(&mut self, connect: Box<Connect>) -> Result<Event, Violation> {
        let properties = &connect.properties;
        let facts = Facts {
            version: connect.version,
            keep_alive: connect.keep_alive,
            receive_maximum: properties.receive_maximum().unwrap_or(u16::MAX),
            topic_alias_maximum: properties.topic_alias_maximum().unwrap_or(0),
            session_outlives: match connect.version {
                Version::V311 => !connect.clean_start,
                Version::V5 => properties.session_expiry_interval().unwrap_or(0) > 0,
            },
            wants_response_information: properties.request_response_information().unwrap_or(false),
            authentication_method: properties.authentication_method().map(|method| Box::new(method.detached())),
        };
        self.outbox.version = connect.version;
        self.outbox.problem_information = properties.request_problem_information().unwrap_or(true);
        if let Some(maximum) = properties.maximum_packet_size() {
            self.outbox.maximum_packet_size = maximum;
        }
        let token = self.next_token();
        let deadline = match self.state {
            State::Waiting { deadline } => deadline,
            _ => self.now.after(self.config.connect_timeout),
        };
        self.state = State::Asking(Box::new(Asking { facts, turn: Turn::Owner(token), deadline }));
        if let Some(will) = &connect.will {
            // MQTT-3.2.2-12.
            if will.qos > self.config.maximum_qos {
                return Err(Violation::QosAboveMaximum);
            }
            // MQTT-3.2.2-13.
            if will.retain && !self.config.retain_available {
                return Err(Violation::RetainUnavailable);
            }
        }
        Ok(Event::Connect { token, connect })
    }

    fn subscribe(&mut self, mut subscribe: Subscribe) -> Result<Option<Event>, Violation> {
        let State::Serving(serving) = &mut self.state else { return Ok(None) };
        let packet_id = subscribe.packet_id;
        let refused = match self.outbox.version {
            Version::V5 => {
                self.config.check_subscribe(&subscribe)?;
                if serving.has_in_use(packet_id) {
                    // 3.9.3.
                    let reasons = vec![ReasonCode::PacketIdentifierInUse; subscribe.filters.len()];
                    self.send_suback(packet_id, Properties::EMPTY, reasons);
                    return Ok(None);
                }
                Vec::new()
            }
            Version::V311 => self.config.refuse_filters(&mut subscribe.filters),
        };
        if subscribe.filters.is_empty() {
            let reasons = vec![ReasonCode::UnspecifiedError; refused.len()];
            self.send_suback(packet_id, Properties::EMPTY, reasons);
            return Ok(None);
        }
        self.asked += 1;
        let filters = subscribe.filters.len();
        let question = Question { packet_id, packet_type: PacketType::SubAck, filters, refused };
        let token = serving.questions.ask(self.asked, question);
        Ok(Some(Event::Subscribe { token, subscribe }))
    }

    fn unsubscribe(&mut self, unsubscribe: Unsubscribe) -> Option<Event> {
        let State::Serving(serving) = &mut self.state else { return None };
        let packet_id = unsubscribe.packet_id;
        let filters = unsubscribe.filters.len();
        if self.outbox.version == Version::V5 && serving.has_in_use(packet_id) {
            // 3.11.3.
            let reasons = vec![ReasonCode::PacketIdentifierInUse; filters];
            self.send_or_close(Packet::UnsubAck(UnsubAck { packet_id, properties: Properties::EMPTY, reasons }));
            return None;
        }
        self.asked += 1;
        let question = Question { packet_id, packet_type: PacketType::UnsubAck, filters, refused: Vec::new() };
        let token = serving.questions.ask(self.asked, question);
        Some(Event::Unsubscribe { token, unsubscribe })
    }

    fn disconnect(&mut self, disconnect: Disconnect) -> Option<Event> {
        self.end(Closed::Client(disconnect));
        None
    }

    fn auth_before_connack(&mut self, auth: Auth) -> Result<Event, Violation> {
        let token = self.next_token();
        let State::Asking(asking) = &mut self.state else { return Err(Violation::AuthUnexpected) };
        // MQTT-4.12.0-3.
        if auth.reason != ReasonCode::ContinueAuthentication {
            return Err(Violation::ReasonCodeNotAllowed);
        }
        // MQTT-4.12.0-5.
        if auth.properties.authentication_method() != asking.facts.authentication_method.as_deref() {
            return Err(Violation::AuthenticationMethodChanged);
        }
        asking.turn = Turn::Owner(token);
        Ok(Event::Auth { token, auth })
    }

    fn reauthenticate(&mut self, auth: Auth) -> Result<Event, Violation> {
        let token = self.next_token();
        let State::Serving(serving) = &mut self.state else { return Err(Violation::AuthUnexpected) };
        // MQTT-4.12.0-7.
        let Some(authentication) = &mut serving.authentication else { return Err(Violation::AuthUnexpected) };
        authentication.accept(&auth)?;
        authentication.progress = Progress::Asked(token);
        Ok(Event::Auth { token, auth })
    }

    /// Says why a CONNECT that was not even decoded is refused, where the standard allows it.
    pub(super) fn refuse_unread_connect(&mut self, violation: Violation) {
        let Some(version) = self.decoder.refusal_version() else { return };
        let reason = violation.reason_code();
        let told = match version {
            // MQTT-3.1.4-1 in 3.1.1: no CONNACK, except return code 1 (MQTT-3.1.2-2 in 3.1.1) and 2 (MQTT-3.1.3-8 in 3.1.1).
            Version::V311 => {
                matches!(violation, Violation::ProtocolVersionUnsupported | Violation::ClientIdentifierMissing)
            }
            // MQTT-3.1.4-1, MQTT-3.1.2-2.
            Version::V5 => reason.allowed_in(PacketType::ConnAck),
        };
        if told {
            self.outbox.version = version;
            self.send_connack_refusal(reason);
        }
    }
}

impl Authentication {
    /// 4.12.1: a client begins with Re-authenticate, and answers a challenge with Continue authentication.
    fn accept(&self, auth: &Auth) -> Result<(), Violation> {
        // MQTT-4.12.1-1, MQTT-4.12.0-5.
        if auth.properties.authentication_method() != Some(&self.method) {
            return Err(Violation::AuthenticationMethodChanged);
        }
        match (self.progress, auth.reason) {
            (Progress::Idle, ReasonCode::ReAuthenticate)
            | (Progress::Challenged, ReasonCode::ContinueAuthentication) => Ok(()),
            _ => Err(Violation::AuthUnexpected),
        }
    }
}

impl From<Arrived> for Event {
    fn from(arrived: Arrived) -> Self {
        let Arrived { token, message, qos, retain, dup } = arrived;
        Self::Publish { token, message, qos, retain, dup }
    }
}

impl super::Config {
    fn check(&self, publish: &Publish) -> Result<(), Violation> {
        // MQTT-3.2.2-11.
        if publish.qos > self.maximum_qos {
            return Err(Violation::QosAboveMaximum);
        }
        // MQTT-3.2.2-14.
        if publish.retain && !self.retain_available {
            return Err(Violation::RetainUnavailable);
        }
        // MQTT-3.3.4-6.
        if !publish.properties.is_empty() && publish.properties.subscription_ids().next().is_some() {
            return Err(Violation::SubscriptionIdentifierFromClient);
        }
        Ok(())
    }

    fn check_subscribe(&self, subscribe: &Subscribe) -> Result<(), Violation> {
        // 3.2.2.3.12.
        if !self.subscription_ids_available && subscribe.properties.subscription_ids().next().is_some() {
            return Err(Violation::SubscriptionIdentifierUnavailable);
        }
        for subscription in &subscribe.filters {
            let shared = subscription.filter.share_name().is_some();
            // MQTT-3.8.3-4.
            if shared && subscription.options.no_local {
                return Err(Violation::NoLocalOnShared);
            }
            // 3.2.2.3.13.
            if shared && !self.shared_available {
                return Err(Violation::SharedUnavailable);
            }
            // 3.2.2.3.11.
            if !self.wildcard_available && subscription.filter.has_wildcard() {
                return Err(Violation::WildcardUnavailable);
            }
        }
        Ok(())
    }

    /// Takes out what 3.1.1 has no announcement for, and so fails alone (MQTT-3.8.3-2 in 3.1.1); where it was, ascending.
    ///
    /// Shared subscriptions are no part of 3.1.1. This server offers them there too, as others do; a filter that begins
    /// with `$share/` and is no shared subscription is legal there, can never match, and fails rather than stay mute.
    fn refuse_filters(&self, filters: &mut Vec<SubscribeFilter>) -> Vec<usize> {
        let mut refused = Vec::new();
        let mut index = 0;
        filters.retain(|SubscribeFilter { filter, .. }| {
            let offered = (self.wildcard_available || !filter.has_wildcard())
                && (self.shared_available || filter.share_name().is_none())
                && !filter.is_share_broken();
            if !offered {
                refused.push(index);
            }
            index += 1;
            offered
        });
        refused
    }
}
