//! The topics that a rule is about: a Topic Filter in which parts may stand for the client's names.

use std::{fmt, str::FromStr};

use crate::access::Identity;

/// The topics that a rule is about, compiled from text: levels with `+` and `#` as in a Topic Filter, and anywhere in a
/// level `%u` or `${username}` for the user name and `%c` or `${clientid}` for the Client Identifier.
///
/// A name that is empty or holds `+`, `#` or `/`, or begins with `$`, could reach further than its owner, so it stands
/// for nothing where the rule allows, and for everything where the rule denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    levels: Vec<Level>,
}

/// Why a text is no [`Pattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// No character.
    #[error("topic filter is empty")]
    Empty,
    /// `+` or `#` beside other characters of its level, or `#` before the last level.
    #[error("+ and # must stand alone in their level, and # in the last one")]
    Wildcard,
    /// `$share/...`.
    #[error("rules are about topics: leave out $share and the name of the group")]
    Shared,
    /// The null character, or more than 65,535 bytes.
    #[error("topic filter holds the null character or more than 65,535 bytes")]
    Text,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Level {
    /// Exactly this.
    Text(Box<str>),
    /// `+`
    Any,
    /// `#`
    Rest,
    /// Text and names.
    Named(Vec<Part>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    User,
    Client,
}

const NAMES: [(&str, Part); 4] =
    [("%u", Part::User), ("${username}", Part::User), ("%c", Part::Client), ("${clientid}", Part::Client)];

impl Pattern {
    /// Whether whatever `filter` asks for (a topic asks for itself) is among these topics, for `who`: fit to allow it.
    ///
    /// As in a subscription, `+` and `#` at the front do not stand for topics that begin with `$`.
    pub(super) fn covers(&self, who: &Identity, filter: &str) -> bool {
        if filter.starts_with('$') && matches!(self.levels[0], Level::Any | Level::Rest) {
            return false;
        }
        let mut asked = filter.split('/');
        for level in &self.levels {
            match (level, asked.next()) {
                // `#` also stands for the level above it.
                (Level::Rest, _) => return true,
                (_, None | Some("#")) => return false,
                (Level::Any, Some(_)) => {}
                (_, Some("+")) => return false,
                (Level::Text(text), Some(asked)) if **text == *asked => {}
                (Level::Named(parts), Some(asked)) if resolved(parts, who).is_some_and(|name| name == asked) => {}
                _ => return false,
            }
        }
        asked.next().is_none()
    }

    /// Whether anything that `filter` asks for may be among these topics, for `who`: enough to deny it. Here `+` and `#` at
    /// the front stand for topics that begin with `$` too.
    pub(super) fn overlaps(&self, who: &Identity, filter: &str) -> bool {
        if let Level::Text(text) = &self.levels[0]
            && text.starts_with('$')
            && filter.starts_with(['+', '#'])
        {
            return false;
        }
        let mut asked = filter.split('/');
        for level in &self.levels {
            match (level, asked.next()) {
                (Level::Rest, _) | (_, Some("#")) => return true,
                (_, None) => return false,
                (Level::Any, Some(_)) | (_, Some("+")) => {}
                (Level::Text(text), Some(asked)) if **text == *asked => {}
                (Level::Named(parts), Some(asked)) => match resolved(parts, who) {
                    Some(name) if name == asked => {}
                    Some(_) => return false,
                    None => return true,
                },
                _ => return false,
            }
        }
        asked.next().is_none_or(|rest| rest == "#")
    }
}

/// The level that `parts` make for `who`.
fn resolved(parts: &[Part], who: &Identity) -> Option<String> {
    let mut level = String::new();
    for part in parts {
        match part {
            Part::Text(text) => level.push_str(text),
            Part::User => level.push_str(harmless(who.user.as_deref()?)?),
            Part::Client => level.push_str(harmless(&who.client_id)?),
        }
    }
    Some(level)
}

fn harmless(name: &str) -> Option<&str> {
    (!name.is_empty() && !name.starts_with('$') && !name.contains(['+', '#', '/'])).then_some(name)
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.contains('\0') || text.len() > usize::from(u16::MAX) {
            return Err(PatternError::Text);
        }
        if text.starts_with("$share/") {
            return Err(PatternError::Shared);
        }
        let mut levels = Vec::new();
        for level in text.split('/') {
            if levels.last() == Some(&Level::Rest) {
                return Err(PatternError::Wildcard);
            }
            levels.push(level.parse()?);
        }
        Ok(Self { levels })
    }
}

impl FromStr for Level {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        match text {
            "+" => return Ok(Self::Any),
            "#" => return Ok(Self::Rest),
            _ if text.contains(['+', '#']) => return Err(PatternError::Wildcard),
            _ => {}
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((at, name, part)) = first_name(rest) {
            if at > 0 {
                parts.push(Part::Text(rest[..at].into()));
            }
            parts.push(part);
            rest = &rest[at + name.len()..];
        }
        if parts.is_empty() {
            return Ok(Self::Text(text.into()));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Ok(Self::Named(parts))
    }
}

fn first_name(text: &str) -> Option<(usize, &'static str, Part)> {
    let places = NAMES.iter().filter_map(|(name, part)| Some((text.find(name)?, *name, part.clone())));
    places.min_by_key(|(at, ..)| *at)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, level) in self.levels.iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            match level {
                Level::Text(text) => f.write_str(text)?,
                Level::Any => f.write_str("+")?,
                Level::Rest => f.write_str("#")?,
                Level::Named(parts) => parts.iter().try_for_each(|part| match part {
                    Part::Text(text) => f.write_str(text),
                    Part::User => f.write_str("%u"),
                    Part::Client => f.write_str("%c"),
                })?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::{TopicFilter, TopicName, Utf8String};

    use super::*;

    fn who(user: Option<&str>, client: &str) -> Identity {
        let name = |text: &str| Utf8String::new(text).unwrap();
        Identity { client_id: name(client), user: user.map(name), certificate: None, address: None }
    }

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_filter_is_covered_when_all_it_asks_for_is_there() {
        let alice = who(Some("alice"), "c1");
        for (rule, filter, covers, overlaps) in [
            ("a/b", "a/b", true, true),
            ("a/b", "a/c", false, false),
            ("a/+", "a/b", true, true),
            ("a/+", "a/+", true, true),
            ("a/+", "a/#", false, true),
            ("a/+", "a", false, false),
            ("a/+", "a/b/c", false, false),
            ("a/b", "a/+", false, true),
            ("a/b", "+/b", false, true),
            ("a/b", "+/c", false, false),
            ("a/b", "#", false, true),
            ("a/b", "a/b/#", false, true),
            ("a/b/c", "a/b", false, false),
            ("a/#", "a", true, true),
            ("a/#", "a/#", true, true),
            ("a/#", "a/+/b", true, true),
            ("a/#", "b/#", false, false),
            ("a/#", "+", false, true),
            ("#", "#", true, true),
            ("#", "+/+", true, true),
            ("+/+", "#", false, true),
            ("+/b/#", "a/b", true, true),
            ("a//b", "a//b", true, true),
            ("a//b", "a/b", false, false),
            ("/", "/", true, true),
            ("%u/+", "alice/+", true, true),
            ("%u/+", "bob/+", false, false),
            ("%u/+", "+/x", false, true),
            ("x-%u-%c/t", "x-alice-c1/t", true, true),
            ("${username}/${clientid}", "alice/c1", true, true),
            ("%u/t", "%u/t", false, false),
        ] {
            let of = |answer: bool| if answer { "yes" } else { "no" };
            let (covered, overlapped) = (pattern(rule).covers(&alice, filter), pattern(rule).overlaps(&alice, filter));
            assert_eq!(of(covered), of(covers), "{rule} covers {filter}");
            assert_eq!(of(overlapped), of(overlaps), "{rule} overlaps {filter}");
        }
    }

    #[test]
    fn dollar_topics_are_only_allowed_by_name_and_always_denied_by_wildcards() {
        let client = who(None, "c");
        for (rule, filter, covers, overlaps) in [
            ("#", "$SYS/#", false, true),
            ("+/x", "$SYS/x", false, true),
            ("$SYS/#", "$SYS/broker", true, true),
            ("$SYS/#", "#", false, false),
            ("$SYS/#", "+/broker", false, false),
        ] {
            assert_eq!(pattern(rule).covers(&client, filter), covers, "{rule} covers {filter}");
            assert_eq!(pattern(rule).overlaps(&client, filter), overlaps, "{rule} overlaps {filter}");
        }
    }

    /// The class of CVE-2017-7650.
    #[test]
    fn a_name_that_reaches_further_than_its_owner_is_allowed_nothing_and_denied_everything() {
        for name in ["", "+", "#", "a/b", "a+", "#b", "/", "$SYS"] {
            let hostile = who(Some(name), name);
            for rule in ["%u/#", "%c/#", "x/%u", "x/%c/+", "x/p%us/t"] {
                for filter in ["#", "+/+", "x/+", "x/#", &format!("x/{name}"), &format!("{name}/t"), "x/pxs/t"] {
                    assert!(!pattern(rule).covers(&hostile, filter), "{name:?}: {rule} covers {filter}");
                }
                assert!(pattern(rule).overlaps(&hostile, &rule.replace("%u", "victim").replace("%c", "victim")));
            }
        }
        let anonymous = who(None, "c");
        assert!(!pattern("%u/t").covers(&anonymous, "/t") && pattern("%u/t").overlaps(&anonymous, "x/t"));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for (text, error) in [
            ("", PatternError::Empty),
            ("a/#/b", PatternError::Wildcard),
            ("a#", PatternError::Wildcard),
            ("a/+b", PatternError::Wildcard),
            ("%u+", PatternError::Wildcard),
            ("$share/group/a", PatternError::Shared),
            ("a\0", PatternError::Text),
        ] {
            assert_eq!(text.parse::<Pattern>(), Err(error), "{text:?}");
        }
        assert_eq!(pattern("a/x${username}y/${clientid}/#").to_string(), "a/x%uy/%c/#");
    }

    proptest! {
        /// Against the definition: topics drawn from a small alphabet.
        #[test]
        fn covers_and_overlaps_agree_with_the_topics_that_match(
            rule in filter(), asked in filter(), topics in prop::collection::vec(topic(), 40),
        ) {
            let client = who(None, "c");
            let (rule, asked) = (rule.join("/"), asked.join("/"));
            let compiled = pattern(&rule);
            let (rule, filter) = (TopicFilter::new(rule).unwrap(), TopicFilter::new(asked.clone()).unwrap());
            for topic in topics {
                let topic = TopicName::new(topic.join("/")).unwrap();
                if filter.matches(&topic) {
                    prop_assert!(rule.matches(&topic) || !compiled.covers(&client, &asked));
                    prop_assert!(!rule.matches(&topic) || compiled.overlaps(&client, &asked));
                }
                prop_assert_eq!(compiled.covers(&client, topic.as_str()), rule.matches(&topic));
            }
        }
    }

    fn topic() -> impl Strategy<Value = Vec<&'static str>> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "$x"]), 1..4)
    }

    fn filter() -> impl Strategy<Value = Vec<&'static str>> {
        let level = prop::sample::select(vec!["a", "b", "$x", "+"]);
        (prop::collection::vec(level, 1..4), any::<bool>()).prop_map(|(mut levels, rest)| {
            if rest {
                levels.push("#");
            }
            levels
        })
    }
}
