use std::sync::Arc;

use bytes::Bytes;
use protocol::Utf8String;
use transport::{Address, Peer, PeerCertificate, Scheme};

use super::*;
use crate::Entrance;

/// "password"
const CHEAP: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

fn users(names: &[&str]) -> Users {
    let credentials = Credentials { password: Some(CHEAP.parse().unwrap()), scram: None };
    let users = names.iter().map(|name| ((*name).into(), credentials.clone())).collect();
    Users::new(UsersConfig { users, ..UsersConfig::default() })
}

fn origin(anonymous: bool, certificate_user: bool, common_name: Option<&str>) -> Origin {
    let address = Address::Tcp(([127, 0, 0, 1], 1883).into());
    let entrance =
        Entrance { name: "door".into(), url: format!("mqtt://{address}"), address, anonymous, certificate_user };
    let mut peer = Peer::new(None, Scheme::Mqtt);
    peer.certificate = common_name.map(|name| {
        let common_name = (!name.is_empty()).then(|| name.into());
        Arc::new(PeerCertificate { common_name, alternative_names: [].into(), der: [].into() })
    });
    Origin { entrance: Arc::new(entrance), peer }
}

/// Who that is, or the Reason Code.
async fn connect(
    users: &Users,
    origin: &Origin,
    name: Option<&str>,
    password: Option<&'static str>,
) -> Result<Option<String>, ReasonCode> {
    let (name, password) = (name.map(|name| Utf8String::new(name).unwrap()), password.map(Bytes::from));
    let client_id = Utf8String::new("client").unwrap();
    let attempt = Attempt { client_id: &client_id, user_name: name.as_ref(), password: password.as_ref(), origin };
    let result = match users.connect(&attempt) {
        Decision::Now(result) => result,
        Decision::Later(result) => result.await,
    };
    match result {
        Ok(identity) => Ok(identity.user.map(|user| user.as_str().to_owned())),
        Err(Refusal::Denied(reason)) => Err(reason),
        Err(Refusal::Failed) => panic!("it can be found out"),
    }
}

const WRONG: Result<Option<String>, ReasonCode> = Err(ReasonCode::BadUserNameOrPassword);
const NOT: Result<Option<String>, ReasonCode> = Err(ReasonCode::NotAuthorized);

#[tokio::test]
async fn a_user_needs_its_own_password_and_an_unknown_name_looks_like_a_wrong_one() {
    let mut config = users(&["alice"]).config;
    config.users.insert("meter".into(), Credentials::default());
    let users = Users::new(config);
    for anonymous in [true, false] {
        let door = origin(anonymous, false, None);
        assert_eq!(connect(&users, &door, Some("alice"), Some("password")).await, Ok(Some("alice".into())));
        for (name, password) in [
            ("alice", Some("wrong")),
            ("alice", Some("")),
            ("alice", None),
            ("nobody", Some("password")),
            ("nobody", None),
            ("", Some("")),
            ("Alice", Some("password")),
            // Without a hash it has no password.
            ("meter", Some("")),
            ("meter", Some("password")),
        ] {
            assert_eq!(connect(&users, &door, Some(name), password).await, WRONG, "{name} {password:?}");
        }
    }
}

#[tokio::test]
async fn anonymous_clients_are_let_in_only_where_that_is_allowed() {
    for names in [&["alice"][..], &[]] {
        let users = users(names);
        assert_eq!(connect(&users, &origin(true, false, None), None, None).await, Ok(None));
        assert_eq!(connect(&users, &origin(false, false, None), None, None).await, NOT);
        assert_eq!(connect(&users, &origin(false, false, None), None, Some("password")).await, NOT);
    }
    // Without users, a name is no proof.
    let nobody = users(&[]);
    assert_eq!(connect(&nobody, &origin(true, false, None), Some("alice"), Some("x")).await, Ok(None));
    assert_eq!(connect(&nobody, &origin(false, false, None), Some("alice"), Some("x")).await, NOT);
}

#[tokio::test]
async fn a_certificate_is_a_user_name_only_where_the_listener_says_so() {
    let users = users(&["alice"]);
    let with = |name| origin(false, true, Some(name));
    assert_eq!(connect(&users, &with("cow-7"), None, None).await, Ok(Some("cow-7".into())));
    assert_eq!(connect(&users, &with("cow-7"), Some("alice"), Some("wrong")).await, Ok(Some("cow-7".into())));
    for name in ["", "cow\n7", "cow\u{0}7"] {
        assert_eq!(connect(&users, &with(name), Some("alice"), Some("password")).await, NOT, "{name:?}");
    }
    // It shows none, or the listener does not care.
    for door in [origin(false, true, None), origin(false, false, Some("cow-7"))] {
        assert_eq!(connect(&users, &door, None, None).await, NOT);
        assert_eq!(connect(&users, &door, Some("alice"), Some("password")).await, Ok(Some("alice".into())));
    }
}

#[test]
fn a_user_that_is_gone_may_not_stay() {
    let users = users(&["alice"]);
    let stays = |name: Option<&str>, origin: &Origin| {
        let user = name.map(|name| Utf8String::new(name).unwrap());
        let client_id = Utf8String::new("client").unwrap();
        users.still_admits(&Identity { client_id, user, certificate: None, address: None }, origin)
    };
    assert!(stays(Some("alice"), &origin(false, false, None)) && !stays(Some("bob"), &origin(true, false, None)));
    assert!(stays(None, &origin(true, false, None)) && !stays(None, &origin(false, false, None)));
    assert!(stays(Some("cow-7"), &origin(false, true, Some("cow-7"))));
    assert!(!stays(Some("cow-7"), &origin(false, false, Some("cow-7"))));
    // It had proved to be Bob by SCRAM, beside its certificate.
    assert!(!stays(Some("bob"), &origin(false, true, Some("cow-7"))));
}

#[test]
fn scram_is_offered_when_somebody_can_use_it() {
    let credential = ScramCredential::new(b"pencil");
    let client_id = Utf8String::new("client").unwrap();
    let origin = origin(false, false, None);
    let attempt = Attempt { client_id: &client_id, user_name: None, password: None, origin: &origin };
    for (scram, on, offered) in
        [(Some(credential.clone()), true, true), (Some(credential), false, false), (None, true, false)]
    {
        let user = Credentials { password: None, scram };
        let users = Users::new(UsersConfig { users: [("u".into(), user)].into(), scram: on, ..UsersConfig::default() });
        assert_eq!(users.begin("SCRAM-SHA-256", &attempt).is_some(), offered);
        assert!(users.begin("SCRAM-SHA-1", &attempt).is_none());
    }
}
