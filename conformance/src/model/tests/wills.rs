//! Wills: when they come, and when not.

use super::*;

#[test]
fn a_will_comes_unless_its_client_said_goodbye() {
    let will = || Some(Will { topic: "w".to_owned(), qos: 0, retain: false, delay: 0 });
    let watched = |end| {
        let mut model = model(Dialect::V5);
        subscribe(&mut model, B, &[filter("w", 0)]);
        connect(&mut model, A, true, will()).unwrap();
        model.leaving(A, end);
        model.left(A, end);
        model
    };
    let mut cut = watched(End::Cut);
    assert_eq!(missing(&cut), [WILL_SENT]);
    arrive(&mut cut, B, 0, 0, 0).unwrap();
    assert_eq!(missing(&cut), NOTHING);
    let mut gone = watched(End::Disconnected);
    assert_eq!(missing(&gone), NOTHING);
    assert_eq!(broken(arrive(&mut gone, B, 0, 0, 0)), WILL_DISCARDED);
}

/// A server may publish the will before the client can see that the connection is closed.
#[test]
fn a_will_may_come_while_the_connection_is_being_closed() {
    for how in [End::Cut, End::DisconnectedWithWill, End::Disconnected] {
        let mut model = model(Dialect::V5);
        subscribe(&mut model, B, &[filter("w", 1)]);
        let will = Will { topic: "w".to_owned(), qos: 1, retain: true, delay: 0 };
        connect(&mut model, A, true, Some(will)).unwrap();
        model.leaving(A, how);
        assert_eq!(missing(&model), NOTHING, "the server may not have noticed");
        if how == End::Disconnected {
            assert_eq!(broken(arrive(&mut model, B, 0, 1, 1)), WILL_DISCARDED);
            continue;
        }
        arrive(&mut model, B, 0, 1, 1).unwrap();
        model.left(A, how);
        assert_eq!(missing(&model), NOTHING);
        assert_eq!(broken(arrive(&mut model, B, 0, 1, 2)), AT_LEAST_ONCE);
        subscribe(&mut model, C, &[filter("w", 1)]);
        assert_eq!(missing(&model), [RETAINED_SENT]);
    }
}

/// Whether a new connection in time holds back a will whose session ends with the old one, two sentences of 5.0 (sections 3.1.2.5
/// and 3.1.4) tell differently; without a delay they agree that it comes.
#[test]
fn the_will_of_a_connection_that_is_taken_over() {
    for (delay, session_expiry, clean, owed, may_come) in [
        (0, 300, false, &[WILL_SENT][..], true),
        (60, 300, false, &NOTHING[..], false),
        (60, 300, true, &NOTHING[..], true),
        (60, 0, false, &NOTHING[..], true),
    ] {
        let mut model = model(Dialect::V5);
        subscribe(&mut model, B, &[filter("w", 0)]);
        let will = Some(Will { topic: "w".to_owned(), qos: 0, retain: false, delay });
        let first = Connect { client: A, clean: true, session_expiry, receive_maximum: None, will };
        model.connecting(&first);
        model.connected(A, false).unwrap();
        model.connecting(&Connect { clean, will: None, ..first });
        model.connected(A, !clean && session_expiry > 0).unwrap();
        assert_eq!(missing(&model), owed, "{delay} {session_expiry} {clean}");
        assert_eq!(arrive(&mut model, B, 0, 0, 0).is_ok(), may_come, "{delay} {session_expiry} {clean}");
    }
}

#[test]
fn a_delayed_will_waits_for_its_delay() {
    let mut model = model(Dialect::V5);
    subscribe(&mut model, B, &[filter("w", 0)]);
    connect(&mut model, A, true, Some(Will { topic: "w".to_owned(), qos: 0, retain: false, delay: 3 })).unwrap();
    model.left(A, End::Cut);
    assert_eq!(missing(&model), NOTHING);
    assert_eq!(broken(arrive(&mut model, B, 0, 0, 0)), WILL_WAITS);
    let until = model.waiting(3);
    assert!(until > Duration::from_secs(4), "no server is in doubt: {until:?}");
    model.at(until);
    model.waited();
    assert_eq!(missing(&model), [WILL_SENT]);
}

/// Whether No Local holds back its client's own will, no statement says; what is left is QoS 0, which may be dropped while the
/// client is away.
#[test]
fn what_only_an_uncertain_subscription_keeps_is_not_owed() {
    for (qos, owed) in [(0, &NOTHING[..]), (1, &[WILL_SENT][..])] {
        let mut model = model(Dialect::V5);
        let will = Will { topic: "x".to_owned(), qos: 1, retain: false, delay: 0 };
        connect(&mut model, A, false, Some(will)).unwrap();
        subscribe(&mut model, A, &[Filter { no_local: true, ..filter("#", 1) }, filter("+", qos)]);
        model.left(A, End::Cut);
        connect(&mut model, A, false, None).unwrap();
        assert_eq!(missing(&model), owed, "QoS {qos}");
    }
}
