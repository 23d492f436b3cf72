//! The trie of filters: one node per level, wildcards beside the literal children.

use std::sync::Arc;

use super::{Matches, subscribers::Subscribers};
use crate::children::{Children, split_level};

/// What is known below one prefix of filters.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    children: Children<Self>,
    /// The child `+`.
    single: Option<Arc<Self>>,
    /// Filters that end here.
    here: Subscribers,
    /// Filters that end with `#` below here.
    multi: Subscribers,
}

impl Node {
    pub(super) fn is_empty(&self) -> bool {
        self.children.is_empty() && self.single.is_none() && self.here.is_empty() && self.multi.is_empty()
    }

    /// The subscribers of `filter`, on a path of nodes of their own that is made where it is missing.
    pub(super) fn subscribers_mut<'a>(mut self: &'a mut Arc<Self>, filter: &str) -> &'a mut Subscribers {
        let mut rest = Some(filter);
        while let Some(path) = rest {
            let (level, below) = split_level(path);
            let node = Arc::make_mut(self);
            if level == "#" {
                return &mut node.multi;
            }
            self = if level == "+" { node.single.get_or_insert_default() } else { node.children.find_or_add(level) };
            rest = below;
        }
        &mut Arc::make_mut(self).here
    }

    /// Changes the subscribers of `filter`, if there are any, and prunes what became empty. Recursion is bounded by the
    /// depth of the trie, which [`crate::Limits::topic_levels`] bounds.
    pub(super) fn edit<R>(
        self: &mut Arc<Self>,
        filter: Option<&str>,
        edit: impl FnOnce(&mut Subscribers) -> Option<R>,
    ) -> Option<R> {
        let Some(path) = filter else { return edit(&mut Arc::make_mut(self).here) };
        let (level, below) = split_level(path);
        let node = Arc::make_mut(self);
        match level {
            "#" => edit(&mut node.multi),
            "+" => {
                let child = node.single.as_mut()?;
                let result = child.edit(below, edit);
                if child.is_empty() {
                    node.single = None;
                }
                result
            }
            _ => {
                let child = node.children.find_mut(level)?;
                let result = child.edit(below, edit);
                if child.is_empty() {
                    node.children.remove(level);
                }
                result
            }
        }
    }

    /// Collects who wants a message to `topic`, and nobody else (MQTT-3.3.2-3 in both). `wild` says whether wildcards
    /// may match at this level: not at the first level of a topic that begins with `$` (MQTT-4.7.2-1 in both).
    pub(super) fn walk(&self, topic: Option<&str>, wild: bool, matches: &mut Matches) {
        matches.visit();
        // `#` stands for its parent level too (4.7.1.2).
        if wild && !self.multi.is_empty() {
            matches.take(&self.multi);
        }
        let Some(path) = topic else {
            if !self.here.is_empty() {
                matches.take(&self.here);
            }
            return;
        };
        let (level, below) = split_level(path);
        if let Some(child) = self.children.find(level) {
            child.walk(below, true, matches);
        }
        if wild && let Some(child) = &self.single {
            child.walk(below, true, matches);
        }
    }
}
