//! A conformance run as one JSON document. Its schema is `conformance.schema.json` beside this crate's manifest.

use super::{
    CaseCounts, Standing, StatementCounts, Suite,
    outcome::{Headline, kills},
    standing::Standings,
};
use crate::observation::{
    CaseJudged, Ending, MutantJudged, SuiteCase, SuiteStatement, SuiteTarget, Tool, nanoseconds::of as nanos,
};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::Serialize;
use std::collections::BTreeMap;

/// Number of the document's schema. Added fields leave it alone; readers ignore what they do not know.
pub const SUITE_SCHEMA: u32 = 1;

/// What the document is, for programs that are given any.
const KIND: &str = "paddock.conformance";

/// A verdict for every statement and every broker. Durations are whole nanoseconds under names that end in `_ns`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Conformance report of Paddock")]
struct Document<'a> {
    /// What the document is: `paddock.conformance`.
    document: &'static str,
    /// Schema number.
    schema: u32,
    /// The program that ran.
    tool: Option<&'a Tool>,
    /// Seed of everything random.
    seed: u64,
    /// Wall clock at the start, RFC 3339.
    started_at: Option<String>,
    /// Length of the run; absent for one that was cut off.
    duration_ns: Option<u64>,
    /// The command line that reproduces it, without secrets.
    command: &'a [String],
    /// Whether a departure from a SHOULD counts against a target.
    strict: bool,
    /// How it ended; absent for a run that was cut off.
    ending: Option<Ending>,
    /// Exit code of the process; absent for a run that was cut off.
    exit_code: Option<u8>,
    /// The outcome in words.
    headline: String,
    /// Why, most important first.
    reasons: &'a [String],
    /// Judgements that were planned and did not come.
    missing: u64,
    /// The brokers under test.
    targets: Vec<Target<'a>>,
    /// Every statement of both standards, and where each target stands with it; empty for a proof.
    statements: Vec<Statement<'a>>,
    /// The cases that were selected.
    cases: &'a [SuiteCase],
    /// One for each case, version, target and repetition that ran.
    results: Vec<&'a CaseJudged>,
    /// How many mutants their cases saw; absent for a run that judged.
    kills: Option<Kills>,
    /// One for each mutant and case that met; empty for a run that judged.
    mutants: Vec<&'a MutantJudged>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Target<'a> {
    /// Unique within the run.
    name: &'a str,
    /// What stands there, as far as known.
    description: &'a str,
    /// URL without credentials.
    address: &'a str,
    /// Protocol versions spoken.
    versions: &'a [String],
    /// What it offers or is known to lack.
    capabilities: &'a [String],
    /// How its cases came out.
    cases: CaseCounts,
    /// How the statements stand, by version.
    statements: BTreeMap<&'a str, StatementCounts>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Statement<'a> {
    /// `3.1.1` or `5.0`.
    version: &'a str,
    /// `3.3.1-4`.
    number: &'a str,
    /// Number and title.
    section: &'a str,
    /// `MUST`, `MUST NOT`, `SHOULD`, joined by `+`.
    level: &'a str,
    /// What it says, in words of Paddock's own.
    text: &'a str,
    /// One for each target.
    verdicts: Vec<Verdict<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Verdict<'a> {
    /// Name of the target.
    target: &'a str,
    /// The worst of what its cases say.
    verdict: Standing,
    /// The cases that ran and say something about it.
    cases: Vec<&'a str>,
    /// Why nothing was decided; empty otherwise.
    reason: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Kills {
    /// Mutants that the case they belong to saw.
    killed: u64,
    /// Mutants that it did not.
    survived: u64,
}

/// The document of a run or a proof, pretty-printed, with a final line break.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn suite_json(suite: &Suite) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&document(suite))?;
    text.push('\n');
    Ok(text)
}

/// The JSON schema of [`suite_json`].
pub fn suite_schema() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Document<'_>>()
}

fn document(suite: &Suite) -> Document<'_> {
    let started = suite.started();
    let ended = suite.ended();
    let headline = Headline::of(suite);
    let standings = Standings::of(suite);
    let proof = !suite.mutants.is_empty();
    let judging = !proof && !suite.targets().is_empty();
    Document {
        document: KIND,
        schema: SUITE_SCHEMA,
        tool: started.map(|started| &started.tool),
        seed: started.map_or(0, |started| started.seed),
        started_at: started.map(|started| started.started_at.to_string()),
        duration_ns: ended.map(|ended| nanos(ended.at)),
        command: started.map_or(&[], |started| &started.command),
        strict: started.is_some_and(|started| started.strict),
        ending: ended.map(|ended| ended.ending),
        exit_code: ended.map(|ended| ended.exit_code),
        headline: format!("{}: {}", headline.word, headline.sentence),
        reasons: ended.map_or(&[], |ended| &ended.reasons),
        missing: suite.missing(),
        targets: suite.targets().iter().map(|target| described(suite, &standings, target)).collect(),
        statements: match judging {
            true => suite.statements().iter().map(|statement| stated(suite, &standings, statement)).collect(),
            false => Vec::new(),
        },
        cases: suite.cases(),
        results: suite.judged(),
        kills: proof.then(|| {
            let (killed, survived) = kills(suite);
            Kills { killed, survived }
        }),
        mutants: suite.mutants(),
    }
}

fn described<'a>(suite: &'a Suite, standings: &Standings<'a>, target: &'a SuiteTarget) -> Target<'a> {
    let versions = suite.statements().iter().map(|statement| statement.version.as_str());
    let mut statements: BTreeMap<&str, StatementCounts> = BTreeMap::new();
    for version in versions {
        statements.entry(version).or_insert_with(|| standings.counts(target, version));
    }
    Target {
        name: &target.name,
        description: &target.description,
        address: &target.address,
        versions: &target.versions,
        capabilities: &target.capabilities,
        cases: suite.counts(Some(&target.name)),
        statements,
    }
}

fn stated<'a>(suite: &'a Suite, standings: &Standings<'a>, statement: &'a SuiteStatement) -> Statement<'a> {
    let verdict = |target: &'a SuiteTarget| {
        let verdict = standings.verdict(target, statement);
        let mut cases: Vec<&str> = verdict.judged.iter().map(|judged| judged.case.as_str()).collect();
        cases.dedup();
        Verdict { target: &target.name, verdict: verdict.standing, cases, reason: verdict.reason }
    };
    Statement {
        version: &statement.version,
        number: &statement.number,
        section: &statement.section,
        level: &statement.level,
        text: &statement.text,
        verdicts: suite.targets().iter().map(verdict).collect(),
    }
}
