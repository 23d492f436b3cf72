//! What the suite is made of, in words.

use std::{collections::BTreeMap, process::ExitCode};

use conformance::{Chosen, Mark, coverage::Coverage};

use crate::{command::say, exit::Failure};

/// One line per case: id, versions, title.
pub(super) fn list(chosen: &[Chosen]) -> String {
    let mut versions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in chosen {
        versions.entry(one.case.id).or_default().push(one.version.to_string());
    }
    let width = versions.keys().map(|id| id.len()).max().unwrap_or(0);
    let mut lines: Vec<String> = Vec::new();
    let mut last = "";
    for one in chosen {
        if one.case.id != last {
            last = one.case.id;
            lines.push(format!("{:width$}  {:9}  {}", one.case.id, versions[one.case.id].join(","), one.case.title));
        }
    }
    lines.join("\n")
}

/// Everything about each case.
pub(super) fn explain(chosen: &[Chosen]) -> String {
    let mut blocks: Vec<String> = Vec::new();
    let mut last = "";
    for one in chosen.iter() {
        let case = one.case;
        if case.id == last {
            continue;
        }
        last = case.id;
        let mut block = format!("{}\n  {}\n", case.id, case.title);
        for statement in case.versions().flat_map(|version| case.statements(version)) {
            block +=
                &format!("  decides  {statement} ({}, {}): {}\n", statement.level, statement.section, statement.text);
        }
        for mark in case.unnumbered {
            let (of, place) = match mark {
                Mark::V311(place) => (" in 3.1.1", place),
                Mark::V5(place) | Mark::Both(place) => ("", place),
            };
            block += &format!("  decides  {place}{of}, which has no number\n");
        }
        for need in case.needs {
            block += &format!("  needs    {need}: {}\n", need.meaning());
        }
        if !case.tags.is_empty() {
            block += &format!("  tags     {}\n", case.tags.join(", "));
        }
        for mutant in case.mutants {
            let only = mutant.version.map_or(String::new(), |version| format!(" (only in {version})"));
            let sees = if mutant.advice { "warns    of" } else { "fails    with" };
            block += &format!("  {sees} a broker that {}{only}\n", mutant.name);
        }
        blocks.push(block);
    }
    blocks.join("\n").trim_end().to_owned()
}

/// Every statement with its cases or its excuse; with `open` only those that have neither.
pub(super) fn coverage(open: bool) -> Result<ExitCode, Failure> {
    let mut lines = Vec::new();
    let (mut decided, mut excused, mut missing) = (0, 0, 0);
    for (statement, coverage) in conformance::coverage::coverage() {
        let (count, how) = match &coverage {
            Coverage::Decided(cases) => (&mut decided, cases.iter().map(|case| case.id).collect::<Vec<_>>().join(", ")),
            Coverage::Excused(reason) => (&mut excused, format!("excused: {reason}")),
            Coverage::Open => (&mut missing, format!("OPEN: {}", statement.how)),
        };
        *count += 1;
        if !open || matches!(coverage, Coverage::Open) {
            lines.push(format!("{statement}: {}\n    {how}", statement.text));
        }
    }
    let all = decided + excused + missing;
    lines.push(format!("{all} statements: {decided} decided, {excused} excused, {missing} open"));
    say(lines.join("\n"))?;
    Ok(if open && missing > 0 { 3.into() } else { ExitCode::SUCCESS })
}
