//! `paddock conformance properties`, `replay` and `differential`.

mod tell;

use std::{
    fs,
    path::Path,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use conformance::{
    model::{Dialect, Program},
    properties::{self, Kind, Mix, Outcome, Search, Sweep, Swept},
};
use loadgen::Exit;
use targets::{Running, Target};
use transport::{ClientTls, ClientTlsFiles, Endpoint};
use wire::Version;

use crate::{
    cli::{Differential, Properties, PropertySuite, Protocol, Random, Replay, Site},
    exit::Failure,
};

/// Runs the suites and says what they found.
pub(crate) fn properties(options: Properties) -> Result<ExitCode, Failure> {
    runtime()?.block_on(async {
        let started = start(&options.site).await?;
        let seed = seed(&options.random);
        tell::say(&format!("seed {seed}"));
        let mut ending = Ending::default();
        let wanted = |suite| options.only.is_empty() || options.only.contains(&suite);
        if wanted(PropertySuite::Programs) {
            let mut search = Search::new(mix(&options.random), seed);
            search.cases = options.random.cases.unwrap_or(search.cases);
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
            ending.unreachable = ending.unreachable.or(summary.unreachable);
        }
        for (suite, kind, share) in
            [(PropertySuite::Topics, Kind::Topics, 20), (PropertySuite::Senders, Kind::Senders, 1)]
        {
            if wanted(suite) && ending.unreachable.is_none() {
                let swept = sweep(kind, share, &options, seed, &started.site).await;
                ending.found |= !swept.found.is_empty();
                ending.doubtful |= !swept.unrepeated.is_empty() || swept.cases == swept.void;
                ending.unreachable = ending.unreachable.or(swept.unreachable);
            }
        }
        ending.code()
    })
}

async fn sweep(kind: Kind, share: u64, options: &Properties, seed: u64, site: &properties::Site) -> Swept {
    let cases = options.random.cases.unwrap_or(500).div_ceil(share);
    let versions = match options.random.protocol {
        Some(Protocol::V311) => vec![Version::V3_1_1],
        Some(Protocol::V5) => vec![Version::V5],
        None => vec![Version::V3_1_1, Version::V5],
    };
    let sweep =
        Sweep { kind, versions, seed, cases, jobs: options.jobs.into(), second_patience: Duration::from_secs(5) };
    let name = if kind == Kind::Topics { "batches of topics" } else { "scripts of two senders" };
    let swept = properties::sweep(&sweep, site, tell::progress(name, cases)).await;
    tell::swept(name, &swept, seed);
    swept
}

/// Runs one program.
pub(crate) fn replay(options: Replay) -> Result<ExitCode, Failure> {
    let program = read(&options.file)?;
    runtime()?.block_on(async {
        let started = start(&options.site).await?;
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
        let one = start_at(Some(one.as_str()).filter(|name| *name != "embedded"), options.patience).await?;
        let other = start_at(Some(other.as_str()).filter(|name| *name != "embedded"), options.patience).await?;
        let sites = [&one.site, &other.site];
        let (compared, cases) = match &program {
            Some(program) => (vec![properties::compare(0, program, sites).await], 1),
            None => {
                let seed = seed(&options.random);
                tell::say(&format!("seed {seed}"));
                let cases = options.random.cases.unwrap_or(500);
                let progress = tell::progress("programs on both", cases);
                (properties::differential(&mix(&options.random), seed, cases, sites, progress).await, cases)
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

/// A broker that can be reached, for as long as this lives.
struct Started {
    site: properties::Site,
    _broker: Option<Running>,
}

async fn start(options: &Site) -> Result<Started, Failure> {
    start_at(options.target.as_deref(), options.patience).await
}

async fn start_at(url: Option<&str>, patience: u32) -> Result<Started, Failure> {
    let (url, broker) = match url {
        Some(url) => (url.to_owned(), None),
        None => {
            let target = Target::embedded([]).map_err(Failure::internal)?;
            let running = target.launch().await.map_err(Failure::internal)?;
            (running.address().to_owned(), Some(running))
        }
    };
    let mut endpoint: Endpoint = url.parse().map_err(|error| Failure::usage(format!("--target {url}: {error}")))?;
    let user = endpoint.user.take();
    let password = endpoint.password.take().map(String::into_bytes);
    let mut site = properties::Site::new(endpoint).patience(Duration::from_millis(patience.into()));
    if site.endpoint.scheme.is_tls() {
        let tls =
            ClientTls::read(&ClientTlsFiles::default()).map_err(|error| Failure::usage(format!("TLS: {error}")))?;
        site.dial.tls = Some(tls);
    }
    site.credentials = user.map(|user| (user, password));
    Ok(Started { site, _broker: broker })
}

fn mix(random: &Random) -> Mix {
    let dialects = match random.protocol {
        Some(Protocol::V311) => vec![Dialect::V311],
        Some(Protocol::V5) => vec![Dialect::V5],
        None => vec![Dialect::V311, Dialect::V5],
    };
    Mix { waits: random.waits, ..Mix::of(&dialects) }
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
