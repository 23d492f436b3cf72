use proptest::prelude::*;

use super::*;
use crate::{
    RunId, Stamp,
    ledger::{Account, Arrival, Intended, Options, StreamInfo, tests::audience},
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
    received: Vec<(RowKey, Duration, Option<Duration>)>,
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
                let start = intended[sequence as usize];
                let stamp = Stamp { run: RunId(1), stream: run.stream, sequence, intended: nanos(start) };
                if let Arrival::First { row, written } = ledger.received(ClientId(client), &stamp, at) {
                    given.received.push((row, start, written));
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
        Deed::Written => ledger.written_run(run, at, |written, messages| {
            given.written.extend(vec![written; messages as usize]);
        }),
        Deed::Confirmed => ledger.confirmed_run(run, |row, written, messages| {
            given.confirmed.extend(vec![(row, Some(written)); messages as usize]);
        }),
        Deed::Received(client) => {
            let starts: Vec<u64> = numbers(run).map(|sequence| nanos(intended[sequence as usize])).collect();
            let numbered = (run.stream, run.first);
            ledger.received_run(ClientId(client), numbered, &starts, at, |row, intended, written, messages| {
                given.received.extend(vec![(row, intended, written); messages as usize]);
            })
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
                let first = ours.intend_run(stream(device), count, now, now);
                for nth in 0..count {
                    let single = plain.intend(stream(device), now, now);
                    prop_assert_eq!(single, Intended { sequence: first.sequence + nth, ..first });
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
        let (mut given, mut intended) = (Given::default(), Vec::new());
        for burst in 0..5 {
            let run = Run { stream: stream(device), first: burst * 10, count: 10 };
            let starts = [MILLI * burst; 10];
            ledger.intend_run(run.stream, 10, MILLI * burst, MILLI * burst);
            intended.extend(starts);
            assert!(together(&mut ledger, Deed::Written, run, MILLI * burst, &intended, &mut given));
            assert!(device == 0 || together(&mut ledger, Deed::Confirmed, run, MILLI * burst, &intended, &mut given));
            assert!(together(&mut ledger, Deed::Received(client), run, MILLI * burst, &intended, &mut given));
        }
        assert_eq!(given.received.len(), 50);
    }
}
