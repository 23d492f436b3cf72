//! What differs between two configurations, and when it takes effect.

use std::fmt;

use located::REDACTED;
use serde_json::Value as Json;

use super::tree::{Field, Leaf, Tree, When};

/// One difference. Displays as one line; secrets are redacted.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The key, such as `limits.queued_messages`; tables that can stand several times are told apart by their names.
    path: String,
    what: What,
    when: When,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    /// Of a value; `None` when it is not set.
    Changed(Option<Leaf>, Option<Leaf>),
    Added,
    Removed,
}

impl Change {
    /// Whether it takes a restart of the broker.
    pub fn needs_restart(&self) -> bool {
        self.when == When::Restart
    }

    /// The key.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.when, &self.what) {
            (When::Restart, _) => "needs a restart: ",
            (When::New, _) => "changed for new connections: ",
            (When::Live, What::Changed(..)) => "changed: ",
            (When::Live, What::Added | What::Removed) => "",
        })?;
        match &self.what {
            What::Changed(from, to) => write!(f, "{} {} -> {}", self.path, Shown(from), Shown(to)),
            What::Added => write!(f, "added: {}", self.path),
            What::Removed => write!(f, "removed: {}", self.path),
        }
    }
}

struct Shown<'a>(&'a Option<Leaf>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(leaf) if leaf.secret => f.write_str(REDACTED),
            // Without the quotes that TOML needs: a line of the log has its own.
            Some(Leaf { value: Json::String(text), .. }) => text.escape_debug().fmt(f),
            Some(leaf) => leaf.fmt(f),
            None => f.write_str("(not set)"),
        }
    }
}

/// Everything in which `new` differs from `old`, in the order of the keys.
pub(super) fn changes(old: &[Field], new: &[Field]) -> Vec<Change> {
    let mut found = Vec::new();
    compare(old, new, "", &mut found);
    found
}

fn compare(old: &[Field], new: &[Field], path: &str, found: &mut Vec<Change>) {
    // Both come from one declaration, so their keys are the same.
    for (old, new) in old.iter().zip(new) {
        let path = if path.is_empty() { new.key.to_owned() } else { format!("{path}.{}", new.key) };
        let change = |what| Change { path: path.clone(), what, when: new.when };
        match (&old.tree, &new.tree) {
            (Tree::Table(old), Tree::Table(new)) => compare(old, new, &path, found),
            (Tree::Tables(old, _), Tree::Tables(tables, _)) => compare_tables(old, tables, &path, new.when, found),
            (Tree::Unset(_), Tree::Table(_)) => found.push(change(What::Added)),
            (Tree::Table(_), Tree::Unset(_)) => found.push(change(What::Removed)),
            (old, new) => {
                let (old, new) = (leaf(old), leaf(new));
                if old != new {
                    found.push(change(What::Changed(old, new)));
                }
            }
        }
    }
}

fn compare_tables(
    old: &[(String, Vec<Field>)],
    new: &[(String, Vec<Field>)],
    path: &str,
    when: When,
    found: &mut Vec<Change>,
) {
    let change = |label: &str, what| Change { path: format!("{path}.{label}"), what, when };
    for (label, fields) in new {
        match old.iter().find(|(other, _)| other == label) {
            Some((_, before)) => compare(before, fields, &format!("{path}.{label}"), found),
            None => found.push(change(label, What::Added)),
        }
    }
    let is_gone = |label: &str| new.iter().all(|(other, _)| other != label);
    found.extend(old.iter().filter(|(label, _)| is_gone(label)).map(|(label, _)| change(label, What::Removed)));
}

fn leaf(tree: &Tree) -> Option<Leaf> {
    match tree {
        Tree::Leaf(leaf) => Some(leaf.clone()),
        Tree::Table(_) | Tree::Tables(..) | Tree::Unset(_) => None,
    }
}
