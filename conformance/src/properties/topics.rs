//! Topic matching of the target against the naive matcher of `wire`: many filters and names, through real packets.

use std::collections::BTreeMap;

use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    sample::select,
    strategy::ValueTree,
};
use wire::{Version, topic};

use super::{
    Outcome, Site,
    generate::runner,
    plain::{Flow, Plain, broken},
    site::fresh_name,
};

/// A filter and a name on which the target and the standard disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mismatch {
    /// The filter, as subscribed.
    filter: String,
    /// The Topic Name, as published.
    name: String,
    /// Whether the standard says that they match.
    matches: bool,
}

/// One batch: filters, each of a client of its own, and names that one client publishes to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Batch {
    filters: Vec<String>,
    names: Vec<String>,
}

/// Levels that look alike to whoever compares bytes, cases or prefixes wrongly.
static LEVELS: [&str; 9] = ["a", "b", "A", "ab", "", " ", "a\u{301}", "\u{e1}", "$a"];

/// The batch of this seed and number. All names begin with `root`.
fn batch(root: &str, seed: u64, number: u64) -> Batch {
    let level = || select(&LEVELS[..]);
    let name = vec(level(), 1..=4).prop_map(|levels| levels.join("/"));
    let wild = proptest::prop_oneof![3 => level(), 2 => proptest::prelude::Just("+")];
    let filter = (vec(wild, 0..=4), any::<bool>()).prop_map(|(levels, open)| {
        let hash = (open || levels.is_empty()).then_some("#");
        levels.into_iter().chain(hash).collect::<Vec<_>>().join("/")
    });
    let all = (vec(filter, 12), vec(name, 24));
    let tree = all.new_tree(&mut runner(seed, number)).expect("these strategies reject nothing");
    let (filters, mut names) = tree.current();
    names.sort_unstable();
    names.dedup();
    let under = |path: String| format!("{root}/{path}");
    Batch { filters: filters.into_iter().map(under).collect(), names: names.into_iter().map(under).collect() }
}

/// Runs one batch.
pub(crate) async fn check(site: &Site, version: Version, seed: u64, number: u64) -> Flow {
    let root = fresh_name();
    let Batch { filters, names } = batch(&root, seed, number);
    let fence = format!("{root}-end");
    let mut subscribers = Vec::new();
    for (place, filter) in filters.iter().enumerate() {
        let mut subscriber = Plain::connect(site, version, &root, &format!("s{place}")).await?;
        let codes = subscriber.subscribe(&[filter, &fence], 1).await?;
        // A server may refuse a subscription.
        if codes.iter().all(|code| *code < 0x80) {
            subscribers.push((filter, subscriber));
        }
    }
    let mut publisher = Plain::connect(site, version, &root, "p").await?;
    for (place, name) in names.iter().enumerate() {
        publisher.publish(name, &place.to_string()).await?;
    }
    publisher.publish(&fence, "end").await?;
    let mut mismatch = None;
    for (filter, subscriber) in &mut subscribers {
        let expected = names.iter().filter(|name| topic::matches(filter, name)).count();
        let enough =
            subscriber.until(|inbox| inbox.iter().filter(|publish| publish.topic != fence).count() >= expected);
        enough.await?;
        subscriber.until(|inbox| inbox.iter().any(|publish| publish.topic == fence)).await?;
        subscriber.ping().await?;
        mismatch = mismatch.or_else(|| compare(filter, &names, subscriber));
    }
    for (_, subscriber) in subscribers {
        subscriber.disconnect().await;
    }
    publisher.disconnect().await;
    match mismatch {
        None => Ok(()),
        Some(mismatch) => Err(told(&mismatch, version)),
    }
}

fn compare(filter: &str, names: &[String], subscriber: &Plain<'_>) -> Option<Mismatch> {
    let mut came: BTreeMap<&str, usize> = BTreeMap::new();
    for publish in &subscriber.inbox {
        *came.entry(publish.topic.as_str()).or_default() += 1;
    }
    names.iter().find_map(|name| {
        let matches = topic::matches(filter, name);
        let got = came.get(name.as_str()).copied().unwrap_or(0) > 0;
        (got != matches).then(|| Mismatch { filter: filter.to_owned(), name: name.clone(), matches })
    })
}

fn told(mismatch: &Mismatch, version: Version) -> Outcome {
    let Mismatch { filter, name, matches } = mismatch;
    let (statement, rule, what) = if *matches {
        // MQTT-4.5.0-1 in both.
        ("4.5.0-1", "a message goes to every subscription whose filter matches", "matches, and no message came")
    } else {
        // MQTT-3.3.2-3 in both.
        ("3.3.2-3", "a message is sent for a filter that its topic matches", "does not match, and a message came")
    };
    broken(version, Some(statement), rule, format!("filter {filter:?} and topic {name:?}: it {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch has both outcomes in plenty, otherwise it would decide little.
    #[test]
    fn batches_have_matches_and_mismatches() {
        let mut counts = [0; 2];
        for number in 0..20 {
            let Batch { filters, names } = batch("root", 3, number);
            assert_eq!(batch("root", 3, number).filters, filters);
            for filter in &filters {
                for name in &names {
                    counts[usize::from(topic::matches(filter, name))] += 1;
                }
            }
        }
        assert!(counts[0] > 1000 && counts[1] > 500, "{counts:?}");
    }
}
