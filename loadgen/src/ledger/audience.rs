//! Who reads what.

use std::{collections::HashMap, ops::Range, sync::Arc};

use protocol::QoS;

/// A receiving client: its place in the order in which clients were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);

/// A reader: its place among the readers of an [`Audience`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId(pub u32);

/// Someone whom each message must reach once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// A client through its own subscriptions.
    Client(ClientId),
    /// A shared group through any of its members. The same name with another filter is another group (4.8.2).
    Shared {
        /// The Share Name.
        name: Box<str>,
        /// The Topic Filter.
        filter: Box<str>,
    },
}

/// One subscription of one client.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The Share Name of a shared subscription.
    pub share: Option<Box<str>>,
    /// The Topic Filter, without `$share/name/`.
    pub filter: Box<str>,
    /// The Maximum QoS that the broker granted.
    pub qos: QoS,
    /// The groups of publishers whose messages are accounted for; absent for all.
    pub groups: Option<Arc<[u16]>>,
}

impl Subscription {
    fn accounts_for(&self, group: u16) -> bool {
        self.groups.as_ref().is_none_or(|groups| groups.contains(&group))
    }
}

/// One reader of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Who.
    pub reader: ReaderId,
    /// The QoS of the delivery.
    pub qos: QoS,
    /// How many arrivals of one message are allowed, at least 1.
    pub copies: u16,
}

/// Every receiving client with its subscriptions.
#[derive(Debug, Default)]
pub struct Audience {
    readers: Vec<Reader>,
    names: Vec<Box<str>>,
    /// Own reader first.
    of_client: Vec<Vec<ReaderId>>,
    subscriptions: Vec<(ReaderId, Subscription)>,
    shared: HashMap<Reader, ReaderId>,
    /// Of each reader, who its clients are.
    whereabouts: Vec<Whereabouts>,
}

/// Whether the clients of a reader are this process's own.
#[derive(Clone, Copy, Debug, Default)]
struct Whereabouts {
    here: bool,
    elsewhere: bool,
}

impl Audience {
    /// Adds a client named `name` with all its subscriptions.
    pub fn add(&mut self, name: &str, subscriptions: Vec<Subscription>) -> ClientId {
        self.add_one(name, subscriptions, Whereabouts { here: true, elsewhere: false })
    }

    /// Adds a client that another process has: it takes its number, and what reaches it is not seen here.
    pub fn add_elsewhere(&mut self, name: &str, subscriptions: Vec<Subscription>) -> ClientId {
        self.add_one(name, subscriptions, Whereabouts { here: false, elsewhere: true })
    }

    fn add_one(&mut self, name: &str, subscriptions: Vec<Subscription>, at: Whereabouts) -> ClientId {
        let client = ClientId(self.of_client.len() as u32);
        self.of_client.push(Vec::new());
        self.subscribe_at(client, name, subscriptions, at);
        client
    }

    /// Gives `client`, one of this process's own that has none, its subscriptions; where those lie that no reader had before.
    pub(super) fn subscribe(&mut self, client: ClientId, name: &str, subscriptions: Vec<Subscription>) -> Range<usize> {
        self.subscribe_at(client, name, subscriptions, Whereabouts { here: true, elsewhere: false })
    }

    fn subscribe_at(
        &mut self,
        client: ClientId,
        name: &str,
        subscriptions: Vec<Subscription>,
        at: Whereabouts,
    ) -> Range<usize> {
        let first = self.subscriptions.len();
        let (shared, own): (Vec<_>, Vec<_>) = subscriptions.into_iter().partition(|one| one.share.is_some());
        if !own.is_empty() {
            let reader = self.reader(Reader::Client(client), name.into());
            self.enlist(client, reader, at);
            self.subscriptions.extend(own.into_iter().map(|one| (reader, one)));
        }
        for one in shared {
            let share = one.share.clone().expect("partitioned by it");
            let label = format!("$share/{share}/{}", one.filter);
            let group = Reader::Shared { name: share, filter: one.filter.clone() };
            let known = self.shared.get(&group).copied();
            let reader = known.unwrap_or_else(|| {
                let reader = self.reader(group.clone(), label.into());
                self.shared.insert(group, reader);
                reader
            });
            self.enlist(client, reader, at);
            match known.and_then(|_| self.subscriptions.iter_mut().find(|(other, _)| *other == reader)) {
                // The broker may pick the member with the lowest QoS.
                Some((_, first)) => first.qos = first.qos.min(one.qos),
                None => self.subscriptions.push((reader, one)),
            }
        }
        first..self.subscriptions.len()
    }

    /// Who must receive what `group` publishes to `topic` at `qos`, ascending by reader.
    pub fn readers_of(&self, topic: &str, qos: QoS, group: u16) -> Vec<Expected> {
        self.expected_by(0..self.subscriptions.len(), topic, qos, group)
    }

    /// The same by some of the subscriptions.
    pub(super) fn expected_by(&self, which: Range<usize>, topic: &str, qos: QoS, group: u16) -> Vec<Expected> {
        let mut expected: Vec<Expected> = Vec::new();
        let matching =
            self.subscriptions[which].iter().filter(|(_, one)| one.accounts_for(group) && matches(&one.filter, topic));
        for (reader, subscription) in matching {
            let qos = subscription.qos.min(qos);
            match expected.iter_mut().find(|one| one.reader == *reader) {
                // MQTT-3.3.5-1 in 3.1.1: overlapping subscriptions give the highest of their QoS.
                Some(one) => {
                    one.qos = one.qos.max(qos);
                    one.copies += 1;
                }
                None => expected.push(Expected { reader: *reader, qos, copies: 1 }),
            }
        }
        expected.sort_unstable_by_key(|one| one.reader);
        expected
    }

    /// The readers that `client` is or belongs to, its own first.
    pub fn readers_with(&self, client: ClientId) -> impl Iterator<Item = ReaderId> + '_ {
        self.of_client.get(client.0 as usize).into_iter().flatten().copied()
    }

    /// Whether all that reaches a reader is seen by this process.
    pub fn is_here(&self, reader: ReaderId) -> bool {
        self.whereabouts.get(reader.0 as usize).is_some_and(|at| !at.elsewhere)
    }

    /// Whether nothing that reaches a reader is seen by this process.
    pub fn is_elsewhere(&self, reader: ReaderId) -> bool {
        self.whereabouts.get(reader.0 as usize).is_some_and(|at| !at.here)
    }

    /// Who a reader is.
    pub fn reader_at(&self, reader: ReaderId) -> Option<&Reader> {
        self.readers.get(reader.0 as usize)
    }

    /// The name of a reader in reports: the client's, or `$share/name/filter`.
    pub fn name(&self, reader: ReaderId) -> &str {
        self.names.get(reader.0 as usize).map_or("", |name| name)
    }

    /// How many clients receive.
    pub fn clients(&self) -> usize {
        self.of_client.len()
    }

    fn reader(&mut self, reader: Reader, name: Box<str>) -> ReaderId {
        self.readers.push(reader);
        self.names.push(name);
        self.whereabouts.push(Whereabouts::default());
        ReaderId(self.readers.len() as u32 - 1)
    }

    fn enlist(&mut self, client: ClientId, reader: ReaderId, at: Whereabouts) {
        let known = &mut self.whereabouts[reader.0 as usize];
        *known = Whereabouts { here: known.here || at.here, elsewhere: known.elsewhere || at.elsewhere };
        let readers = &mut self.of_client[client.0 as usize];
        if !readers.contains(&reader) {
            readers.push(reader);
        }
    }
}

/// Whether a valid Topic Filter matches a valid Topic Name (4.7.1). Asked once per stream and subscription.
fn matches(filter: &str, topic: &str) -> bool {
    // MQTT-4.7.2-1.
    if topic.starts_with('$') && (filter.starts_with('#') || filter.starts_with('+')) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            ("#", _) | ("+", Some(_)) => {}
            (wanted, Some(level)) if wanted == level => {}
            _ => return false,
        }
        if wanted == "#" {
            return true;
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(filter: &str, qos: QoS) -> Subscription {
        Subscription { share: None, filter: filter.into(), qos, groups: None }
    }

    fn shared(name: &str, filter: &str, qos: QoS) -> Subscription {
        Subscription { share: Some(name.into()), ..to(filter, qos) }
    }

    #[test]
    fn filters_match_as_the_standard_says() {
        for (filter, topic) in [("a/#", "a"), ("a/#", "a/b/c"), ("+/b", "a/b"), ("#", "a"), ("a/+", "a/"), ("/a", "/a")]
        {
            assert!(matches(filter, topic), "{filter} {topic}");
        }
        for (filter, topic) in
            [("a/+", "a"), ("a", "a/b"), ("#", "$SYS/x"), ("+/x", "$SYS/x"), ("a/b", "a"), ("a", "b")]
        {
            assert!(!matches(filter, topic), "{filter} {topic}");
        }
    }

    #[test]
    fn a_shared_group_counts_once_over_its_members() {
        let mut audience = Audience::default();
        for name in ["a", "b", "c"] {
            audience.add(name, vec![shared("apps", "farm/#", QoS::AtLeastOnce)]);
        }
        let readers = audience.readers_of("farm/x", QoS::ExactlyOnce, 0);
        assert_eq!(readers.len(), 1);
        assert_eq!(readers[0].qos, QoS::AtLeastOnce);
        assert_eq!(audience.name(readers[0].reader), "$share/apps/farm/#");
    }

    #[test]
    fn one_share_name_with_two_filters_is_two_groups() {
        let mut audience = Audience::default();
        audience.add("a", vec![shared("apps", "farm/#", QoS::AtMostOnce), shared("apps", "farm/+", QoS::AtMostOnce)]);
        assert_eq!(audience.readers_of("farm/x", QoS::AtMostOnce, 0).len(), 2);
    }

    #[test]
    fn other_groups_are_not_accounted_for() {
        let mut audience = Audience::default();
        audience.add("a", vec![Subscription { groups: Some([1].into()), ..to("#", QoS::AtMostOnce) }]);
        assert_eq!(audience.readers_of("x", QoS::AtMostOnce, 0).len(), 0);
        assert_eq!(audience.readers_of("x", QoS::AtMostOnce, 1).len(), 1);
    }

    #[test]
    fn overlapping_filters_of_one_client_allow_copies_at_the_highest_qos() {
        let mut audience = Audience::default();
        audience.add("a", vec![to("farm/#", QoS::AtMostOnce), to("farm/+", QoS::ExactlyOnce)]);
        let reader = ReaderId(0);
        let expected = audience.readers_of("farm/x", QoS::AtLeastOnce, 0);
        assert_eq!(expected, [Expected { reader, qos: QoS::AtLeastOnce, copies: 2 }]);
    }
}
