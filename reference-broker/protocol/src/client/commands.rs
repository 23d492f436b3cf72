//! What the owner of a client asks for, and its answers.

use super::{
    Client, Event,
    requests::{Filters, Kind, Request, Sent},
    state::{Authentication, Progress, Serving, State},
};
use crate::{
    Auth, Delivery, DeliveryRef, DropCause, Fate, Packet, Properties, Property, QoS, ReasonCode, Subscribe,
    SubscribeFilter, Tag, Time, Token, TopicFilter, Unsubscribe, Utf8String, link::Outbox,
};

impl Client {
    /// Sends `delivery`, or queues it in the [`Session`](crate::Session) before CONNACK and while the flow control is
    /// exhausted. QoS 0 is queued only before CONNACK. [`Event::Published`] tells the end when it has a tag; at QoS 0
    /// that is when it is written.
    ///
    /// After the close QoS 1 and 2 are queued for the next connection.
    pub fn publish(&mut self, now: Time, delivery: Delivery) -> Fate {
        self.publish_ref(now, delivery.borrowed())
    }

    /// As [`Client::publish`], for a message that the owner keeps: clones the `Arc` only when it must be kept.
    pub fn publish_ref(&mut self, now: Time, delivery: DeliveryRef<'_>) -> Fate {
        self.now = now;
        match &mut self.state {
            State::Serving(Serving { link, requests, .. }) => {
                link.deliver(now, &mut self.outbox, &delivery, &|packet_id| requests.holds(packet_id))
            }
            State::Closed { .. } if delivery.qos == QoS::AtMostOnce => Fate::Dropped(DropCause::NotConnected),
            State::Asking(_) | State::Closed { .. } => {
                self.session_mut().push(delivery.to_delivery());
                Fate::Queued
            }
        }
    }

    /// Sends SUBSCRIBE, after CONNACK when that is still due. `filters` is not empty (MQTT-3.8.3-2). When the packet
    /// exceeds what the server takes, [`Event::Subscribed`] tells Packet too large for each filter.
    pub fn subscribe(&mut self, now: Time, filters: Vec<SubscribeFilter>, properties: Properties, tag: Tag) {
        debug_assert!(!filters.is_empty(), "a SUBSCRIBE has at least one filter");
        self.request(now, Request { tag, properties, filters: Filters::Subscribe(filters) });
    }

    /// Sends UNSUBSCRIBE, after CONNACK when that is still due. `filters` is not empty (MQTT-3.10.3-2). When the packet
    /// exceeds what the server takes, [`Event::Unsubscribed`] tells Packet too large for each filter.
    pub fn unsubscribe(&mut self, now: Time, filters: Vec<TopicFilter>, properties: Properties, tag: Tag) {
        debug_assert!(!filters.is_empty(), "an UNSUBSCRIBE has at least one filter");
        self.request(now, Request { tag, properties, filters: Filters::Unsubscribe(filters) });
    }

    /// Begins a re-authentication (4.12.1); the machine adds the Authentication Method of the CONNECT. Ignored before
    /// CONNACK, when the CONNECT named no method, and while another one is under way.
    pub fn reauthenticate(&mut self, now: Time, properties: Properties) {
        self.now = now;
        let State::Serving(serving) = &mut self.state else { return };
        // MQTT-4.12.0-7.
        let Some(authentication) = serving.authentication.as_deref_mut() else { return };
        if authentication.progress == Progress::Idle {
            authentication.progress = Progress::Server;
            // MQTT-4.12.1-1.
            send_auth(&mut self.outbox, ReasonCode::ReAuthenticate, &authentication.method, properties);
        }
    }

    pub(super) fn answer_publish(&mut self, token: Token, reason: ReasonCode, properties: Properties) {
        match &mut self.state {
            State::Serving(serving) => {
                serving.link.answer(Some(&mut self.outbox), token, reason, properties);
            }
            State::Closed { link, .. } => {
                link.answer(None, token, reason, properties);
            }
            State::Asking(_) => {}
        }
    }

    pub(super) fn answer_auth(&mut self, token: Token, properties: Properties) {
        let Some(authentication) = self.authentication() else { return };
        if authentication.progress == Progress::Owner(token) {
            authentication.progress = Progress::Server;
            let method = authentication.method.clone();
            // MQTT-4.12.0-3.
            send_auth(&mut self.outbox, ReasonCode::ContinueAuthentication, &method, properties);
        }
    }

    pub(super) fn authentication(&mut self) -> Option<&mut Authentication> {
        match &mut self.state {
            State::Asking(asking) => asking.authentication.as_deref_mut(),
            State::Serving(serving) => serving.authentication.as_deref_mut(),
            State::Closed { .. } => None,
        }
    }

    /// Sends the requests that wait, as far as there are Packet Identifiers.
    pub(super) fn send_requests(&mut self) {
        let State::Serving(Serving { link, requests, .. }) = &mut self.state else { return };
        while requests.is_waiting() {
            let Some(packet_id) = link.session.in_flight.free_packet_id(|id| requests.holds(id)) else { return };
            let Some(Request { tag, properties, filters }) = requests.next() else { return };
            let (kind, count) = (filters.kind(), filters.len());
            let packet = match filters {
                Filters::Subscribe(filters) => Packet::Subscribe(Subscribe { packet_id, properties, filters }),
                Filters::Unsubscribe(filters) => Packet::Unsubscribe(Unsubscribe { packet_id, properties, filters }),
            };
            match self.outbox.packet(packet) {
                Ok(()) => requests.sent(Sent { packet_id, kind, tag, filters: count }),
                // MQTT-3.2.2-15.
                Err(_) => self.unsent.push_back(kind.outcome(tag, vec![ReasonCode::PacketTooLarge; count])),
            }
        }
    }

    fn request(&mut self, now: Time, request: Request) {
        self.now = now;
        match &mut self.state {
            State::Asking(asking) => asking.requests.push(request),
            State::Serving(serving) => {
                serving.requests.push(request);
                self.send_requests();
            }
            State::Closed { .. } => {}
        }
    }
}

impl Kind {
    /// What the owner hears in the end.
    pub(super) const fn outcome(self, tag: Tag, reasons: Vec<ReasonCode>) -> Event {
        match self {
            Self::Subscribe => Event::Subscribed { tag, reasons },
            Self::Unsubscribe => Event::Unsubscribed { tag, reasons },
        }
    }
}

fn send_auth(outbox: &mut Outbox, reason: ReasonCode, method: &Utf8String, mut properties: Properties) {
    // MQTT-4.12.0-5.
    properties.set(Property::AuthenticationMethod(method.clone()));
    // One that the server cannot take ends in its time-out.
    let _ = outbox.packet(Packet::Auth(Auth { reason, properties }));
}
