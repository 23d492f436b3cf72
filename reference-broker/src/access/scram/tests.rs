use super::*;

/// RFC 7677, section 3.
const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
const CLIENT_NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const PROOF: &str = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SIGNATURE: &str = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn scram(users: &[&str]) -> Scram {
    let credential = ScramCredential::derive(b"pencil", &STANDARD.decode(SALT).unwrap(), 4096);
    Scram::new(users.iter().map(|user| ((*user).into(), credential.clone())).collect())
}

fn begin(scram: &Scram, user_name: Option<&str>) -> Box<dyn Exchange> {
    let user_name = user_name.map(|name| Utf8String::new(name).unwrap());
    let client_id = Utf8String::new("client").unwrap();
    let identity = Identity { client_id, user: None, certificate: None, address: None };
    scram.begin_with(identity, user_name.as_ref(), SERVER_NONCE.to_owned())
}

fn step(exchange: Box<dyn Exchange>, data: &str) -> Progress {
    match exchange.step(Bytes::copy_from_slice(data.as_bytes())) {
        Decision::Now(progress) => progress,
        Decision::Later(_) => panic!("nothing here takes time"),
    }
}

fn challenge(exchange: Box<dyn Exchange>, data: &str) -> Option<(String, Box<dyn Exchange>)> {
    match step(exchange, data) {
        Progress::Challenge { data, next } => Some((String::from_utf8(data.to_vec()).unwrap(), next)),
        _ => None,
    }
}

fn is_refused(progress: &Progress) -> bool {
    matches!(progress, Progress::Refused(Refusal::Denied(ReasonCode::NotAuthorized)))
}

#[test]
fn the_exchange_of_rfc_7677_is_reproduced() {
    let exchange = begin(&scram(&["user"]), None);
    let (said, next) = challenge(exchange, &format!("n,,n=user,r={CLIENT_NONCE}")).unwrap();
    assert_eq!(said, format!("r={CLIENT_NONCE}{SERVER_NONCE},s={SALT},i=4096"));
    let Progress::Done { identity, data } = step(next, &format!("c=biws,r={CLIENT_NONCE}{SERVER_NONCE},p={PROOF}"))
    else {
        panic!("refused")
    };
    assert_eq!(identity.user.as_deref(), Some("user"));
    assert_eq!(data.unwrap(), format!("v={SIGNATURE}"));
}

#[test]
fn whatever_differs_from_what_was_said_is_refused() {
    let wrong = STANDARD.encode([7; 32]);
    let nonces = format!("{CLIENT_NONCE}{SERVER_NONCE}");
    for last in [
        format!("c=biws,r={nonces},p={wrong}"),
        format!("c=biws,r={nonces}x,p={PROOF}"),
        format!("c=biws,r={CLIENT_NONCE},p={PROOF}"),
        format!("c=eSws,r={nonces},p={PROOF}"),
        format!("c=biws,r={nonces},p="),
        format!("c=biws,r={nonces},p=dHzbZapW"),
        format!("c=biws,r={nonces}"),
        format!("r={nonces},c=biws,p={PROOF}"),
        format!("c=biws,r={nonces},x=1,p={PROOF}"),
        String::new(),
    ] {
        let exchange = begin(&scram(&["user"]), None);
        let (_, next) = challenge(exchange, &format!("n,,n=user,r={CLIENT_NONCE}")).unwrap();
        assert!(is_refused(&step(next, &last)), "{last}");
    }
}

#[test]
fn a_first_message_without_sense_or_with_demands_is_refused() {
    for first in [
        "",
        "n",
        "n,,",
        "n,,n=user",
        "n,,n=,r=abc",
        "n,,n=user,r=",
        "n,,n=user,r=a\u{e9}",
        "n,,r=abc,n=user",
        "p=tls-unique,,n=user,r=abc",
        "x,,n=user,r=abc",
        "n,a=admin,n=user,r=abc",
        "n,user,n=user,r=abc",
        "n,,m=ext,n=user,r=abc",
        "n,,n=us=er,r=abc",
        "n,,n=us=,r=abc",
        "n,,n=us=2c,r=abc",
        "n,,n=us\u{0}er,r=abc",
    ] {
        assert!(is_refused(&step(begin(&scram(&["user"]), None), first)), "{first:?}");
    }
    let bytes = begin(&scram(&["user"]), None).step(Bytes::from_static(b"n,,n=\xFF,r=abc"));
    assert!(matches!(bytes, Decision::Now(progress) if is_refused(&progress)));
}

#[test]
fn names_are_unescaped_and_may_be_said_thrice_if_they_agree() {
    let scram = scram(&["a,b=c"]);
    for (first, user_name, taken) in [
        ("n,,n=a=2Cb=3Dc,r=abc", None, true),
        ("y,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=abc", Some("a,b=c"), true),
        ("n,,n=a=2Cb=3Dc,r=abc", Some("other"), false),
    ] {
        assert_eq!(challenge(begin(&scram, user_name), first).is_some(), taken, "{first} {user_name:?}");
    }
}

#[test]
fn an_unknown_user_looks_like_a_known_one_until_the_end() {
    let ask = |user: &str, scram: &Scram| {
        let (said, next) = challenge(begin(scram, None), &format!("n,,n={user},r={CLIENT_NONCE}")).unwrap();
        let salt = said.split(",s=").nth(1).unwrap().split(",i=").next().unwrap().to_owned();
        assert!(said.ends_with(",i=4096"));
        let last = format!("c=biws,r={CLIENT_NONCE}{SERVER_NONCE},p={PROOF}");
        (salt, is_refused(&step(next, &last)))
    };
    let (known, again) = (scram(&["user"]), scram(&["user"]));
    let (salt, refused) = ask("stranger", &known);
    assert!(refused && salt.len() == SALT.len());
    assert_eq!(ask("stranger", &known).0, salt, "asked twice");
    assert_eq!(ask("stranger", &again).0, salt, "after a restart");
    assert_ne!(ask("another", &known).0, salt);
    assert!(!ask("user", &known).1);
}

#[test]
fn nonces_differ() {
    let first = format!("n,,n=user,r={CLIENT_NONCE}");
    let scram = scram(&["user"]);
    let client_id = Utf8String::new("client").unwrap();
    let identity = Identity { client_id, user: None, certificate: None, address: None };
    let said = || challenge(scram.begin(identity.clone(), None), &first).unwrap().0;
    assert_ne!(said(), said());
}

#[test]
fn a_credential_is_read_as_it_is_written() {
    let credential = ScramCredential::derive(b"pencil", &STANDARD.decode(SALT).unwrap(), 4096);
    let text = credential.to_string();
    assert_eq!(
        text,
        format!(
            "SCRAM-SHA-256$4096:{SALT}$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        )
    );
    assert_eq!(text.parse(), Ok(credential));
    assert!(!format!("{:?}", ScramCredential::new(b"x")).contains('$'));
    for (text, error) in [
        ("", CredentialError::Malformed),
        ("pencil", CredentialError::Malformed),
        (&text.replace("256$", "1$"), CredentialError::Malformed),
        (&text.replace("4096", "-1"), CredentialError::Malformed),
        (&text.replace(SALT, ""), CredentialError::Malformed),
        (&text.replace("wfPL", ""), CredentialError::Malformed),
        (&text.replace("4096", "4095"), CredentialError::Iterations),
        (&text.replace("4096", "99999999"), CredentialError::Iterations),
    ] {
        assert_eq!(text.parse::<ScramCredential>(), Err(error), "{text}");
    }
}
