//! Decisions that one worker remembers: bounded, expiring, without a lock.
//!
//! Two generations: what is asked for again moves to the young one; when that is full, the old one is forgotten and the
//! young one takes its place. So what is in use stays, and nothing keeps a list in the order of use.

use std::{collections::HashMap, mem, sync::Arc, time::Duration};

use foldhash::fast::RandomState;
use protocol::{QoS, Time, Utf8String};

use super::{Access, Action, Identity, Refusal, Verdict};

/// What was asked: who, what, where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    who: Arc<Identity>,
    what: What,
    topic: Utf8String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    Publish { qos: QoS, retain: bool, will: bool },
    Subscribe { qos: QoS },
    Receive,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    verdict: Verdict,
    until: Time,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Cache {
    young: HashMap<Key, Entry, RandomState>,
    old: HashMap<Key, Entry, RandomState>,
    /// Entries of each generation.
    room: usize,
    lifetime: Duration,
}

impl Key {
    pub(crate) fn new(who: &Arc<Identity>, action: Action<'_>) -> Self {
        let (what, topic) = match action {
            Action::Publish { topic, qos, retain, will } => (What::Publish { qos, retain, will }, topic.text()),
            Action::Subscribe { filter, qos } => (What::Subscribe { qos }, filter.text()),
            Action::Receive { topic } => (What::Receive, topic.text()),
        };
        Self { who: who.clone(), what, topic: topic.clone() }
    }
}

impl Cache {
    pub(crate) fn new(access: &Access) -> Self {
        let (young, old) = Default::default();
        Self { young, old, room: access.remembered.div_ceil(2), lifetime: access.remember }
    }

    pub(crate) fn is_off(&self) -> bool {
        self.room == 0
    }

    /// What was decided, unless that was too long ago.
    pub(crate) fn find(&mut self, now: Time, key: &Key) -> Option<Verdict> {
        if let Some(entry) = self.young.get(key) {
            return (now < entry.until).then_some(entry.verdict);
        }
        let (key, entry) = self.old.remove_entry(key)?;
        let verdict = (now < entry.until).then_some(entry.verdict)?;
        self.insert(key, entry);
        Some(verdict)
    }

    /// Remembers a decision; what could not be decided is asked again.
    pub(crate) fn remember(&mut self, now: Time, key: Key, verdict: Verdict) {
        if self.is_off() || verdict == Err(Refusal::Failed) {
            return;
        }
        let key = Key { topic: key.topic.detached(), ..key };
        self.insert(key, Entry { verdict, until: now.after(self.lifetime) });
    }

    fn insert(&mut self, key: Key, entry: Entry) {
        if self.young.len() >= self.room {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, entry);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use protocol::{ReasonCode, TopicName};

    use super::*;

    fn cache(remembered: usize) -> Cache {
        Cache::new(&Access { remembered, remember: Duration::from_secs(10), ..Access::default() })
    }

    fn key(who: &str, topic: &str) -> Key {
        let name = |text: &str| Utf8String::new(text).unwrap();
        let who = Identity { client_id: name(who), user: None, certificate: None, address: None };
        Key::new(&Arc::new(who), Action::Receive { topic: &TopicName::new(topic).unwrap() })
    }

    const DENIED: Verdict = Err(Refusal::Denied(ReasonCode::NotAuthorized));

    #[test]
    fn a_decision_is_remembered_for_its_client_and_topic_until_it_expires() {
        let mut cache = cache(8);
        let start = Time::from_secs(1);
        cache.remember(start, key("a", "t"), DENIED);
        cache.remember(start, key("b", "t"), Ok(()));
        assert_eq!(cache.find(start, &key("a", "t")), Some(DENIED));
        assert_eq!(cache.find(start, &key("b", "t")), Some(Ok(())));
        assert_eq!(cache.find(start, &key("a", "u")), None);
        assert_eq!(cache.find(Time::from_secs(10), &key("a", "t")), Some(DENIED));
        assert_eq!(cache.find(Time::from_secs(11), &key("a", "t")), None);
    }

    #[test]
    fn what_could_not_be_decided_is_not_remembered() {
        let mut cache = cache(8);
        cache.remember(Time::ZERO, key("a", "t"), Err(Refusal::Failed));
        assert_eq!((cache.find(Time::ZERO, &key("a", "t")), cache.len()), (None, 0));
    }

    #[test]
    fn a_flood_of_topics_is_bounded_and_spares_what_is_in_use() {
        let mut cache = cache(8);
        cache.remember(Time::ZERO, key("a", "t"), Ok(()));
        for number in 0..1000 {
            cache.remember(Time::ZERO, key("a", &format!("flood/{number}")), DENIED);
            assert!(cache.len() <= 8);
            assert_eq!(cache.find(Time::ZERO, &key("a", "t")), Some(Ok(())), "after {number}");
        }
    }

    #[test]
    fn none_are_remembered_when_that_is_off() {
        let mut cache = cache(0);
        cache.remember(Time::ZERO, key("a", "t"), Ok(()));
        assert_eq!(cache.len(), 0);
    }
}
