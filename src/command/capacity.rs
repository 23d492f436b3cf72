//! `paddock capacity`: how much a target can do.

mod ceiling;
mod machine;
mod sink;

use std::{
    cell::Cell,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use jiff::Timestamp;
use loadgen::{
    Exit, MetricsPage, Plan,
    capacity::{Frame, Hunt, Job, Shape, Step, search::Settings},
};
use reports::{
    Sink,
    capacity::{CapacityFolder, StepKind, Subject, block, outcome as came_out, quantity},
    observation::Tool,
};
use scenarios::{Scenario, model};
use transport::Scheme;

use super::{
    interrupt::Interrupt,
    run::{self, command_line},
    say,
    target::{self, Named},
    under_test::{self, Broker},
    watched::Watched,
};
use crate::{
    cli::{self, Capacity, Overrides, SearchDimension},
    exit::Failure,
};
pub(crate) use sink::run as null_sink;

/// Searches; the answer is in the exit code, the terminal and the folder.
pub(crate) fn run(options: Capacity) -> Result<ExitCode, Failure> {
    let overrides = Overrides { duration: None, seed: options.seed, engine: options.engine };
    let job = cli::Job { scenario: options.scenario.clone(), target: options.target, overrides };
    let mut scenario = target::scenario(&job)?;
    override_slo(&mut scenario, &options.slo)?;
    let named = if options.ceiling { Named::Embedded } else { target::named(&job.target, &scenario)? };
    let whole = Given {
        dimension: options.search.map_or(scenario.search.dimension, dimension),
        start: options.start,
        max: options.max,
        tolerance: options.tolerance,
        confirm: options.confirm,
        step_length: options.step_length,
    };
    let metrics = options.metrics.page().map_err(Failure::usage)?;
    let base = scenario.output.folder.clone();
    let over_tcp = !matches!(&named, Named::At(endpoint) if endpoint.scheme == Scheme::Unix);
    let search = whole.job(scenario, over_tcp)?;
    let known = options.ceiling_of.as_deref().map(|file| ceiling::read(file, &search.shape)).transpose()?;
    let folder = match &options.out {
        Some(path) => CapacityFolder::at(path),
        None => CapacityFolder::create(&base, search.shape.base().name.as_str(), Timestamp::now()),
    };
    let folder = folder.map_err(Failure::usage)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    runtime.block_on(async {
        let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
        let watched =
            options.live.map(|address| Watched::start(address, options.live_linger.as_deref())).transpose()?;
        let plain = sink::options();
        let ground = match options.ceiling {
            true => Ground::sink(&plain, &folder, watched.as_ref()).await?,
            false => Ground {
                broker: Broker::reach(named).await?,
                options: &job.target,
                folder: &folder,
                subject: Subject::Broker,
                metrics: metrics.as_ref(),
                watched: watched.as_ref(),
            },
        };
        if metrics.is_none() {
            ground.broker.tell_unseen(under_test::HINT);
        }
        let frame = ground.frame(search.shape.base())?;
        let mut hunt = Hunt::new(search, frame);
        let done = ground.search(&mut hunt, &mut interrupt).await;
        ground.broker.stop().await?;
        done?;
        if let Some(needed) = hunt.needs_ceiling() {
            ceiling::settle(&mut hunt, needed, known, (&folder, watched.as_ref()), &mut interrupt).await?;
        }
        let exit = hunt.conclude();
        write(&folder, &hunt)?;
        say(block(hunt.document(), &folder.page()))?;
        if let Some(watched) = watched {
            watched.conclude(&folder.page());
            watched.close(interrupt.received()).await;
        }
        Ok(exit.into())
    })
}

/// What the command line says of the search.
#[derive(Clone, Copy)]
struct Given {
    dimension: model::Dimension,
    start: Option<f64>,
    max: Option<f64>,
    tolerance: Option<f64>,
    confirm: Option<u32>,
    step_length: Option<Duration>,
}

impl Given {
    fn job(self, scenario: Scenario, over_tcp: bool) -> Result<Job, Failure> {
        let stated = scenario.search.clone();
        let ours = self.dimension == stated.dimension;
        let hold = self.step_length.unwrap_or(stated.step_length);
        let shape = Shape::new(scenario, self.dimension, hold).map_err(Failure::usage)?;
        let least = shape.least();
        let allowed = machine::most(&shape, over_tcp);
        let asked = self.max.or(stated.max.filter(|_| ours));
        let (most, most_because, most_resource) = match asked {
            Some(asked) if asked < allowed.most => (asked, "the search was to go no further (max)".to_owned(), None),
            _ => (allowed.most, allowed.because, allowed.resource),
        };
        if let Some(max) = self.max.filter(|max| !max.is_finite()) {
            return Err(Failure::usage(format!("--max {max}: a search ends at a figure")));
        }
        if most.is_nan() || most < least {
            let unit = match self.dimension {
                model::Dimension::Rate => "messages per second",
                model::Dimension::Connections => "connections, which the scenario opens already",
                model::Dimension::FanOut => "subscriber",
            };
            return Err(Failure::usage(format!(
                "the search may go to {most} and begins at {least} {unit}: raise --max"
            )));
        }
        let start = self.start.or(stated.start.filter(|_| ours)).unwrap_or_else(|| shape.own());
        if !start.is_finite() || start <= 0.0 {
            return Err(Failure::usage(format!("--start {start}: a search begins above 0")));
        }
        if let Some(max) = self.max.filter(|max| self.start.is_some_and(|start| start > *max)) {
            return Err(Failure::usage(format!("--start {start} is above --max {max}")));
        }
        let whole = self.dimension != model::Dimension::Rate;
        let start = if whole { start.round() } else { start };
        let settings = Settings {
            start: start.clamp(least.min(start), most),
            least: least.min(start),
            most: if whole { most.floor() } else { most },
            tolerance: self.tolerance.unwrap_or(stated.tolerance),
            confirmations: self.confirm.unwrap_or(stated.confirm),
            whole,
        };
        Ok(Job { shape, settings, most_because, most_resource, hold, confirmation_hold: hold * 3 })
    }
}

fn dimension(given: SearchDimension) -> model::Dimension {
    match given {
        SearchDimension::Rate => model::Dimension::Rate,
        SearchDimension::Connections => model::Dimension::Connections,
        SearchDimension::FanOut => model::Dimension::FanOut,
    }
}

/// Reads the SLO of the command line, which replaces the scenario's.
fn override_slo(scenario: &mut Scenario, slo: &[String]) -> Result<(), Failure> {
    let mut demands: Vec<model::Threshold> = Vec::new();
    for text in slo {
        let wrong = |why: String| Failure::usage(format!("--slo {text}: {why}"));
        let demand = scenarios::demand(text).map_err(wrong)?;
        if let Some(absent) = demand.series.selectors.iter().find(|selector| !scenario.has(selector)) {
            return Err(wrong(format!("{} has no {absent}", scenario.name)));
        }
        // What is said twice is demanded once.
        if !demands.contains(&demand) {
            demands.push(demand);
        }
        if let Some((earlier, _)) = model::conflict(&demands) {
            return Err(wrong(format!("it and `{}` can never both hold: leave one of them out", demands[earlier])));
        }
    }
    if !demands.is_empty() {
        scenario.search.slo = demands;
    }
    Ok(())
}

/// How long a broker that nobody listens for may take to come back, as a supervisor starts one again.
const RETURN: Duration = Duration::from_secs(5);

/// Where steps are run.
struct Ground<'a> {
    broker: Broker,
    options: &'a cli::Target,
    folder: &'a CapacityFolder,
    subject: Subject,
    metrics: Option<&'a MetricsPage>,
    watched: Option<&'a Watched>,
}

impl<'a> Ground<'a> {
    /// A null sink of its own.
    async fn sink(
        options: &'a cli::Target,
        folder: &'a CapacityFolder,
        watched: Option<&'a Watched>,
    ) -> Result<Self, Failure> {
        let broker = sink::launch().await?;
        Ok(Self { broker, options, folder, subject: Subject::Generator, metrics: None, watched })
    }

    fn frame(&self, scenario: &Scenario) -> Result<Frame, Failure> {
        let plan = self.plan(scenario.clone())?;
        Ok(Frame {
            tool: Tool { name: "paddock".into(), version: env!("CARGO_PKG_VERSION").into() },
            seed: plan.seed,
            command: command_line(),
            target: plan.described,
            subject: self.subject,
        })
    }

    fn plan(&self, mut scenario: Scenario) -> Result<Plan, Failure> {
        if self.subject == Subject::Generator {
            // It has no address, users or certificates but its own.
            scenario.set_target(&model::Address::Embedded);
            scenario.brokers.iter_mut().for_each(|broker| broker.credentials = None);
        }
        // Of its own for each step, also on a broker of our own: sessions and retained messages of one are nothing to the next.
        let run_id = target::unique_id(scenario.seed);
        let mut plan = run::plan(scenario, &self.broker, self.options, run_id)?;
        run::keep_apart(&mut plan.target, run_id)?;
        plan.clear_retained = true;
        plan.metrics = self.metrics.cloned();
        if self.subject == Subject::Generator {
            // Whoever keeps nothing has nothing to clear.
            plan.clear_retained = false;
        }
        Ok(plan)
    }

    /// Runs every step that `hunt` asks for.
    async fn search(&self, hunt: &mut Hunt, interrupt: &mut Interrupt) -> Result<(), Failure> {
        write(self.folder, hunt)?;
        while let Some(step) = hunt.next() {
            let trying = trying(hunt, &step);
            tell(&trying);
            let folder = self.folder.step(&step.folder).map_err(Failure::usage)?;
            let plan = self.plan(step.scenario)?;
            let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(run::files(&folder, &plan.scenario)?)];
            sinks.extend(self.watched.map(|watched| watched.part(on_page(hunt, &trying))));
            let told = Cell::new(false);
            let ctrl_c = async {
                interrupt.received().await;
                told.set(true);
            };
            let mut outcome = loadgen::run(plan, sinks, ctrl_c).await;
            // A run that had not begun is given up, which it does not call interrupted.
            outcome.interrupted |= told.get();
            if let Some(unwritten) = &outcome.unwritten {
                return Err(Failure::usage(format!("{unwritten}; the run folder is {}", folder.path().display())));
            }
            let gone = match outcome.exit == Exit::Pass || outcome.interrupted {
                true => None,
                false => self.broker.is_gone(RETURN).await,
            };
            match gone {
                Some(how) => hunt.lose(&outcome, &how),
                None => hunt.learn(&outcome),
            }
            let document = hunt.document();
            if let Some(last) = document.steps.last() {
                tell(&format!("  {}", came_out(document.search.dimension, last)));
            }
            write(self.folder, hunt)?;
        }
        Ok(())
    }
}

fn write(folder: &CapacityFolder, hunt: &Hunt) -> Result<(), Failure> {
    let unwritable = |error| Failure::usage(format!("cannot write {}: {error}", folder.document().display()));
    folder.write(hunt.document()).map_err(unwritable)
}

/// What is tried next, in one line.
fn trying(hunt: &Hunt, step: &Step) -> String {
    let search = &hunt.document().search;
    let what = match (step.trial.kind, step.trial.attempt) {
        (StepKind::WarmUp, _) => "warming up",
        (_, 2..) => "once more",
        (StepKind::Doubling, _) => "searching",
        (StepKind::Bisection, _) => "narrowing",
        (StepKind::Confirmation, _) => "confirming",
    };
    let asked = quantity(search.dimension, step.trial.figure);
    let hold = model::format_duration(step.hold);
    format!("step {}, {what}: {asked} for {hold}", step.number)
}

/// The same for who looks on, with what was found so far.
fn on_page(hunt: &Hunt, trying: &str) -> String {
    let document = hunt.document();
    let whose = if document.subject == Subject::Generator { "The generator's own ceiling, " } else { "Search: " };
    let held = document.held.map_or("nothing".to_owned(), |held| quantity(document.search.dimension, held));
    format!("{whose}{trying}. {held} held so far.")
}

/// Progress, on stderr.
fn tell(line: &str) {
    let mut stderr = io::stderr().lock();
    // Whoever closed it wants no progress.
    let _unread = writeln!(stderr, "{line}").and_then(|()| stderr.flush());
}
