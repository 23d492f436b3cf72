use proptest::prelude::*;

use super::*;
use crate::RunId;

mod naive;

const MILLI: Duration = Duration::from_millis(1);

/// Readers of all sorts: overlapping filters, a shared group, somebody who is elsewhere.
pub(super) fn audience() -> Audience {
    let to = |share: Option<&str>, filter: &str, qos| Subscription {
        share: share.map(Into::into),
        filter: filter.into(),
        qos,
        groups: None,
    };
    let mut audience = Audience::default();
    audience.add("everything", vec![to(None, "farm/#", QoS::ExactlyOnce)]);
    audience.add("overlapping", vec![to(None, "farm/#", QoS::AtMostOnce), to(None, "farm/+", QoS::AtLeastOnce)]);
    audience.add("member-1", vec![to(Some("apps"), "farm/#", QoS::AtLeastOnce)]);
    audience.add("member-2", vec![to(Some("apps"), "farm/#", QoS::AtLeastOnce), to(None, "farm/b", QoS::AtLeastOnce)]);
    audience.add("elsewhere", vec![to(None, "sea/#", QoS::AtLeastOnce)]);
    audience
}

fn stream(device: u32) -> StreamId {
    StreamId::new(device, 0).unwrap()
}

fn info(topic: &str, qos: QoS) -> StreamInfo {
    StreamInfo { topic: topic.into(), qos, group: 0 }
}

fn stamp(stream: StreamId, sequence: u32) -> Stamp {
    Stamp { run: RunId(1), stream, sequence, intended: u64::from(sequence) * 1_000_000 }
}

/// One reader, one stream at QoS 1, `count` confirmed messages a millisecond apart.
fn confirmed(count: u32, options: Options) -> (Ledger, StreamId, ClientId) {
    let mut audience = Audience::default();
    let subscription = Subscription { share: None, filter: "#".into(), qos: QoS::AtLeastOnce, groups: None };
    let client = audience.add("reader", vec![subscription]);
    let mut ledger = Ledger::new(audience, options);
    ledger.open(stream(0), info("farm/a", QoS::AtLeastOnce));
    for sequence in 0..count {
        assert_eq!(ledger.intend(stream(0), MILLI * sequence, MILLI * sequence).sequence, sequence);
        ledger.confirmed(stream(0), sequence, MILLI * sequence);
    }
    (ledger, stream(0), client)
}

fn faults(account: &Account, fault: Fault) -> Vec<u32> {
    account.witnesses.iter().filter(|witness| witness.fault == fault).map(|witness| witness.sequence).collect()
}

#[test]
fn exactly_the_missing_messages_are_lost() {
    let (mut ledger, stream, client) = confirmed(100, Options::default());
    for sequence in (0..100).filter(|sequence| ![17, 40, 41].contains(sequence)) {
        ledger.received(client, &stamp(stream, sequence), MILLI * sequence);
    }
    assert_eq!(ledger.outstanding(), 3);
    let account = ledger.close();
    assert_eq!(account.sum(|_| true).lost, 3);
    assert_eq!(faults(&account, Fault::Lost), [17, 40, 41]);
    assert_eq!(account.witnesses[0].intended, Some(17 * MILLI));
}

#[test]
fn a_second_arrival_is_a_duplicate_and_an_overtaken_one_reordered() {
    let (mut ledger, stream, client) = confirmed(4, Options::default());
    for sequence in [0, 2, 1, 2, 3] {
        ledger.received(client, &stamp(stream, sequence), MILLI * 9);
    }
    let account = ledger.close();
    assert_eq!(faults(&account, Fault::Reordered), [1]);
    assert_eq!(faults(&account, Fault::Duplicated), [2]);
    let sum = account.sum(|_| true);
    assert_eq!((sum.expected(), sum.received, sum.lost), (4, 5, 0));
}

#[test]
fn a_message_of_unknown_fate_is_neither_lost_nor_expected() {
    let (mut ledger, stream, _) = confirmed(0, Options::default());
    ledger.intend(stream, MILLI, MILLI);
    ledger.written(stream, 0, MILLI);
    assert_eq!((ledger.unresolved(), ledger.outstanding()), (1, 0));
    let account = ledger.close();
    let sum = account.sum(|_| true);
    assert_eq!((sum.lost, sum.expected(), sum.unacknowledged, sum.not_sent()), (0, 0, 1, 0));
    assert_eq!(faults(&account, Fault::Unacknowledged), [0]);
}

#[test]
fn a_message_that_never_left_is_not_sent() {
    let (mut ledger, stream, _) = confirmed(0, Options::default());
    ledger.intend(stream, MILLI, MILLI);
    ledger.intend(stream, MILLI, MILLI);
    ledger.dropped(stream, 0);
    let account = ledger.close();
    assert_eq!(account.sum(|_| true).not_sent(), 2);
    assert_eq!(faults(&account, Fault::NotSent), [0, 1]);
}

#[test]
fn losses_belong_to_the_stage_of_their_intended_start() {
    let stage_ends = vec![10 * MILLI, 20 * MILLI, 30 * MILLI];
    let (mut ledger, ..) = confirmed(30, Options { stage_ends, ..Options::default() });
    let account = ledger.close();
    let lost: Vec<u64> = (0..3).map(|stage| account.sum(|key| key.stage == stage).lost).collect();
    assert_eq!(lost, [10, 10, 10]);
}

#[test]
fn lateness_counts_from_the_intended_start() {
    let (mut ledger, stream, client) = confirmed(2, Options { late_after: Some(5 * MILLI), ..Options::default() });
    ledger.received(client, &stamp(stream, 0), 6 * MILLI);
    ledger.received(client, &stamp(stream, 1), 6 * MILLI);
    assert_eq!(faults(&ledger.close(), Fault::Late), [0]);
}

#[test]
fn strangers_and_inventions_are_unexpected() {
    let (mut ledger, stream, client) = confirmed(1, Options::default());
    let foreign = StreamId::new(9, 9).unwrap();
    assert_eq!(ledger.received(ClientId(7), &stamp(stream, 0), MILLI), Arrival::Unexpected);
    assert_eq!(ledger.received(client, &stamp(stream, 5), MILLI), Arrival::Unexpected);
    assert_eq!(ledger.received(client, &stamp(foreign, 0), MILLI), Arrival::Unexpected);
    assert_eq!(ledger.close().unexpected, 3);
}

#[test]
fn a_clean_hour_takes_constant_memory() {
    let (mut ledger, stream, client) = confirmed(0, Options::default());
    for sequence in 0..200_000 {
        ledger.intend(stream, MILLI * sequence, MILLI * sequence);
        ledger.confirmed(stream, sequence, MILLI * sequence);
        ledger.received(client, &stamp(stream, sequence), MILLI * sequence);
    }
    assert!(ledger.heap_bytes() < 1_000, "{} bytes", ledger.heap_bytes());
}

#[test]
fn a_black_hole_does_not_eat_memory() {
    let options = Options { forget_after: Duration::from_secs(1), ..Options::default() };
    let (mut ledger, ..) = confirmed(200_000, options);
    assert!(ledger.heap_bytes() < 100_000, "{} bytes", ledger.heap_bytes());
    let account = ledger.close();
    assert_eq!(account.sum(|_| true).lost, 200_000);
    assert_eq!(account.witnesses.len(), 100);
    assert!(account.witnesses.iter().all(|witness| witness.intended.is_some()));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Intend(u32),
    Written(prop::sample::Index),
    Confirmed(prop::sample::Index),
    Refused(prop::sample::Index),
    Dropped(prop::sample::Index),
    Received(u32, prop::sample::Index),
    Everywhere(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        6 => (0_u32..4).prop_map(Step::Intend),
        3 => any().prop_map(Step::Written),
        5 => any().prop_map(Step::Confirmed),
        1 => any().prop_map(Step::Refused),
        1 => any().prop_map(Step::Dropped),
        6 => (0_u32..6, any()).prop_map(|(client, message)| Step::Received(client, message)),
        3 => any().prop_map(Step::Everywhere),
    ]
}

proptest! {
    #[test]
    fn agrees_with_a_naive_account(steps in prop::collection::vec(step(), 0..250), forgetful: bool) {
        let streams = [("farm/a", QoS::AtMostOnce), ("farm/b", QoS::AtLeastOnce), ("farm/c/d", QoS::ExactlyOnce), ("x", QoS::AtLeastOnce)];
        let options = Options {
            stage_ends: vec![40 * MILLI, 90 * MILLI, 1000 * MILLI],
            witnesses: 10_000,
            forget_after: if forgetful { 20 * MILLI } else { Duration::from_secs(60) },
            ..Options::default()
        };
        let mut ledger = Ledger::new(audience(), options.clone());
        let mut naive = naive::Naive::new(audience(), options);
        for (device, (topic, qos)) in streams.into_iter().enumerate() {
            ledger.open(stream(device as u32), info(topic, qos));
            naive.open(stream(device as u32), topic, qos);
        }
        let mut messages: Vec<(StreamId, u32, Duration)> = Vec::new();
        for (tick, step) in steps.into_iter().enumerate() {
            let now = MILLI * tick as u32;
            let pick = |index: prop::sample::Index| (!messages.is_empty()).then(|| *index.get(&messages));
            match step {
                Step::Intend(device) => {
                    let sequence = ledger.intend(stream(device), now, now).sequence;
                    naive.intend(stream(device), sequence, now);
                    messages.push((stream(device), sequence, now));
                }
                Step::Written(index) => if let Some((stream, sequence, _)) = pick(index) {
                    ledger.written(stream, sequence, now);
                    naive.written(stream, sequence);
                },
                Step::Confirmed(index) => if let Some((stream, sequence, _)) = pick(index) {
                    ledger.confirmed(stream, sequence, now);
                    naive.confirmed(stream, sequence);
                },
                Step::Refused(index) => if let Some((stream, sequence, _)) = pick(index) {
                    ledger.refused(stream, sequence, now);
                    naive.refused(stream, sequence);
                },
                Step::Dropped(index) => if let Some((stream, sequence, _)) = pick(index) {
                    ledger.dropped(stream, sequence);
                    naive.dropped(stream, sequence);
                },
                Step::Received(client, index) => if let Some((stream, sequence, intended)) = pick(index) {
                    let stamp = Stamp { run: RunId(1), stream, sequence, intended: nanos(intended) };
                    ledger.received(ClientId(client), &stamp, now);
                    naive.received(ClientId(client), stream, sequence);
                },
                Step::Everywhere(index) => if let Some((stream, sequence, intended)) = pick(index) {
                    let stamp = Stamp { run: RunId(1), stream, sequence, intended: nanos(intended) };
                    for client in 0..4 {
                        ledger.received(ClientId(client), &stamp, now);
                        naive.received(ClientId(client), stream, sequence);
                    }
                },
            }
            if !forgetful {
                prop_assert_eq!(ledger.outstanding(), naive.outstanding());
            }
            prop_assert_eq!(ledger.unresolved(), naive.unresolved());
        }
        let account = ledger.close();
        prop_assert_eq!(account.unexpected, naive.unexpected);
        let (rows, lost) = naive.close();
        prop_assert_eq!(account.rows.into_iter().map(|row| (row.key, row.counts)).collect::<Vec<_>>(), rows);
        let mut witnessed: Vec<_> = account
            .witnesses
            .iter()
            .filter(|witness| witness.fault == Fault::Lost)
            .map(|witness| (witness.reader.unwrap(), witness.stream, witness.sequence))
            .collect();
        witnessed.sort_unstable();
        prop_assert_eq!(witnessed, lost);
    }
}
