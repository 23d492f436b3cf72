//! Topic Names and Topic Filters.

use proptest::prelude::*;
use protocol::{TopicError, TopicFilter, TopicName};

use crate::strategy::{filter, topic};

fn name(text: &str) -> TopicName {
    TopicName::new(text).unwrap()
}

fn wanted(text: &str) -> TopicFilter {
    TopicFilter::new(text).unwrap()
}

/// Section 4.7 word by word, on whole lists of levels.
fn matches_naively(filter: &[&str], topic: &[&str]) -> bool {
    match (filter, topic) {
        (["#"], _) | ([], []) => true,
        (["+", filter @ ..], [_, topic @ ..]) => matches_naively(filter, topic),
        ([want, filter @ ..], [level, topic @ ..]) => want == level && matches_naively(filter, topic),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn matching_agrees_with_the_naive_matcher(filter in filter(), topic in topic()) {
        let levels: Vec<_> = topic.as_str().split('/').collect();
        let wanted: Vec<_> = filter.filter().split('/').collect();
        let hidden = topic.as_str().starts_with('$') && matches!(wanted[0], "#" | "+");
        prop_assert_eq!(filter.matches(&topic), !hidden && matches_naively(&wanted, &levels));
    }

    #[test]
    fn any_text_is_a_topic_or_an_error(text in ".{0,20}") {
        let text = text.as_str();
        if let Ok(topic) = TopicName::new(text) {
            prop_assert!(TopicFilter::new(text).is_err() || wanted(text).share_name().is_some() || wanted(text).matches(&topic));
        }
        if let Ok(filter) = TopicFilter::new(text) {
            prop_assert_eq!(filter.as_str(), text);
        }
    }
}

#[test]
fn examples_of_the_standard_match() {
    for (filter, topic, expected) in [
        ("sport/tennis/player1/#", "sport/tennis/player1", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
        ("sport/#", "sport", true),
        ("#", "a/b/c", true),
        ("sport/tennis/+", "sport/tennis/player1", true),
        ("sport/tennis/+", "sport/tennis/player1/ranking", false),
        ("sport/+", "sport", false),
        ("sport/+", "sport/", true),
        ("+/+", "/finance", true),
        ("/+", "/finance", true),
        ("+", "/finance", false),
        ("#", "$SYS/uptime", false),
        ("+/monitor/Clients", "$SYS/monitor/Clients", false),
        ("$SYS/#", "$SYS/uptime", true),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
        ("ACCOUNTS", "Accounts", false),
        ("a", "/a", false),
        ("a//b", "a//b", true),
        ("a/+/b", "a//b", true),
        ("$share/g/+/b", "a/b", true),
        ("$share/g/#", "$SYS/uptime", false),
        // MQTT-4.7.3-4: composed and decomposed forms differ.
        ("\u{E9}", "e\u{301}", false),
    ] {
        assert_eq!(wanted(filter).matches(&name(topic)), expected, "{filter} and {topic}");
    }
}

#[test]
fn broken_filters_are_named() {
    use TopicError as E;
    for (text, error) in [
        ("", E::Empty),
        ("a#", E::MultiLevelWildcardMisplaced),
        ("#/a", E::MultiLevelWildcardMisplaced),
        ("a/#/b", E::MultiLevelWildcardMisplaced),
        ("##", E::MultiLevelWildcardMisplaced),
        ("a+", E::SingleLevelWildcardMisplaced),
        ("+a/b", E::SingleLevelWildcardMisplaced),
        ("++", E::SingleLevelWildcardMisplaced),
        ("a\0", E::NullCharacter),
        ("$share/", E::ShareNameInvalid),
        ("$share//a", E::ShareNameInvalid),
        ("$share/+/a", E::ShareNameInvalid),
        ("$share/a#/a", E::ShareNameInvalid),
        ("$share/g", E::SharedFilterMissing),
        ("$share/g/", E::SharedFilterMissing),
        ("$share/g/a#", E::MultiLevelWildcardMisplaced),
    ] {
        assert_eq!(TopicFilter::new(text), Err(error), "{text:?}");
    }
    assert_eq!(TopicFilter::new("a".repeat(65_536)), Err(E::TooLong));
    assert!(TopicFilter::new("a".repeat(65_535)).is_ok());
}

#[test]
fn broken_names_are_named() {
    for (text, error) in [
        ("", TopicError::Empty),
        ("a/+", TopicError::Wildcard),
        ("#", TopicError::Wildcard),
        ("a+b", TopicError::Wildcard),
        ("\0", TopicError::NullCharacter),
    ] {
        assert_eq!(TopicName::new(text), Err(error), "{text:?}");
    }
    assert_eq!(TopicName::new("é".repeat(32_768)), Err(TopicError::TooLong));
}

#[test]
fn shared_filters_come_apart() {
    let shared = wanted("$share/group/a/+/#");
    assert_eq!((shared.share_name(), shared.filter()), (Some("group"), "a/+/#"));
    assert_eq!(shared.levels().collect::<Vec<_>>(), ["a", "+", "#"]);
    assert!(shared.has_wildcard());
    let plain = wanted("$share");
    assert_eq!((plain.share_name(), plain.filter()), (None, "$share"));
    assert!(!plain.has_wildcard());
    // The filter behind the name may begin with a slash.
    assert_eq!(wanted("$share/g//a").filter(), "/a");
    assert_ne!(wanted("$share/g/a"), wanted("$share/h/a"));
}
