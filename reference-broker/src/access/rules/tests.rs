use protocol::{TopicFilter, TopicName, Utf8String};

use super::*;

fn who(user: Option<&str>, client: &str) -> Arc<Identity> {
    let name = |text: &str| Utf8String::new(text).unwrap();
    Arc::new(Identity { client_id: name(client), user: user.map(name), certificate: None, address: None })
}

/// A rule in words: `allow user alice publish a/+`.
fn rule(words: &str) -> Rule {
    let words: Vec<_> = words.split(' ').collect();
    let [effect, kind, name, deed, topics] = words[..] else { panic!("{words:?}") };
    Rule {
        effect: if effect == "allow" { Effect::Allow } else { Effect::Deny },
        who: match kind {
            "all" => vec![],
            "anonymous" => vec![Who::Anonymous],
            "user" => vec![Who::User(name.into())],
            "client" => vec![Who::Client(name.into())],
            "group" => vec![Who::Group(name.into())],
            "user+client" => vec![Who::User(name.into()), Who::Client(name.into())],
            other => panic!("{other}"),
        },
        deed: match deed {
            "publish" => Deed::Publish,
            "subscribe" => Deed::Subscribe,
            "receive" => Deed::Receive,
            "all" => Deed::All,
            other => panic!("{other}"),
        },
        topics: match topics {
            "*" => Topics::All,
            _ => match topics.strip_prefix('=') {
                Some(exactly) => Topics::Exactly(exactly.into()),
                None => Topics::Matching(topics.parse().unwrap()),
            },
        },
        qos: None,
        retain: None,
    }
}

fn rules(words: &[&str], default: Effect) -> Rules {
    let groups = [("staff".into(), ["alice".into(), "vet".into()].into())].into();
    Rules::new(words.iter().map(|words| rule(words)).collect(), groups, default)
}

fn publishes(rules: &Rules, who: &Arc<Identity>, topic: &str) -> bool {
    publishes_with(rules, who, topic, QoS::AtMostOnce, false)
}

fn publishes_with(rules: &Rules, who: &Arc<Identity>, topic: &str, qos: QoS, retain: bool) -> bool {
    let topic = TopicName::new(topic).unwrap();
    rules.effect(who, Action::Publish { topic: &topic, qos, retain, will: false }) == Effect::Allow
}

fn subscribes(rules: &Rules, who: &Arc<Identity>, filter: &str) -> bool {
    let filter = TopicFilter::new(filter).unwrap();
    rules.effect(who, Action::Subscribe { filter: &filter, qos: QoS::AtMostOnce }) == Effect::Allow
}

fn receives(rules: &Rules, who: &Arc<Identity>, topic: &str) -> bool {
    rules.effect(who, Action::Receive { topic: &TopicName::new(topic).unwrap() }) == Effect::Allow
}

#[test]
fn the_first_rule_that_matches_decides() {
    let alice = who(Some("alice"), "c");
    let narrow_first = rules(&["deny all - publish a/b", "allow all - publish a/#"], Effect::Deny);
    let wide_first = rules(&["allow all - publish a/#", "deny all - publish a/b"], Effect::Deny);
    assert_eq!((publishes(&narrow_first, &alice, "a/b"), publishes(&narrow_first, &alice, "a/c")), (false, true));
    assert!(publishes(&wide_first, &alice, "a/b"));
    assert!(!publishes(&wide_first, &alice, "b"), "the default");
}

#[test]
fn no_rule_allows_nothing_unless_that_is_said() {
    let alice = who(Some("alice"), "c");
    for default in [Effect::Allow, Effect::Deny] {
        let rules = rules(&[], default);
        let allowed = default == Effect::Allow;
        assert_eq!((publishes(&rules, &alice, "a"), subscribes(&rules, &alice, "a")), (allowed, allowed));
        assert_eq!((rules.checks_publish(), rules.checks_subscribe()), (!allowed, !allowed));
    }
}

#[test]
fn a_rule_is_about_whom_it_names() {
    let (alice, vet, bob, nobody) =
        (who(Some("alice"), "c"), who(Some("vet"), "d"), who(Some("bob"), "e"), who(None, "f"));
    // Nobody is a user by calling its client so.
    let impostor = who(None, "alice");
    for (words, allowed) in [
        ("allow all - publish t", [true, true, true, true, true]),
        ("allow anonymous - publish t", [false, false, false, true, true]),
        ("allow user alice publish t", [true, false, false, false, false]),
        ("allow client e publish t", [false, false, true, false, false]),
        ("allow group staff publish t", [true, true, false, false, false]),
        ("allow group nameless publish t", [false; 5]),
        ("allow user+client alice publish t", [false; 5]),
    ] {
        let rules = rules(&[words], Effect::Deny);
        let found = [&alice, &vet, &bob, &nobody, &impostor].map(|who| publishes(&rules, who, "t"));
        assert_eq!(found, allowed, "{words}");
    }
}

#[test]
fn a_subscription_needs_a_rule_that_covers_it() {
    let alice = who(Some("alice"), "c");
    let rules = rules(&["allow all - subscribe farm/+/%u/#"], Effect::Deny);
    for filter in ["farm/barn/alice/#", "farm/+/alice/temp", "$share/group/farm/+/alice/#"] {
        assert!(subscribes(&rules, &alice, filter), "{filter}");
    }
    for filter in ["#", "farm/#", "farm/+/+/temp", "farm/barn/bob/#", "+/barn/alice/#", "$share/group/#", "$SYS/#"] {
        assert!(!subscribes(&rules, &alice, filter), "{filter}");
    }
    assert!(!publishes(&rules, &alice, "farm/barn/alice/temp"), "another deed");
}

#[test]
fn a_subscription_that_shares_a_topic_with_a_denial_is_denied() {
    let alice = who(Some("alice"), "c");
    let rules = rules(&["deny all - subscribe farm/secret/#", "allow all - subscribe #"], Effect::Deny);
    for filter in ["farm/secret/x", "farm/#", "#", "+/secret", "farm/+/x", "$share/group/farm/+/x"] {
        assert!(!subscribes(&rules, &alice, filter), "{filter}");
    }
    for filter in ["farm/open/#", "barn/#", "farm/+"].into_iter().take(2) {
        assert!(subscribes(&rules, &alice, filter), "{filter}");
    }
    // `farm/secret/#` also stands for `farm/secret`.
    assert!(!subscribes(&rules, &alice, "farm/+"));
}

#[test]
fn an_exact_rule_means_the_very_text() {
    let alice = who(Some("alice"), "c");
    let rules = rules(&["deny all - subscribe =#", "allow all - all #"], Effect::Deny);
    assert!(!subscribes(&rules, &alice, "#") && !subscribes(&rules, &alice, "$share/group/#"));
    assert!(subscribes(&rules, &alice, "a/#") && publishes(&rules, &alice, "a"));
}

#[test]
fn qos_and_retain_narrow_a_rule() {
    let alice = who(Some("alice"), "c");
    let narrow = Rule { qos: Some(vec![QoS::AtLeastOnce]), retain: Some(false), ..rule("allow all - publish t") };
    let rules = Rules::new(vec![narrow], Groups::new(), Effect::Deny);
    for (qos, retain, allowed) in [
        (QoS::AtLeastOnce, false, true),
        (QoS::AtLeastOnce, true, false),
        (QoS::AtMostOnce, false, false),
        (QoS::ExactlyOnce, false, false),
    ] {
        assert_eq!(publishes_with(&rules, &alice, "t", qos, retain), allowed, "{qos:?} {retain}");
    }
}

#[test]
fn deliveries_are_checked_once_a_rule_speaks_of_them() {
    let alice = who(Some("alice"), "c");
    assert!(!rules(&["allow all - all #"], Effect::Deny).checks_receive());
    let rules = rules(&["deny all - receive a/secret", "allow all - all a/#"], Effect::Deny);
    assert!(rules.checks_receive());
    assert_eq!(["a/secret", "a/b", "b"].map(|topic| receives(&rules, &alice, topic)), [false, true, false]);
    assert!(subscribes(&rules, &alice, "a/#"));
}
