//! What each packet of a server does.

use super::{
    Client, Closed, Event,
    requests::Kind,
    state::{Asking, Progress, Serving, State},
};
use crate::{
    Auth, ConnAck, Disconnect, Packet, PacketId, Properties, Property, ReasonCode, Version, Violation,
    link::{About, Arrived},
};

impl Client {
    pub(super) fn packet(&mut self, packet: Packet) -> Result<Option<Event>, Violation> {
        match &mut self.state {
            State::Asking(_) => match packet {
                Packet::ConnAck(connack) => self.connack(connack).map(Some),
                Packet::Auth(auth) => self.auth(auth).map(Some),
                // MQTT-3.2.0-1.
                _ => Err(Violation::PacketBeforeConnAck),
            },
            State::Serving(serving) => {
                serving.check_problem_information(&packet)?;
                self.packet_while_serving(packet)
            }
            State::Closed { .. } => Ok(None),
        }
    }

    fn packet_while_serving(&mut self, packet: Packet) -> Result<Option<Event>, Violation> {
        let State::Serving(serving) = &mut self.state else { return Ok(None) };
        let outbox = &mut self.outbox;
        match packet {
            Packet::Publish(publish) => return Ok(serving.link.publish(outbox, publish)?.map(Event::from)),
            Packet::PubAck(ack) => serving.link.puback(&ack)?,
            Packet::PubRec(ack) => serving.link.pubrec(outbox, &ack)?,
            Packet::PubComp(ack) => serving.link.pubcomp(&ack)?,
            Packet::PubRel(ack) => {
                serving.link.pubrel(outbox, &ack)?;
                return Ok(None);
            }
            Packet::SubAck(ack) => return self.acknowledged(ack.packet_id, Kind::Subscribe, ack.reasons).map(Some),
            Packet::UnsubAck(ack) => return self.acknowledged(ack.packet_id, Kind::Unsubscribe, ack.reasons).map(Some),
            Packet::PingResp => {
                serving.ping.answer_due = None;
                return Ok(None);
            }
            Packet::Disconnect(disconnect) => return self.disconnected(disconnect),
            Packet::Auth(auth) => return self.auth(auth).map(Some),
            // MQTT-3.2.0-2.
            Packet::ConnAck(_) => return Err(Violation::ConnAckRepeated),
            Packet::Connect(_) | Packet::Subscribe(_) | Packet::Unsubscribe(_) | Packet::PingReq => {
                return Err(Violation::PacketFromWrongSide);
            }
        }
        let Serving { link, requests, .. } = serving;
        link.fill(self.now, outbox, &|packet_id| requests.holds(packet_id));
        self.send_requests();
        Ok(None)
    }

    fn connack(&mut self, connack: Box<ConnAck>) -> Result<Event, Violation> {
        let State::Asking(asking) = &self.state else { return Err(Violation::ConnAckRepeated) };
        asking.check(&connack)?;
        if connack.reason.is_failure() {
            self.end(Closed::Refused(connack.reason));
            return Ok(Event::Refused(connack));
        }
        if let Some(maximum) = connack.properties.maximum_packet_size() {
            self.outbox.maximum_packet_size = maximum;
        }
        let State::Asking(asking) = std::mem::replace(&mut self.state, State::nowhere()) else {
            return Err(Violation::ConnAckRepeated);
        };
        self.state = State::Serving(asking.accepted(&connack));
        self.send_requests();
        if let State::Serving(Serving { link, requests, .. }) = &mut self.state {
            link.resume(self.now, &mut self.outbox, &|packet_id| requests.holds(packet_id));
        }
        Ok(Event::Connected(connack))
    }

    fn acknowledged(
        &mut self,
        packet_id: PacketId,
        kind: Kind,
        mut reasons: Vec<ReasonCode>,
    ) -> Result<Event, Violation> {
        let State::Serving(serving) = &mut self.state else { return Err(Violation::PacketBeforeConnAck) };
        let sent = serving.requests.take(packet_id, kind).ok_or(Violation::AcknowledgementUnexpected)?;
        if kind == Kind::Unsubscribe && self.outbox.version == Version::V311 {
            // An UNSUBACK of 3.1.1 has no codes.
            reasons = vec![ReasonCode::Success; sent.filters];
        }
        // MQTT-3.8.4-6 (MQTT-3.8.4-5 in 3.1.1).
        if reasons.len() != sent.filters {
            return Err(Violation::ReasonCountMismatch);
        }
        self.send_requests();
        Ok(kind.outcome(sent.tag, reasons))
    }

    fn disconnected(&mut self, disconnect: Disconnect) -> Result<Option<Event>, Violation> {
        if self.outbox.version == Version::V311 {
            return Err(Violation::PacketFromWrongSide);
        }
        // MQTT-3.14.2-2.
        if disconnect.properties.session_expiry_interval().is_some() {
            return Err(Violation::SessionExpiryFromServer);
        }
        self.end(Closed::Server(disconnect));
        Ok(None)
    }

    fn auth(&mut self, auth: Auth) -> Result<Event, Violation> {
        self.asked += 1;
        let token = About::Question.token(self.asked);
        let before_connack = matches!(self.state, State::Asking(_));
        // MQTT-4.12.0-6.
        let authentication = self.authentication().ok_or(Violation::AuthUnexpected)?;
        // MQTT-4.12.0-5.
        if auth.properties.authentication_method() != Some(&authentication.method) {
            return Err(Violation::AuthenticationMethodChanged);
        }
        if authentication.progress != Progress::Server {
            return Err(Violation::AuthUnexpected);
        }
        match auth.reason {
            // MQTT-4.12.0-2.
            ReasonCode::ContinueAuthentication => {
                authentication.progress = Progress::Owner(token);
                Ok(Event::Auth { token, auth })
            }
            ReasonCode::Success if !before_connack => {
                authentication.progress = Progress::Idle;
                Ok(Event::Authenticated(auth))
            }
            _ => Err(Violation::ReasonCodeNotAllowed),
        }
    }
}

impl Asking {
    fn check(&self, connack: &ConnAck) -> Result<(), Violation> {
        let asked = &self.config.connect;
        let granted = &connack.properties;
        // MQTT-3.2.2-6 (MQTT-3.2.2-4 in 3.1.1).
        if connack.session_present && connack.reason.is_failure() {
            return Err(Violation::SessionPresentOnRefusal);
        }
        // MQTT-3.2.2-4 (MQTT-3.2.2-1 in 3.1.1): with Clean Start there is no Session on either side.
        if connack.session_present && asked.clean_start {
            return Err(Violation::SessionPresentUnexpected);
        }
        // 3.2.2.3.7.
        if granted.assigned_client_identifier().is_some() && !asked.client_id.is_empty() {
            return Err(Violation::AssignedClientIdentifierUnwanted);
        }
        // MQTT-3.1.2-28.
        if granted.response_information().is_some() && asked.properties.request_response_information() != Some(true) {
            return Err(Violation::ResponseInformationUnwanted);
        }
        // MQTT-4.12.0-5, MQTT-4.12.0-6: a refusal may leave the method out.
        let method = granted.authentication_method();
        if method != asked.properties.authentication_method() && !(method.is_none() && connack.reason.is_failure()) {
            return Err(Violation::AuthenticationMethodChanged);
        }
        Ok(())
    }
}

impl Serving {
    /// MQTT-3.1.2-29.
    fn check_problem_information(&self, packet: &Packet) -> Result<(), Violation> {
        if !self.declines_problem_information {
            return Ok(());
        }
        let told = |properties: &Properties| {
            properties.iter().any(|it| matches!(it, Property::ReasonString(_) | Property::UserProperty(_)))
        };
        let unwanted = match packet {
            Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
                told(&ack.properties)
            }
            Packet::SubAck(ack) => told(&ack.properties),
            Packet::UnsubAck(ack) => told(&ack.properties),
            Packet::Auth(auth) => told(&auth.properties),
            _ => false,
        };
        if unwanted { Err(Violation::ProblemInformationUnwanted) } else { Ok(()) }
    }
}

impl From<Arrived> for Event {
    fn from(arrived: Arrived) -> Self {
        let Arrived { token, message, qos, retain, dup } = arrived;
        Self::Message { token, message, qos, retain, dup }
    }
}
