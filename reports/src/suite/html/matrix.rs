//! The matrix of targets by statement, and the counts above it.

use super::anchor;
use super::topic::Topic;
use crate::figures::count;
use crate::html::Svg;
use crate::observation::SuiteTarget;
use crate::suite::{Standing, Suite, standing::Standings, words};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How a standing looks: a letter for the style sheet, a sign, a short word.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Look {
    pub(super) letter: &'static str,
    sign: &'static str,
    word: &'static str,
}

pub(super) fn look(standing: Standing) -> Look {
    let (letter, sign, word) = match standing {
        Standing::Fail => ("f", "✕", "fail"),
        Standing::Error => ("e", "‼", "error"),
        Standing::Inconclusive => ("i", "?", "unclear"),
        Standing::Known => ("k", "≈", "known"),
        Standing::Warn => ("w", "!", "warn"),
        Standing::Pass => ("p", "✓", "pass"),
        Standing::NotApplicable => ("n", "–", "n/a"),
        Standing::NotRun => ("o", "·", "not run"),
        Standing::Excused => ("x", "·", "excused"),
    };
    Look { letter, sign, word }
}

fn meaning(standing: Standing) -> &'static str {
    match standing {
        Standing::Fail => "broken: a case saw it",
        Standing::Error => "the suite failed, not the broker",
        Standing::Inconclusive => "inconclusive: a case that decides it did not come to its point",
        Standing::Known => "departed from, and the broker’s descriptor says that this is known, and why",
        Standing::Warn => "lawful, but a SHOULD was departed from",
        Standing::Pass => "kept, as every case found that came to its point",
        Standing::NotApplicable => "not applicable: the broker does not offer it. No pass",
        Standing::NotRun => "no case that ran decides it. No pass",
        Standing::Excused => "no case against a broker can decide it; the row says why",
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Meaning {
    look: Look,
    meaning: &'static str,
    /// Cells that have it.
    count: String,
}

/// Every standing that occurs.
pub(super) fn legend(topics: &[Topic<'_>]) -> Vec<Meaning> {
    let all = |standing| topics.iter().flat_map(|topic| &topic.verdicts).filter(|one| one.standing == standing).count();
    let known = Standing::ALL.into_iter().map(|standing| (standing, all(standing))).filter(|(_, number)| *number > 0);
    known
        .map(|(standing, number)| Meaning {
            look: look(standing),
            meaning: meaning(standing),
            count: count(number as u64),
        })
        .collect()
}

#[derive(Debug, Serialize)]
pub(super) struct TargetBlock {
    name: String,
    about: String,
    rows: Vec<CountRow>,
}

#[derive(Debug, Serialize)]
struct CountRow {
    version: String,
    bar: String,
    cells: Vec<Count>,
}

#[derive(Debug, Serialize)]
struct Count {
    letter: &'static str,
    text: String,
}

/// The columns of the table of targets.
pub(super) fn heads() -> Vec<Look> {
    Standing::ALL.into_iter().map(look).collect()
}

/// Counts for each target and version.
pub(super) fn targets(suite: &Suite, standings: &Standings<'_>) -> Vec<TargetBlock> {
    let stated = suite.statements().iter().map(|statement| statement.version.as_str());
    // A version that only rules without a number were decided in has a row, too, and so every broker has one.
    let judged = suite.judged().into_iter().map(|judged| judged.version.as_str());
    let versions: BTreeSet<&str> = stated.chain(judged).collect();
    let block = |(place, target): (usize, &SuiteTarget)| {
        let row = |version: &&str| {
            let counts = standings.counts(target, version);
            let of = |standing| Count {
                letter: if counts.of(standing) > 0 { look(standing).letter } else { "quiet" },
                text: if counts.of(standing) > 0 { count(counts.of(standing)) } else { "·".to_owned() },
            };
            let parts: Vec<(&str, u64)> =
                Standing::ALL.into_iter().rev().map(|one| (look(one).letter, counts.of(one))).collect();
            CountRow {
                version: (*version).to_owned(),
                bar: bar(&format!("bar{place}-{}", anchor(version)), &parts),
                cells: Standing::ALL.into_iter().map(of).collect(),
            }
        };
        let about = [target.description.as_str(), target.address.as_str()];
        let about: Vec<&str> = about.into_iter().filter(|text| !text.is_empty()).collect();
        TargetBlock {
            name: target.name.clone(),
            about: about.join(", "),
            rows: versions.iter().rev().map(row).collect(),
        }
    };
    suite.targets().iter().enumerate().map(block).collect()
}

/// Shares of a whole, side by side.
fn bar(id: &str, parts: &[(&str, u64)]) -> String {
    const WIDTH: f64 = 200.0;
    let total = parts.iter().map(|(_, number)| number).sum::<u64>().max(1) as f64;
    let said: Vec<String> = parts.iter().filter(|(_, n)| *n > 0).map(|(_, number)| count(*number)).collect();
    let mut image = Svg::new(id, "bar", WIDTH, 8.0, "Shares of the statements", &said.join(", "));
    let mut left = 0.0;
    for (letter, number) in ["p", "w", "k", "i", "e", "f", "n", "o", "x"]
        .iter()
        .filter_map(|wanted| parts.iter().find(|(letter, _)| letter == wanted))
        .filter(|(_, number)| *number > 0)
    {
        // What is there at all can be seen.
        let width = (WIDTH * *number as f64 / total).max(1.5);
        image.rect(letter, left, 0.0, width, 8.0);
        left += width;
    }
    image.finish()
}

#[derive(Debug, Serialize)]
pub(super) struct VersionBlock {
    version: String,
    sections: Vec<Section>,
}

#[derive(Debug, Serialize)]
struct Section {
    id: String,
    name: String,
    statements: usize,
    open: bool,
    tallies: Vec<Vec<Tally>>,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Tally {
    look: Look,
    number: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    key: String,
    label: String,
    level: String,
    text: String,
    why: String,
    cases: String,
    /// One for each target, or one for all where all are alike in having no evidence.
    cells: Vec<Cell>,
    alike: bool,
    panel: bool,
}

#[derive(Debug, Serialize)]
struct Cell {
    look: Look,
    /// Where its evidence is; none where there is none.
    place: Option<String>,
}

/// Chapters of every version, for the filter.
pub(super) fn chapters(topics: &[Topic<'_>]) -> Vec<String> {
    let all: BTreeMap<Vec<u32>, String> = topics.iter().map(|topic| words::chapter(topic.label)).collect();
    all.into_values().collect()
}

/// The matrix, the newest version first.
pub(super) fn versions(suite: &Suite, topics: &[Topic<'_>]) -> Vec<VersionBlock> {
    let versions: BTreeSet<&str> = topics.iter().map(|topic| topic.version).collect();
    let block = |version: &str| {
        let mut sections: BTreeMap<Vec<u32>, (String, Vec<&Topic<'_>>)> = BTreeMap::new();
        for topic in topics.iter().filter(|topic| topic.version == version) {
            let (key, name) = words::chapter(topic.label);
            sections.entry(key).or_insert_with(|| (name, Vec::new())).1.push(topic);
        }
        let sections = sections.into_values().enumerate();
        let sections = sections.map(|(place, (name, topics))| {
            let id = format!("c{}-{place}", anchor(version));
            section(suite, id, name, &topics)
        });
        VersionBlock { version: version.to_owned(), sections: sections.collect() }
    };
    versions.into_iter().rev().map(block).collect()
}

fn section(suite: &Suite, id: String, name: String, topics: &[&Topic<'_>]) -> Section {
    let tally = |place: usize| {
        let number = |standing| topics.iter().filter(|topic| topic.verdicts[place].standing == standing).count();
        let all = Standing::ALL.into_iter().map(|standing| (standing, number(standing)));
        let some: Vec<(Standing, usize)> = all.filter(|(_, number)| *number > 0).collect();
        let bad = |standing: &Standing| *standing > Standing::Pass;
        let shown: Vec<_> = match some.iter().any(|(standing, _)| bad(standing)) {
            true => some.iter().filter(|(standing, _)| bad(standing)).collect(),
            false => some.iter().take(1).collect(),
        };
        shown.into_iter().map(|(standing, number)| Tally { look: look(*standing), number: *number }).collect()
    };
    let open = topics.iter().flat_map(|topic| &topic.verdicts).any(|verdict| verdict.standing > Standing::Pass);
    Section {
        id,
        name,
        statements: topics.len(),
        open,
        tallies: (0..suite.targets().len()).map(tally).collect(),
        rows: topics.iter().map(|topic| row(topic)).collect(),
    }
}

fn row(topic: &Topic<'_>) -> Row {
    let panel = topic.has_panel();
    let mut standings = topic.verdicts.iter().map(|verdict| verdict.standing);
    let first = standings.next();
    let alike = !panel && standings.all(|standing| Some(standing) == first);
    let cells = topic.verdicts.iter().enumerate().take(if alike { 1 } else { usize::MAX });
    let cases: BTreeSet<&str> =
        topic.verdicts.iter().flat_map(|verdict| &verdict.judged).map(|judged| judged.case.as_str()).collect();
    let excused = topic.verdicts.iter().find(|verdict| verdict.standing == Standing::Excused);
    Row {
        key: topic.key.clone(),
        label: topic.label.to_owned(),
        level: topic.level.replace('+', ", "),
        text: topic.text.to_owned(),
        why: excused.map_or(String::new(), |verdict| verdict.reason.clone()),
        cases: cases.into_iter().collect::<Vec<_>>().join(" "),
        cells: cells.map(|(place, verdict)| Cell { look: look(verdict.standing), place: topic.place(place) }).collect(),
        alike,
        panel,
    }
}
