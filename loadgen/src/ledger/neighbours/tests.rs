use proptest::prelude::*;

use super::*;
use crate::{
    RunId, Stamp,
    ledger::{Account, Arrival, Options, StreamInfo, tests::audience},
};

const MILLI: Duration = Duration::from_millis(1);
const STREAMS: [(&str, QoS); 3] =
    [("farm/a", QoS::AtMostOnce), ("farm/b", QoS::AtLeastOnce), ("sea", QoS::AtLeastOnce)];

#[derive(Clone, Copy, Debug)]
enum Deed {
    Intend,
    Written,
    Confirmed,
    Dropped,
    Received(u32),
}

/// What happens to so many messages of a stream, of which the first is so far from the oldest that it has not happened to.
#[derive(Clone, Copy, Debug)]
struct Step {
    deed: Deed,
    stream: u32,
    away: i64,
    count: u32,
}

fn step() -> impl Strategy<Value = Step> {
    let deed = prop_oneof![
        4 => Just(Deed::Intend),
        4 => Just(Deed::Written),
        4 => Just(Deed::Confirmed),
        1 => Just(Deed::Dropped),
        6 => (0_u32..4).prop_map(Deed::Received),
    ];
    let away = prop_oneof![8 => Just(0), 1 => -3_i64..3];
    (deed, 0_u32..3, away, 1_u32..6).prop_map(|(deed, stream, away, count)| Step { deed, stream, away, count })
}

fn ledger(forgetful: bool) -> Ledger {
    let mut ledger = Ledger::new(
        audience(),
        Options {
            stage_ends: vec![60 * MILLI, 120 * MILLI, 1000 * MILLI],
            witnesses: 10_000,
            late_after: Some(15 * MILLI),
            forget_after: if forgetful { 20 * MILLI } else { Duration::from_secs(60) },
            ..Options::default()
        },
    );
    for (device, (topic, qos)) in STREAMS.into_iter().enumerate() {
        ledger.open(stream(device as u32), StreamInfo { topic: topic.into(), qos, group: 0 });
    }
    ledger
}

fn stream(device: u32) -> StreamId {
    StreamId::new(device, 0).unwrap()
}

/// What the steps of runs gave: of the ledger that knows runs, and of the one that goes message by message.
#[derive(Debug, Default, PartialEq)]
struct Given {
    written: Vec<Written>,
    confirmed: Vec<(RowKey, Option<Duration>)>,
    received: Vec<(RowKey, Option<Duration>)>,
}

fn numbers(run: Run) -> std::ops::Range<u32> {
    run.first..run.first + run.count
}

/// `intended` holds the intended start of each message of the stream.
fn one_by_one(ledger: &mut Ledger, deed: Deed, run: Run, at: Duration, intended: &[Duration], given: &mut Given) {
    for sequence in numbers(run) {
        match deed {
            Deed::Written => given.written.extend(ledger.written(run.stream, sequence, at)),
            Deed::Confirmed => given.confirmed.extend(ledger.confirmed(run.stream, sequence, at)),
            Deed::Received(client) => {
                let intended = nanos(intended[sequence as usize]);
                let stamp = Stamp { run: RunId(1), stream: run.stream, sequence, intended };
                if let Arrival::First { row, written } = ledger.received(ClientId(client), &stamp, at) {
                    given.received.push((row, written));
                }
            }
            Deed::Dropped => ledger.dropped(run.stream, sequence),
            Deed::Intend => {}
        }
    }
}

/// Whether the short way was gone.
fn together(ledger: &mut Ledger, deed: Deed, run: Run, at: Duration, intended: &[Duration], given: &mut Given) -> bool {
    let done = match deed {
        Deed::Written => ledger.written_run(run, at, |written| given.written.push(written)),
        Deed::Confirmed => ledger.confirmed_run(run, |row, written| given.confirmed.push((row, Some(written)))),
        Deed::Received(client) => {
            ledger.received_run(ClientId(client), run, at, |row, written| given.received.push((row, written)))
        }
        Deed::Intend | Deed::Dropped => false,
    };
    if !done {
        one_by_one(ledger, deed, run, at, intended, given);
    }
    done
}

fn books(account: Account) -> impl PartialEq + std::fmt::Debug {
    let rows: Vec<_> = account.rows.into_iter().map(|row| (row.key, row.counts)).collect();
    (rows, account.witnesses, account.unexpected)
}

proptest! {
    /// Whatever is done to whichever messages, together or one by one.
    #[test]
    fn runs_are_booked_as_their_messages_are(steps in prop::collection::vec(step(), 0..120), forgetful: bool) {
        let (mut ours, mut plain) = (ledger(forgetful), ledger(forgetful));
        let (mut ours_given, mut plain_given) = (Given::default(), Given::default());
        let mut intended = [const { Vec::new() }; 3];
        // How far each deed has come, by stream.
        let mut reached = std::collections::BTreeMap::new();
        for (tick, Step { deed, stream: device, away, count }) in steps.into_iter().enumerate() {
            let now = 2 * MILLI * tick as u32;
            if let Deed::Intend = deed {
                for _ in 0..count {
                    let sequence = ours.intend(stream(device), now, now);
                    prop_assert_eq!(plain.intend(stream(device), now, now), sequence);
                }
                intended[device as usize].extend((0..count).map(|_| now));
                continue;
            }
            let next: &mut u32 = reached.entry((device, format!("{deed:?}"))).or_default();
            let first = u32::try_from((i64::from(*next) + away).max(0)).unwrap();
            let intended = &intended[device as usize];
            let count = count.min((intended.len() as u32).saturating_sub(first));
            if count == 0 {
                continue;
            }
            *next = (*next).max(first + count);
            let run = Run { stream: stream(device), first, count };
            together(&mut ours, deed, run, now, intended, &mut ours_given);
            one_by_one(&mut plain, deed, run, now, intended, &mut plain_given);
            prop_assert_eq!(&ours_given, &plain_given);
            prop_assert_eq!((ours.outstanding(), ours.unresolved()), (plain.outstanding(), plain.unresolved()));
        }
        prop_assert_eq!(books(ours.close()), books(plain.close()));
    }
}

#[test]
fn what_a_load_does_all_the_time_goes_together() {
    for (device, client) in [(0, 0), (1, 0), (0, 1)] {
        let mut ledger = ledger(false);
        let mut given = Given::default();
        for burst in 0..5 {
            let run = Run { stream: stream(device), first: burst * 10, count: 10 };
            for _ in 0..10 {
                ledger.intend(run.stream, MILLI * burst, MILLI * burst);
            }
            assert!(together(&mut ledger, Deed::Written, run, MILLI * burst, &[], &mut given));
            assert!(device == 0 || together(&mut ledger, Deed::Confirmed, run, MILLI * burst, &[], &mut given));
            assert!(together(&mut ledger, Deed::Received(client), run, MILLI * burst, &[], &mut given));
        }
        assert_eq!(given.received.len(), 50);
    }
}
