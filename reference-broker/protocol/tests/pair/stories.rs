//! What happens between the two, one story each.

use std::time::Duration;

use protocol::{Fate, Machine, QoS, ReasonCode, Session, Version, client, server};

use crate::harness::{Pair, Side};

const BOTH: [Version; 2] = [Version::V311, Version::V5];
const EACH_QOS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];

#[test]
fn every_qos_arrives_once_in_both_directions() {
    for version in BOTH {
        for side in [Side::Client, Side::Server] {
            for qos in EACH_QOS {
                let mut pair = Pair::connected(version, 10);
                let (number, fate) = pair.publish(side, qos);
                assert_eq!(fate, Fate::Sent);
                pair.drive();
                let other = if side == Side::Client { Side::Server } else { Side::Client };
                assert_eq!(pair.owner(other).taken, [number]);
                assert_eq!(pair.owner(side).ended, [number]);
                assert!(pair.client.session().is_empty());
                assert!(pair.server.session().is_some_and(Session::is_empty));
            }
        }
    }
}

#[test]
fn an_idle_connection_lives_on_pings() {
    for version in BOTH {
        let mut pair = Pair::connected(version, 10);
        pair.advance(Duration::from_secs(3_600));
        assert!(!pair.client.is_closed() && !pair.server.is_closed());
    }
}

#[test]
fn a_dead_wire_is_noticed_by_both() {
    let mut pair = Pair::connected(Version::V5, 10);
    pair.latency = Duration::from_secs(100_000);
    pair.advance(Duration::from_secs(60 + 10));
    assert_eq!(pair.client_closed, Some(client::Closed::PingTimeout));
    pair.advance(Duration::from_secs(20) + Duration::from_millis(10));
    assert_eq!(pair.server_closed, Some(server::Closed::KeepAlive));
}

#[test]
fn queued_publications_follow_as_acknowledgements_come() {
    for version in BOTH {
        let mut pair = Pair::connected(version, 2);
        let numbers: Vec<u32> = (0..20).map(|_| pair.publish(Side::Client, QoS::AtLeastOnce).0).collect();
        assert_eq!(pair.client.session().queued(), 18);
        pair.drive();
        assert_eq!(pair.server_owner.taken, numbers);
    }
}

#[test]
fn a_cut_during_qos_2_delivers_once() {
    // The cut comes after each packet of the exchange in turn.
    for version in BOTH {
        for side in [Side::Client, Side::Server] {
            for steps in 0..5 {
                let mut pair = Pair::connected(version, 10);
                let (number, _) = pair.publish(side, QoS::ExactlyOnce);
                for _ in 0..steps {
                    pair.step();
                }
                pair.cut(true);
                pair.reconnect();
                pair.drive();
                assert_eq!(pair.session_present, Some(true));
                let other = if side == Side::Client { Side::Server } else { Side::Client };
                assert_eq!(pair.owner(other).taken, [number], "{version:?} {side:?} cut after {steps}");
                assert_eq!(pair.owner(side).ended, [number]);
            }
        }
    }
}

#[test]
fn what_was_published_while_apart_arrives_on_reconnection() {
    let mut pair = Pair::connected(Version::V5, 10);
    pair.cut(true);
    let numbers: Vec<u32> = (0..5).map(|_| pair.publish(Side::Server, QoS::AtLeastOnce).0).collect();
    pair.reconnect();
    pair.drive();
    assert_eq!(pair.client_owner.taken, numbers);
}

#[test]
fn a_server_that_forgot_is_not_sent_old_messages() {
    // MQTT-3.2.2-5.
    let mut pair = Pair::connected(Version::V5, 10);
    pair.publish(Side::Client, QoS::ExactlyOnce);
    pair.cut(true);
    pair.forget_stored_session();
    pair.reconnect();
    pair.drive();
    assert_eq!(pair.session_present, Some(false));
    assert!(pair.server_owner.arrivals.is_empty());
    assert_eq!(pair.client.session().dropped().other, 1);
}

#[test]
fn a_takeover_moves_the_session_to_the_new_connection() {
    // MQTT-3.1.4-3: the first connection is told, the session goes on.
    let mut pair = Pair::connected(Version::V5, 10);
    pair.publish(Side::Server, QoS::AtLeastOnce);
    pair.server.close(pair.now, ReasonCode::SessionTakenOver, Default::default());
    pair.drive();
    assert!(matches!(
        &pair.client_closed,
        Some(client::Closed::Server(disconnect)) if disconnect.reason == ReasonCode::SessionTakenOver
    ));
    pair.cut(true);
    pair.reconnect();
    pair.drive();
    assert!(pair.client_owner.arrivals.iter().any(|arrival| arrival.number == 0));
    assert!(pair.server.session().is_some_and(Session::is_empty));
}

#[test]
fn sessions_move_between_threads() {
    fn assert_send<T: Send>() {}
    assert_send::<Session>();
    assert_send::<server::Server>();
    assert_send::<client::Client>();
}
