//! Readers that come while messages are under way, and those that go away and come back.

use std::time::Duration;

use protocol::QoS;

use super::{ClientId, Fault, Ledger, Reader, RowKey, Subscription, Witness, stream::Track};
use crate::StreamId;

/// A retained message that is owed to a late reader.
#[derive(Clone, Copy, Debug)]
pub struct Replay {
    /// The reader.
    pub client: ClientId,
    /// The message's stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub sequence: u32,
    /// The QoS of the delivery.
    pub qos: QoS,
    /// When it was asked for, an offset from the run's start: its row is that of the stage then.
    pub asked: Duration,
}

impl Ledger {
    /// `client`, known and without subscriptions so far, has these from now on: what is intended later must reach it. Earlier
    /// messages may reach it, and none is missed.
    pub fn join(&mut self, client: ClientId, name: &str, subscriptions: Vec<Subscription>) {
        let fresh = self.audience.subscribe(client, name, subscriptions);
        for stream in self.devices.iter_mut().flatten().flatten() {
            let info = &stream.info;
            for expected in self.audience.expected_by(fresh.clone(), &info.topic, info.qos, info.group) {
                stream.tracks.push(Track::since(expected, stream.next));
            }
        }
    }

    /// How many messages were handed to connections and have not reached `client`, shared subscriptions left out.
    pub fn owed_to(&self, client: ClientId) -> u64 {
        let own = |reader| matches!(self.audience.reader_at(reader), Some(Reader::Client(_)));
        let Some(reader) = self.audience.readers_with(client).find(|reader| own(*reader)) else { return 0 };
        let streams = self.devices.iter().flatten().flatten();
        let owed = streams.filter_map(|stream| {
            let track = stream.tracks.iter().find(|track| track.reader == reader)?;
            let missing = stream.written.without(track.received()).flatten();
            Some(missing.filter(|sequence| !stream.given_up.contains(*sequence)).count() as u64)
        });
        owed.sum()
    }

    /// Books a retained message that was owed: it came, or what went wrong with it (lost or duplicated).
    pub fn replayed(&mut self, replay: &Replay, fault: Option<Fault>) {
        let &Replay { client, stream, sequence, qos, asked } = replay;
        let Some(group) = self.stream(stream).map(|info| info.group) else { return };
        let stage = self.stage_of(asked);
        let row = self.rows.at(RowKey { stage, group, qos });
        match fault {
            Some(Fault::Lost) => row.lost += 1,
            Some(_) => {
                row.received += 1;
                row.duplicated += 1;
            }
            None => row.received += 1,
        }
        if let Some(fault) = fault {
            let reader = self.audience.readers_with(client).next();
            let intended = Some(asked);
            self.witnesses.keep(Witness { fault, stream, sequence, reader, intended, received: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        RunId, Stamp,
        ledger::{Arrival, Audience, Options, StreamInfo},
    };

    const MILLI: Duration = Duration::from_millis(1);

    fn to_all() -> Vec<Subscription> {
        vec![Subscription { share: None, filter: "#".into(), qos: QoS::AtLeastOnce, groups: None }]
    }

    /// A ledger with a reader of everything, a client without subscriptions, and a stream with `sent` messages that only the
    /// first has.
    fn ledger(sent: u32) -> (Ledger, ClientId, ClientId, StreamId) {
        let mut audience = Audience::default();
        let first = audience.add("first", to_all());
        let late = audience.add("late", Vec::new());
        let mut ledger = Ledger::new(audience, Options::default());
        let stream = StreamId::new(0, 0).unwrap();
        ledger.open(stream, StreamInfo { topic: "x".into(), qos: QoS::AtLeastOnce, group: 0 });
        for _ in 0..sent {
            let sequence = publish(&mut ledger, stream);
            assert!(matches!(arrive(&mut ledger, first, stream, sequence), Arrival::First { .. }));
        }
        (ledger, first, late, stream)
    }

    fn publish(ledger: &mut Ledger, stream: StreamId) -> u32 {
        let sequence = ledger.intend(stream, MILLI, MILLI).sequence;
        ledger.confirmed(stream, sequence, 2 * MILLI);
        sequence
    }

    fn arrive(ledger: &mut Ledger, client: ClientId, stream: StreamId, sequence: u32) -> Arrival {
        ledger.received(client, &Stamp { run: RunId(1), stream, sequence, intended: 1_000_000 }, 3 * MILLI)
    }

    #[test]
    fn a_latecomer_must_get_what_comes_after_it_and_may_get_what_came_before() {
        let (mut ledger, first, late, stream) = ledger(3);
        ledger.join(late, "late", to_all());
        // Under way when it subscribed.
        assert_eq!(arrive(&mut ledger, late, stream, 2), Arrival::Copy);
        for _ in 0..2 {
            let sequence = publish(&mut ledger, stream);
            arrive(&mut ledger, first, stream, sequence);
        }
        assert_eq!(ledger.outstanding(), 2);
        assert!(matches!(arrive(&mut ledger, late, stream, 3), Arrival::First { .. }));
        assert_eq!(ledger.outstanding(), 1);
        let account = ledger.close();
        let sum = account.sum(|_| true);
        assert_eq!((sum.lost, sum.duplicated, sum.received), (1, 0, 6));
        assert_eq!(account.witnesses.len(), 1);
        assert_eq!(
            (account.witnesses[0].sequence, ledger.audience().name(account.witnesses[0].reader.unwrap())),
            (4, "late")
        );
    }

    #[test]
    fn streams_that_open_later_know_the_latecomer() {
        let (mut ledger, _, late, _) = ledger(0);
        ledger.join(late, "late", to_all());
        let stream = StreamId::new(1, 0).unwrap();
        ledger.open(stream, StreamInfo { topic: "y".into(), qos: QoS::AtLeastOnce, group: 0 });
        assert_eq!(ledger.readers(stream), 2);
    }

    #[test]
    fn what_a_client_is_owed_is_what_it_has_not_got() {
        let (mut ledger, first, _, stream) = ledger(3);
        let sequences: Vec<u32> = (0..5).map(|_| publish(&mut ledger, stream)).collect();
        assert_eq!(ledger.owed_to(first), 5);
        arrive(&mut ledger, first, stream, sequences[1]);
        assert_eq!(ledger.owed_to(first), 4);
    }

    #[test]
    fn retained_messages_are_booked_in_the_stage_in_which_they_were_asked_for() {
        let (mut ledger, _, late, stream) = ledger(1);
        let replay = Replay { client: late, stream, sequence: 0, qos: QoS::AtLeastOnce, asked: 5 * MILLI };
        for fault in [None, None, Some(Fault::Duplicated), Some(Fault::Lost)] {
            ledger.replayed(&replay, fault);
        }
        let account = ledger.close();
        let sum = account.sum(|_| true);
        // One live delivery, three replays that came, one that did not.
        assert_eq!((sum.received, sum.duplicated, sum.lost, sum.expected()), (4, 1, 1, 4));
        assert_eq!(account.witnesses.len(), 2);
    }
}
