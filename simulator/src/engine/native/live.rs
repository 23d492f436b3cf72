//! A client with a transport: its machine, and which of its publications are written.

use std::{collections::VecDeque, sync::Arc};

use protocol::{
    Delivery, DeliveryRef, DropCause, Fate, Machine, Properties, QoS, ReasonCode, Session, Tag, Time,
    client::{Answer, Client as ClientMachine, Closed as MachineClosed, Event, Plain, PlainPublish},
};
use transport::Key;

use super::client::Early;
use crate::{
    ClientEvent, ClientKey, Outgoing,
    engine::{Closed, ConnectFailure, Unsent},
};

/// A client with a transport.
///
/// ```text
///   publish() ──flow control──▶ queued ──▶ handed ──the pump wrote all it had──▶ Written (QoS 0: Published)
///                 └───────────────────────────▲
/// ```
pub(super) struct Live {
    pub(super) connection: Key,
    /// When CONNECT went out.
    pub(super) opened: Time,
    pub(super) machine: ClientMachine,
    /// CONNACK accepted the connection.
    pub(super) connected: bool,
    /// Whether the next connection resumes the session of this one.
    pub(super) survives: bool,
    /// When the engine's timer for this client rings.
    pub(super) armed: Option<Time>,
    /// How the transport ended.
    pub(super) transport_error: Option<String>,
    /// How the connection ended, once the machine has said so.
    pub(super) end: Option<End>,
    changed: bool,
    unsettled: bool,
    /// Publications that wait in the session for the broker's flow control, oldest first.
    queued: VecDeque<Option<Tag>>,
    /// Tagged publications that are encoded and not known to be written, oldest first.
    handed: VecDeque<Handed>,
}

/// Publications on their way from the machine to the socket.
#[derive(Clone, Copy, Debug)]
struct Handed {
    /// The first of `count` consecutive tags.
    tag: Tag,
    count: u32,
    qos: QoS,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    Refused(ReasonCode),
    ConnackTimeout,
    Closed(Closed),
}

impl Live {
    /// Whoever `survives` may resume the session on another connection.
    pub(super) fn new(
        (connection, survives): (Key, bool),
        opened: Time,
        machine: ClientMachine,
        queued: VecDeque<Option<Tag>>,
    ) -> Self {
        Self {
            connection,
            survives,
            opened,
            machine,
            connected: false,
            armed: None,
            transport_error: None,
            end: None,
            changed: false,
            unsettled: false,
            queued,
            handed: VecDeque::new(),
        }
    }

    /// The session, and the tags of what waits in it.
    pub(super) fn into_kept(mut self) -> (Box<Session>, VecDeque<Option<Tag>>) {
        self.release_queued();
        (self.machine.into_session(), self.queued)
    }

    /// Puts this client on the engine's list of those that may have something to transmit, once.
    pub(super) fn mark_changed(&mut self, key: ClientKey, changed: &mut Vec<ClientKey>) {
        if !self.changed {
            self.changed = true;
            changed.push(key);
        }
    }

    /// Takes it off again.
    pub(super) fn unmark_changed(&mut self) {
        self.changed = false;
    }

    /// Puts this client on the engine's list of those with publications to settle, once.
    pub(super) fn mark_unsettled(&mut self, key: ClientKey, unsettled: &mut Vec<ClientKey>) {
        if !self.unsettled && !self.handed.is_empty() {
            self.unsettled = true;
            unsettled.push(key);
        }
    }

    /// Whether it stays on that list.
    pub(super) fn still_unsettled(&mut self) -> bool {
        self.unsettled = !self.handed.is_empty();
        self.unsettled
    }

    /// How many publications wait for the broker's flow control.
    pub(super) fn queued(&self) -> usize {
        self.queued.len()
    }

    pub(super) fn publish(&mut self, now: Time, outgoing: Outgoing) -> Result<(), Unsent> {
        let Outgoing { message, qos, retain, tag } = outgoing;
        // QoS 0 ends for the machine when it is encoded, for us when it is written.
        let acknowledged = tag.filter(|_| qos != QoS::AtMostOnce);
        let fate = if qos == QoS::AtMostOnce {
            // Written at once, so it needs no memory of its own.
            let message = &message;
            let subscription_ids = &[];
            let delivery = DeliveryRef {
                message,
                shared: None,
                qos,
                retain,
                subscription_ids,
                expires_at: None,
                tag: acknowledged,
            };
            self.machine.publish_ref(now, delivery)
        } else {
            let delivery = Delivery { retain, tag: acknowledged, ..Delivery::new(Arc::new(message), qos) };
            self.machine.publish(now, delivery)
        };
        match fate {
            Fate::Sent => self.hand(tag, qos),
            Fate::Queued => self.queued.push_back(tag),
            Fate::Dropped(DropCause::TooLarge) => return Err(Unsent::TooLarge),
            Fate::Dropped(DropCause::NotOffered) => return Err(Unsent::NotOffered),
            Fate::Dropped(DropCause::Expired | DropCause::NotConnected | DropCause::SessionLost) => {
                return Err(Unsent::Offline);
            }
        }
        Ok(())
    }

    /// Publishes without keeping the message; whether it could.
    pub(super) fn publish_plain(&mut self, now: Time, publish: &PlainPublish<'_>) -> bool {
        let sent = self.machine.publish_plain(now, publish).is_some();
        if sent {
            self.hand(publish.tag, publish.qos);
        }
        sent
    }

    /// Publishes as many of `count` messages as leave at once; how many.
    pub(super) fn publish_plain_run(
        &mut self,
        now: Time,
        publish: &PlainPublish<'_>,
        count: u32,
        renew: &mut dyn FnMut(&mut [u8]),
    ) -> u32 {
        let sent = self.machine.publish_plain_run(now, publish, count, renew);
        if sent > 0 {
            self.hand_run(publish.tag, sent, publish.qos);
        }
        sent
    }

    fn hand(&mut self, tag: Option<Tag>, qos: QoS) {
        self.hand_run(tag, 1, qos);
    }

    fn hand_run(&mut self, first: Option<Tag>, count: u32, qos: QoS) {
        let Some(tag) = first else { return };
        match self.handed.back_mut() {
            Some(last) if last.qos == qos && last.tag.0 + u64::from(last.count) == tag.0 => last.count += count,
            _ => self.handed.push_back(Handed { tag, count, qos }),
        }
    }

    /// Does what was commanded before CONNACK.
    pub(super) fn execute(&mut self, now: Time, command: Early, report: impl FnOnce(ClientEvent)) {
        match command {
            Early::Publish(outgoing) => {
                let tag = outgoing.tag;
                if let (Err(_), Some(tag)) = (self.publish(now, outgoing), tag) {
                    report(ClientEvent::Dropped { tag });
                }
            }
            Early::Subscribe(filters, tag) => self.machine.subscribe(now, filters, Properties::default(), tag),
            Early::Unsubscribe(filters, tag) => self.machine.unsubscribe(now, filters, Properties::default(), tag),
        }
    }

    /// Acts on an event of the machine other than `Connected`.
    pub(super) fn take(&mut self, event: Event, now: Time, mut report: impl FnMut(ClientEvent)) {
        match event {
            Event::Message { token, message, qos, retain, dup } => {
                if let Some(token) = token {
                    self.machine.answer(now, token, Answer::Publish(ReasonCode::Success, Properties::default()));
                }
                report(ClientEvent::Message { message, qos, retain, dup, at: now });
            }
            Event::Published { tag, reason } => self.published(tag, 1, reason, now, report),
            Event::Dropped { tag, .. } => {
                self.forget(tag);
                report(ClientEvent::Dropped { tag });
            }
            Event::Subscribed { tag, reasons } => report(ClientEvent::Subscribed { tag, reasons }),
            Event::Unsubscribed { tag, .. } => report(ClientEvent::Unsubscribed { tag }),
            Event::Refused(connack) => self.end = Some(End::Refused(connack.reason)),
            Event::Closed(cause) => {
                let end = self.closed(cause);
                self.end.get_or_insert(end);
            }
            // Our CONNECT names no Authentication Method, so the machine lets no AUTH through; `Connected` is the
            // caller's.
            Event::Auth { .. } | Event::Authenticated(_) | Event::Connected(_) => {}
        }
    }

    /// Acts on plain packets.
    pub(super) fn take_plain(&mut self, plain: Plain, now: Time, mut report: impl FnMut(ClientEvent)) {
        match plain {
            Plain::Published { tag, count } => self.published(tag, count, ReasonCode::Success, now, report),
            Plain::Arrivals(arrivals) => report(ClientEvent::Arrived { arrivals, at: now }),
        }
    }

    /// Takes a publication out of those that are not known to be written.
    fn forget(&mut self, tag: Tag) {
        let Some(place) = self.handed.iter().position(|handed| handed.holds(tag)) else { return };
        let Handed { tag: first, count, qos } = self.handed[place];
        let before = (tag.0 - first.0) as u32;
        let parts = [(first.0, before), (tag.0 + 1, count - before - 1)];
        let parts = parts.into_iter().filter(|(_, count)| *count > 0);
        let rest = self.handed.split_off(place);
        self.handed.extend(parts.map(|(tag, count)| Handed { tag: Tag(tag), count, qos }));
        self.handed.extend(rest.into_iter().skip(1));
    }

    /// Everything that was handed to the pump is written at `at`, except what the session still holds back.
    pub(super) fn settle(&mut self, at: Time, mut report: impl FnMut(ClientEvent)) {
        self.release_queued();
        written(self.handed.drain(..), at, &mut report);
    }

    /// Moves to `handed` what the machine has taken out of the session since.
    pub(super) fn release_queued(&mut self) {
        while self.queued.len() > self.machine.session().queued() {
            // Only QoS 1 and 2 wait in the session once CONNACK has come.
            let tag = self.queued.pop_front().flatten();
            self.hand(tag, QoS::AtLeastOnce);
        }
    }

    fn published(&mut self, tag: Tag, count: u32, reason: ReasonCode, now: Time, mut report: impl FnMut(ClientEvent)) {
        self.release_queued();
        // Acknowledged, so they were written, although later bytes may still wait.
        let last = Tag(tag.0 + u64::from(count) - 1);
        if let Some(place) = self.handed.iter().position(|handed| handed.holds(last)) {
            let behind = self.handed[place].split_behind(last);
            written(self.handed.drain(..=place), now, &mut report);
            if let Some(behind) = behind {
                self.handed.push_front(behind);
            }
        }
        report(ClientEvent::Published { tag, count, reason, at: now });
    }

    fn closed(&mut self, cause: MachineClosed) -> End {
        End::Closed(match cause {
            MachineClosed::Client => Closed::Disconnected,
            MachineClosed::Unsendable(error) => Closed::Unsendable(error.to_string()),
            MachineClosed::Server(disconnect) => Closed::Broker(disconnect.reason),
            MachineClosed::Refused(reason) => return End::Refused(reason),
            MachineClosed::Violation(violation) => Closed::Violation(violation.to_string()),
            MachineClosed::ConnackTimeout => return End::ConnackTimeout,
            MachineClosed::PingTimeout => Closed::PingTimeout,
            MachineClosed::Transport => Closed::Transport(self.transport_error.take().unwrap_or_default()),
        })
    }
}

impl End {
    /// The event that ends a connection (`connected`) or an attempt.
    pub(super) fn into_event(self, connected: bool) -> ClientEvent {
        match self {
            Self::Closed(cause) if connected => ClientEvent::Closed(cause),
            Self::Closed(Closed::Disconnected | Closed::Abandoned) => {
                ClientEvent::ConnectFailed(ConnectFailure::GivenUp)
            }
            Self::Closed(cause) => ClientEvent::ConnectFailed(ConnectFailure::Closed(cause)),
            Self::Refused(reason) => ClientEvent::Refused { reason },
            Self::ConnackTimeout => ClientEvent::ConnectFailed(ConnectFailure::ConnackTimeout),
        }
    }
}

impl Handed {
    const fn holds(&self, tag: Tag) -> bool {
        self.tag.0 <= tag.0 && tag.0 - self.tag.0 < self.count as u64
    }

    /// Keeps what goes up to `tag`, which is one of these, and gives what is behind it.
    fn split_behind(&mut self, tag: Tag) -> Option<Self> {
        let kept = (tag.0 - self.tag.0 + 1) as u32;
        let count = self.count - kept;
        self.count = kept;
        (count > 0).then_some(Self { tag: Tag(tag.0 + 1), count, qos: self.qos })
    }
}

/// Reports what was written.
fn written(handed: impl Iterator<Item = Handed>, at: Time, report: &mut impl FnMut(ClientEvent)) {
    for Handed { tag, count, qos } in handed {
        report(ClientEvent::Written { tag, count, at });
        if qos == QoS::AtMostOnce {
            report(ClientEvent::Published { tag, count, reason: ReasonCode::Success, at });
        }
    }
}
