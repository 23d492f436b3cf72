//! What the suites came to, as observations: the files that a conformance run leaves are made of them, too.
//!
//! A suite is a case, and each version that it spoke a judgement. The frame comes first in a file and names the statements
//! that findings are about, so nothing is recorded before the suites are done.

use std::{collections::BTreeSet, io, time::Duration};

use jiff::Timestamp;
use reports::{
    Observation, Sink,
    observation::{
        CaseFinding, CaseJudged, CaseVerdict, Ending, FindingLevel, LineKind, SCHEMA, SuiteCase, SuiteEnded,
        SuiteStarted, SuiteTarget, Tool, TranscriptLine,
    },
};
use tokio::time::Instant;
use wire::Version;

use super::{Caught, Discrepancy, Kind, Line, Ran, Summary, Swept, What};
use crate::{
    Capability, Statement,
    model::Program,
    run::described,
    transcript::{BYTES, ENTRIES},
};

/// A suite of random cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// Random programs of several clients, judged by an abstract model.
    Programs,
    /// [`Kind::Topics`].
    Topics,
    /// [`Kind::Senders`].
    Senders,
}

impl From<Kind> for Suite {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Topics => Self::Topics,
            Kind::Senders => Self::Senders,
        }
    }
}

impl Suite {
    /// As `--only` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Programs => "programs",
            Self::Topics => "topics",
            Self::Senders => "senders",
        }
    }

    /// What it runs many of.
    pub fn cases(self) -> &'static str {
        match self {
            Self::Programs => "programs",
            Self::Topics => "batches of topics",
            Self::Senders => "scripts of two senders",
        }
    }

    fn counted(self, number: u64) -> String {
        let one = match self {
            Self::Programs => "program",
            Self::Topics => "batch of topics",
            Self::Senders => "script of two senders",
        };
        format!("{number} {}", if number == 1 { one } else { self.cases() })
    }

    fn id(self) -> String {
        format!("properties.{}", self.name())
    }

    fn described(self, versions: &[Version]) -> SuiteCase {
        let (title, needs) = match self {
            Self::Programs => {
                ("several clients with random programs see only what a model of the server allows", &[][..])
            }
            Self::Topics => (
                "messages reach exactly the subscriptions whose random filters match their random topics",
                &Kind::NEEDS[..],
            ),
            Self::Senders => (
                "a client with mutated packets gets legal answers or is cut off, and disturbs nobody else",
                &Kind::NEEDS[..],
            ),
        };
        let rule = |version: &Version| {
            let place = match (self, version) {
                (Self::Programs, _) => "sections 3 and 4, as one model of sessions and messages",
                (Self::Topics, _) => "section 4.7 Topic Names and Topic Filters",
                (Self::Senders, Version::V5) => "section 4.13 Handling errors",
                (Self::Senders, _) => "section 4.8 Handling errors",
            };
            format!("{version}:{place}")
        };
        SuiteCase {
            id: self.id(),
            title: title.to_owned(),
            statements: Vec::new(),
            rules: versions.iter().map(rule).collect(),
            needs: needs.iter().map(ToString::to_string).collect(),
            tags: Vec::new(),
        }
    }
}

/// What the suites came to so far.
#[derive(Debug)]
pub struct Observed {
    target: SuiteTarget,
    seed: u64,
    /// What else makes a case, as the command takes it.
    options: String,
    started_at: Timestamp,
    began: Instant,
    cases: Vec<SuiteCase>,
    judged: Vec<CaseJudged>,
    /// Judgements that ought to come.
    planned: usize,
}

/// How all of it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Exit code of the process.
    pub exit_code: u8,
    /// The target could not be reached any more: why.
    pub unreachable: Option<String>,
}

impl Observed {
    /// Nothing yet; the clock starts. `options` are what makes the cases beside `seed`, as the command takes them; may be
    /// empty.
    pub fn new(target: SuiteTarget, seed: u64, options: &[&str]) -> Self {
        Self {
            target,
            seed,
            options: options.iter().map(|option| format!(" {option}")).collect(),
            started_at: Timestamp::now(),
            began: Instant::now(),
            cases: Vec::new(),
            judged: Vec::new(),
            planned: 0,
        }
    }

    /// The programs of a search have run, with clients of `versions`.
    pub fn programs(&mut self, versions: &[Version], summary: &Summary) {
        let Summary { cases, void, void_because, .. } = summary;
        let ran = Ran { cases: *cases, void: *void, void_because: void_because.clone() };
        let seen = versions.iter().map(|version| {
            let found = summary.found.iter().filter(|found| found.discrepancy.version == *version).map(|found| Shown {
                case: found.case,
                discrepancy: &found.discrepancy,
                program: Some(&found.program),
                transcript: &found.transcript,
            });
            let seen = Seen {
                ran: ran.clone(),
                found: found.collect(),
                once: of_version(&summary.unrepeated, *version),
                alike: of_version(&summary.alike, *version),
                unreachable: summary.unreachable.as_deref(),
            };
            (*version, seen)
        });
        self.ran(Suite::Programs, seen.collect());
    }

    /// The cases of a sweep have run; those that speak `versions`, if all of them did.
    pub fn swept(&mut self, kind: Kind, versions: &[Version], swept: &Swept) {
        // One case alone is of one version.
        let whole = swept.ran.is_empty() || swept.unreachable.is_some();
        let spoken = versions.iter().filter(|version| whole || swept.ran.contains_key(version));
        let seen = spoken.map(|version| {
            let seen = Seen {
                ran: swept.ran.get(version).cloned().unwrap_or_default(),
                found: of_version(&swept.found, *version),
                once: of_version(&swept.unrepeated, *version),
                alike: Vec::new(),
                unreachable: swept.unreachable.as_deref(),
            };
            (*version, seen)
        });
        self.ran(kind.into(), seen.collect());
    }

    /// The target does not have what the suite needs.
    pub fn lacks(&mut self, suite: Suite, versions: &[Version], lacking: Capability) {
        let took = self.took(versions.len());
        self.cases.push(suite.described(versions));
        self.planned += versions.len();
        for version in versions {
            let verdict = (CaseVerdict::NotApplicable, format!("the target lacks {lacking}"));
            let judged = self.judgement(suite, *version, took, verdict);
            self.judged.push(judged);
        }
    }

    /// The suite was to run, and the target is gone.
    pub fn missed(&mut self, suite: Suite, versions: &[Version]) {
        self.cases.push(suite.described(versions));
        self.planned += versions.len();
    }

    /// All of it, in order.
    ///
    /// # Errors
    ///
    /// When the sink can no longer be written.
    pub fn record(self, tool: Tool, command: Vec<String>, ended: Ended, sink: &mut dyn Sink) -> io::Result<()> {
        let reasons = self.reasons(&ended);
        sink.record(&Observation::SuiteStarted(Box::new(SuiteStarted {
            schema: SCHEMA,
            tool,
            seed: self.seed,
            started_at: self.started_at,
            command,
            strict: false,
            targets: vec![self.target],
            statements: cited(&self.judged).map(described).collect(),
            cases: self.cases,
            planned: self.planned as u64,
        })))?;
        for judged in self.judged {
            sink.record(&Observation::CaseJudged(Box::new(judged)))?;
        }
        sink.record(&Observation::SuiteEnded(SuiteEnded {
            at: self.began.elapsed(),
            ended_at: Timestamp::now(),
            ending: Ending::Completed,
            exit_code: ended.exit_code,
            reasons,
        }))
    }

    fn reasons(&self, ended: &Ended) -> Vec<String> {
        let unreachable =
            ended.unreachable.iter().map(|why| format!("the target could not be reached any more: {why}"));
        let counted = [
            (CaseVerdict::Fail, "case failed", "cases failed"),
            (CaseVerdict::Inconclusive, "case is inconclusive", "cases are inconclusive"),
        ];
        let counted = counted.into_iter().filter_map(|(verdict, one, many)| {
            match self.judged.iter().filter(|judged| judged.verdict == verdict).count() {
                0 => None,
                1 => Some(format!("1 {one}")),
                number => Some(format!("{number} {many}")),
            }
        });
        unreachable.chain(counted).collect()
    }

    fn ran(&mut self, suite: Suite, seen: Vec<(Version, Seen<'_>)>) {
        let versions: Vec<Version> = seen.iter().map(|(version, _)| *version).collect();
        let took = self.took(versions.len());
        self.cases.push(suite.described(&versions));
        self.planned += versions.len();
        for (version, seen) in seen {
            let judged = CaseJudged {
                findings: seen.found.iter().map(|shown| finding(shown.discrepancy)).collect(),
                notes: seen.notes(suite),
                transcript: seen.transcript(|case| {
                    format!("found with --only {} --seed {} --case {case}{}", suite.name(), self.seed, self.options)
                }),
                ..self.judgement(suite, version, took, seen.verdict(suite))
            };
            self.judged.push(judged);
        }
    }

    fn judgement(&self, suite: Suite, version: Version, took: Duration, said: (CaseVerdict, String)) -> CaseJudged {
        CaseJudged {
            at: self.began.elapsed(),
            took,
            target: self.target.name.clone(),
            configuration: String::new(),
            case: suite.id(),
            version: version.to_string(),
            statements: Vec::new(),
            repetition: 1,
            verdict: said.0,
            reason: said.1,
            findings: Vec::new(),
            notes: Vec::new(),
            deviation: None,
            transcript: Vec::new(),
        }
    }

    /// The share of each version in the time of the last suite, so that the sum is right.
    fn took(&self, versions: usize) -> Duration {
        let before = self.judged.last().map_or(Duration::ZERO, |judged| judged.at);
        self.began.elapsed().saturating_sub(before) / versions.max(1) as u32
    }
}

/// What a suite came to in one version.
#[derive(Debug, Default)]
struct Seen<'a> {
    ran: Ran,
    found: Vec<Shown<'a>>,
    /// What failed once and not again.
    once: Vec<Shown<'a>>,
    /// What was not tried again, as the rule is known to be broken in another version.
    alike: Vec<Shown<'a>>,
    unreachable: Option<&'a str>,
}

/// Something that no conforming server does, with its evidence.
#[derive(Debug)]
struct Shown<'a> {
    case: u64,
    discrepancy: &'a Discrepancy,
    program: Option<&'a Program>,
    transcript: &'a [Line],
}

fn of_version(caught: &[Caught], version: Version) -> Vec<Shown<'_>> {
    let of_version = caught.iter().filter(|caught| caught.discrepancy.version == version);
    let shown = of_version.map(|Caught { case, discrepancy, transcript }| Shown {
        case: *case,
        discrepancy,
        program: None,
        transcript,
    });
    shown.collect()
}

impl Seen<'_> {
    /// The verdict, and why nothing was decided.
    fn verdict(&self, suite: Suite) -> (CaseVerdict, String) {
        if !self.found.is_empty() {
            return (CaseVerdict::Fail, String::new());
        }
        if let Some(first) = self.doubts().into_iter().next() {
            return (CaseVerdict::Inconclusive, first);
        }
        let Ran { cases, void, void_because } = &self.ran;
        if *cases > *void {
            return (CaseVerdict::Pass, String::new());
        }
        let because = void_because.as_ref().map_or(String::new(), |why| format!(": {why}"));
        (CaseVerdict::Inconclusive, format!("{}, and nothing was decided{because}", suite.counted(*cases)))
    }

    /// What stands in the way of a pass, the most important first.
    fn doubts(&self) -> Vec<String> {
        let told = |shown: &Shown<'_>, how: &str| {
            let what = shown.discrepancy.to_string().replace('\n', ", against ");
            format!("case {} {how}: {what}", shown.case)
        };
        let once = self.once.iter().map(|shown| told(shown, "failed once and not again"));
        let alike = "breaks a rule that a finding in the other version is about, and was not tried again";
        let alike = self.alike.iter().map(|shown| told(shown, alike));
        let unreachable = self.unreachable.map(|why| format!("the target could not be reached any more: {why}"));
        unreachable.into_iter().chain(once).chain(alike).collect()
    }

    fn notes(&self, suite: Suite) -> Vec<String> {
        let Ran { cases, void, void_because } = &self.ran;
        let void = match void_because {
            Some(why) => format!(", {void} decided nothing ({why})"),
            None => String::new(),
        };
        // Without a finding the first of them is the reason of the verdict.
        let doubts = self.doubts().into_iter().skip(usize::from(self.found.is_empty()));
        [format!("{}{void}", suite.counted(*cases))].into_iter().chain(doubts).collect()
    }

    fn transcript(&self, again: impl Fn(u64) -> String) -> Vec<TranscriptLine> {
        let mut lines = Vec::new();
        for shown in self.found.iter().chain(&self.once).chain(&self.alike) {
            let again = again(shown.case);
            let told = shown.discrepancy.to_string();
            let program = shown.program.map_or(String::new(), |program| program.to_text(""));
            lines.extend(told.lines().chain([again.as_str()]).chain(program.lines()).map(remark));
            lines.extend(shown.transcript.iter().take(ENTRIES).map(line));
        }
        lines
    }
}

fn finding(discrepancy: &Discrepancy) -> CaseFinding {
    let expected = match discrepancy.is_malformed {
        true => "a packet as the standard lays it out",
        false => discrepancy.rule.as_str(),
    };
    CaseFinding {
        level: FindingLevel::Must,
        statement: discrepancy.statement.clone(),
        expected: expected.to_owned(),
        seen: discrepancy.what.clone(),
    }
}

fn remark(text: &str) -> TranscriptLine {
    TranscriptLine {
        at: Duration::ZERO,
        peer: String::new(),
        event: LineKind::Remark,
        text: text.to_owned(),
        hex: String::new(),
    }
}

fn line(line: &Line) -> TranscriptLine {
    let event = match line.what {
        What::Sent => LineKind::Sent,
        What::Received => LineKind::Received,
        What::Closed => LineKind::Closed,
        What::Remark => LineKind::Remark,
    };
    let hex = line.bytes.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
    TranscriptLine { at: line.at, peer: line.who.clone(), event, text: line.text.clone(), hex }
}

/// The statements that findings name, in the order of the standards.
fn cited(judged: &[CaseJudged]) -> impl Iterator<Item = &'static Statement> {
    let named = |judged: &CaseJudged| {
        let numbers = judged.findings.iter().filter_map(|finding| finding.statement.clone());
        numbers.map(|number| (judged.version.clone(), number)).collect::<Vec<_>>()
    };
    let cited: BTreeSet<(String, String)> = judged.iter().flat_map(named).collect();
    let is_cited = move |one: &&Statement| cited.contains(&(one.version.to_string(), one.number.to_owned()));
    Statement::all().iter().filter(is_cited)
}

#[cfg(test)]
mod tests;
