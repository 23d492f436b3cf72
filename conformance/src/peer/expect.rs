//! Verbs that await one packet and judge it.

use std::time::Duration;

use wire::{Ack, Auth, Connack, Kind, Packet, Pingreq, Publish, Suback, Unsuback};

use super::{Peer, hear::Heard};
use crate::{
    CaseResult, Judge,
    Mark::{self, V5, V311},
    Stop,
    patience::Patience,
};

/// Any packet.
impl Peer {
    /// Awaits the next packet of this type; others stay unread. `expected` is what a failure says was wanted.
    ///
    /// # Errors
    ///
    /// A breach when the connection ends before it, or nothing comes in time.
    pub async fn expect(&mut self, kind: Kind, expected: &str) -> CaseResult<Packet> {
        self.await_kind(kind, expected).await.map(|heard| heard.packet)
    }

    async fn await_kind(&mut self, kind: Kind, expected: &str) -> CaseResult<Heard> {
        self.await_kind_for(self.desk.site.patience, kind, expected).await
    }

    async fn await_kind_for(&mut self, limit: Duration, kind: Kind, expected: &str) -> CaseResult<Heard> {
        let mut patience = Patience::of(limit);
        loop {
            if let Some(at) = self.inbox.iter().position(|heard| heard.packet.kind() == kind) {
                return self.inbox.remove(at).ok_or_else(|| Stop::Error("the inbox moved".into()));
            }
            let ended = self.ending.is_some() || self.dismissed;
            if ended || !self.hear(&mut patience).await? && self.ending.is_none() {
                return Err(Stop::breach(expected, self.what_came_instead(limit)));
            }
        }
    }

    /// What is there instead of what was awaited for so long.
    pub(super) fn what_came_instead(&self, awaited: Duration) -> String {
        let mut seen: Vec<String> = self.inbox.iter().take(5).map(|heard| heard.line.clone()).collect();
        if self.inbox.len() > 5 {
            seen.push(format!("{} packets more", self.inbox.len() - 5));
        }
        match self.ending {
            Some(ending) => seen.push(ending.to_string()),
            None if self.dismissed => {}
            None => {
                let more = if seen.is_empty() { "" } else { " more" };
                // A deadline that was counted from an earlier moment would have a tail of digits.
                let tenths = Duration::from_millis(awaited.as_millis().div_ceil(100) as u64 * 100);
                seen.push(format!("nothing{more} within {tenths:?}"));
            }
        }
        seen.join(", then ")
    }
}

/// CONNACK and AUTH.
impl Peer {
    /// Awaits CONNACK, whatever it says.
    ///
    /// # Errors
    ///
    /// A breach when there is none.
    pub async fn expect_connack(&mut self) -> CaseResult<Connack> {
        match self.expect(Kind::Connack, "CONNACK").await? {
            Packet::Connack(connack) => {
                if connack.reason == 0 {
                    self.connack = Some(connack.clone());
                }
                Ok(connack)
            }
            other => Err(unlike(&other)),
        }
    }

    /// Awaits CONNACK with code 0.
    ///
    /// # Errors
    ///
    /// A breach when there is none, or it refuses.
    pub async fn expect_accepted(&mut self) -> CaseResult<Connack> {
        let connack = self.expect_connack().await?;
        match connack.reason {
            0 => Ok(connack),
            _ => Err(Stop::breach("CONNACK 0x00", Packet::from(connack).line(self.version()))),
        }
    }

    /// Awaits AUTH with this reason.
    ///
    /// # Errors
    ///
    /// A breach when there is none, or it has another reason.
    pub async fn expect_auth(&mut self, reason: u8) -> CaseResult<Auth> {
        let expected = format!("AUTH 0x{reason:02X}");
        match self.expect(Kind::Auth, &expected).await? {
            Packet::Auth(auth) if auth.reason == reason => Ok(auth),
            other => Err(Stop::breach(expected, other.line(self.version()))),
        }
    }
}

/// Acknowledgements.
impl Peer {
    /// Awaits PUBACK for `id`, with a reason below 0x80.
    ///
    /// # Errors
    ///
    /// A breach when the next PUBACK is another, or there is none.
    pub async fn expect_puback(&mut self, id: u16) -> CaseResult<Ack> {
        self.expect_ack(Kind::Puback, id).await
    }

    /// Awaits PUBREC for `id`, with a reason below 0x80.
    ///
    /// # Errors
    ///
    /// As [`Peer::expect_puback`].
    pub async fn expect_pubrec(&mut self, id: u16) -> CaseResult<Ack> {
        self.expect_ack(Kind::Pubrec, id).await
    }

    /// Awaits PUBREL for `id`.
    ///
    /// # Errors
    ///
    /// As [`Peer::expect_puback`].
    pub async fn expect_pubrel(&mut self, id: u16) -> CaseResult<Ack> {
        self.expect_ack(Kind::Pubrel, id).await
    }

    /// Awaits PUBCOMP for `id`.
    ///
    /// # Errors
    ///
    /// As [`Peer::expect_puback`].
    pub async fn expect_pubcomp(&mut self, id: u16) -> CaseResult<Ack> {
        self.expect_ack(Kind::Pubcomp, id).await
    }

    async fn expect_ack(&mut self, kind: Kind, id: u16) -> CaseResult<Ack> {
        let expected = format!("{kind} for packet identifier {id}");
        let heard = self.await_kind(kind, &expected).await?;
        match heard.packet {
            Packet::Puback(ack) | Packet::Pubrec(ack) | Packet::Pubrel(ack) | Packet::Pubcomp(ack)
                if ack.packet_identifier == id && ack.reason < 0x80 =>
            {
                Ok(ack)
            }
            Packet::Puback(ack) | Packet::Pubrec(ack) | Packet::Pubrel(ack) | Packet::Pubcomp(ack)
                if ack.packet_identifier != id =>
            {
                // 3.1.1 does not name PUBCOMP there.
                let mark = if kind == Kind::Pubcomp { V5("2.2.1-5") } else { self.identifier_of_acks() };
                Err(Stop::breach(expected, heard.line)).cites(mark)
            }
            _ => Err(Stop::breach(expected, heard.line)),
        }
    }

    /// An acknowledgement has the Packet Identifier of its PUBLISH, whatever a case is about.
    fn identifier_of_acks(&self) -> Mark {
        if self.is_v5() { V5("2.2.1-5") } else { V311("2.3.1-6") }
    }

    /// An answer has the Packet Identifier of its request.
    fn identifier_of_answers(&self) -> Mark {
        if self.is_v5() { V5("2.2.1-6") } else { V311("2.3.1-7") }
    }

    /// Awaits SUBACK for `id`, whatever it grants.
    ///
    /// # Errors
    ///
    /// A breach when the next SUBACK is another, or there is none.
    pub async fn expect_suback(&mut self, id: u16) -> CaseResult<Suback> {
        let expected = format!("SUBACK for packet identifier {id}");
        let heard = self.await_kind(Kind::Suback, &expected).await?;
        match heard.packet {
            Packet::Suback(suback) if suback.packet_identifier == id => Ok(suback),
            _ => Err(Stop::breach(expected, heard.line)).cites(self.identifier_of_answers()),
        }
    }

    /// Awaits UNSUBACK for `id`, whatever it says.
    ///
    /// # Errors
    ///
    /// A breach when the next UNSUBACK is another, or there is none.
    pub async fn expect_unsuback(&mut self, id: u16) -> CaseResult<Unsuback> {
        let expected = format!("UNSUBACK for packet identifier {id}");
        let heard = self.await_kind(Kind::Unsuback, &expected).await?;
        match heard.packet {
            Packet::Unsuback(unsuback) if unsuback.packet_identifier == id => Ok(unsuback),
            _ => Err(Stop::breach(expected, heard.line)).cites(self.identifier_of_answers()),
        }
    }

    /// Sends PINGREQ and awaits PINGRESP; what comes between stays unread.
    ///
    /// # Errors
    ///
    /// A breach when there is no PINGRESP.
    pub async fn ping(&mut self) -> CaseResult {
        self.send(Pingreq).await?;
        self.expect(Kind::Pingresp, "PINGRESP").await.map(|_| ())
    }
}

/// Messages. Each verb takes the next PUBLISH of this run; none acknowledges it.
impl Peer {
    /// Awaits the next message, whatever it is.
    ///
    /// # Errors
    ///
    /// A breach when there is none.
    pub async fn expect_any_publish(&mut self) -> CaseResult<Publish> {
        match self.expect(Kind::Publish, "PUBLISH").await? {
            Packet::Publish(publish) => Ok(publish),
            other => Err(unlike(&other)),
        }
    }

    /// Awaits a message to this topic with this payload; QoS, DUP, RETAIN and properties are the caller's to judge.
    ///
    /// # Errors
    ///
    /// A breach when the next message is another, or there is none.
    pub async fn expect_publish(&mut self, topic: &str, payload: impl AsRef<[u8]>) -> CaseResult<Publish> {
        self.message(self.desk.site.patience, topic, payload.as_ref()).await
    }

    /// The same of a message that comes when so much time has passed. The standard does not say how soon a server must notice that: the
    /// target has its tolerance, and twice the patience.
    ///
    /// # Errors
    ///
    /// As [`Peer::expect_publish`].
    pub async fn expect_publish_after(
        &mut self,
        time: Duration,
        topic: &str,
        payload: impl AsRef<[u8]>,
    ) -> CaseResult<Publish> {
        let patience = time + self.desk.site.tolerance + 2 * self.desk.site.patience;
        self.message(patience, topic, payload.as_ref()).await
    }

    async fn message(&mut self, patience: Duration, topic: &str, payload: &[u8]) -> CaseResult<Publish> {
        // Nothing is wanted of its QoS here.
        let line = Packet::from(Publish::to(topic).payload(payload)).line(self.version());
        let expected = line.replacen(" qos=0", "", 1);
        let heard = self.await_kind_for(patience, Kind::Publish, &expected).await?;
        match heard.packet {
            Packet::Publish(publish) if publish.topic == topic && publish.payload == payload => Ok(publish),
            _ => Err(Stop::breach(expected, heard.line)),
        }
    }

    /// Awaits `count` messages, in whatever order they come.
    ///
    /// # Errors
    ///
    /// A breach when there are fewer.
    pub async fn expect_publishes(&mut self, count: usize) -> CaseResult<Vec<Publish>> {
        let mut publishes = Vec::with_capacity(count);
        for nth in 1..=count {
            match self.expect(Kind::Publish, &format!("PUBLISH, number {nth} of {count}")).await? {
                Packet::Publish(publish) => publishes.push(publish),
                other => return Err(unlike(&other)),
            }
        }
        Ok(publishes)
    }
}

/// Absence.
impl Peer {
    /// Proves that nothing unread is there and nothing more was on its way: PINGREQ, and until its PINGRESP nothing else.
    ///
    /// What other clients send is not ordered with it: for that see [`Bench::fence`](crate::Bench::fence).
    ///
    /// # Errors
    ///
    /// A breach when something came; inconclusive when PINGRESP did not.
    pub async fn fence(&mut self) -> CaseResult {
        self.ping().await.set_up("fencing with PINGREQ")?;
        self.expect_nothing_unread("nothing but PINGRESP")
    }

    /// Waits for the message of a fence. Whatever message came before it was not to come.
    pub(crate) async fn expect_fence(&mut self, topic: &str) -> CaseResult {
        let mut before: Vec<Heard> = Vec::new();
        loop {
            let heard = self.await_kind(Kind::Publish, "the message of the fence").await.set_up("fencing")?;
            match &heard.packet {
                Packet::Publish(publish) if publish.topic == topic => break,
                _ => before.push(heard),
            }
        }
        match before.as_slice() {
            [] => Ok(()),
            some => Err(Stop::breach("no further message", lines(some))),
        }
    }

    /// Judges that no packet is left that no verb has taken.
    fn expect_nothing_unread(&mut self, expected: &str) -> CaseResult {
        let unread: Vec<Heard> = self.inbox.drain(..).collect();
        if unread.is_empty() { Ok(()) } else { Err(Stop::breach(expected, lines(&unread))) }
    }
}

fn lines(heard: &[Heard]) -> String {
    heard.iter().map(|heard| heard.line.as_str()).collect::<Vec<_>>().join(", then ")
}

/// A packet was found by its type and is of another.
fn unlike(packet: &Packet) -> Stop {
    Stop::Error(format!("{} is not of its own type", packet.kind()))
}
