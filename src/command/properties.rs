//! `paddock conformance properties`, `replay` and `differential`.

mod start;
mod tell;

use std::{
    fs,
    io::{self, Write},
    ops::Range,
    path::Path,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ::conformance::{
    model::Program,
    properties::{self, Ended, Kind, Observed, Outcome, Search, Suite, Sweep},
};
use loadgen::Exit;
use reports::{Sink, Tee};

use self::start::{Started, start, start_at};
use super::{conformance, interrupt::Interrupt, run::command_line};
use crate::{
    cli::{Differential, Properties, PropertySuite, Protocol, Random, Replay},
    exit::{Failure, INTERRUPTED},
};

/// Runs the suites and says what they found.
pub(crate) fn properties(options: Properties) -> Result<ExitCode, Failure> {
    if let Some(folder) = options.out.as_deref().filter(|folder| !folder.is_dir()) {
        return Err(Failure::usage(format!("--out {}: there is no such folder; make it first", folder.display())));
    }
    let (files, takes_standard_output) = conformance::create(options.observations.as_deref(), &options.files)?;
    // A file that can no longer be written ends no run.
    let mut sink: Box<dyn Sink> = Box::new(Tee::new(vec![Box::new(files)]));
    let mut out: Box<dyn Write> = if takes_standard_output { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
    until_interrupted(async {
        let seed = seed(&options.random);
        let started = start(&options.site, seed).await?;
        tell::say(&mut out, &format!("seed {seed}"));
        let observed = Observed::new(started.described.clone(), seed, &options.random.making());
        let ending = Ending::default();
        let mut suites = Suites { options: &options, seed, started: &started, out: &mut out, observed, ending };
        let wanted = |suite| options.only.is_empty() || options.only.contains(&suite);
        if wanted(PropertySuite::Programs) {
            suites.programs().await?;
        }
        if wanted(PropertySuite::Topics) {
            suites.sweep(Kind::Topics, 20).await?;
        }
        if wanted(PropertySuite::Senders) {
            suites.sweep(Kind::Senders, 1).await?;
        }
        let Suites { observed, ending, .. } = suites;
        let ended = Ended { exit_code: ending.exit().code(), unreachable: ending.unreachable.clone() };
        observed.record(conformance::tool(), command_line(), ended, &mut *sink).map_err(Failure::internal)?;
        sink.finish().map_err(Failure::usage)?;
        ending.code()
    })
}

/// The suites of one run.
struct Suites<'a> {
    options: &'a Properties,
    seed: u64,
    started: &'a Started,
    out: &'a mut dyn Write,
    observed: Observed,
    ending: Ending,
}

impl Suites<'_> {
    async fn programs(&mut self) -> Result<(), Failure> {
        let (options, started) = (self.options, self.started);
        let mut search = Search::new(started.mix(&options.random)?, self.seed);
        let cases = cases(&options.random, 1);
        (search.first, search.cases) = (cases.start, cases.end - cases.start);
        (search.jobs, search.findings) = (options.jobs.into(), options.findings.into());
        let progress = tell::progress(Suite::Programs.cases(), search.cases);
        let summary = properties::search(&search, &started.site, progress).await;
        tell::programs(self.out, &summary, self.seed);
        for (place, found) in summary.found.iter().enumerate() {
            if let Some(folder) = &options.out {
                write(&folder.join(format!("finding-{}.toml", place + 1)), &found.to_text(self.seed))?;
            }
        }
        self.observed.programs(&started.versions(&options.random)?, &summary);
        self.ending.found |= !summary.found.is_empty();
        self.ending.doubtful |= !summary.unrepeated.is_empty() || summary.cases == summary.void;
        self.ending.unreachable = summary.unreachable;
        Ok(())
    }

    /// Runs one case in `share`.
    async fn sweep(&mut self, kind: Kind, share: u64) -> Result<(), Failure> {
        let (options, started, suite) = (self.options, self.started, Suite::from(kind));
        let versions = started.versions(&options.random)?;
        if self.ending.unreachable.is_some() {
            self.observed.missed(suite, &versions);
            return Ok(());
        }
        if let Some(lacking) = started.lacks(&Kind::NEEDS) {
            tell::say(self.out, &format!("no {}: the target lacks {lacking}", suite.cases()));
            self.observed.lacks(suite, &versions, lacking);
            return Ok(());
        }
        let cases = cases(&options.random, share);
        let sweep = Sweep {
            kind,
            versions,
            seed: self.seed,
            first: cases.start,
            cases: cases.end - cases.start,
            jobs: options.jobs.into(),
            second_patience: Duration::from_secs(5),
        };
        let progress = tell::progress(suite.cases(), sweep.cases);
        let swept = properties::sweep(&sweep, &started.site, progress).await;
        tell::swept(self.out, suite, &swept, self.seed);
        self.observed.swept(kind, &sweep.versions, &swept);
        self.ending.found |= !swept.found.is_empty();
        self.ending.doubtful |= !swept.unrepeated.is_empty() || swept.cases() == swept.void();
        self.ending.unreachable = swept.unreachable;
        Ok(())
    }
}

/// Runs one program.
pub(crate) fn replay(options: Replay) -> Result<ExitCode, Failure> {
    let program = read(&options.file)?;
    until_interrupted(async {
        let started = start(&options.site, 0).await?;
        let mut ending = Ending::default();
        for run in 1..=options.repeat {
            let report = properties::execute(&program, &started.site).await;
            tell::run(&mut io::stdout(), run, &report);
            match &report.outcome {
                Outcome::Allowed => {}
                Outcome::Void(_) => ending.doubtful = true,
                Outcome::Unreachable(why) => ending.unreachable = Some(why.clone()),
                Outcome::Broken(discrepancy) => {
                    ending.found = true;
                    if options.shrink {
                        let rule = discrepancy.rule.clone();
                        let shortest = properties::shrink(&program, 500, async |program| {
                            let outcome = properties::execute(program, &started.site).await.outcome;
                            matches!(outcome, Outcome::Broken(discrepancy) if discrepancy.rule == rule)
                        });
                        tell::say(&mut io::stdout(), &shortest.await.to_text(&discrepancy.to_string()));
                    }
                    break;
                }
            }
        }
        ending.code()
    })
}

/// Runs programs on two brokers.
pub(crate) fn differential(options: Differential) -> Result<ExitCode, Failure> {
    let [one, other] = options.target.as_slice() else {
        return Err(Failure::usage("name two brokers: --target A --target B"));
    };
    let program = options.program.as_deref().map(read).transpose()?;
    until_interrupted(async {
        let seed = seed(&options.random);
        let one = start_at(one, options.patience, seed).await?;
        let other = start_at(other, options.patience, seed).await?;
        let sites = [&one.site, &other.site];
        let (compared, cases) = match &program {
            Some(program) => (vec![properties::compare(0, program, sites).await], 1),
            None => {
                tell::say(&mut io::stdout(), &format!("seed {seed}"));
                let cases = cases(&options.random, 1);
                let count = cases.end - cases.start;
                let progress = tell::progress("programs on both", count);
                let mix = other.restrict(one.mix(&options.random)?)?;
                (properties::differential(&mix, seed, cases, sites, progress).await, count)
            }
        };
        tell::compared(&mut io::stdout(), &compared, cases, &options.target);
        let mut ending = Ending::default();
        // What nothing explains somebody has to look at; and who decides nothing must not look like who agrees.
        let void = compared.iter().filter(|compared| compared.is_void().is_some()).count() as u64;
        ending.doubtful = void == cases || compared.iter().any(|compared| compared.unexplained() > 0);
        for report in compared.iter().flat_map(|compared| &compared.reports) {
            match &report.outcome {
                Outcome::Broken(_) => ending.found = true,
                Outcome::Unreachable(why) => ending.unreachable = Some(why.clone()),
                Outcome::Allowed | Outcome::Void(_) => {}
            }
        }
        ending.code()
    })
}

/// What a verb ends with.
#[derive(Default)]
struct Ending {
    found: bool,
    doubtful: bool,
    unreachable: Option<String>,
}

impl Ending {
    fn exit(&self) -> Exit {
        match self {
            Self { unreachable: Some(_), .. } => Exit::Unreachable,
            Self { found: true, .. } => Exit::Violations,
            Self { doubtful: true, .. } => Exit::Inconclusive,
            Self { .. } => Exit::Pass,
        }
    }

    fn code(self) -> Result<ExitCode, Failure> {
        let exit = self.exit();
        self.unreachable.map_or(Ok(exit.code().into()), |why| Err(Failure::unreachable(why)))
    }
}

impl Random {
    /// What makes the cases beside the seed, as the command takes it.
    fn making(&self) -> Vec<&'static str> {
        let protocol = self.protocol.map(|protocol| match protocol {
            Protocol::V311 => "--protocol 3.1.1",
            Protocol::V5 => "--protocol 5",
        });
        protocol.into_iter().chain(self.waits.then_some("--waits")).collect()
    }
}

/// The numbers of the cases of a suite that runs one in `share`.
fn cases(random: &Random, share: u64) -> Range<u64> {
    match random.case {
        Some(case) => case..case.saturating_add(1),
        None => 0..random.cases.unwrap_or(500).div_ceil(share),
    }
}

fn seed(random: &Random) -> u64 {
    random
        .seed
        .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos().into()))
}

fn read(file: &Path) -> Result<Program, Failure> {
    let text = fs::read_to_string(file).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    Program::parse(&text).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}

/// Does `work`; Ctrl-C and SIGTERM give it up, and end the broker that was started for it.
fn until_interrupted(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    runtime.block_on(async {
        let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
        interrupt.unless(work).await.unwrap_or_else(|| Ok(INTERRUPTED.into()))
    })
}
