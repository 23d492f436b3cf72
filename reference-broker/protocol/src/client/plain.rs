//! The short way of plain packets, of which nearly all of a load consists: many of them at one step, without memory of their own.
//!
//! A PUBLISH is plain at QoS 0 and 1, without properties, with a topic of printable ASCII; a PUBACK is plain in its four bytes,
//! for a publication at QoS 1. Whatever is not plain, broken packets first of all, is left to [`Machine::poll_event`], so that
//! there is one judge of the standard. Both ways write the same bytes.
//!
//! [`Machine::poll_event`]: crate::Machine::poll_event

use bytes::{Buf, Bytes};

use super::{
    Client,
    state::{Serving, State},
};
use crate::{Fate, PacketId, QoS, Tag, Time, TopicName, Version};

#[cfg(test)]
mod tests;

/// What several plain packets brought.
#[derive(Debug)]
pub enum Plain {
    /// The server acknowledged `count` publications with consecutive tags, with success.
    Published {
        /// The owner's name for the first of them.
        tag: Tag,
        /// How many, at least 1.
        count: u32,
    },
    /// Messages, whose PUBACKs are queued.
    Arrivals(Arrivals),
}

/// Messages in the order in which they arrived, at least one: a slice of what was read.
#[derive(Clone, Debug)]
pub struct Arrivals {
    packets: Bytes,
    version: Version,
    count: usize,
}

/// One of [`Arrivals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// The Topic Name, in ASCII.
    pub topic: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
    /// How the server sent it.
    pub qos: QoS,
    /// RETAIN.
    pub retain: bool,
    /// DUP.
    pub dup: bool,
}

/// A message to publish whose bytes the owner keeps.
#[derive(Clone, Copy, Debug)]
pub struct PlainPublish<'a> {
    /// Under which topic.
    pub topic: &'a TopicName,
    /// What.
    pub payload: &'a [u8],
    /// How.
    pub qos: QoS,
    /// RETAIN.
    pub retain: bool,
    /// The owner's name for it at QoS 1, as in [`Delivery`](crate::Delivery). At QoS 0 nothing is reported.
    pub tag: Option<Tag>,
}

impl Arrivals {
    /// How many.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Never.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Arrival<'_>> {
        let mut rest: &[u8] = &self.packets;
        std::iter::from_fn(move || {
            let front = Front::of(rest, self.version)?;
            let (packet, behind) = rest.split_at(front.end);
            rest = behind;
            Some(Arrival {
                topic: &packet[front.topic..front.topic_end],
                payload: &packet[front.payload..],
                qos: if front.packet_id.is_some() { QoS::AtLeastOnce } else { QoS::AtMostOnce },
                retain: packet[0] & 1 != 0,
                dup: packet[0] & 8 != 0,
            })
        })
    }
}

/// Where the parts of a PUBLISH lie that stands whole at the front of what was read.
struct Front {
    topic: usize,
    topic_end: usize,
    packet_id: Option<PacketId>,
    payload: usize,
    end: usize,
}

impl Front {
    /// `None` unless it looks plain; its topic is not looked at.
    #[inline]
    fn of(bytes: &[u8], version: Version) -> Option<Self> {
        let acknowledged = match *bytes.first()? {
            0x30 | 0x31 => false,
            0x32 | 0x33 | 0x3A | 0x3B => true,
            _ => return None,
        };
        // The Remaining Length, in its shortest form and up to three bytes of it.
        let (length, topic) = match *bytes.get(1..)? {
            [low @ ..0x80, ..] => (usize::from(low), 4),
            [low, middle @ 1..0x80, ..] => (usize::from(low & 0x7F) | usize::from(middle) << 7, 5),
            [low, middle, high @ 1..0x80, ..] => {
                (usize::from(low & 0x7F) | usize::from(middle & 0x7F) << 7 | usize::from(high) << 14, 6)
            }
            _ => return None,
        };
        let end = topic - 2 + length;
        let packet = bytes.get(..end)?;
        let topic_end = topic + usize::from(u16::from_be_bytes(*packet.get(topic - 2..)?.first_chunk()?));
        let mut payload = topic_end;
        let mut packet_id = None;
        if acknowledged {
            packet_id = Some(PacketId::new(u16::from_be_bytes(*packet.get(payload..)?.first_chunk()?))?);
            payload += 2;
        }
        if version == Version::V5 {
            if *packet.get(payload)? != 0 {
                return None;
            }
            payload += 1;
        }
        (topic_end > topic && payload <= end).then_some(Self { topic, topic_end, packet_id, payload, end })
    }
}

/// Whether nobody could find fault with a topic.
fn is_plain_topic(topic: &[u8]) -> bool {
    topic.iter().fold(true, |plain, byte| plain & matches!(*byte, b' '..=b'~') & (*byte != b'#') & (*byte != b'+'))
}

impl Client {
    /// Takes the plain packets at the front of what arrived, one kind of them. With `accepts` that includes publications: the
    /// owner answers each of them with success. `None` when something else is at the front, or nothing:
    /// [`poll_event`](crate::Machine::poll_event) goes on there.
    pub fn poll_plain(&mut self, now: Time, accepts: bool) -> Option<Plain> {
        self.now = now;
        if self.transport_ended || self.decoder.buffered() > 0 || !self.unsent.is_empty() {
            return None;
        }
        let State::Serving(Serving { link, .. }) = &self.state else { return None };
        if link.has_notes() {
            return None;
        }
        match self.input.first()? {
            0x40 => self.take_acknowledgements(),
            0x30..=0x3F if accepts => self.take_arrivals().map(Plain::Arrivals),
            _ => None,
        }
    }

    /// Sends a message as [`Client::publish`] does, without keeping it: for an owner that drops the Session with the connection,
    /// so that nothing is sent again. `None` when it must go the general way, which is all that happened then.
    pub fn publish_plain(&mut self, now: Time, publish: &PlainPublish<'_>) -> Option<Fate> {
        self.now = now;
        let State::Serving(Serving { link, requests, .. }) = &mut self.state else { return None };
        link.deliver_plain(&mut self.outbox, publish, &|packet_id| requests.holds(packet_id))
    }

    /// Does the same for `count` messages, which differ in nothing but what `renew` makes of the payload of one for the next, and in
    /// their tags, which follow each other. Gives how many were sent; the rest is left to
    /// [`publish_plain`](Self::publish_plain), each by itself.
    pub fn publish_plain_run(
        &mut self,
        now: Time,
        publish: &PlainPublish<'_>,
        count: u32,
        renew: &mut dyn FnMut(&mut [u8]),
    ) -> u32 {
        self.now = now;
        let State::Serving(Serving { link, requests, .. }) = &mut self.state else { return 0 };
        link.deliver_plain_run(&mut self.outbox, publish, count, renew, &|packet_id| requests.holds(packet_id))
    }

    fn take_acknowledgements(&mut self) -> Option<Plain> {
        let State::Serving(Serving { link, requests, .. }) = &mut self.state else { return None };
        let mut run: Option<(Tag, u32)> = None;
        let mut taken = 0;
        while let Some([0x40, 2, high, low]) = self.input.get(taken..).and_then(|rest| rest.first_chunk()) {
            let Some(packet_id) = PacketId::new(u16::from_be_bytes([*high, *low])) else { break };
            let follows = |tag: Option<Tag>| {
                match (&mut run, tag) {
                    (_, None) => {}
                    (None, Some(tag)) => run = Some((tag, 1)),
                    (Some((first, count)), Some(tag)) if first.0 + u64::from(*count) == tag.0 => *count += 1,
                    _ => return false,
                }
                true
            };
            if !link.plain_puback(packet_id, follows) {
                break;
            }
            taken += 4;
        }
        if taken > 0 {
            self.input.advance(taken);
            link.fill(self.now, &mut self.outbox, &|packet_id| requests.holds(packet_id));
            self.send_requests();
        }
        run.map(|(tag, count)| Plain::Published { tag, count })
    }

    fn take_arrivals(&mut self) -> Option<Arrivals> {
        let State::Serving(Serving { link, .. }) = &mut self.state else { return None };
        let version = self.outbox.version;
        let maximum = self.decoder.maximum_packet_size() as usize;
        let answers_at_once = link.answers_at_once();
        let (mut taken, mut count) = (0, 0);
        // The messages of one publisher mostly follow each other.
        let mut known: &[u8] = &[];
        while let Some(rest) = self.input.get(taken..)
            && let Some(front) = Front::of(rest, version)
            && front.end <= maximum
        {
            let topic = &rest[front.topic..front.topic_end];
            if topic != known && !is_plain_topic(topic) {
                break;
            }
            known = topic;
            if let Some(packet_id) = front.packet_id {
                if !answers_at_once {
                    break;
                }
                // MQTT-4.3.2-4, MQTT-2.2.1-5 (MQTT-2.3.1-6 in 3.1.1).
                self.outbox.plain_puback(packet_id);
            }
            taken += front.end;
            count += 1;
        }
        (count > 0).then(|| Arrivals { packets: self.input.split_to(taken), version, count })
    }
}
