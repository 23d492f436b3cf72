//! A subscriber that comes while messages are under way, against brokers that are right and differ: whatever overtakes
//! whatever, the account names what never came and nothing else.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use proptest::prelude::*;
use protocol::{SubscribeFilter, SubscriptionOptions, TopicFilter};
use reports::observation::{TargetInfo, Tool};
use simulator::Target;

use super::{arrivals::Delivered, *};
use crate::ledger::ClientId;
use crate::{
    ledger::{Audience, Options, Subscription},
    measure::{Groups, StageSpan},
    schedule::Segment,
};

const DEVICES: u32 = 3;
const LATE: ClientId = ClientId(0);
const FILTER: &str = "farm/+";

const SCENARIO: &str = r##"
[scenario]
name = "latecomer"

[brokers.broker]
url = "mqtt://127.0.0.1:1"

[devices.meter]
model = "plain"
topic = "farm/{n}"
count = 3
qos = 1
retain = true

[subscribers.screen]
count = 1
filters = ["farm/+"]
qos = 1
from = "hold"

[[stages]]
name = "hold"
hold = "1m"
rate = 1
"##;

/// What a broker does with the retained messages that a subscription asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// Sends them all at once.
    AtOnce,
    /// Sends them when there is room and leaves out what was replaced by then; deliveries wait behind them.
    Waiting,
    /// Looks them up when there is room, and delivers what is published meanwhile at once.
    Beside,
}

#[derive(Clone, Debug)]
enum Packet {
    Publish { device: u32, sequence: u32, payload: Bytes, retain: bool },
    PubAck { device: u32, sequence: u32 },
    Subscribe,
    SubAck,
}

/// A broker with one connection for each device and, as the last one, that of the latecomer.
struct Broker {
    habit: Habit,
    inbound: Vec<VecDeque<Packet>>,
    outbound: Vec<VecDeque<Packet>>,
    retained: BTreeMap<u32, (u32, Bytes)>,
    subscribed: bool,
    /// For the latecomer; what was retained first.
    backlog: VecDeque<Packet>,
}

impl Broker {
    fn new(habit: Habit) -> Self {
        let lanes = || vec![VecDeque::new(); DEVICES as usize + 1];
        let (inbound, outbound) = (lanes(), lanes());
        Self { habit, inbound, outbound, retained: BTreeMap::new(), subscribed: false, backlog: VecDeque::new() }
    }

    /// Reads a packet of one connection; whether there was one.
    fn read(&mut self, lane: usize) -> bool {
        let Some(packet) = self.inbound[lane].pop_front() else { return false };
        match packet {
            Packet::Publish { device, sequence, payload, .. } => {
                self.retained.insert(device, (sequence, payload.clone()));
                self.outbound[lane].push_back(Packet::PubAck { device, sequence });
                let live = Packet::Publish { device, sequence, payload, retain: false };
                match self.habit {
                    _ if !self.subscribed => {}
                    Habit::Waiting if !self.backlog.is_empty() => self.backlog.push_back(live),
                    _ => self.outbound[DEVICES as usize].push_back(live),
                }
            }
            Packet::Subscribe => {
                self.subscribed = true;
                self.outbound[lane].push_back(Packet::SubAck);
                let found = self.retained.iter().map(|(device, (sequence, payload))| Packet::Publish {
                    device: *device,
                    sequence: *sequence,
                    payload: payload.clone(),
                    retain: true,
                });
                match self.habit {
                    Habit::AtOnce => self.outbound[lane].extend(found),
                    Habit::Waiting | Habit::Beside => self.backlog.extend(found),
                }
            }
            Packet::PubAck { .. } | Packet::SubAck => unreachable!("clients send none"),
        }
        true
    }

    /// Sends the latecomer one of those that wait; whether there was one.
    fn feed(&mut self) -> bool {
        let Some(mut packet) = self.backlog.pop_front() else { return false };
        if let Packet::Publish { device, sequence, payload, retain: true } = &mut packet {
            let (latest, bytes) = &self.retained[device];
            if self.habit == Habit::Waiting && latest != sequence {
                return true;
            }
            (*sequence, *payload) = (*latest, bytes.clone());
        }
        self.outbound[DEVICES as usize].push_back(packet);
        true
    }
}

/// The generator's books, and what each side did, in the order in which it did.
struct Bench {
    recorder: Recorder,
    broker: Broker,
    now: Time,
    /// Of each device: stamped and not yet written.
    unwritten: Vec<VecDeque<(Tag, Packet)>>,
    acknowledged: BTreeMap<u32, u32>,
    asked: bool,
    /// The latest acknowledged message of each device when SUBSCRIBE was written.
    owed: BTreeMap<u32, u32>,
    joined: bool,
    /// Messages that were stamped once SUBACK was there.
    due: Vec<(u32, u32)>,
    /// What reached the latecomer, and whether as a retained message.
    got: Vec<(u32, u32, bool)>,
    /// Which arrival is lost on the way, counted from 0.
    loses: Option<usize>,
    deliveries: usize,
}

impl Bench {
    fn new(habit: Habit, loses: Option<usize>) -> Self {
        let scenario = scenarios::parse("latecomer.toml", SCENARIO).unwrap_or_else(|errors| panic!("{errors}"));
        let plan = Plan {
            scenario,
            target: Target::new("mqtt://127.0.0.1:1".parse().unwrap()),
            described: TargetInfo::default(),
            process: None,
            metrics: None,
            tells: None,
            broker: None,
            seed: 1,
            run_id: RunId(1),
            segment: Segment::WHOLE,
            start_at: None,
            clear_retained: false,
            tool: Tool { name: "test".into(), version: "0".into() },
            command: Vec::new(),
        };
        let mut audience = Audience::default();
        audience.add("late", Vec::new());
        let ends = Duration::from_secs(60);
        let stage = StageSpan { name: "hold".into(), begins: Duration::ZERO, ends, measured: true };
        let groups = Groups { devices: vec!["meter".into()], subscribers: vec!["screen".into()] };
        let ledger = Ledger::new(audience, Options { stage_ends: vec![ends], ..Options::default() });
        let mut recorder =
            Recorder::new(ledger, Meter::new(vec![stage], groups), &plan, Clock::new(), vec![0; DEVICES as usize]);
        recorder.start(Time::ZERO);
        Self {
            recorder,
            broker: Broker::new(habit),
            now: Time::ZERO,
            unwritten: vec![VecDeque::new(); DEVICES as usize],
            acknowledged: BTreeMap::new(),
            asked: false,
            owed: BTreeMap::new(),
            joined: false,
            due: Vec::new(),
            got: Vec::new(),
            loses,
            deliveries: 0,
        }
    }

    fn step(&mut self, deed: u8, lane: u32) {
        self.now = self.now.after(Duration::from_millis(1));
        let device = lane % DEVICES;
        match deed {
            0 => self.stamp(device),
            1 => drop(self.write(device)),
            2 => self.ask(),
            3 | 4 => drop(self.broker.read(lane as usize)),
            5 => drop(self.broker.feed()),
            _ => drop(self.read(lane as usize)),
        }
    }

    /// Lets everything that is under way arrive.
    fn finish(&mut self) {
        loop {
            self.now = self.now.after(Duration::from_millis(1));
            let mut moved = (0..DEVICES).any(|device| self.write(device));
            moved |= (0..=DEVICES as usize).any(|lane| self.broker.read(lane));
            moved |= self.broker.feed() | (0..=DEVICES as usize).any(|lane| self.read(lane));
            if !moved {
                return;
            }
        }
    }

    fn stamp(&mut self, device: u32) {
        self.recorder.begin_batch(self.now);
        let mut publication = Publication {
            topic: format!("farm/{device}").into(),
            payload: vec![0; 64],
            qos: QoS::AtLeastOnce,
            retain: true,
            kind: Kind::Plain,
        };
        let tag = self.recorder.stamp(DeviceId(device), self.now, &mut publication).unwrap();
        let sequence = Stamp::parse(&publication.payload).unwrap().sequence;
        if self.joined {
            self.due.push((device, sequence));
        }
        let payload = Bytes::from(publication.payload);
        self.unwritten[device as usize].push_back((tag, Packet::Publish { device, sequence, payload, retain: true }));
    }

    fn write(&mut self, device: u32) -> bool {
        let Some((tag, packet)) = self.unwritten[device as usize].pop_front() else { return false };
        self.broker.inbound[device as usize].push_back(packet);
        self.recorder.written(tag, 1, self.now);
        true
    }

    fn ask(&mut self) {
        if std::mem::replace(&mut self.asked, true) {
            return;
        }
        self.owed = self.acknowledged.clone();
        let options = SubscriptionOptions { qos: QoS::AtLeastOnce, ..SubscriptionOptions::default() };
        let filters = [SubscribeFilter { filter: TopicFilter::new(FILTER).unwrap(), options }];
        self.recorder.replays.asked(LATE, &filters, &[0], self.recorder.offset(self.now));
        self.broker.inbound[DEVICES as usize].push_back(Packet::Subscribe);
    }

    /// The generator reads a packet of one connection; whether there was one.
    fn read(&mut self, lane: usize) -> bool {
        let Some(packet) = self.broker.outbound[lane].pop_front() else { return false };
        match packet {
            Packet::PubAck { device, sequence } => {
                self.acknowledged.insert(device, sequence);
                let tag = packed(StreamId::new(device, 0).unwrap(), sequence);
                self.recorder.published(tag, 1, protocol::ReasonCode::Success, self.now);
            }
            Packet::SubAck => {
                self.joined = true;
                let wish = Subscription { share: None, filter: FILTER.into(), qos: QoS::AtLeastOnce, groups: None };
                self.recorder.ledger.join(LATE, "late", vec![wish]);
                self.recorder.replays.joined(LATE, self.recorder.offset(self.now));
            }
            Packet::Publish { device, sequence, payload, retain } => {
                self.deliveries += 1;
                if self.loses == Some(self.deliveries - 1) {
                    return true;
                }
                self.got.push((device, sequence, retain));
                let (topic, payload) = (format!("farm/{device}"), &payload[..]);
                let topic = topic.as_bytes();
                let delivered = Delivered { client: LATE, group: 0, topic, payload, qos: QoS::AtLeastOnce, retain };
                self.recorder.received(&delivered, self.now);
            }
            Packet::Subscribe => unreachable!("brokers send none"),
        }
        true
    }

    /// How many of those that had to come never came.
    fn missing(&self) -> usize {
        let owed = self.owed.iter().filter(|(device, latest)| {
            !self.got.iter().any(|(other, sequence, _)| other == *device && sequence >= latest)
        });
        let due = self.due.iter().filter(|(device, sequence)| !self.got.contains(&(*device, *sequence, false)));
        owed.count() + due.count()
    }
}

fn habits() -> impl Strategy<Value = Habit> {
    prop::sample::select(vec![Habit::AtOnce, Habit::Waiting, Habit::Beside])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn a_latecomer_misses_what_never_came_and_nothing_else(
        habit in habits(),
        loses in prop::option::of(0_usize..6),
        steps in prop::collection::vec((0_u8..7, 0..=DEVICES), 0..120),
    ) {
        let mut bench = Bench::new(habit, loses);
        for (deed, lane) in steps {
            bench.step(deed, lane);
        }
        bench.ask();
        bench.finish();
        let missing = bench.missing();
        let came = bench.got.len();
        let recorder = &mut bench.recorder;
        prop_assert_eq!(recorder.ledger.unresolved(), 0);
        prop_assert_eq!(recorder.ledger.outstanding() as usize + recorder.replays.outstanding(), missing);
        recorder.replays.close(&mut recorder.ledger);
        let account = recorder.ledger.close();
        let sum = account.sum(|_| true);
        prop_assert_eq!((sum.lost as usize, sum.duplicated, sum.reordered, account.unexpected), (missing, 0, 0, 0));
        prop_assert!(sum.received as usize <= came, "{} received of {came}", sum.received);
        prop_assert_eq!(account.witnesses.len(), missing);
    }
}

#[test]
fn a_retained_message_that_was_replaced_before_its_turn_is_not_lost() {
    let mut bench = Bench::new(Habit::Waiting, None);
    let latecomer = DEVICES as usize;
    for _ in 0..2 {
        bench.stamp(0);
        bench.write(0);
        bench.broker.read(0);
        bench.read(0);
        bench.ask();
        bench.broker.read(latecomer);
    }
    // What was retained waits, the second message replaces it, and comes before SUBACK is seen: as a delivery.
    bench.broker.feed();
    bench.broker.feed();
    bench.read(latecomer);
    bench.read(latecomer);
    assert_eq!(bench.got, [(0, 1, false)]);
    assert_eq!(bench.recorder.replays.outstanding(), 0);
    bench.recorder.replays.close(&mut bench.recorder.ledger);
    assert_eq!(bench.recorder.ledger.close().sum(|_| true).lost, 0);
}

#[test]
fn an_older_message_does_not_stand_for_the_one_that_is_retained() {
    let mut bench = Bench::new(Habit::AtOnce, None);
    for _ in 0..2 {
        bench.stamp(0);
        bench.write(0);
    }
    let stale = bench.broker.inbound[0].front().cloned().unwrap();
    while bench.broker.read(0) {}
    while bench.read(0) {}
    bench.ask();
    bench.broker.outbound[DEVICES as usize].push_back(stale);
    bench.read(DEVICES as usize);
    assert_eq!(bench.got, [(0, 0, true)]);
    assert_eq!(bench.recorder.replays.outstanding(), 1);
    bench.recorder.replays.close(&mut bench.recorder.ledger);
    let account = bench.recorder.ledger.close();
    assert_eq!((account.sum(|_| true).lost, account.witnesses[0].sequence), (1, 1));
}

/// Two topics are retained, the latecomer has its SUBACK, and time goes on by `pause` before the first is published again.
fn published_again_after(pause: Duration, one_comes: bool) -> (usize, u64) {
    let mut bench = Bench::new(Habit::AtOnce, None);
    for device in [0, 1] {
        bench.stamp(device);
        bench.write(device);
        bench.broker.read(device as usize);
        bench.read(device as usize);
    }
    bench.ask();
    bench.broker.read(DEVICES as usize);
    bench.read(DEVICES as usize);
    // The broker forgets the retained message of the first topic.
    bench.broker.outbound[DEVICES as usize].pop_front();
    let other = bench.broker.outbound[DEVICES as usize].pop_front().unwrap();
    bench.now = bench.now.after(pause);
    bench.stamp(0);
    bench.finish();
    if one_comes {
        bench.broker.outbound[DEVICES as usize].push_back(other);
        bench.finish();
    }
    let outstanding = bench.recorder.replays.outstanding();
    bench.recorder.replays.close(&mut bench.recorder.ledger);
    (outstanding, bench.recorder.ledger.close().sum(|_| true).lost)
}

#[test]
fn what_is_published_long_after_does_not_hide_that_nothing_retained_came() {
    let (soon, late) = (Duration::from_millis(500), Duration::from_secs(3));
    assert_eq!(published_again_after(soon, false), (1, 1), "only the other topic's");
    assert_eq!(published_again_after(late, false), (2, 2));
    // Others still come, so the broker was not through when that one was replaced.
    assert_eq!(published_again_after(late, true), (0, 0));
}
