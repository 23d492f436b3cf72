//! `paddock conformance properties`, `replay` and `differential`.

mod start;
mod tell;

use std::{
    fs,
    ops::Range,
    path::Path,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use conformance::{
    Capability,
    model::Program,
    properties::{self, Kind, Outcome, Search, Sweep},
};
use loadgen::Exit;

use self::start::{Started, start, start_at};
use crate::{
    cli::{Differential, Properties, PropertySuite, Random, Replay},
    exit::Failure,
};

/// Runs the suites and says what they found.
pub(crate) fn properties(options: Properties) -> Result<ExitCode, Failure> {
    runtime()?.block_on(async {
        let seed = seed(&options.random);
        let started = start(&options.site, seed).await?;
        tell::say(&format!("seed {seed}"));
        let mut ending = Ending::default();
        let wanted = |suite| options.only.is_empty() || options.only.contains(&suite);
        if wanted(PropertySuite::Programs) {
            programs(&options, seed, &started, &mut ending).await?;
        }
        for (suite, kind, share) in
            [(PropertySuite::Topics, Kind::Topics, 20), (PropertySuite::Senders, Kind::Senders, 1)]
        {
            if wanted(suite) && ending.unreachable.is_none() {
                sweep(kind, share, &options, seed, &started, &mut ending).await?;
            }
        }
        ending.code()
    })
}

async fn programs(options: &Properties, seed: u64, started: &Started, ending: &mut Ending) -> Result<(), Failure> {
    let mut search = Search::new(started.mix(&options.random)?, seed);
    let cases = cases(&options.random, 1);
    (search.first, search.cases) = (cases.start, cases.end - cases.start);
    (search.jobs, search.findings) = (options.jobs.into(), options.findings.into());
    let summary = properties::search(&search, &started.site, tell::progress("programs", search.cases)).await;
    tell::programs(&summary, seed);
    for (place, found) in summary.found.iter().enumerate() {
        if let Some(folder) = &options.out {
            write(&folder.join(format!("finding-{}.toml", place + 1)), &found.to_text(seed))?;
        }
    }
    ending.found |= !summary.found.is_empty();
    ending.doubtful |= !summary.unrepeated.is_empty() || summary.cases == summary.void;
    ending.unreachable = summary.unreachable;
    Ok(())
}

/// What the clients of these suites do themselves.
const NEEDS: [Capability; 2] = [Capability::Wildcards, Capability::Qos1];

async fn sweep(
    kind: Kind,
    share: u64,
    options: &Properties,
    seed: u64,
    started: &Started,
    ending: &mut Ending,
) -> Result<(), Failure> {
    let (name, suite) = match kind {
        Kind::Topics => ("batches of topics", "topics"),
        Kind::Senders => ("scripts of two senders", "senders"),
    };
    if let Some(lacking) = started.lacks(&NEEDS) {
        tell::say(&format!("no {name}: the target lacks {lacking}"));
        return Ok(());
    }
    let cases = cases(&options.random, share);
    let sweep = Sweep {
        kind,
        versions: started.versions(&options.random)?,
        seed,
        first: cases.start,
        cases: cases.end - cases.start,
        jobs: options.jobs.into(),
        second_patience: Duration::from_secs(5),
    };
    let swept = properties::sweep(&sweep, &started.site, tell::progress(name, sweep.cases)).await;
    tell::swept(name, suite, &swept, seed);
    ending.found |= !swept.found.is_empty();
    ending.doubtful |= !swept.unrepeated.is_empty() || swept.cases == swept.void;
    ending.unreachable = swept.unreachable;
    Ok(())
}

/// Runs one program.
pub(crate) fn replay(options: Replay) -> Result<ExitCode, Failure> {
    let program = read(&options.file)?;
    runtime()?.block_on(async {
        let started = start(&options.site, 0).await?;
        let mut ending = Ending::default();
        for run in 1..=options.repeat {
            let report = properties::execute(&program, &started.site).await;
            tell::run(run, &report);
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
                        tell::say(&shortest.await.to_text(&discrepancy.to_string()));
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
    runtime()?.block_on(async {
        let seed = seed(&options.random);
        let one = start_at(one, options.patience, seed).await?;
        let other = start_at(other, options.patience, seed).await?;
        let sites = [&one.site, &other.site];
        let (compared, cases) = match &program {
            Some(program) => (vec![properties::compare(0, program, sites).await], 1),
            None => {
                tell::say(&format!("seed {seed}"));
                let cases = cases(&options.random, 1);
                let count = cases.end - cases.start;
                let progress = tell::progress("programs on both", count);
                let mix = other.restrict(one.mix(&options.random)?)?;
                (properties::differential(&mix, seed, cases, sites, progress).await, count)
            }
        };
        tell::compared(&compared, cases, &options.target);
        let mut ending = Ending::default();
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
    fn code(self) -> Result<ExitCode, Failure> {
        match self {
            Self { unreachable: Some(why), .. } => Err(Failure::unreachable(why)),
            Self { found: true, .. } => Ok(Exit::Violations.code().into()),
            Self { doubtful: true, .. } => Ok(Exit::Inconclusive.code().into()),
            Self { .. } => Ok(ExitCode::SUCCESS),
        }
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

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)
}
