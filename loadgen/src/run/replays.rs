//! What the broker had retained, for subscribers that come while the load goes on.
//!
//! Each of them is owed one message of every topic that its filters match and on which a retained message was acknowledged
//! before its SUBSCRIBE; the latest one, or a newer one that came meanwhile. Overlapping filters may bring it once each
//! (MQTT-3.3.4-2). QoS 0 is owed to nobody: a broker may discard such a message at any time (MQTT-3.3.1-7 in 3.1.1).

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use protocol::{QoS, SubscribeFilter, TopicName};

use crate::{
    StreamId,
    ledger::{ClientId, Fault, Ledger, Replay},
};

/// The topics on which something is retained, and what late subscribers have got of it.
#[derive(Debug, Default)]
pub(super) struct Replays {
    /// Streams whose messages are published with RETAIN.
    retaining: HashSet<StreamId>,
    topics: Vec<Topic>,
    by_name: HashMap<Box<str>, usize>,
    by_stream: HashMap<StreamId, usize>,
    latecomers: BTreeMap<ClientId, Latecomer>,
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
    /// By topic: how often its retained message may come; 0 where none is owed.
    allowed: Vec<u8>,
    /// By topic: how often it came.
    came: Vec<u8>,
    qos: Vec<QoS>,
    missing: usize,
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

    /// The broker acknowledged a message.
    pub(super) fn acknowledged(&mut self, stream: StreamId, sequence: u32, ledger: &Ledger) {
        if !self.retaining.contains(&stream) {
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
        let (mut allowed, mut qos) = (Vec::new(), Vec::new());
        for topic in &self.topics {
            // Shared subscriptions get no retained messages when they begin (section 4.8.2).
            let matching =
                filters.iter().filter(|one| one.filter.share_name().is_none() && one.filter.matches(&topic.name));
            let best = matching.clone().map(|one| one.options.qos.min(topic.qos)).max();
            let owed = best.is_some_and(|_| cares.contains(&topic.group) && topic.qos > QoS::AtMostOnce);
            allowed.push(if owed { u8::try_from(matching.count()).unwrap_or(u8::MAX) } else { 0 });
            qos.push(best.unwrap_or(QoS::AtMostOnce));
        }
        let missing = allowed.iter().filter(|allowed| **allowed > 0).count();
        let came = vec![0; allowed.len()];
        self.latecomers.insert(client, Latecomer { asked: now, allowed, came, qos, missing });
    }

    /// `client` has lost its subscription: what is sent to it anew is not judged.
    pub(super) fn forget(&mut self, client: ClientId) {
        self.latecomers.remove(&client);
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
        let known = self.latecomers.get_mut(&client).zip(self.by_stream.get(&stream).copied());
        let Some((latecomer, topic)) = known else { return Replayed::Unjudged };
        let Some(&allowed) = latecomer.allowed.get(topic).filter(|allowed| **allowed > 0) else {
            return Replayed::Unjudged;
        };
        let came = &mut latecomer.came[topic];
        *came = came.saturating_add(1);
        let replay = Replay { client, stream, sequence, qos: latecomer.qos[topic], asked: latecomer.asked };
        if *came > allowed {
            ledger.replayed(&replay, Some(Fault::Duplicated));
        } else if *came == 1 {
            ledger.replayed(&replay, None);
            latecomer.missing -= 1;
        }
        let done = (*came == 1 && latecomer.missing == 0).then(|| at.saturating_sub(latecomer.asked));
        Replayed::Owed { done }
    }

    /// How many are owed and have not come.
    pub(super) fn outstanding(&self) -> usize {
        self.latecomers.values().map(|latecomer| latecomer.missing).sum()
    }

    /// Books what never came.
    pub(super) fn close(&mut self, ledger: &mut Ledger) {
        for (client, latecomer) in std::mem::take(&mut self.latecomers) {
            let owed = latecomer.allowed.iter().zip(&latecomer.came).enumerate();
            for (topic, _) in owed.filter(|(_, (allowed, came))| **allowed > 0 && **came == 0) {
                let (stream, sequence) = self.topics[topic].latest;
                let replay = Replay { client, stream, sequence, qos: latecomer.qos[topic], asked: latecomer.asked };
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
            let sequence = ledger.intend(stream, Duration::ZERO, Duration::ZERO);
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
