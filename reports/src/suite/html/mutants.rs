//! The kill table of a proof: what each mutant does, and who sees it.

use crate::figures::count;
use crate::observation::MutantJudged;
use crate::suite::{Suite, outcome::kills};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
pub(super) struct Table {
    killed: String,
    survived: String,
    /// Whether cases met the mutants of others.
    crossed: bool,
    owners: Vec<Owner>,
}

#[derive(Debug, Serialize)]
struct Owner {
    case: String,
    title: String,
    survivors: usize,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    version: String,
    mutant: String,
    killed: bool,
    seen: String,
    /// Other cases that see it, too.
    others: String,
}

/// None for a run that judged.
pub(super) fn table(suite: &Suite) -> Option<Table> {
    let mutants = suite.mutants();
    if mutants.is_empty() {
        return None;
    }
    let mut others: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    let foreign = || mutants.iter().filter(|one| one.case != one.owner);
    for judged in foreign().filter(|one| one.killed) {
        others.entry((&judged.owner, &judged.mutant, &judged.version)).or_default().push(&judged.case);
    }
    let mut owners: Vec<Owner> = Vec::new();
    for judged in mutants.iter().filter(|one| one.case == one.owner) {
        let MutantJudged { owner, version, mutant, killed, seen, .. } = judged;
        let others = others.get(&(owner.as_str(), mutant.as_str(), version.as_str())).map_or(&[][..], Vec::as_slice);
        let row = Row {
            version: version.clone(),
            mutant: mutant.clone(),
            killed: *killed,
            seen: seen.clone(),
            others: others.join(", "),
        };
        match owners.last_mut().filter(|last| last.case == *owner) {
            Some(last) => last.rows.push(row),
            None => owners.push(Owner {
                case: owner.clone(),
                title: suite.case(owner).map_or(String::new(), |case| case.title.clone()),
                survivors: 0,
                rows: vec![row],
            }),
        }
    }
    for owner in &mut owners {
        owner.survivors = owner.rows.iter().filter(|row| !row.killed).count();
    }
    let (killed, survived) = kills(suite);
    Some(Table { killed: count(killed), survived: count(survived), crossed: foreign().next().is_some(), owners })
}
