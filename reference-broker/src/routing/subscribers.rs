//! Who subscribed to one filter: plain subscribers, and groups that share (4.8.2).

use std::sync::Arc;

use imbl::{OrdMap, Vector};

use super::{GroupId, Presence, Subscription, Target};

/// Beyond this many subscribers a change of the slice costs more than a change of the tree.
const FEW: usize = 16;

/// Everybody who subscribed to one filter.
#[derive(Clone, Debug, Default)]
pub(super) struct Subscribers {
    pub(super) direct: Direct,
    /// Few filters have groups, and a filter has few groups.
    pub(super) groups: Option<Arc<Vec<Arc<Group>>>>,
}

/// The subscribers that each get every message.
#[derive(Clone, Debug)]
pub(super) enum Direct {
    Few(Option<Arc<[(Target, Subscription)]>>),
    Many(OrdMap<Target, Subscription>),
}

/// Subscribers of which one gets each message.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) name: Box<str>,
    /// Never given to another group.
    pub(super) id: GroupId,
    /// Small and dense: the index of the workers' turn counters.
    pub(super) turn: u32,
    pub(super) members: Vector<Member>,
}

/// One subscriber of a group.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) target: Target,
    pub(super) subscription: Subscription,
    pub(super) presence: Arc<Presence>,
}

impl Default for Direct {
    fn default() -> Self {
        Self::Few(None)
    }
}

impl Direct {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(few) => few.is_none(),
            Self::Many(many) => many.is_empty(),
        }
    }

    /// Adds or replaces (MQTT-3.8.4-3); whether it is new.
    pub(super) fn insert(&mut self, target: Target, subscription: Subscription) -> bool {
        match self {
            Self::Few(few) => {
                if let Some(old) = few
                    && let Some(at) = old.iter().position(|(known, _)| *known == target)
                {
                    Arc::make_mut(old)[at].1 = subscription;
                    return false;
                }
                let old = few.take();
                let old = old.as_deref().unwrap_or_default();
                let all = old.iter().copied().chain([(target, subscription)]);
                if old.len() < FEW {
                    *few = Some(all.collect());
                } else {
                    *self = Self::Many(all.collect());
                }
                true
            }
            Self::Many(many) => many.insert(target, subscription).is_none(),
        }
    }

    /// Removes; what was there.
    pub(super) fn remove(&mut self, target: Target) -> Option<Subscription> {
        match self {
            Self::Few(few) => {
                let old = few.as_deref()?;
                let found = old.iter().find(|(known, _)| *known == target)?.1;
                let rest: Vec<_> = old.iter().filter(|(known, _)| *known != target).copied().collect();
                *few = (!rest.is_empty()).then(|| rest.into());
                Some(found)
            }
            Self::Many(many) => {
                let found = many.remove(&target)?;
                if many.len() <= FEW / 2 {
                    let rest: Arc<[_]> = many.iter().map(|(target, subscription)| (*target, *subscription)).collect();
                    *self = Self::Few((!rest.is_empty()).then_some(rest));
                }
                Some(found)
            }
        }
    }

    pub(super) fn for_each(&self, mut each: impl FnMut(Target, &Subscription)) {
        match self {
            Self::Few(few) => few.as_deref().unwrap_or_default().iter().for_each(|(target, sub)| each(*target, sub)),
            Self::Many(many) => many.iter().for_each(|(target, sub)| each(*target, sub)),
        }
    }
}

impl Subscribers {
    pub(super) fn is_empty(&self) -> bool {
        self.direct.is_empty() && self.groups.is_none()
    }

    /// Adds to or replaces in the group `name`, which is made with what `new` gives; the group as it is then, and whether
    /// the member is new.
    pub(super) fn join(
        &mut self,
        name: &str,
        member: Member,
        new: impl FnOnce() -> (GroupId, u32),
    ) -> (Arc<Group>, bool) {
        let groups = Arc::make_mut(self.groups.get_or_insert_default());
        let Some(group) = groups.iter_mut().find(|group| *group.name == *name) else {
            let (id, turn) = new();
            let group = Arc::new(Group { name: name.into(), id, turn, members: Vector::unit(member) });
            groups.push(group.clone());
            return (group, true);
        };
        let Group { members, .. } = Arc::make_mut(group);
        let known = members.iter().position(|known| known.target == member.target);
        match known {
            Some(at) => drop(members.set(at, member)),
            None => members.push_back(member),
        }
        (group.clone(), known.is_none())
    }

    /// Takes `target` out of the group `name`; what is left of the group, which has ended when that is nobody.
    pub(super) fn leave(&mut self, name: &str, target: Target) -> Option<Arc<Group>> {
        let groups = Arc::make_mut(self.groups.as_mut()?);
        let which = groups.iter().position(|group| *group.name == *name)?;
        let at = groups[which].members.iter().position(|known| known.target == target)?;
        let group = Arc::make_mut(&mut groups[which]);
        group.members.remove(at);
        let left = groups[which].clone();
        if left.members.is_empty() {
            groups.swap_remove(which);
            if groups.is_empty() {
                self.groups = None;
            }
        }
        Some(left)
    }
}
