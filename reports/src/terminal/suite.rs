//! A conformance run on the terminal: progress, a block for each case that does not pass, what it comes to.

use super::{Progress, style::Style, visible};
use crate::figures::{count, span};
use crate::observation::{
    CaseFinding, CaseJudged, CaseVerdict, FindingLevel, LineKind, MutantJudged, Observation, SuiteEnded, SuiteStarted,
    TranscriptLine,
};
use crate::sink::Sink;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, IsTerminal, Write};

/// Shows a conformance run to whoever started it: blocks and the verdict on standard output, progress on standard error.
pub struct SuiteTerminal {
    out: Box<dyn Write + Send>,
    style: Style,
    bar: Option<ProgressBar>,
    started: Option<Box<SuiteStarted>>,
    /// By version and number: level and text.
    statements: HashMap<(String, String), (String, String)>,
    rows: BTreeMap<Vec<u32>, Row>,
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
    counts: BTreeMap<CaseVerdict, u64>,
    known: u64,
}

impl SuiteTerminal {
    /// On this process's standard streams: a bar when standard error is a terminal; colour when standard output is one and
    /// `NO_COLOR` is not set.
    pub fn stdio() -> Self {
        let progress = if io::stderr().is_terminal() { Progress::Bar } else { Progress::Quiet };
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self::new(Box::new(io::stdout()), progress, colour)
    }

    /// On any writer. A bar always goes to standard error.
    pub fn new(out: Box<dyn Write + Send>, progress: Progress, colour: bool) -> Self {
        Self {
            out,
            style: Style { colour },
            bar: (progress == Progress::Bar)
                .then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5))),
            started: None,
            statements: HashMap::new(),
            rows: BTreeMap::new(),
            killed: 0,
            survivors: Vec::new(),
            matrix: BTreeMap::new(),
            crossed: false,
            ended: None,
        }
    }

    fn started(&mut self, started: &SuiteStarted) {
        for statement in &started.statements {
            let key = (statement.version.clone(), statement.number.clone());
            self.statements.insert(key, (statement.level.clone(), statement.text.clone()));
        }
        if let Some(bar) = &self.bar {
            let style = ProgressStyle::with_template("{bar:20.dim} {pos}/{len} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
            bar.set_length(started.planned);
        }
        self.started = Some(Box::new(started.clone()));
    }

    fn judged(&mut self, judged: &CaseJudged) -> io::Result<()> {
        self.step(&judged.case);
        let first = judged.statements.first().map_or("", String::as_str);
        let mut key: Vec<u32> = first.split(['.', '-']).take(2).map_while(|part| part.parse().ok()).collect();
        if key.is_empty() {
            key.push(u32::MAX);
        }
        let row = self.rows.entry(key).or_insert_with(|| Row { chapter: chapter(first), ..Row::default() });
        if judged.deviation.is_some() {
            row.known += 1;
        } else {
            *row.counts.entry(judged.verdict).or_default() += 1;
        }
        match judged.verdict {
            CaseVerdict::Pass | CaseVerdict::NotApplicable => Ok(()),
            _ => {
                let block = match &judged.deviation {
                    Some(reason) => {
                        format!(
                            "KNOWN {} ({}){}: {}\n",
                            judged.case,
                            judged.version,
                            self.place(judged),
                            visible(reason)
                        )
                    }
                    None => self.block(judged),
                };
                self.write(&block)
            }
        }
    }

    /// Which target and configuration, where there are several.
    fn place(&self, judged: &CaseJudged) -> String {
        let several = self.started.as_deref().is_some_and(|started| started.targets.len() > 1);
        let place = [if several { judged.target.as_str() } else { "" }, judged.configuration.as_str()];
        let place: Vec<&str> = place.into_iter().filter(|word| !word.is_empty()).collect();
        if place.is_empty() { String::new() } else { format!(" on {}", place.join(", ")) }
    }

    fn step(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
            bar.set_message(what.to_owned());
        }
    }

    /// Everything about one case that did not pass.
    fn block(&self, judged: &CaseJudged) -> String {
        let started = self.started.as_deref();
        let known = started.and_then(|started| started.cases.iter().find(|case| case.id == judged.case));
        let place = self.place(judged);
        let mut text = format!("{} {} ({}){place}\n", self.verdict(judged.verdict), judged.case, judged.version);
        if let Some(case) = known {
            text += &format!("  {}\n", case.title);
        }
        for finding in &judged.findings {
            text += &self.finding(&judged.version, finding);
        }
        if !judged.reason.is_empty() {
            text += &format!("  why       {}\n", visible(&judged.reason));
        }
        for note in &judged.notes {
            text += &format!("  noted     {}\n", visible(note));
        }
        text += &transcript(&judged.transcript);
        text + "\n"
    }

    fn finding(&self, version: &str, finding: &CaseFinding) -> String {
        let level = if finding.level == FindingLevel::Must { "" } else { "advice, " };
        let cited = match &finding.statement {
            Some(number) => {
                let mark = if version == "5.0" { String::new() } else { format!(" in {version}") };
                let known = self.statements.get(&(version.to_owned(), number.clone()));
                let says = known.map_or(String::new(), |(level, text)| format!(" ({level}): {text}"));
                format!("{level}MQTT-{number}{mark}{says}")
            }
            None => format!("{level}a rule without a number"),
        };
        let (expected, seen) = (visible(&finding.expected), visible(&finding.seen));
        format!("  standard  {cited}\n  expected  {expected}\n  seen      {}\n", self.style.bad(&seen))
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
        if !self.rows.is_empty() {
            text += &self.table();
        }
        if self.crossed {
            for ((owner, mutant), cases) in &self.matrix {
                let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
                text += &format!("a broker that {mutant} ({owner}): seen by {}: {}\n", cases.len(), cases.join(", "));
            }
        }
        let mutants = self.killed + self.survivors.len() as u64;
        if mutants > 0 {
            let survive = count(self.survivors.len() as u64);
            text += &format!("{} of {} mutants killed, {survive} survive\n", count(self.killed), count(mutants));
        }
        let seed = self.started.as_ref().map_or(0, |started| started.seed);
        match &self.ended {
            Some(ended) => {
                let word = match ended.exit_code {
                    0 => "PASS",
                    3 => "FAIL",
                    130 => "INTERRUPTED",
                    8 => "INCONCLUSIVE",
                    4 => "NOTHING RAN",
                    _ => "ERROR",
                };
                let word = if word == "PASS" { self.style.bold(word) } else { self.style.bad(word) };
                let why: String = ended.reasons.iter().map(|reason| format!("; {}", visible(reason))).collect();
                text + &format!("{word} in {}{why}; seed {seed}\n", span(ended.at))
            }
            None => text + &format!("CUT OFF; seed {seed}\n"),
        }
    }

    fn table(&self) -> String {
        let shown: Vec<CaseVerdict> = CaseVerdict::ALL.into_iter().filter(|verdict| self.total(*verdict) > 0).collect();
        let known: u64 = self.rows.values().map(|row| row.known).sum();
        let width = self.rows.values().map(|row| row.chapter.chars().count()).max().unwrap_or(0);
        let line = |name: &str, of: &dyn Fn(CaseVerdict) -> u64, known_here: u64| {
            let mut line = format!("{name:width$}");
            for verdict in &shown {
                let number = match of(*verdict) {
                    0 => "·".to_owned(),
                    number => count(number),
                };
                line += &format!("  {number:>width$}", width = verdict.text().len().max(5));
            }
            if known > 0 {
                line += &format!("  {:>5}", count(known_here));
            }
            line.trim_end().to_owned() + "\n"
        };
        let heads: String = shown.iter().map(|verdict| format!("  {:>5}", verdict.text())).collect();
        let head = format!("{:width$}{heads}{}\n", "", if known > 0 { "  known" } else { "" });
        let rows = self
            .rows
            .values()
            .map(|row| line(&row.chapter, &|verdict| row.counts.get(&verdict).copied().unwrap_or(0), row.known));
        let total = line("", &|verdict| self.total(verdict), known);
        [head].into_iter().chain(rows).chain([total]).collect()
    }

    fn total(&self, verdict: CaseVerdict) -> u64 {
        self.rows.values().filter_map(|row| row.counts.get(&verdict)).sum()
    }
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

/// The packets of a case, one line each with time, peer and text, and the bytes below.
fn transcript(lines: &[TranscriptLine]) -> String {
    /// Bytes of one row of hex.
    const ROW: usize = 24;
    let width = lines.iter().map(|line| line.peer.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        let way = match line.event {
            LineKind::Opened => "o",
            LineKind::Sent => ">",
            LineKind::Received => "<",
            LineKind::Closed => "x",
            LineKind::Remark => "#",
        };
        let at = line.at.as_secs_f64();
        text += &format!("  {at:>9.6}  {:width$} {way} {}\n", visible(&line.peer), visible(&line.text));
        for row in line.hex.as_bytes().chunks(2 * ROW) {
            let pairs: Vec<&str> = row.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or("??")).collect();
            text += &format!("             {:width$}   {}\n", "", pairs.join(" "));
        }
    }
    text
}

/// `3.3 PUBLISH` of `3.3.1-4`. The numbers above section 2 are the same in both standards, but for 4.8 and what follows.
fn chapter(number: &str) -> String {
    if number.is_empty() {
        return "rules without a number".into();
    }
    let mut parts = number.split(['.', '-']);
    let chapter = [parts.next().unwrap_or_default(), parts.next().unwrap_or_default()].join(".");
    let title = match chapter.as_str() {
        "1.5" => "data types",
        "2.1" | "2.2" | "2.3" => "packet format",
        "3.1" => "CONNECT",
        "3.2" => "CONNACK",
        "3.3" => "PUBLISH",
        "3.4" => "PUBACK",
        "3.5" => "PUBREC",
        "3.6" => "PUBREL",
        "3.7" => "PUBCOMP",
        "3.8" => "SUBSCRIBE",
        "3.9" => "SUBACK",
        "3.10" => "UNSUBSCRIBE",
        "3.11" => "UNSUBACK",
        "3.12" => "PINGREQ",
        "3.14" => "DISCONNECT",
        "3.15" => "AUTH",
        "4.1" => "session state",
        "4.2" => "network connections",
        "4.3" => "Quality of Service",
        "4.4" => "delivery retry",
        "4.5" => "message receipt",
        "4.6" => "message ordering",
        "4.7" => "topics",
        "4.8" => "shared subscriptions; errors in 3.1.1",
        "4.9" => "flow control",
        "4.12" => "enhanced authentication",
        "4.13" => "errors",
        "6.0" => "WebSocket",
        _ => "",
    };
    format!("{chapter} {title}").trim_end().to_owned()
}
