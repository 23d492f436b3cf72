//! The children of a trie node: a persistent map from a topic level to a node.

use std::sync::Arc;

use foldhash::fast::RandomState;

/// Beyond this many children a scan of short strings loses against a hash lookup.
const FEW: usize = 8;

/// A map whose clone is O(1) and whose change costs O(log n) at most, however many clones exist.
///
/// Most nodes of a device tree have one child or a handful, a few have thousands; each gets what suits it.
#[derive(Clone, Debug)]
pub(crate) enum Children<N> {
    Few(Option<Arc<[Child<N>]>>),
    /// Levels are chosen by peers, so the hasher is seeded per process.
    Many(Box<imbl::GenericHashMap<Arc<str>, Arc<N>, RandomState, imbl::shared_ptr::DefaultSharedPtr>>),
}

/// A level and the node below it.
pub(crate) type Child<N> = (Arc<str>, Arc<N>);

impl<N> Default for Children<N> {
    fn default() -> Self {
        Self::Few(None)
    }
}

impl<N: Clone + Default> Children<N> {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Few(few) => few.is_none(),
            Self::Many(many) => many.is_empty(),
        }
    }

    pub(crate) fn find(&self, level: &str) -> Option<&Arc<N>> {
        match self {
            Self::Few(few) => few.as_deref()?.iter().find(|(name, _)| **name == *level).map(|(_, node)| node),
            Self::Many(many) => many.get(level),
        }
    }

    pub(crate) fn find_mut(&mut self, level: &str) -> Option<&mut Arc<N>> {
        match self {
            Self::Few(few) => {
                let few = few.as_mut()?;
                let at = few.iter().position(|(name, _)| **name == *level)?;
                Some(&mut Arc::make_mut(few)[at].1)
            }
            Self::Many(many) => many.get_mut(level),
        }
    }

    /// The node below `level`, made when missing.
    pub(crate) fn find_or_add(&mut self, level: &str) -> &mut Arc<N> {
        if self.find(level).is_none() {
            self.add(level.into(), Arc::default());
        }
        self.find_mut(level).expect("added above when it was missing")
    }

    fn add(&mut self, level: Arc<str>, node: Arc<N>) {
        match self {
            Self::Few(few) => {
                let old = few.take();
                let old = old.as_deref().unwrap_or_default();
                let all = old.iter().cloned().chain([(level, node)]);
                if old.len() < FEW {
                    *few = Some(all.collect());
                } else {
                    *self = Self::Many(Box::new(all.collect()));
                }
            }
            Self::Many(many) => {
                many.insert(level, node);
            }
        }
    }

    pub(crate) fn remove(&mut self, level: &str) {
        match self {
            Self::Few(few) => {
                let Some(old) = few else { return };
                let rest: Vec<_> = old.iter().filter(|(name, _)| **name != *level).cloned().collect();
                *few = (!rest.is_empty()).then(|| rest.into());
            }
            Self::Many(many) => {
                many.remove(level);
                // Half the threshold, so that a node at the border does not change shape with every step.
                if many.len() <= FEW / 2 {
                    let rest: Arc<[_]> = many.iter().map(|(name, node)| (name.clone(), node.clone())).collect();
                    *self = Self::Few((!rest.is_empty()).then_some(rest));
                }
            }
        }
    }

    /// Calls `each` with every child, in no particular order.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&str, &N)) {
        match self {
            Self::Few(few) => few.as_deref().unwrap_or_default().iter().for_each(|(name, node)| each(name, node)),
            Self::Many(many) => many.iter().for_each(|(name, node)| each(name, node)),
        }
    }
}

/// The first level of `path` and what follows it; `None` after the last level.
pub(crate) fn split_level(path: &str) -> (&str, Option<&str>) {
    // Levels are short: a plain scan beats the set-up of a vectorised one.
    match path.as_bytes().iter().position(|byte| *byte == b'/') {
        Some(at) => (&path[..at], Some(&path[at + 1..])),
        None => (path, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_survive_growth_and_shrinkage() {
        let mut children = Children::<u32>::default();
        for i in 0..100 {
            *Arc::make_mut(children.find_or_add(&i.to_string())) = i;
        }
        let frozen = children.clone();
        for i in 0..100 {
            assert_eq!(children.find(&i.to_string()).map(|node| **node), Some(i));
            children.remove(&i.to_string());
            assert!(children.find(&i.to_string()).is_none());
        }
        assert!(children.is_empty());
        let mut seen = 0;
        frozen.for_each(|name, node| {
            assert_eq!(name, node.to_string());
            seen += 1;
        });
        assert_eq!(seen, 100);
    }

    #[test]
    fn levels_split_at_slashes_even_when_empty() {
        assert_eq!(split_level("a/b/c"), ("a", Some("b/c")));
        assert_eq!(split_level("/a"), ("", Some("a")));
        assert_eq!(split_level("a/"), ("a", Some("")));
        assert_eq!(split_level(""), ("", None));
    }
}
