//! A strict reader of OpenMetrics text: what it accepts, a monitoring system accepts.

use std::collections::{BTreeMap, BTreeSet};

/// The labels of a sample, in their order.
type Labels = Vec<(String, String)>;

/// One page: samples by name and labels.
#[derive(Debug, Default)]
pub(crate) struct Page {
    samples: BTreeMap<(String, Labels), f64>,
}

impl Page {
    /// The one sample with exactly these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        *self.samples.get(&(name.to_owned(), labels)).unwrap_or_else(|| panic!("no {name}"))
    }

    /// The sum of all samples that have these labels, and perhaps others.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |own: &[(String, String)]| {
            labels.iter().all(|want| own.iter().any(|(k, v)| (k.as_str(), v.as_str()) == *want))
        };
        let found: Vec<f64> = self
            .samples
            .iter()
            .filter(|((own, own_labels), _)| own == name && has(own_labels))
            .map(|(_, value)| *value)
            .collect();
        assert!(!found.is_empty(), "no {name} {labels:?}");
        found.into_iter().sum()
    }

    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.samples.keys().map(|(name, _)| name.clone()).collect()
    }
}

#[derive(Debug, Default)]
struct Family {
    name: String,
    kind: String,
    unit: Option<String>,
    has_help: bool,
    has_samples: bool,
}

/// Reads a page.
pub(crate) fn parse(text: &str) -> Result<Page, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("the page does not end with # EOF")?;
    let mut page = Page::default();
    let mut seen = BTreeSet::new();
    let mut family = Family::default();
    for line in body.lines() {
        let fail = |why: &str| Err(format!("{why}: {line}"));
        if let Some(comment) = line.strip_prefix("# ") {
            let mut parts = comment.splitn(3, ' ');
            let (what, name, rest) =
                (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
            if name != family.name || family.has_samples {
                finish(&family)?;
                if !seen.insert(name.to_owned()) {
                    return fail("a family comes twice");
                }
                family = Family { name: name.to_owned(), ..Family::default() };
            }
            match what {
                "HELP" if !rest.is_empty() && !family.has_help => family.has_help = true,
                "TYPE" if ["counter", "gauge", "info"].contains(&rest) && family.kind.is_empty() => {
                    family.kind = rest.to_owned()
                }
                "UNIT" if name.ends_with(&format!("_{rest}")) => family.unit = Some(rest.to_owned()),
                _ => return fail("not a comment of OpenMetrics"),
            }
            continue;
        }
        family.has_samples = true;
        let (name, labels, value) = sample(line).ok_or_else(|| format!("not a sample: {line}"))?;
        let suffix = match family.kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            "gauge" => "",
            _ => return fail("a sample before its type"),
        };
        if name != format!("{}{suffix}", family.name) {
            return fail("a sample outside its family");
        }
        if suffix == "_total" && value < 0.0 || suffix == "_info" && value != 1.0 {
            return fail("a value that its type forbids");
        }
        if page.samples.insert((name, labels), value).is_some() {
            return fail("a sample comes twice");
        }
    }
    finish(&family)?;
    Ok(page)
}

fn finish(family: &Family) -> Result<(), String> {
    if family.name.is_empty() || (family.has_help && family.has_samples && !family.kind.is_empty()) {
        let bytes = family.name.contains("bytes") || family.name.ends_with("_seconds");
        if bytes && family.unit.is_none() {
            return Err(format!("{} has no unit", family.name));
        }
        return Ok(());
    }
    Err(format!("{family:?} is not complete"))
}

/// Name, labels and value of a line such as `name{key="value"} 1`.
fn sample(line: &str) -> Option<(String, Labels, f64)> {
    let end = line.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (key, value) = rest.split_once("=\"")?;
            if key.is_empty()
                || !key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                || labels.iter().any(|(own, _)| own == key)
            {
                return None;
            }
            let (value, after) = quoted(value)?;
            labels.push((key.to_owned(), value));
            match after.split_at_checked(1)? {
                (",", more) => rest = more,
                ("}", more) => {
                    rest = more;
                    break;
                }
                _ => return None,
            }
        }
    }
    let value = rest.strip_prefix(' ')?;
    let finite = value.parse::<f64>().ok().filter(|value| value.is_finite())?;
    Some((name.to_owned(), labels, finite))
}

/// The text up to an unescaped quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other @ ('"' | '\\') => other,
                _ => return None,
            }),
            '\n' => return None,
            other => value.push(other),
        }
    }
    None
}
