//! Runs that are made for the comparison, each with a fresh broker and fresh sessions.

use std::{cell::Cell, path::PathBuf};

use loadgen::{Exit, MetricsPage};
use reports::RunFolder;
use scenarios::Scenario;

use crate::{
    cli,
    command::{
        interrupt::Interrupt,
        run,
        target::{self, EMBEDDED, Named},
        under_test::{self, Broker},
    },
    exit::Failure,
};

/// One run to make.
pub(super) struct Turn {
    /// 0 for the base, 1 for the new side.
    pub(super) side: usize,
    /// The same in a word.
    pub(super) role: &'static str,
    /// The broker, as it is shown.
    pub(super) name: String,
    /// The broker, and how it is talked to; no broker is the reference broker.
    pub(super) target: cli::Target,
    /// Its own page of metrics, where one was named.
    pub(super) metrics: Option<MetricsPage>,
    /// Where it leaves its files.
    pub(super) folder: PathBuf,
}

/// How the measuring ended.
pub(super) enum Ended {
    /// Every run was made, whatever it found.
    Completed,
    /// By Ctrl-C.
    Interrupted {
        /// How many runs had begun.
        begun: usize,
    },
    /// By a broker that could not be started or did not answer. Its run has left its files like the others.
    GivenUp {
        /// How many runs had begun.
        begun: usize,
        /// Why.
        failure: Failure,
    },
}

/// The broker that a side names.
pub(super) fn named(side: &str) -> Result<Named, Failure> {
    target::named_by(side)?.ok_or_else(|| {
        Failure::usage(format!(
            "{side} is neither a folder with runs nor a broker to measure: a broker is embedded, a descriptor such as \
             mosquitto, or a URL such as mqtt://192.0.2.7:1883"
        ))
    })
}

/// Refuses what the scenario does to a broker that it cannot be done to.
pub(super) fn check(scenario: &str, read: &Scenario, side: &str) -> Result<(), Failure> {
    under_test::refuse_events(scenario, read, &named(side)?)
}

/// Makes all runs, one after the other.
pub(super) fn all(scenario: &Scenario, turns: &[Turn]) -> Result<Ended, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    runtime.block_on(async {
        let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
        let mut met = [false; 2];
        for (nth, turn) in turns.iter().enumerate() {
            let (of, role, name) = (turns.len(), turn.role, &turn.name);
            progress(&format!("run {} of {of}: {role}, {name}", nth + 1));
            let begun = nth + 1;
            let broker = match Broker::reach(named(turn.target.target.as_deref().unwrap_or(EMBEDDED))?).await {
                Ok(broker) => broker,
                Err(failure) => {
                    let folder = RunFolder::at(&turn.folder).map_err(Failure::usage)?;
                    run::stillborn::record(&failure, target::unique_id(scenario.seed), name, &folder, scenario)?;
                    return Ok(Ended::GivenUp { begun, failure });
                }
            };
            if !std::mem::replace(&mut met[turn.side], true) && turn.metrics.is_none() {
                broker.tell_unseen(["; --metrics URL reads them", "; --new-metrics URL reads them"][turn.side]);
            }
            match one(scenario.clone(), turn, broker, &mut interrupt).await? {
                How::Ran => {}
                How::Interrupted => return Ok(Ended::Interrupted { begun }),
                // The other runs of this side would say the same, each after as long a wait.
                How::Unreached(why) => return Ok(Ended::GivenUp { begun, failure: Failure::unreachable(why) }),
            }
        }
        Ok(Ended::Completed)
    })
}

/// How a run went.
enum How {
    Ran,
    Interrupted,
    /// The broker never answered; why.
    Unreached(String),
}

async fn one(scenario: Scenario, turn: &Turn, broker: Broker, interrupt: &mut Interrupt) -> Result<How, Failure> {
    let folder = RunFolder::at(&turn.folder).map_err(Failure::usage)?;
    // Of its own for each run: sessions and retained messages of one are nothing to the next.
    let run_id = target::unique_id(scenario.seed);
    let mut plan = run::plan(scenario, &broker, &turn.target, run_id)?;
    run::keep_apart(&mut plan.target, run_id)?;
    plan.metrics.clone_from(&turn.metrics);
    let files = run::files(&folder, &plan.scenario)?;
    let told = Cell::new(false);
    let ctrl_c = async {
        interrupt.received().await;
        told.set(true);
    };
    let outcome = loadgen::run(plan, vec![Box::new(files)], ctrl_c).await;
    broker.stop().await?;
    if let Some(unwritten) = outcome.unwritten {
        return Err(Failure::usage(format!("{unwritten}; the run folder is {}", folder.path().display())));
    }
    let reasons = outcome.reasons.first().map_or_else(String::new, |reason| format!(": {reason}"));
    progress(&format!("  {:?}, exit code {}{reasons}", outcome.verdict, outcome.exit).to_lowercase());
    // A run that had not begun is given up, which it does not call interrupted.
    if outcome.interrupted || told.get() {
        return Ok(How::Interrupted);
    }
    Ok(match outcome.exit {
        Exit::Unreachable if !outcome.answered => {
            How::Unreached(outcome.reasons.into_iter().next().unwrap_or_default())
        }
        _ => How::Ran,
    })
}

#[expect(clippy::print_stderr, reason = "progress of minutes belongs on stderr, and the result on stdout")]
fn progress(text: &str) {
    eprintln!("{text}");
}
