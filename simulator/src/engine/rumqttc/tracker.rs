//! Which of the library's packet identifiers carries which of the owner's tags.

use std::collections::{HashMap, VecDeque};

use protocol::{QoS, ReasonCode, Tag, Time};

use super::task::Step;
use crate::ClientEvent;

/// The library names packets by identifier and only once they are written, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    /// Asked for and not written, oldest first.
    publishing: VecDeque<(Option<Tag>, QoS)>,
    subscribing: VecDeque<Tag>,
    unsubscribing: VecDeque<Option<Tag>>,
    /// Held back by the library because an older publication still has the identifier.
    collided: HashMap<u16, Option<Tag>>,
    /// Written and not acknowledged.
    published: HashMap<u16, Option<Tag>>,
    subscribed: HashMap<u16, Tag>,
    unsubscribed: HashMap<u16, Option<Tag>>,
    /// How many of `publishing` wait from an earlier connection.
    stale: usize,
}

impl Tracker {
    pub(super) fn published(&mut self, tag: Option<Tag>, qos: QoS) {
        self.publishing.push_back((tag, qos));
    }

    pub(super) fn subscribed(&mut self, tag: Tag) {
        self.subscribing.push_back(tag);
    }

    pub(super) fn unsubscribed(&mut self, tag: Option<Tag>) {
        self.unsubscribing.push_back(tag);
    }

    /// How many publications wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.publishing.len()
    }

    /// How many publications wait to be written or acknowledged.
    pub(super) fn backlog(&self) -> usize {
        self.publishing.len() + self.collided.len() + self.published.len()
    }

    pub(super) fn disconnected(&mut self) {
        self.stale = self.publishing.len();
        self.subscribing.clear();
        self.unsubscribing.clear();
        self.subscribed.clear();
        self.unsubscribed.clear();
    }

    /// Without a session the library drops what it kept.
    pub(super) fn connected(&mut self, session_present: bool, report: impl FnMut(ClientEvent)) {
        if !session_present {
            let in_flight = self.published.drain().chain(self.collided.drain()).map(|(_, tag)| tag);
            let mut in_flight: Vec<Tag> = in_flight.flatten().collect();
            // By tag, because identifiers begin anew and a map has no order.
            in_flight.sort_unstable_by_key(|tag| tag.0);
            let waiting = self.publishing.drain(..self.stale).filter_map(|(tag, _)| tag);
            in_flight.into_iter().chain(waiting).map(|tag| ClientEvent::Dropped { tag }).for_each(report);
        }
        self.stale = 0;
    }

    /// Acts on what concerns a packet of ours.
    pub(super) fn take(&mut self, step: Step, at: Time, mut report: impl FnMut(ClientEvent)) {
        match step {
            Step::PublishWritten { id: 0 } => {
                if let Some((Some(tag), _)) = self.publishing.pop_front() {
                    report(ClientEvent::Written { tag, count: 1, at });
                    report(ClientEvent::Published { tag, count: 1, reason: ReasonCode::Success, at });
                }
            }
            // One that is known is sent again, after a reconnect.
            Step::PublishWritten { id } if !self.published.contains_key(&id) => {
                let tag = match self.collided.remove(&id) {
                    Some(tag) => tag,
                    None => self.publishing.pop_front().and_then(|(tag, _)| tag),
                };
                self.published.insert(id, tag);
                if let Some(tag) = tag {
                    report(ClientEvent::Written { tag, count: 1, at });
                }
            }
            Step::PublishHeldBack { id } => {
                let tag = self.publishing.pop_front().and_then(|(tag, _)| tag);
                self.collided.insert(id, tag);
            }
            Step::Acknowledged { id, reason } => {
                if let Some(Some(tag)) = self.published.remove(&id) {
                    report(ClientEvent::Published { tag, count: 1, reason, at });
                }
                if let Some(tag) = self.collided.remove(&id) {
                    // The library writes it at once, and says so next.
                    self.publishing.push_front((tag, QoS::AtLeastOnce));
                }
            }
            Step::SubscribeWritten { id } => {
                self.subscribed.extend(self.subscribing.pop_front().map(|tag| (id, tag)));
            }
            Step::Subscribed { id, reasons } => {
                if let Some(tag) = self.subscribed.remove(&id) {
                    report(ClientEvent::Subscribed { tag, reasons });
                }
            }
            Step::UnsubscribeWritten { id } => {
                self.unsubscribed.extend(self.unsubscribing.pop_front().map(|tag| (id, tag)));
            }
            Step::Unsubscribed { id } => {
                if let Some(Some(tag)) = self.unsubscribed.remove(&id) {
                    report(ClientEvent::Unsubscribed { tag });
                }
            }
            // The engine's own, or of no interest.
            Step::PublishWritten { .. }
            | Step::Connected { .. }
            | Step::Message { .. }
            | Step::DisconnectWritten
            | Step::Ended(..)
            | Step::Nothing => {}
        }
    }
}
