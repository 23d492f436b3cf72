//! However deliveries are dealt to segments, the joint account is that of one process.

use proptest::prelude::*;

use super::*;
use crate::{
    RunId, Stamp,
    ledger::{ClientId, Foreign},
};

const SEGMENTS: u32 = 3;
const DEVICES: u32 = 5;
const CLIENTS: u32 = 6;
const STAGES: usize = 2;

/// One message: its device, whether the broker confirmed it, and which clients it reached, in order.
#[derive(Clone, Debug)]
struct Sent {
    device: u32,
    confirmed: bool,
    reached: Vec<u32>,
}

fn sent() -> impl Strategy<Value = Vec<Sent>> {
    let one = (0..DEVICES, prop::bool::weighted(0.9), prop::collection::vec(0..CLIENTS, 0..9));
    let one = one.prop_map(|(device, confirmed, reached)| Sent { device, confirmed, reached });
    prop::collection::vec(one, 0..60)
}

/// Clients 0 and 1 read for themselves, 1 and the others in a group.
fn subscriptions(client: u32) -> Vec<SubscriptionEvidence> {
    let filter = |share: Option<&str>, qos| SubscriptionEvidence {
        share: share.map(str::to_owned),
        filter: "farm/#".to_owned(),
        qos,
        groups: None,
    };
    let own = (client < 2).then(|| filter(None, Qos::AtLeastOnce));
    let group = (client > 0).then(|| filter(Some("erp"), Qos::AtLeastOnce));
    own.into_iter().chain(group).collect()
}

fn ledger(is_here: impl Fn(u32) -> bool) -> Ledger {
    let mut audience = Audience::default();
    for client in 0..CLIENTS {
        let subscriptions = subscriptions(client).into_iter().map(Into::into).collect();
        match is_here(client) {
            true => audience.add(&format!("client_{client}"), subscriptions),
            false => audience.add_elsewhere(&format!("client_{client}"), subscriptions),
        };
    }
    let stage_ends = vec![Duration::from_millis(30), Duration::from_secs(1)];
    Ledger::new(audience, Options { stage_ends, ..Options::default() })
}

fn send(ledger: &mut Ledger, stream: StreamId, at: Duration, confirmed: bool) -> u32 {
    let topic = format!("farm/{stream}").into();
    ledger.open(stream, StreamInfo { topic, qos: QoS::AtLeastOnce, group: 0 });
    let sequence = ledger.intend(stream, at, at).sequence;
    ledger.written(stream, sequence, at);
    if confirmed {
        ledger.confirmed(stream, sequence, at);
    }
    sequence
}

fn evidence(ledger: &Ledger, segment: u32) -> Vec<Evidence> {
    let mine = (0..CLIENTS).filter(|client| client % SEGMENTS == segment);
    let clients = mine.map(|place| ClientEvidence {
        place,
        name: format!("client_{place}"),
        subscriptions: subscriptions(place),
    });
    let mut all = vec![Evidence { clients: clients.collect(), ..Evidence::default() }];
    ledger.evidence(&[], |evidence| all.push(evidence));
    all
}

/// What segments sum up and what only all of them know, by row: intended, published, unacknowledged, received, lost,
/// duplicated.
type Sums = BTreeMap<RowKey, [u64; 6]>;

fn book(sums: &mut Sums, account: &Account, with_losses: bool) {
    for row in &account.rows {
        let counts = row.counts;
        let lost = if with_losses { counts.lost } else { 0 };
        let more = [counts.intended, counts.published, counts.unacknowledged, counts.received, lost, counts.duplicated];
        for (sum, more) in sums.entry(row.key).or_default().iter_mut().zip(more) {
            *sum += more;
        }
    }
}

proptest! {
    #[test]
    fn the_joint_account_is_that_of_one_process(sent in sent()) {
        let mut whole = ledger(|_| true);
        let mut parts: Vec<Ledger> =
            (0..SEGMENTS).map(|segment| ledger(|client| client % SEGMENTS == segment)).collect();
        for (nth, Sent { device, confirmed, reached }) in sent.iter().enumerate() {
            let (at, stream) = (Duration::from_millis(nth as u64), StreamId::new(*device, 0).unwrap());
            let home = device % SEGMENTS;
            let sequence = send(&mut whole, stream, at, *confirmed);
            prop_assert_eq!(send(&mut parts[home as usize], stream, at, *confirmed), sequence);
            let stamp = Stamp { run: RunId(0), stream, sequence, intended: at.as_nanos() as u64 };
            for client in reached {
                whole.received(ClientId(*client), &stamp, at);
                let part = &mut parts[(client % SEGMENTS) as usize];
                if client % SEGMENTS == home {
                    part.received(ClientId(*client), &stamp, at);
                } else {
                    let topic = format!("farm/{stream}");
                    let foreign = Foreign { topic: &topic, qos: QoS::AtLeastOnce, group: 0, aged: true };
                    part.received_from_abroad(ClientId(*client), &stamp, &foreign, at);
                }
            }
        }
        let (mut expected, mut found, mut joint) = (Sums::new(), Sums::new(), Joint::default());
        book(&mut expected, &whole.close(), true);
        for (segment, part) in (0..).zip(&mut parts) {
            let account = part.close();
            book(&mut found, &account, false);
            for evidence in evidence(part, segment) {
                joint.add(evidence).unwrap();
            }
        }
        let closed = joint.close(u64::from(CLIENTS), STAGES, 1, 100).unwrap();
        for row in &closed.account.rows {
            found.entry(row.key).or_default()[4] += row.counts.lost;
        }
        for (key, again) in &closed.duplicated {
            found.entry(*key).or_default()[5] += again;
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(closed.strange, 0);
    }
}

#[test]
fn a_reader_of_another_segment_is_no_loss_here() {
    let mut part = ledger(|client| client == 0);
    send(&mut part, StreamId::new(0, 0).unwrap(), Duration::ZERO, true);
    // Client 0 is here and got nothing; client 1 and the group may have.
    assert_eq!(part.close().sum(|_| true).lost, 1);
}

#[test]
fn made_up_streams_take_no_room_for_ever() {
    let mut part = ledger(|client| client == 0);
    let stamp = |series| Stamp { run: RunId(0), stream: StreamId::new(3, series).unwrap(), sequence: 0, intended: 0 };
    let foreign = Foreign { topic: "farm/x", qos: QoS::AtLeastOnce, group: 0, aged: true };
    for series in 0..StreamId::SERIES {
        part.received_from_abroad(ClientId(0), &stamp(series), &foreign, Duration::ZERO);
    }
    assert_eq!(part.untold(), u64::from(StreamId::SERIES) - 64);
    assert_eq!(part.close().sum(|_| true).received, 64);
}

#[test]
fn evidence_that_contradicts_itself_is_refused() {
    let client = |place| ClientEvidence { place, name: format!("client_{place}"), subscriptions: subscriptions(place) };
    let clients = |places: &[u32]| Evidence {
        clients: places.iter().map(|place| client(*place)).collect(),
        ..Evidence::default()
    };
    let sent = StreamEvidence {
        stream: 0,
        topic: "farm/x".into(),
        client: "meter".into(),
        qos: Qos::AtLeastOnce,
        group: 0,
        intended: 1,
        stages: vec![(0, 0)],
        confirmed: "0".parse().unwrap(),
    };
    let mut twice = Joint::default();
    twice.add(clients(&[0])).unwrap();
    assert!(twice.add(clients(&[0])).is_err());
    let sends = || Evidence { streams: vec![sent.clone()], ..Evidence::default() };
    twice.add(sends()).unwrap();
    assert!(twice.add(sends()).is_err());
    let mut few = Joint::default();
    few.add(clients(&[0, 2])).unwrap();
    assert!(few.close(2, 1, 1, 1).is_err());
    let staged = |stages: &[(u32, u16)]| StreamEvidence { stages: stages.to_vec(), ..sent.clone() };
    for odd in [StreamEvidence { group: 1, ..sent.clone() }, staged(&[(0, 1)]), staged(&[(5, 0), (5, 0)])] {
        let mut joint = Joint::default();
        joint.add(Evidence { streams: vec![odd], ..clients(&[0]) }).unwrap();
        assert!(joint.close(1, 1, 1, 1).is_err());
    }
    let mut unheard = Joint::default();
    unheard.add(Evidence { streams: vec![sent], ..clients(&[0]) }).unwrap();
    assert_eq!(unheard.close(1, 1, 1, 1).unwrap().account.sum(|_| true).lost, 1);
}
