//! Topic Names and Topic Filters, as section 4.7 of both standards has them. Naive on purpose: levels are cut and compared.

use crate::{
    Version,
    rule::{
        MULTI_LEVEL_WILDCARD, NAME_WILDCARD, NOT_EMPTY, Rule, SHARE_NAME, SHARE_NAME_CHARACTERS, SINGLE_LEVEL_WILDCARD,
    },
};

/// Whether a message to `name` belongs to a subscription with `filter`, both well-formed. A shared filter matches what its own
/// filter matches.
///
/// ```
/// use wire::topic::matches;
/// assert!(matches("barn/+/milk/#", "barn/7/milk"));
/// assert!(matches("$share/group/barn/+", "barn/7"));
/// // MQTT-4.7.2-1 in both.
/// assert!(!matches("#", "$SYS/uptime"));
/// ```
pub fn matches(filter: &str, name: &str) -> bool {
    let filter = shared(filter).map_or(filter, |shared| shared.filter);
    // MQTT-4.7.2-1 in both.
    if name.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let filter: Vec<&str> = filter.split('/').collect();
    let name: Vec<&str> = name.split('/').collect();
    fits(&filter, &name)
}

fn fits(filter: &[&str], name: &[&str]) -> bool {
    match (filter, name) {
        // The parent level too: "sport/#" matches "sport" (section 4.7.1.2).
        (["#"], _) => true,
        (["+", filter @ ..], [_, name @ ..]) => fits(filter, name),
        ([wanted, filter @ ..], [level, name @ ..]) => wanted == level && fits(filter, name),
        ([], []) => true,
        _ => false,
    }
}

/// A shared filter, `$share/{name}/{filter}` (5.0, section 4.8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared<'a> {
    /// The ShareName.
    pub name: &'a str,
    /// The Topic Filter behind it.
    pub filter: &'a str,
}

/// The parts of a well-formed shared filter; `None` for all others.
pub fn shared(filter: &str) -> Option<Shared<'_>> {
    let (name, filter) = filter.strip_prefix("$share/")?.split_once('/')?;
    let sound = !name.is_empty() && !name.contains(['+', '#']) && !filter.is_empty();
    sound.then_some(Shared { name, filter })
}

/// A breach of the rules for names and filters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) rule: Rule,
    pub(crate) what: &'static str,
    /// Offset in the text.
    pub(crate) at: usize,
}

/// Why `name` is no Topic Name, apart from the rules for every string.
pub(crate) fn check_name(name: &str) -> Result<(), Fault> {
    if name.is_empty() {
        return Err(Fault { rule: NOT_EMPTY, what: "is empty", at: 0 });
    }
    match name.find(['+', '#']) {
        Some(at) => Err(Fault { rule: NAME_WILDCARD, what: "has a wildcard", at }),
        None => Ok(()),
    }
}

/// Why `filter` is no Topic Filter of `version`, apart from the rules for every string.
pub(crate) fn check_filter(version: Version, filter: &str) -> Result<(), Fault> {
    if let Some(rest) = filter.strip_prefix("$share/").filter(|_| version == Version::V5) {
        return check_shared(rest);
    }
    check_levels(filter, 0)
}

fn check_shared(rest: &str) -> Result<(), Fault> {
    let start = "$share/".len();
    let (name, filter) = rest.split_once('/').unwrap_or((rest, ""));
    if name.is_empty() {
        return Err(Fault { rule: SHARE_NAME, what: "has an empty ShareName", at: start });
    }
    if let Some(at) = name.find(['+', '#']) {
        return Err(Fault { rule: SHARE_NAME_CHARACTERS, what: "has a wildcard in its ShareName", at: start + at });
    }
    if filter.is_empty() {
        let what = "has no Topic Filter behind its ShareName";
        return Err(Fault { rule: SHARE_NAME_CHARACTERS, what, at: start + name.len() });
    }
    check_levels(filter, start + name.len() + 1)
}

fn check_levels(filter: &str, start: usize) -> Result<(), Fault> {
    if filter.is_empty() {
        return Err(Fault { rule: NOT_EMPTY, what: "is empty", at: start });
    }
    let mut at = start;
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let last = levels.peek().is_none();
        if level.contains('#') && (level != "#" || !last) {
            let what = "has a # that is not the last level alone";
            return Err(Fault { rule: MULTI_LEVEL_WILDCARD, what, at });
        }
        if level.contains('+') && level != "+" {
            return Err(Fault { rule: SINGLE_LEVEL_WILDCARD, what: "has a + that does not fill its level", at });
        }
        at += level.len() + 1;
    }
    Ok(())
}

/// Whether `name` may stand in PUBLISH: it has a character, no wildcard and no U+0000, and at most 65535 bytes.
pub fn is_name(name: &str) -> bool {
    check_name(name).is_ok() && !name.contains('\0') && name.len() <= 65_535
}

/// Whether `filter` may stand in SUBSCRIBE of `version`.
pub fn is_filter(version: Version, filter: &str) -> bool {
    check_filter(version, filter).is_ok() && !filter.contains('\0') && filter.len() <= 65_535
}
