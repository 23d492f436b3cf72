//! Many batches of topics, or many scripts of the two senders, several at a time.

use std::{collections::BTreeMap, time::Duration};

use tokio::task::JoinSet;
use wire::Version;

use super::{Discrepancy, Line, Outcome, Site, senders, topics};
use crate::Capability;

/// What is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Topic matching against the naive matcher: 12 filters and up to 24 names in each case.
    Topics,
    /// Two cooperating senders, one of which mutates its packets.
    Senders,
}

impl Kind {
    /// What its own clients need of the target.
    pub const NEEDS: [Capability; 2] = [Capability::Wildcards, Capability::Qos1];
}

/// How to sweep.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What.
    pub kind: Kind,
    /// The versions, taken in turns; at least one.
    pub versions: Vec<Version>,
    /// With the number of a case it makes the case.
    pub seed: u64,
    /// The number of the first case.
    pub first: u64,
    /// How many cases.
    pub cases: u64,
    /// How many at a time, at least 1.
    pub jobs: usize,
    /// The patience with which a finding is tried again before it is believed.
    pub second_patience: Duration,
}

/// What a sweep came to.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// What ran, by version.
    pub ran: BTreeMap<Version, Ran>,
    /// What no conforming server does, each rule once.
    pub found: Vec<Caught>,
    /// What went wrong once and not again.
    pub unrepeated: Vec<Caught>,
    /// The target could not be reached: why.
    pub unreachable: Option<String>,
}

/// The cases of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// How many.
    pub cases: u64,
    /// Of these, those that decided nothing.
    pub void: u64,
    /// Why, of the last one.
    pub void_because: Option<String>,
}

impl Swept {
    /// Cases that ran.
    pub fn cases(&self) -> u64 {
        self.ran.values().map(|ran| ran.cases).sum()
    }

    /// Of these, those that decided nothing.
    pub fn void(&self) -> u64 {
        self.ran.values().map(|ran| ran.void).sum()
    }
}

/// What no conforming server does, with the case that showed it.
#[derive(Clone, Debug)]
pub struct Caught {
    /// Its number; with the seed it can be had again.
    pub case: u64,
    /// What no conforming server does.
    pub discrepancy: Discrepancy,
    /// Every packet; of two senders, those of the shortest script that fails.
    pub transcript: Vec<Line>,
}

/// How often a shorter script of the two senders is tried.
const ATTEMPTS: usize = 60;

/// Runs the cases of a sweep; `progress` is told how many are done.
pub async fn sweep(sweep: &Sweep, site: &Site, mut progress: impl FnMut(u64)) -> Swept {
    let mut swept = Swept::default();
    let mut running = JoinSet::new();
    let mut done = 0;
    let (mut next, end) = (sweep.first, sweep.first.saturating_add(sweep.cases));
    loop {
        while running.len() < sweep.jobs.max(1) && next < end && swept.unreachable.is_none() {
            let (kind, seed, case, site) = (sweep.kind, sweep.seed, next, site.clone());
            let version = sweep.versions[next as usize % sweep.versions.len()];
            next += 1;
            running.spawn(async move { (case, version, run(kind, &site, version, seed, case).await) });
        }
        let Some(joined) = running.join_next().await else { return swept };
        let (case, version, (outcome, transcript)) = match joined {
            Ok(done) => done,
            // A fault of the suite is not to be passed over.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => continue,
        };
        let ran = swept.ran.entry(version).or_default();
        ran.cases += 1;
        done += 1;
        progress(done);
        match outcome {
            Outcome::Allowed => {}
            Outcome::Void(why) => {
                ran.void += 1;
                ran.void_because = Some(why);
            }
            Outcome::Unreachable(why) => swept.unreachable = Some(why),
            Outcome::Broken(discrepancy) => {
                let same = |caught: &Caught| {
                    caught.discrepancy.rule == discrepancy.rule && caught.discrepancy.version == version
                };
                if swept.found.iter().any(same) {
                    continue;
                }
                let patient = site.patience(sweep.second_patience.max(site.patience));
                let again = run(sweep.kind, &patient, version, sweep.seed, case).await;
                let (list, discrepancy, transcript) = match again {
                    (Outcome::Broken(again), transcript) if again.rule == discrepancy.rule => {
                        let shortest = match sweep.kind {
                            Kind::Senders => senders::shrink(site, version, sweep.seed, case, &again, ATTEMPTS).await,
                            Kind::Topics => None,
                        };
                        let (discrepancy, transcript) = shortest.unwrap_or((again, transcript));
                        (&mut swept.found, discrepancy, transcript)
                    }
                    _ => (&mut swept.unrepeated, discrepancy, transcript),
                };
                list.push(Caught { case, discrepancy, transcript });
            }
        }
    }
}

async fn run(kind: Kind, site: &Site, version: Version, seed: u64, case: u64) -> (Outcome, Vec<Line>) {
    match kind {
        Kind::Topics => {
            let outcome = topics::check(site, version, seed, case).await;
            (outcome.err().unwrap_or(Outcome::Allowed), Vec::new())
        }
        Kind::Senders => {
            let played = senders::play(site, version, seed, case).await;
            (played.outcome, played.transcript)
        }
    }
}
