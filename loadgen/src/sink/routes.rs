//! Who gets a topic.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use transport::Key;

/// Topics whose readers are remembered; beyond that the table begins anew.
const REMEMBERED: usize = 100_000;

/// One who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reader {
    pub(super) key: Key,
    pub(super) v5: bool,
}

/// One who gets a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) reader: Reader,
    pub(super) qos: u8,
}

/// Every subscription, and the readers of each topic that was published so far.
#[derive(Debug, Default)]
pub(super) struct Routes {
    subscriptions: Vec<Subscription>,
    by_topic: HashMap<Box<[u8]>, Rc<Readers>>,
    /// Counts messages, so that those who share take turns.
    turn: usize,
}

#[derive(Debug)]
struct Subscription {
    route: Route,
    /// The name of the share and the filter behind it.
    share: Option<Box<[u8]>>,
    filter: Box<[u8]>,
    written: Box<[u8]>,
}

#[derive(Debug, Default)]
struct Readers {
    all: Vec<Route>,
    shares: Vec<Vec<Route>>,
}

impl Routes {
    pub(super) fn subscribe(&mut self, reader: Reader, written: &[u8], qos: u8) {
        self.unsubscribe(reader.key, written);
        let (share, filter) = match written.strip_prefix(b"$share/") {
            Some(rest) => match rest.iter().position(|byte| *byte == b'/') {
                Some(at) => (Some(rest[..at].into()), &rest[at + 1..]),
                None => (None, written),
            },
            None => (None, written),
        };
        let (filter, written) = (filter.into(), written.into());
        self.subscriptions.push(Subscription { route: Route { reader, qos }, share, filter, written });
    }

    pub(super) fn unsubscribe(&mut self, key: Key, written: &[u8]) {
        self.by_topic.clear();
        self.subscriptions.retain(|one| one.route.reader.key != key || *one.written != *written);
    }

    pub(super) fn forget(&mut self, key: Key) {
        let before = self.subscriptions.len();
        self.subscriptions.retain(|one| one.route.reader.key != key);
        if self.subscriptions.len() < before {
            self.by_topic.clear();
        }
    }

    /// Everybody who gets a message on `topic`: each subscriber once, and one of each share.
    pub(super) fn of(&mut self, topic: &[u8]) -> impl Iterator<Item = Route> + use<> {
        let readers = match self.by_topic.get(topic) {
            Some(readers) => Rc::clone(readers),
            None => {
                let readers = Rc::new(self.look_up(topic));
                if self.by_topic.len() >= REMEMBERED {
                    self.by_topic.clear();
                }
                self.by_topic.insert(topic.into(), Rc::clone(&readers));
                readers
            }
        };
        self.turn = self.turn.wrapping_add(1);
        let turn = self.turn;
        let all = readers.all.len();
        (0..all + readers.shares.len()).map(move |place| match place.checked_sub(all) {
            None => readers.all[place],
            Some(share) => {
                let share = &readers.shares[share];
                share[turn % share.len()]
            }
        })
    }

    fn look_up(&self, topic: &[u8]) -> Readers {
        let mut readers = Readers::default();
        let mut shares: BTreeMap<(&[u8], &[u8]), Vec<Route>> = BTreeMap::new();
        for one in self.subscriptions.iter().filter(|one| matches(&one.filter, topic)) {
            match &one.share {
                Some(share) => shares.entry((share, &one.filter)).or_default().push(one.route),
                // A client with several filters that match gets one message, at the greatest QoS.
                None => match readers.all.iter_mut().find(|route| route.reader == one.route.reader) {
                    Some(route) => route.qos = route.qos.max(one.route.qos),
                    None => readers.all.push(one.route),
                },
            }
        }
        readers.shares = shares.into_values().collect();
        readers
    }
}

fn matches(filter: &[u8], topic: &[u8]) -> bool {
    if topic.first() == Some(&b'$') && matches!(filter.first(), Some(b'+' | b'#')) {
        return false;
    }
    let mut levels = topic.split(|byte| *byte == b'/');
    for wanted in filter.split(|byte| *byte == b'/') {
        match (wanted, levels.next()) {
            (b"#", _) => return true,
            (b"+", Some(_)) => {}
            (wanted, Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_as_the_standard_says() {
        for (filter, topic, expected) in [
            ("a/+/c", "a/b/c", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("#", "$SYS/x", false),
            ("+/x", "$SYS/x", false),
            ("a/+", "a/b/c", false),
            ("a/b", "a", false),
            ("a", "a/b", false),
            ("+", "", true),
        ] {
            assert_eq!(matches(filter.as_bytes(), topic.as_bytes()), expected, "{filter} {topic}");
        }
    }
}
