//! A conformance run on the terminal: progress, a block for each case that does not pass, a summary for each chapter of the
//! standard, and at the end what it comes to.

use super::{Progress, style::Style, visible};
use crate::figures::{count, span};
use crate::observation::{CaseJudged, CaseVerdict, MutantJudged, Observation, SuiteEnded, SuiteStarted};
use crate::sink::Sink;
use crate::suite::{CaseCounts, outcome, words};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Write};

/// Shows a conformance run to whoever started it: blocks and the verdict on standard output, progress on standard error.
pub struct SuiteTerminal {
    out: Box<dyn Write + Send>,
    style: Style,
    bar: Option<ProgressBar>,
    started: Option<Box<SuiteStarted>>,
    /// By target and chapter.
    rows: BTreeMap<String, BTreeMap<Vec<u32>, Row>>,
    /// Why something is not applicable, by target and reason: how often.
    lacking: BTreeMap<(String, String), u64>,
    /// What failed, in one line each.
    failed: Vec<String>,
    explained: bool,
    judged: u64,
    killed: u64,
    survivors: Vec<MutantJudged>,
    /// By owner and mutant: the cases that see it. Only when cases met the mutants of others.
    matrix: BTreeMap<(String, String), BTreeSet<String>>,
    crossed: bool,
    ended: Option<SuiteEnded>,
}

/// What became of the cases of one chapter.
#[derive(Default)]
struct Row {
    chapter: String,
    counts: CaseCounts,
}

/// Failing cases that are named again at the end, where readers of a log look first.
const NAMED_AGAIN: usize = 20;

impl SuiteTerminal {
    /// On this process's standard streams: a bar when standard error is a terminal; colour when standard output is one and
    /// `NO_COLOR` is not set.
    pub fn stdio() -> Self {
        let progress = if io::stderr().is_terminal() { Progress::Bar } else { Progress::Quiet };
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self::new(Box::new(io::stdout()), progress, colour)
    }

    /// All of it on standard error, without a bar: standard output is for something else.
    pub fn stderr() -> Self {
        Self::new(Box::new(io::stderr()), Progress::Quiet, false)
    }

    /// On any writer. A bar always goes to standard error.
    pub fn new(out: Box<dyn Write + Send>, progress: Progress, colour: bool) -> Self {
        Self {
            out,
            style: Style { colour },
            bar: (progress == Progress::Bar)
                .then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5))),
            started: None,
            rows: BTreeMap::new(),
            lacking: BTreeMap::new(),
            failed: Vec::new(),
            explained: false,
            judged: 0,
            killed: 0,
            survivors: Vec::new(),
            matrix: BTreeMap::new(),
            crossed: false,
            ended: None,
        }
    }

    fn started(&mut self, started: &SuiteStarted) {
        if let Some(bar) = &self.bar {
            let style = ProgressStyle::with_template("{bar:20.dim} {pos}/{len} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
            bar.set_length(started.planned);
        }
        self.started = Some(Box::new(started.clone()));
    }

    fn judged(&mut self, judged: &CaseJudged) -> io::Result<()> {
        self.step(&judged.case);
        let (key, chapter) = words::chapter(judged.statements.first().map_or("", String::as_str));
        let rows = self.rows.entry(judged.target.clone()).or_default();
        rows.entry(key).or_insert_with(|| Row { chapter, ..Row::default() }).counts.add(judged);
        let name = words::name(self.started.as_deref(), judged);
        let line = match (words::gist(judged), &judged.deviation) {
            (gist, Some(_)) => format!("{} {name}: {gist}\n", self.style.bold("KNOWN")),
            (gist, None) => format!("{} {name}: {gist}\n", self.verdict(judged.verdict)),
        };
        match (judged.verdict, &judged.deviation) {
            (CaseVerdict::Pass, _) => return Ok(()),
            (CaseVerdict::NotApplicable, _) => {
                *self.lacking.entry((judged.target.clone(), judged.reason.clone())).or_default() += 1;
                return Ok(());
            }
            (_, Some(reason)) => return self.write(&format!("{line}  accepted  {}\n\n", visible(reason))),
            (CaseVerdict::Fail, None) => self.failed.push(format!("{name}: {}", words::gist(judged))),
            (CaseVerdict::Warn | CaseVerdict::Inconclusive | CaseVerdict::Error, None) => {}
        }
        let signs = match judged.transcript.is_empty() || self.explained {
            true => String::new(),
            false => format!("  ({})\n", words::SIGNS),
        };
        self.explained |= !signs.is_empty();
        let evidence = words::evidence(self.started.as_deref(), judged);
        self.write(&format!("{line}{evidence}{signs}\n"))
    }

    fn step(&mut self, what: &str) {
        self.judged += 1;
        if let Some(bar) = &self.bar {
            bar.inc(1);
            bar.set_message(what.to_owned());
        }
    }

    fn verdict(&self, verdict: CaseVerdict) -> String {
        let word = verdict.text().to_uppercase();
        if verdict == CaseVerdict::Fail { self.style.bad(&word) } else { self.style.bold(&word) }
    }

    fn mutant(&mut self, judged: &MutantJudged) -> io::Result<()> {
        self.step(&judged.case);
        let own = judged.case == judged.owner;
        self.crossed |= !own;
        let seen_by = self.matrix.entry((judged.owner.clone(), judged.mutant.clone())).or_default();
        if judged.killed {
            seen_by.insert(judged.case.clone());
            self.killed += u64::from(own);
        } else if own {
            self.survivors.push(judged.clone());
            let line = format!(
                "{} {} ({}) does not see a broker that {}\n  {}\n\n",
                self.style.bad("SURVIVOR"),
                judged.case,
                judged.version,
                judged.mutant,
                visible(&judged.seen)
            );
            return self.write(&line);
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.out.write_all(text.as_bytes())),
            None => self.out.write_all(text.as_bytes()),
        }
    }

    fn closing(&self) -> String {
        let mut text = String::new();
        let known = self.started.as_ref().map_or(&[][..], |started| &started.targets);
        for (target, rows) in &self.rows {
            if self.rows.len() > 1 {
                let described = known.iter().find(|known| known.name == *target);
                let what = described.map_or("", |known| known.description.as_str());
                text += &format!("{}: {}\n", self.style.bold(&visible(target)), visible(what));
            }
            text += &table(rows);
            for ((_, reason), number) in self.lacking.iter().filter(|((lacks, _), _)| lacks == target) {
                text += &format!("not applicable: {}, {}\n", cases(*number), visible(reason));
            }
            text.push('\n');
        }
        if self.crossed {
            for ((owner, mutant), cases) in &self.matrix {
                let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
                let by =
                    if cases.is_empty() { "none".to_owned() } else { format!("{}: {}", cases.len(), cases.join(", ")) };
                text += &format!("a broker that {mutant} ({owner}): seen by {by}\n");
            }
        }
        let mutants = self.killed + self.survivors.len() as u64;
        if mutants > 0 {
            let survive = count(self.survivors.len() as u64);
            text += &format!("{} of {} mutants killed, {survive} survive\n", count(self.killed), count(mutants));
        }
        for line in self.failed.iter().take(NAMED_AGAIN) {
            text += &format!("failed: {line}\n");
        }
        if let Some(more) = self.failed.len().checked_sub(NAMED_AGAIN).filter(|more| *more > 0) {
            text += &format!("failed: {} more, above\n", count(more as u64));
        }
        text + &self.last_line()
    }

    /// What a reader of a CI log must see: the word, the exit code, why, and how to see it again.
    fn last_line(&self) -> String {
        let exit_code = self.ended.as_ref().map(|ended| ended.exit_code);
        let word = outcome::word(exit_code);
        let word = if exit_code == Some(0) { self.style.bold(word) } else { self.style.bad(word) };
        let code = exit_code.map_or(String::new(), |code| format!(" (exit code {code})"));
        let reasons = self.ended.as_ref().map_or(&[][..], |ended| &ended.reasons);
        let why: String = reasons.iter().map(|reason| format!("; {}", visible(reason))).collect();
        let seed = self.started.as_ref().map_or(0, |started| started.seed);
        let took = self.ended.as_ref().map_or(String::new(), |ended| format!(" in {}", span(ended.at)));
        let judged = if self.judged == 1 { "1 judgement" } else { &format!("{} judgements", count(self.judged)) };
        format!("{word}{code}{why}; {judged}{took}; seed {seed}\n")
    }
}

/// `1 case`, `12 cases`.
fn cases(number: u64) -> String {
    if number == 1 { "1 case".to_owned() } else { format!("{} cases", count(number)) }
}

/// A line for each chapter, and one for all of them. Verdicts that nobody got have no column.
fn table(rows: &BTreeMap<Vec<u32>, Row>) -> String {
    let mut total = CaseCounts::default();
    rows.values().for_each(|row| total.merge(&row.counts));
    let shown: Vec<usize> = (0..total.named().len()).filter(|column| total.named()[*column].1 > 0).collect();
    let width = rows.values().map(|row| row.chapter.chars().count()).max().unwrap_or(0);
    let line = |name: &str, counts: &CaseCounts| {
        let mut line = format!("{name:width$}");
        for column in &shown {
            let (verdict, number) = counts.named()[*column];
            let number = if number == 0 { "·".to_owned() } else { count(number) };
            line += &format!("  {number:>width$}", width = verdict.len().max(5));
        }
        line.trim_end().to_owned() + "\n"
    };
    let heads: String = shown.iter().map(|column| format!("  {:>5}", total.named()[*column].0)).collect();
    let mut text = format!("{:width$}{heads}\n", "");
    rows.values().for_each(|row| text += &line(&row.chapter, &row.counts));
    text + &line("all", &total)
}

impl Sink for SuiteTerminal {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        match observation {
            Observation::SuiteStarted(started) => self.started(started),
            Observation::CaseJudged(judged) => return self.judged(judged),
            Observation::MutantJudged(judged) => return self.mutant(judged),
            Observation::SuiteEnded(ended) => self.ended = Some(ended.clone()),
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let closing = self.closing();
        self.write(&closing)?;
        self.out.flush()
    }
}
