//! A Session that no machine holds.

use std::sync::Arc;

use protocol::{Delivery, QoS, Scale, Session, Time};

use crate::message;

fn delivery(payload: &'static str, expires_at: Option<u64>) -> Delivery {
    let expires_at = expires_at.map(Time::from_secs);
    Delivery { expires_at, ..Delivery::new(Arc::new(message("t", payload)), QoS::AtLeastOnce) }
}

fn payloads(session: &Session) -> Vec<&[u8]> {
    session.waiting().map(|delivery| &delivery.message.payload[..]).collect()
}

#[test]
fn what_has_expired_is_purged_and_counted() {
    // MQTT-3.3.2-5.
    let mut session = Session::new();
    for (payload, expires_at) in [("a", Some(9)), ("b", None), ("c", Some(5)), ("d", Some(20))] {
        session.push(delivery(payload, expires_at));
    }
    assert_eq!(session.purge_expired(Time::from_secs(4)), 0);
    assert_eq!(session.purge_expired(Time::from_secs(5)), 1);
    assert_eq!(payloads(&session), [b"a", b"b", b"d"]);
    assert_eq!(session.purge_expired(Time::from_secs(19)), 1);
    assert_eq!(session.purge_expired(Time::from_secs(20)), 1);
    assert_eq!(payloads(&session), [b"b"]);
    assert_eq!((session.dropped().expired, session.queued(), session.queued_bytes()), (3, 1, 2));
}

#[test]
fn either_end_of_what_waits_can_be_dropped() {
    let mut session = Session::new();
    assert!(session.drop_oldest().is_none() && session.drop_newest().is_none());
    for payload in ["a", "bb", "ccc"] {
        session.push(delivery(payload, None));
    }
    assert_eq!(session.drop_newest().map(|it| it.message.payload.len()), Some(3));
    assert_eq!(session.drop_oldest().map(|it| it.message.payload.len()), Some(1));
    assert_eq!((payloads(&session), session.queued_bytes()), (vec![&b"bb"[..]], 3));
}

#[test]
fn a_scale_shows_what_sessions_hold() {
    let (one, other) = (Scale::default(), Scale::default());
    let mut session = Session::new();
    session.push(delivery("a", None));
    session.weigh_on(Some(&one));
    session.push(delivery("b", None));
    let two = one.bytes();
    assert!(two > session.queued_bytes());
    session.weigh_on(Some(&other));
    assert_eq!((one.bytes(), other.bytes()), (0, two));
    session.drop_oldest();
    assert_eq!(other.bytes(), two / 2);
    drop(session);
    assert_eq!(other.bytes(), 0);
}
