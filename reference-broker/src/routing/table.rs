//! The one writable copy of the trie and the workers' views of it.

use std::sync::Arc;

use imbl::OrdMap;

use super::{
    GroupId, Matches, Presence, Subscription, Target,
    subscribers::{Group, Member},
    trie::Node,
    versioned::Versioned,
};

/// All subscriptions of the broker. A change is seen by all before whoever asked for it is answered.
#[derive(Debug, Default)]
pub(crate) struct Routes(Versioned<Master>);

#[derive(Debug, Default)]
struct Master {
    root: Arc<Node>,
    groups: Groups,
    /// How many groups were ever made.
    made: u64,
    /// How many turn counters were ever needed at once.
    turns: u32,
    free_turns: Vec<u32>,
}

/// The same groups as in the trie.
type Groups = OrdMap<GroupId, Arc<Group>>;

/// One worker's snapshot of the routes.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    root: Arc<Node>,
    groups: Groups,
    version: u64,
}

impl Routes {
    /// Makes `change` and returns once every worker that looks will see it; `view` is the caller's and is renewed.
    pub(crate) fn change<R>(&self, view: &mut View, change: impl FnOnce(&mut Editor<'_>) -> R) -> R {
        // Letting go first spares the copies when no other worker holds this version.
        *view = View::default();
        self.0.change(|master, version| {
            let result = change(&mut Editor { master });
            *view = master.view(version);
            result
        })
    }

    /// Renews `view` if anything changed since it was taken. One atomic load when nothing did.
    pub(crate) fn refresh(&self, view: &mut View) {
        if let Some(newer) = self.0.look_unless(view.version, Master::view) {
            *view = newer;
        }
    }

    /// Whether the trie holds no node but its root: what a broker without subscriptions must come back to.
    #[cfg(test)]
    pub(crate) fn is_bare(&self) -> bool {
        let mut view = View::default();
        self.refresh(&mut view);
        view.root.is_empty() && view.groups.is_empty()
    }
}

impl Master {
    fn view(&self, version: u64) -> View {
        View { root: self.root.clone(), groups: self.groups.clone(), version }
    }
}

impl View {
    /// Collects into `matches` who wants a message that `publisher` sent to `topic`.
    pub(crate) fn route(&self, topic: &str, publisher: Option<Target>, matches: &mut Matches) {
        matches.start(publisher);
        self.root.walk(Some(topic), !topic.starts_with('$'), matches);
        matches.finish();
    }

    /// Collects into `matches` whose turn it is in `group` to get a message: nobody's when the group has ended. It is found
    /// by its name, as a walk for each message that a session leaves behind could take minutes.
    pub(crate) fn route_to_group(&self, group: GroupId, matches: &mut Matches) {
        matches.start(None);
        self.groups.get(&group).into_iter().for_each(|group| matches.take_turn(group));
        matches.finish();
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }
}

/// Changes the routes while the writer's lock is held.
#[derive(Debug)]
pub(crate) struct Editor<'a> {
    master: &'a mut Master,
}

impl Editor<'_> {
    /// Adds or replaces the subscription of `target` to `filter`; whether it is new.
    pub(crate) fn subscribe(
        &mut self,
        filter: &str,
        target: Target,
        subscription: Subscription,
        presence: &Arc<Presence>,
    ) -> bool {
        let Master { root, groups, made, turns, free_turns } = &mut *self.master;
        match split_share(filter) {
            None => root.subscribers_mut(filter).direct.insert(target, subscription),
            Some((name, filter)) => {
                let member = Member { target, subscription, presence: presence.clone() };
                let (group, is_new) = root.subscribers_mut(filter).join(name, member, || {
                    *made += 1;
                    let turn = free_turns.pop().unwrap_or_else(|| {
                        *turns += 1;
                        *turns - 1
                    });
                    (GroupId(*made), turn)
                });
                groups.insert(group.id, group);
                is_new
            }
        }
    }

    /// Removes the subscription of `target` to `filter`; whether there was one.
    pub(crate) fn unsubscribe(&mut self, filter: &str, target: Target) -> bool {
        match split_share(filter) {
            None => self.master.root.edit(Some(filter), |list| list.direct.remove(target)).is_some(),
            Some((name, filter)) => {
                let Some(left) = self.master.root.edit(Some(filter), |list| list.leave(name, target)) else {
                    return false;
                };
                if left.members.is_empty() {
                    self.master.groups.remove(&left.id);
                    self.master.free_turns.push(left.turn);
                } else {
                    self.master.groups.insert(left.id, left);
                }
                true
            }
        }
    }
}

/// The ShareName and the Topic Filter of a shared subscription (4.8.2); `None` for a plain one.
pub(crate) fn split_share(filter: &str) -> Option<(&str, &str)> {
    filter.strip_prefix("$share/")?.split_once('/')
}
