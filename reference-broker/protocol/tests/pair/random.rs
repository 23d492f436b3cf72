//! Random programs of publications, answers in any order, partial arrival, cuts and reconnections.

use std::collections::BTreeSet;

use proptest::prelude::*;
use protocol::{Machine, QoS, Session, Version, client, server};

use crate::harness::{Pair, Side};

#[derive(Clone, Debug)]
enum Operation {
    Publish(Side, QoS),
    Answer(Side, usize),
    Step,
    Cut { commits: bool },
}

fn operation() -> impl Strategy<Value = Operation> {
    let side = prop_oneof![Just(Side::Client), Just(Side::Server)];
    let qos = prop_oneof![Just(QoS::AtMostOnce), Just(QoS::AtLeastOnce), Just(QoS::ExactlyOnce)];
    prop_oneof![
        6 => (side.clone(), qos).prop_map(|(side, qos)| Operation::Publish(side, qos)),
        8 => (side, any::<usize>()).prop_map(|(side, index)| Operation::Answer(side, index)),
        12 => Just(Operation::Step),
        1 => any::<bool>().prop_map(|commits| Operation::Cut { commits }),
    ]
}

fn program() -> impl Strategy<Value = (Version, u16, Vec<Operation>)> {
    let version = prop_oneof![Just(Version::V311), Just(Version::V5)];
    (version, 1_u16..6, prop::collection::vec(operation(), 0..200))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn delivery_guarantees_hold((version, receive_maximum, operations) in program()) {
        let mut pair = Pair::connected(version, receive_maximum);
        pair.answers_at_once = false;
        let mut published = Vec::new();
        for operation in operations {
            match operation {
                Operation::Publish(side, qos) => published.push((side, qos, pair.publish(side, qos).0)),
                Operation::Answer(side, index) => pair.answer(side, index),
                Operation::Step => drop(pair.step()),
                Operation::Cut { commits } => {
                    pair.cut(commits);
                    pair.reconnect();
                }
            }
        }
        finish(&mut pair);

        prop_assert!(pair.client.session().is_empty(), "{:?}", pair.client.session());
        prop_assert!(pair.server.session().is_some_and(Session::is_empty), "{:?}", pair.server.session());
        for (side, qos, number) in published {
            let (sender, receiver) = match side {
                Side::Client => (&pair.client_owner, &pair.server_owner),
                Side::Server => (&pair.server_owner, &pair.client_owner),
            };
            let times = receiver.taken.iter().filter(|taken| **taken == number).count();
            match qos {
                QoS::AtMostOnce => prop_assert!(times <= 1, "{number} came {times} times"),
                QoS::AtLeastOnce => prop_assert!(times >= 1, "{number} was lost"),
                QoS::ExactlyOnce => prop_assert_eq!(times, 1, "{} is not exactly once", number),
            }
            let ended = sender.ended.iter().filter(|ended| **ended == number).count();
            if qos > QoS::AtMostOnce {
                prop_assert_eq!(ended, 1, "{} was not reported once", number);
            }
        }
        for owner in [&pair.client_owner, &pair.server_owner] {
            for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
                let order: Vec<_> = owner
                    .arrivals
                    .iter()
                    .filter(|arrival| arrival.qos == qos)
                    .map(|arrival| (arrival.connection, arrival.number))
                    .collect();
                // MQTT-4.6.0-5: ascending on each connection, and no message overtakes one of an earlier connection.
                prop_assert!(order.is_sorted_by(|a, b| a < b), "{qos:?} {order:?}");
            }
            let repeats: BTreeSet<_> = owner.arrivals.iter().filter(|it| it.dup).map(|it| it.connection).collect();
            // MQTT-4.4.0-1: repeats come only after a reconnection.
            prop_assert!(!repeats.contains(&0));
        }
    }
}

/// Answers and delivers everything.
fn finish(pair: &mut Pair) {
    loop {
        pair.drive();
        for side in [Side::Client, Side::Server] {
            while !pair.owner(side).open.is_empty() {
                pair.answer(side, 0);
            }
        }
        if !pair.step() {
            break;
        }
    }
    assert!(!pair.client.is_closed(), "{:?}", pair.client_closed);
    assert!(!pair.server.is_closed(), "{:?}", pair.server_closed);
    let _: (Option<client::Closed>, Option<server::Closed>) = (pair.client_closed.take(), pair.server_closed.take());
}
