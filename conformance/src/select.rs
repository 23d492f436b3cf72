//! Which cases run, in which versions.
//!
//! A selector is a case (`publish.qos_3_is_malformed`), a glob over case ids (`publish.*`), a statement (`5:3.3.1-4`,
//! `3.1.1:3.3.1-4`, `MQTT-3.3.1-4`), or a section (`5:3.3`, `3.3.1`). Several of them are joined; versions, levels and tags
//! then narrow what they select.

mod near;

use std::collections::BTreeSet;

use wire::Version;

use crate::{Case, Statement};

/// What somebody asks for. The default selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Selectors; none select every case.
    pub selectors: Vec<String>,
    /// Versions; none is both.
    pub versions: Vec<Version>,
    /// Words of a statement's level, `MUST` or `SHOULD`, in any case; none is any.
    pub levels: Vec<String>,
    /// Tags; none is any.
    pub tags: Vec<String>,
}

/// A case in one version.
#[derive(Clone, Copy, Debug)]
pub struct Chosen {
    /// The case.
    pub case: &'static Case,
    /// The version to speak.
    pub version: Version,
}

impl Selection {
    /// The cases that it selects, each in the versions that it selects it in, in the order of `cases`.
    ///
    /// # Errors
    ///
    /// Each selector, level and tag that nothing fits, with what comes near to it; and when all fit something, but nothing
    /// fits all.
    pub fn of(&self, cases: &[&'static Case]) -> Result<Vec<Chosen>, Vec<String>> {
        let selectors: Vec<Selector> = self.selectors.iter().map(|text| Selector::read(text)).collect();
        let mut errors = Vec::new();
        for (text, selector) in self.selectors.iter().zip(&selectors) {
            if !all(cases).any(|chosen| selector.fits(&chosen)) {
                errors.push(selector.complaint(text, cases));
            }
        }
        for tag in self.tags.iter().filter(|tag| !cases.iter().any(|case| case.tags.contains(&tag.as_str()))) {
            let tags: BTreeSet<&str> = cases.iter().flat_map(|case| case.tags).copied().collect();
            errors.push(format!("no case has the tag `{tag}`{}", near::hint(tag, tags)));
        }
        for level in self.levels.iter().filter(|level| !["must", "should"].contains(&level.to_lowercase().as_str())) {
            errors.push(format!("`{level}` is no level: there are must and should"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let chosen: Vec<Chosen> = all(cases).filter(|chosen| self.fits(chosen, &selectors)).collect();
        if chosen.is_empty() {
            return Err(vec!["no case fits all that was asked for".into()]);
        }
        Ok(chosen)
    }

    fn fits(&self, chosen: &Chosen, selectors: &[Selector]) -> bool {
        let any = |empty: bool, fits: bool| empty || fits;
        let level = |wanted: &String| {
            let wanted = wanted.to_uppercase();
            chosen.case.statements(chosen.version).any(|statement| statement.level.contains(&wanted))
        };
        any(selectors.is_empty(), selectors.iter().any(|selector| selector.fits(chosen)))
            && any(self.versions.is_empty(), self.versions.contains(&chosen.version))
            && any(self.levels.is_empty(), self.levels.iter().any(level))
            && any(self.tags.is_empty(), self.tags.iter().any(|tag| chosen.case.tags.contains(&tag.as_str())))
    }
}

/// Every case in every version that it decides statements in.
fn all(cases: &[&'static Case]) -> impl Iterator<Item = Chosen> {
    cases.iter().flat_map(|case| case.versions().map(|version| Chosen { case, version }))
}

#[derive(Debug, PartialEq, Eq)]
enum Selector {
    /// A glob over case ids.
    Id(String),
    /// A statement, of one version or of both.
    Statement(Option<Version>, String),
    /// A section with all below it, of one version or of both.
    Section(Option<Version>, String),
}

impl Selector {
    fn read(text: &str) -> Self {
        let (version, rest) = match text.split_once(':') {
            Some(("5" | "5.0", rest)) => (Some(Version::V5), rest),
            Some(("3" | "3.1.1", rest)) => (Some(Version::V3_1_1), rest),
            _ => (None, text),
        };
        let number = rest.strip_prefix("MQTT-").unwrap_or(rest);
        if !number.starts_with(|first: char| first.is_ascii_digit()) {
            return Self::Id(text.to_owned());
        }
        match number.contains('-') {
            true => Self::Statement(version, number.to_owned()),
            false => Self::Section(version, number.to_owned()),
        }
    }

    fn fits(&self, chosen: &Chosen) -> bool {
        let of = |version: &Option<Version>| version.is_none_or(|version| version == chosen.version);
        match self {
            Self::Id(glob) => glob_fits(glob, chosen.case.id),
            Self::Statement(version, number) => {
                of(version) && chosen.case.numbers(chosen.version).any(|decided| decided == number)
            }
            Self::Section(version, section) => {
                let inside = |number: &str| {
                    number.strip_prefix(section.as_str()).is_some_and(|rest| rest.starts_with(['.', '-']))
                };
                of(version) && chosen.case.numbers(chosen.version).any(inside)
            }
        }
    }

    /// Why it selects nothing.
    fn complaint(&self, text: &str, cases: &[&'static Case]) -> String {
        let in_words = |version: &Option<Version>| match version {
            Some(version) => format!("MQTT {version}"),
            None => "either version".to_owned(),
        };
        let statements = |version: &Option<Version>| {
            let of = *version;
            Statement::all().iter().filter(move |statement| of.is_none_or(|version| statement.version == version))
        };
        match self {
            Self::Id(glob) => {
                format!("no case is called `{text}`{}", near::hint(glob, cases.iter().map(|case| case.id)))
            }
            Self::Statement(version, number) if statements(version).any(|known| known.number == number) => {
                format!("no case decides the statement {number} of {}", in_words(version))
            }
            Self::Statement(version, number) => {
                let known = statements(version).map(|statement| statement.number);
                format!("{} has no statement {number}{}", in_words(version), near::hint(number, known))
            }
            Self::Section(version, section) => {
                format!("no case decides a statement of section {section} of {}", in_words(version))
            }
        }
    }
}

/// Whether `text` is `glob`, in which `*` stands for anything and `?` for one character.
fn glob_fits(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    // fits[j]: whether what was read of the glob fits the first j characters.
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    for character in glob {
        let before = fits.clone();
        for j in 0..=text.len() {
            let so_far = j > 0 && before[j - 1];
            fits[j] = match character {
                '*' => before[j] || (j > 0 && fits[j - 1]),
                '?' => so_far,
                other => so_far && text[j - 1] == other,
            };
        }
    }
    fits[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mark::{Both, V5, V311};

    const CASES: [&Case; 3] = [
        &Case { id: "publish.a", decides: &[Both("3.3.1-4")], tags: &["codec"], ..Case::PLAIN },
        &Case { id: "publish.b", decides: &[V5("3.3.2-7"), V311("3.3.2-2")], ..Case::PLAIN },
        &Case { id: "connect.a", decides: &[V5("3.1.4-2")], tags: &["access"], ..Case::PLAIN },
    ];

    fn selected(selectors: &[&str]) -> Result<Vec<String>, Vec<String>> {
        chosen(&Selection {
            selectors: selectors.iter().map(|text| (*text).to_owned()).collect(),
            ..Selection::default()
        })
    }

    fn chosen(selection: &Selection) -> Result<Vec<String>, Vec<String>> {
        let chosen = selection.of(&CASES)?;
        Ok(chosen.iter().map(|chosen| format!("{} {}", chosen.case.id, chosen.version)).collect())
    }

    #[test]
    fn cases_globs_statements_and_sections_select() {
        let every = ["publish.a 3.1.1", "publish.a 5.0", "publish.b 3.1.1", "publish.b 5.0", "connect.a 5.0"];
        assert_eq!(selected(&[]).unwrap(), every);
        assert_eq!(selected(&["publish.a"]).unwrap(), every[..2]);
        assert_eq!(selected(&["publish.*"]).unwrap(), every[..4]);
        assert_eq!(selected(&["*.?", "publish.a"]).unwrap(), every);
        assert_eq!(selected(&["5:3.3.1-4"]).unwrap(), every[1..2]);
        assert_eq!(selected(&["MQTT-3.3.1-4"]).unwrap(), every[..2]);
        assert_eq!(selected(&["3.1.1:3.3"]).unwrap(), [every[0], every[2]]);
        assert_eq!(selected(&["3.1"]).unwrap(), every[4..]);
    }

    #[test]
    fn versions_levels_and_tags_narrow() {
        let with = |versions: &[Version], levels: &[&str], tags: &[&str]| {
            chosen(&Selection {
                selectors: Vec::new(),
                versions: versions.to_vec(),
                levels: levels.iter().map(|text| (*text).to_owned()).collect(),
                tags: tags.iter().map(|text| (*text).to_owned()).collect(),
            })
        };
        assert_eq!(with(&[Version::V5], &[], &["codec"]).unwrap(), ["publish.a 5.0"]);
        assert_eq!(with(&[], &["should"], &[]).unwrap(), ["connect.a 5.0"]);
        assert_eq!(with(&[Version::V3_1_1], &[], &["access"]).unwrap_err(), ["no case fits all that was asked for"]);
        assert_eq!(
            with(&[], &["might"], &["codecs"]).unwrap_err(),
            ["no case has the tag `codecs`; did you mean `codec`?", "`might` is no level: there are must and should",]
        );
    }

    #[test]
    fn what_selects_nothing_is_an_error_with_near_misses() {
        let complaint = |selector| selected(&["publish.a", selector]).unwrap_err().join("\n");
        assert_eq!(complaint("publsh.b"), "no case is called `publsh.b`; did you mean `publish.b` or `publish.a`?");
        assert_eq!(complaint("zzzzzzzzzzz"), "no case is called `zzzzzzzzzzz`");
        assert_eq!(complaint("5:3.12.4-1"), "no case decides the statement 3.12.4-1 of MQTT 5.0");
        assert!(complaint("3.3.1-44").starts_with("either version has no statement 3.3.1-44; did you mean `3.3.1-4`"));
        assert_eq!(complaint("5:4.9"), "no case decides a statement of section 4.9 of MQTT 5.0");
    }
}
