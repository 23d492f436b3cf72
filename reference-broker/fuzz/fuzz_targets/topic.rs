//! Topic Names and Topic Filters: what is accepted, and what matches, against the plainest reading of 4.7.
//!
//! An input is a filter and a topic with a zero byte between them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{TopicFilter, TopicName};

fuzz_target!(|input: &[u8]| {
    let Some(middle) = input.iter().position(|byte| *byte == 0) else { return };
    let (Ok(filter), Ok(topic)) = (std::str::from_utf8(&input[..middle]), std::str::from_utf8(&input[middle + 1..]))
    else {
        return;
    };
    let (filter, topic) = (TopicFilter::new(filter), TopicName::new(topic));
    if let Ok(topic) = &topic {
        // MQTT-4.7.1-1, MQTT-4.7.3-1, MQTT-4.7.3-2.
        assert!(!topic.as_str().is_empty() && !topic.as_str().contains(['+', '#', '\0']));
    }
    let Ok(filter) = filter else { return };
    assert!(is_filter(filter.filter()), "{:?} was accepted", filter.as_str());
    if let Ok(topic) = topic {
        let expected = matches(filter.filter(), topic.as_str());
        assert_eq!(filter.matches(&topic), expected, "{:?} and {:?}", filter.as_str(), topic.as_str());
    }
});

fn is_filter(filter: &str) -> bool {
    let levels: Vec<&str> = filter.split('/').collect();
    !filter.is_empty()
        && levels.iter().enumerate().all(|(at, level)| match *level {
            "+" => true,
            "#" => at + 1 == levels.len(),
            other => !other.contains(['+', '#', '\0']),
        })
}

fn matches(filter: &str, topic: &str) -> bool {
    fn rest(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            (["#"], _) | ([], []) => true,
            (["+", filter @ ..], [_, topic @ ..]) => rest(filter, topic),
            ([level, filter @ ..], [same, topic @ ..]) if level == same => rest(filter, topic),
            _ => false,
        }
    }
    let filter: Vec<&str> = filter.split('/').collect();
    let topic: Vec<&str> = topic.split('/').collect();
    // MQTT-4.7.2-1.
    let hidden = topic[0].starts_with('$') && matches!(filter[0], "+" | "#");
    !hidden && rest(&filter, &topic)
}
