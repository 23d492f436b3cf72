//! A reader that goes away and comes back, against a broker that is right: whatever overtakes whatever, what the account calls
//! lost is what never came and had to.

use std::{collections::VecDeque, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{
    RunId, Stamp, StreamId,
    ledger::{Arrival, Audience, Options, StreamInfo, Subscription},
};

const CLIENT: ClientId = ClientId(0);
const NOW: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
enum Packet {
    Publish(u32),
    Ack(u32),
    Disconnect,
    Connect,
    Back,
}

/// One publisher, one reader, and between them a broker that keeps sessions and drops what is delivered at QoS 0 to whoever is
/// away.
struct Bench {
    ledger: Ledger,
    stream: StreamId,
    qos: QoS,
    keeps_session: bool,
    to_broker: [VecDeque<Packet>; 2],
    from_broker: [VecDeque<Packet>; 2],
    online: bool,
    /// Sent to the reader and not acknowledged, or waiting for it.
    session: Vec<u32>,
    away: bool,
    /// Written and acknowledged, and due whatever happens.
    due: Vec<u32>,
    acknowledged: Vec<u32>,
    got: Vec<u32>,
    /// The arrival that is lost on the way, counted from 0.
    loses: Option<usize>,
    arrivals: usize,
}

impl Bench {
    fn new(qos: QoS, keeps_session: bool, loses: Option<usize>) -> Self {
        let mut audience = Audience::default();
        audience.add("reader", vec![Subscription { share: None, filter: "x".into(), qos, groups: None }]);
        let mut ledger = Ledger::new(audience, Options::default());
        let stream = StreamId::new(0, 0).unwrap();
        ledger.open(stream, StreamInfo { topic: "x".into(), qos, group: 0 });
        Self {
            ledger,
            stream,
            qos,
            keeps_session,
            to_broker: Default::default(),
            from_broker: Default::default(),
            online: true,
            session: Vec::new(),
            away: false,
            due: Vec::new(),
            acknowledged: Vec::new(),
            got: Vec::new(),
            loses,
            arrivals: 0,
        }
    }

    fn keeps(&self) -> bool {
        self.keeps_session && self.qos > QoS::AtMostOnce
    }

    fn publish(&mut self) {
        let sequence = self.ledger.intend(self.stream, NOW, NOW).sequence;
        self.ledger.written(self.stream, sequence, NOW);
        self.to_broker[0].push_back(Packet::Publish(sequence));
        if !self.away || self.keeps() {
            self.due.push(sequence);
        }
    }

    fn leave(&mut self) {
        if !std::mem::replace(&mut self.away, true) {
            self.to_broker[1].push_back(Packet::Disconnect);
            // What it has not read, it will never read.
            self.from_broker[1].clear();
            self.ledger.leave(CLIENT, self.keeps_session);
            if !self.keeps() {
                let last = self.got.iter().max().copied();
                self.due.retain(|sequence| last.is_some_and(|last| *sequence <= last));
            }
        } else if self.to_broker[1].is_empty() && !self.online {
            self.to_broker[1].push_back(Packet::Connect);
        }
    }

    fn broker_reads(&mut self, lane: usize) -> bool {
        let Some(packet) = self.to_broker[lane].pop_front() else { return false };
        match packet {
            Packet::Publish(sequence) => {
                if self.qos > QoS::AtMostOnce {
                    self.from_broker[0].push_back(Packet::Ack(sequence));
                    if self.online || self.keeps_session {
                        self.session.push(sequence);
                    }
                }
                if self.online {
                    self.from_broker[1].push_back(packet);
                }
            }
            Packet::Ack(sequence) => self.session.retain(|one| *one != sequence),
            Packet::Disconnect => {
                self.online = false;
                // It was on its way to nobody.
                self.from_broker[1].clear();
                if !self.keeps_session {
                    self.session.clear();
                }
            }
            Packet::Connect => {
                self.online = true;
                self.from_broker[1].push_back(Packet::Back);
                self.from_broker[1].extend(self.session.iter().map(|sequence| Packet::Publish(*sequence)));
            }
            Packet::Back => unreachable!("clients send none"),
        }
        true
    }

    fn client_reads(&mut self, lane: usize) -> bool {
        let Some(packet) = self.from_broker[lane].front().copied() else { return false };
        // Before it is back, the connection that it reads from is gone.
        if lane == 1 && self.away && !matches!(packet, Packet::Back) {
            self.from_broker[1].pop_front();
            return true;
        }
        self.from_broker[lane].pop_front();
        match packet {
            Packet::Ack(sequence) => {
                self.acknowledged.push(sequence);
                self.ledger.confirmed(self.stream, sequence, NOW);
            }
            Packet::Back => {
                self.away = false;
                self.ledger.come_back(CLIENT);
            }
            Packet::Publish(sequence) => {
                self.arrivals += 1;
                self.to_broker[1].push_back(Packet::Ack(sequence));
                if self.loses != Some(self.arrivals - 1) {
                    let stamp = Stamp { run: RunId(1), stream: self.stream, sequence, intended: NOW.as_nanos() as u64 };
                    let arrival = self.ledger.received(CLIENT, &stamp, NOW);
                    assert!(matches!(arrival, Arrival::First { .. } | Arrival::Copy), "{sequence}: {arrival:?}");
                    self.got.push(sequence);
                }
            }
            Packet::Disconnect | Packet::Connect => unreachable!("brokers send none"),
        }
        true
    }

    fn step(&mut self, deed: u8) {
        match deed {
            0 | 1 => self.publish(),
            2 => self.leave(),
            3 | 4 => drop(self.broker_reads(usize::from(deed - 3))),
            _ => drop(self.client_reads(usize::from(deed - 5))),
        }
    }

    fn finish(&mut self) {
        while (0..2).any(|lane| self.broker_reads(lane)) || (0..2).any(|lane| self.client_reads(lane)) {}
    }

    fn missing(&self) -> usize {
        self.due.iter().filter(|sequence| !self.got.contains(sequence)).count()
    }
}

proptest! {
    #[test]
    fn what_a_session_need_not_keep_is_not_lost(
        qos in prop::sample::select(vec![QoS::AtMostOnce, QoS::AtLeastOnce]),
        keeps_session in any::<bool>(),
        loses in prop::option::of(0_usize..5),
        deeds in prop::collection::vec(0_u8..7, 0..100),
    ) {
        let mut bench = Bench::new(qos, keeps_session, loses);
        for deed in deeds {
            bench.step(deed);
        }
        bench.finish();
        if bench.away {
            bench.leave();
            bench.finish();
        }
        prop_assert!(!bench.away);
        bench.publish();
        bench.finish();
        let missing = bench.missing();
        prop_assert_eq!(bench.ledger.outstanding() as usize, missing);
        prop_assert_eq!(bench.ledger.unresolved(), 0);
        let account = bench.ledger.close();
        let sum = account.sum(|_| true);
        prop_assert_eq!((sum.lost as usize, sum.duplicated, sum.reordered, account.unexpected), (missing, 0, 0, 0));
    }
}

#[test]
fn what_was_overtaken_before_the_client_left_is_lost() {
    let mut bench = Bench::new(QoS::AtLeastOnce, false, Some(0));
    bench.publish();
    bench.publish();
    bench.finish();
    bench.publish();
    bench.leave();
    bench.finish();
    assert_eq!((bench.got.as_slice(), bench.missing()), (&[1][..], 1));
    assert_eq!((bench.ledger.outstanding(), bench.ledger.close().sum(|_| true).lost), (1, 1));
}

#[test]
fn streams_that_open_meanwhile_are_not_due_to_who_is_away() {
    for (keeps_session, lost) in [(false, 1), (true, 2)] {
        let mut bench = Bench::new(QoS::AtLeastOnce, keeps_session, None);
        bench.ledger.leave(CLIENT, keeps_session);
        let other = StreamId::new(1, 0).unwrap();
        bench.ledger.open(other, StreamInfo { topic: "x".into(), qos: QoS::AtLeastOnce, group: 0 });
        assert_eq!(bench.ledger.readers(other), usize::from(keeps_session));
        for _ in 0..2 {
            let sequence = bench.ledger.intend(other, NOW, NOW).sequence;
            bench.ledger.confirmed(other, sequence, NOW);
            bench.ledger.come_back(CLIENT);
        }
        assert_eq!(bench.ledger.readers(other), 1);
        assert_eq!((bench.ledger.outstanding(), bench.ledger.close().sum(|_| true).lost), (lost, lost));
    }
}

#[test]
fn who_leaves_a_shared_group_takes_nothing_from_it_that_a_session_keeps() {
    for (keeps_session, lost) in [(false, 0), (true, 1)] {
        let mut audience = Audience::default();
        let share =
            || Subscription { share: Some("apps".into()), filter: "x".into(), qos: QoS::AtLeastOnce, groups: None };
        let clients = ["a", "b"].map(|name| audience.add(name, vec![share()]));
        let mut ledger = Ledger::new(audience, Options::default());
        let stream = StreamId::new(0, 0).unwrap();
        ledger.open(stream, StreamInfo { topic: "x".into(), qos: QoS::AtLeastOnce, group: 0 });
        let sequence = ledger.intend(stream, NOW, NOW).sequence;
        ledger.confirmed(stream, sequence, NOW);
        ledger.leave(clients[0], keeps_session);
        assert_eq!(ledger.close().sum(|_| true).lost, lost);
    }
}
