//! What the broker had retained, for subscribers that come while the load goes on.
//!
//! Each of them is owed one message of every topic that its filters match and on which a retained message was acknowledged
//! before its SUBSCRIBE; the latest one, or a newer one that came meanwhile. Overlapping filters may bring it once each
//! (MQTT-3.3.4-2). QoS 0 is owed to nobody: a broker may discard such a message at any time (MQTT-3.3.1-7 in 3.1.1).
//!
//! ```text
//!   acknowledged before SUBSCRIBE       before SUBACK is seen              sent after it
//!   is owed, as a retained message      may come, as a retained message    must come, as a delivery
//!   or by what replaced it              or as a delivery
//! ```
//!
//! While a broker still sends what it had retained, a publisher may replace a message. Then the broker may send the new one
//! only, and as it is also a delivery, without RETAIN: who has it has what the topic retains, and nothing is lost. A message
//! that was intended after all of that is over is no such replacement, or a broker that retains nothing would pass.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use protocol::{QoS, SubscribeFilter, TopicName};

use crate::{
    Stamp, StreamId,
    ledger::{ClientId, Fault, Ledger, Replay},
};

/// So long a broker may pause between two retained messages, at least.
const PAUSE: Duration = Duration::from_secs(1);

/// The topics on which something is retained, and what late subscribers have got of it.
#[derive(Debug, Default)]
pub(super) struct Replays {
    /// Streams whose messages are published with RETAIN.
    retaining: HashSet<StreamId>,
    topics: Vec<Topic>,
    by_name: HashMap<Box<str>, usize>,
    by_stream: HashMap<StreamId, usize>,
    latecomers: BTreeMap<ClientId, Latecomer>,
    /// How many are owed to all of them and have not come.
    outstanding: usize,
}

#[derive(Debug)]
struct Topic {
    name: TopicName,
    qos: QoS,
    /// The group of the devices that publish to it.
    group: u16,
    /// The latest acknowledged message.
    latest: (StreamId, u32),
}

#[derive(Debug)]
struct Latecomer {
    /// When it sent SUBSCRIBE, an offset from the run's start.
    asked: Duration,
    /// When it had its SUBACK or, after that, the last retained message; absent before.
    last: Option<Duration>,
    /// By topic.
    owed: Vec<Owed>,
    missing: usize,
    /// The doubtful topics, and when the first of those deliveries was intended.
    doubtful: Vec<(usize, Duration)>,
}

/// What one topic retained when somebody asked.
#[derive(Clone, Copy, Debug)]
struct Owed {
    message: (StreamId, u32),
    qos: QoS,
    /// How often it may come as a retained message; 0 when none is owed.
    allowed: u8,
    /// How often it came so.
    came: u8,
    /// Whether the client has it or a newer one, however it came.
    known: bool,
    /// Whether a newer one was delivered after the time for that, as far as is known yet.
    doubtful: bool,
}

impl Owed {
    /// Whether a message is the one that was retained, or one that replaced it. Of two publishers to one topic the order is
    /// unknown.
    fn is_met_by(&self, stream: StreamId, sequence: u32) -> bool {
        stream != self.message.0 || sequence >= self.message.1
    }
}

impl Latecomer {
    /// It has what the topic retains.
    fn learn(&mut self, topic: usize) {
        self.missing -= usize::from(!std::mem::replace(&mut self.owed[topic].known, true));
    }

    /// It has its SUBACK, or another retained message: the broker is not through with them.
    fn goes_on(&mut self, at: Duration) {
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        let (replaced, doubtful) =
            std::mem::take(&mut self.doubtful).into_iter().partition(|one| self.may_replace(one.1));
        self.doubtful = doubtful;
        let replaced: Vec<_> = replaced;
        replaced.into_iter().for_each(|(topic, _)| self.learn(topic));
    }

    /// It has a delivery that was intended then, and is one that the topic retains or retained.
    fn takes(&mut self, topic: usize, intended: Duration) {
        if self.may_replace(intended) {
            self.learn(topic);
        } else if !std::mem::replace(&mut self.owed[topic].doubtful, true) {
            self.doubtful.push((topic, intended));
        }
    }

    /// Whether the broker may not have been through with what was retained when a message was intended.
    fn may_replace(&self, intended: Duration) -> bool {
        // A pause as long as all of it so far does not mean that it is over.
        self.last.is_none_or(|last| intended <= last + last.saturating_sub(self.asked) + PAUSE)
    }
}

/// What a replay meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replayed {
    /// It is owed to nobody, and only counted.
    Unjudged,
    /// It is one of those that were owed; since SUBSCRIBE, if it is the last.
    Owed { done: Option<Duration> },
}

impl Replays {
    /// A message of `stream` goes out with RETAIN.
    pub(super) fn retains(&mut self, stream: StreamId) {
        self.retaining.insert(stream);
    }

    /// Whether acknowledgements of a stream's messages matter here.
    pub(super) fn follows(&self, stream: StreamId) -> bool {
        !self.retaining.is_empty() && self.retaining.contains(&stream)
    }

    /// Whether deliveries matter here.
    pub(super) const fn are_awaited(&self) -> bool {
        self.outstanding > 0
    }

    /// The broker acknowledged a message.
    pub(super) fn acknowledged(&mut self, stream: StreamId, sequence: u32, ledger: &Ledger) {
        if !self.follows(stream) {
            return;
        }
        if let Some(topic) = self.by_stream.get(&stream) {
            let latest = &mut self.topics[*topic].latest;
            if latest.0 != stream || latest.1 < sequence {
                *latest = (stream, sequence);
            }
            return;
        }
        let Some(info) = ledger.stream(stream) else { return };
        let next = self.topics.len();
        let place = *self.by_name.entry(info.topic.clone()).or_insert(next);
        if place == next {
            let Ok(name) = TopicName::new(&*info.topic) else { return };
            self.topics.push(Topic { name, qos: info.qos, group: info.group, latest: (stream, sequence) });
        }
        self.by_stream.insert(stream, place);
    }

    /// `client` subscribes to `filters` now, and cares for the groups of devices that `cares` names.
    pub(super) fn asked(&mut self, client: ClientId, filters: &[SubscribeFilter], cares: &[u16], now: Duration) {
        let owed = self.topics.iter().map(|topic| {
            // Shared subscriptions get no retained messages when they begin (section 4.8.2).
            let matching =
                filters.iter().filter(|one| one.filter.share_name().is_none() && one.filter.matches(&topic.name));
            let best = matching.clone().map(|one| one.options.qos.min(topic.qos)).max();
            let is_owed = best.is_some_and(|_| cares.contains(&topic.group) && topic.qos > QoS::AtMostOnce);
            let allowed = if is_owed { u8::try_from(matching.count()).unwrap_or(u8::MAX) } else { 0 };
            Owed {
                message: topic.latest,
                qos: best.unwrap_or_default(),
                allowed,
                came: 0,
                known: false,
                doubtful: false,
            }
        });
        let owed: Vec<Owed> = owed.collect();
        let missing = owed.iter().filter(|owed| owed.allowed > 0).count();
        self.forget(client);
        self.outstanding += missing;
        let latecomer = Latecomer { asked: now, last: None, owed, missing, doubtful: Vec::new() };
        self.latecomers.insert(client, latecomer);
    }

    /// `client` has its SUBACK.
    pub(super) fn joined(&mut self, client: ClientId, at: Duration) {
        if let Some(latecomer) = self.latecomers.get_mut(&client) {
            latecomer.goes_on(at);
        }
    }

    /// `client` has lost its subscription: what is sent to it anew is not judged.
    pub(super) fn forget(&mut self, client: ClientId) {
        if let Some(latecomer) = self.latecomers.remove(&client) {
            self.outstanding -= latecomer.missing;
        }
    }

    /// A retained message of `stream` reached `client` at `at`.
    pub(super) fn arrived(
        &mut self,
        client: ClientId,
        stream: StreamId,
        sequence: u32,
        at: Duration,
        ledger: &mut Ledger,
    ) -> Replayed {
        let Some((latecomer, topic)) = self.owing(client, stream) else { return Replayed::Unjudged };
        let owed = &mut latecomer.owed[topic];
        if !owed.is_met_by(stream, sequence) {
            return Replayed::Unjudged;
        }
        owed.came = owed.came.saturating_add(1);
        let replay = Replay { client, stream, sequence, qos: owed.qos, asked: latecomer.asked };
        if owed.came > owed.allowed {
            ledger.replayed(&replay, Some(Fault::Duplicated));
        } else if owed.came == 1 {
            ledger.replayed(&replay, None);
        }
        let before = latecomer.missing;
        latecomer.learn(topic);
        latecomer.goes_on(at);
        Replayed::Owed { done: self.settle(client, before, at) }
    }

    /// A message of `stream`, intended at `intended`, was delivered to `client` at `at`. Since SUBSCRIBE, if that made up for the
    /// last retained message that it was owed.
    pub(super) fn delivered(&mut self, client: ClientId, stamp: &Stamp, at: Duration) -> Option<Duration> {
        if !self.are_awaited() {
            return None;
        }
        let (latecomer, topic) = self.owing(client, stamp.stream)?;
        if !latecomer.owed[topic].is_met_by(stamp.stream, stamp.sequence) {
            return None;
        }
        let before = latecomer.missing;
        latecomer.takes(topic, stamp.intended_start());
        self.settle(client, before, at)
    }

    /// Counts what `client` is still owed, of `before`; since SUBSCRIBE, if nothing is left.
    fn settle(&mut self, client: ClientId, before: usize, at: Duration) -> Option<Duration> {
        let latecomer = self.latecomers.get(&client)?;
        self.outstanding -= before - latecomer.missing;
        (before > 0 && latecomer.missing == 0).then(|| at.saturating_sub(latecomer.asked))
    }

    /// The topic of `stream`, of which something is owed to `client`.
    fn owing(&mut self, client: ClientId, stream: StreamId) -> Option<(&mut Latecomer, usize)> {
        let latecomer = self.latecomers.get_mut(&client)?;
        let topic = *self.by_stream.get(&stream)?;
        latecomer.owed.get(topic).filter(|owed| owed.allowed > 0)?;
        Some((latecomer, topic))
    }

    /// How many are owed and have not come.
    pub(super) const fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Books what never came.
    pub(super) fn close(&mut self, ledger: &mut Ledger) {
        self.outstanding = 0;
        for (client, Latecomer { asked, owed, .. }) in std::mem::take(&mut self.latecomers) {
            for owed in owed.iter().filter(|owed| owed.allowed > 0 && !owed.known) {
                let (stream, sequence) = owed.message;
                let replay = Replay { client, stream, sequence, qos: owed.qos, asked };
                ledger.replayed(&replay, Some(Fault::Lost));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::{SubscriptionOptions, TopicFilter};

    use super::*;
    use crate::ledger::{Audience, Options, StreamInfo};

    const SECOND: Duration = Duration::from_secs(1);
    const LATE: ClientId = ClientId(0);

    /// Three devices of group 1 with a topic each, the last at QoS 0, and one of group 0; each has published once.
    fn bench() -> (Replays, Ledger, [StreamId; 4]) {
        let mut audience = Audience::default();
        audience.add("late", Vec::new());
        let mut ledger = Ledger::new(audience, Options { groups: 2, ..Options::default() });
        let mut replays = Replays::default();
        let streams = [0, 1, 2, 3].map(|device| StreamId::new(device, 0).unwrap());
        for (number, stream) in streams.into_iter().enumerate() {
            let qos = if number == 2 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
            let group = u16::from(number != 3);
            ledger.open(stream, StreamInfo { topic: format!("farm/{number}").into(), qos, group });
            let sequence = ledger.intend(stream, Duration::ZERO, Duration::ZERO).sequence;
            replays.retains(stream);
            ledger.confirmed(stream, sequence, Duration::ZERO);
            replays.acknowledged(stream, sequence, &ledger);
        }
        (replays, ledger, streams)
    }

    fn filter(text: &str) -> SubscribeFilter {
        let options = SubscriptionOptions { qos: QoS::AtLeastOnce, ..SubscriptionOptions::default() };
        SubscribeFilter { filter: TopicFilter::new(text).unwrap(), options }
    }

    #[test]
    fn each_acknowledged_topic_that_a_filter_matches_is_owed_once() {
        let (mut replays, mut ledger, [first, second, unsure, other]) = bench();
        replays.asked(LATE, &[filter("farm/+")], &[1], 5 * SECOND);
        assert_eq!(replays.outstanding(), 2, "neither QoS 0 nor a group that it does not care for");
        for stream in [unsure, other] {
            assert_eq!(replays.arrived(LATE, stream, 0, 6 * SECOND, &mut ledger), Replayed::Unjudged);
        }
        assert_eq!(replays.arrived(LATE, first, 0, 6 * SECOND, &mut ledger), Replayed::Owed { done: None });
        assert_eq!(replays.arrived(LATE, first, 0, 6 * SECOND, &mut ledger), Replayed::Owed { done: None });
        let last = replays.arrived(LATE, second, 3, 7 * SECOND, &mut ledger);
        assert_eq!(last, Replayed::Owed { done: Some(2 * SECOND) });
        replays.close(&mut ledger);
        let sum = ledger.close().sum(|key| key.group == 1);
        assert_eq!((sum.received, sum.duplicated), (3, 1));
    }

    #[test]
    fn what_never_came_is_lost_and_names_the_latest_message() {
        let (mut replays, mut ledger, [first, ..]) = bench();
        replays.acknowledged(first, 9, &ledger);
        replays.asked(LATE, &[filter("farm/0")], &[1], SECOND);
        replays.close(&mut ledger);
        let account = ledger.close();
        let lost: Vec<_> = account.witnesses.iter().filter(|one| one.fault == Fault::Lost).collect();
        assert_eq!(lost.len(), 1);
        assert_eq!((lost[0].stream, lost[0].sequence), (first, 9));
    }

    #[test]
    fn overlapping_filters_allow_one_each_and_shared_ones_none() {
        let (mut replays, mut ledger, [first, ..]) = bench();
        replays.asked(LATE, &[filter("farm/0"), filter("#"), filter("$share/x/farm/0")], &[1], SECOND);
        assert_eq!(replays.outstanding(), 2);
        for _ in 0..3 {
            replays.arrived(LATE, first, 0, 2 * SECOND, &mut ledger);
        }
        replays.close(&mut ledger);
        assert_eq!(ledger.close().sum(|_| true).duplicated, 1);
        let (mut replays, ..) = bench();
        replays.asked(LATE, &[filter("$share/x/farm/0")], &[1], SECOND);
        assert_eq!(replays.outstanding(), 0);
    }

    #[test]
    fn who_lost_its_subscription_is_not_judged_any_more() {
        let (mut replays, mut ledger, [first, ..]) = bench();
        replays.asked(LATE, &[filter("#")], &[1], SECOND);
        replays.forget(LATE);
        assert_eq!(replays.outstanding(), 0);
        assert_eq!(replays.arrived(LATE, first, 0, SECOND, &mut ledger), Replayed::Unjudged);
    }
}
