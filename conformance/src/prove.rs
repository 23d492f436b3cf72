//! The proof: every case fails with each of its mutants, and passes without them.

use std::{io, sync::Arc, time::Duration};

use faults::{Actions, Proxy, Rules, Seen, Time, Upstream};
use jiff::Timestamp;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use reports::{
    Observation, Sink,
    observation::{CaseFinding, CaseVerdict, Ending, FindingLevel, MutantJudged, SuiteEnded},
};
use tokio::{task::JoinSet, time::Instant};
use transport::{DialOptions, Endpoint, Scheme, dial};
use wire::{Direction, Frame, Version};

use crate::{
    Bench, Case, Chosen, How, Mutant, Script, Site, Subject,
    desk::Desk,
    run::{Plan, seed_of},
    tls::Front,
    trial::{Judgement, Trial},
    websocket::Relay,
};

/// What a proof came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Mutants that their case saw.
    pub killed: u64,
    /// Case, version and mutant that the case did not see.
    pub survivors: Vec<String>,
    /// The exit code.
    pub exit_code: u8,
}

/// How long a mutant may keep a case waiting for what it swallows.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Tries each chosen case of the first target with its own mutants, or with everybody's when `matrix` says so.
///
/// # Errors
///
/// When the sink can no longer be written, or a proxy cannot listen.
pub async fn prove(
    plan: &Plan,
    matrix: bool,
    sink: &mut dyn Sink,
    interrupted: impl Future<Output = ()>,
) -> io::Result<Proof> {
    let began = Instant::now();
    let Some(subject) = plan.targets.first().map(|subject| Arc::new(subject.clone())) else {
        return Ok(Proof { killed: 0, survivors: Vec::new(), exit_code: 4 });
    };
    let mut waiting = attempts(plan, matrix);
    sink.record(&Observation::SuiteStarted(Box::new(plan.frame(waiting.len()))))?;
    if matrix {
        // One case with five hundred mutants at a time would be a flood of its own.
        waiting.shuffle(&mut ChaCha8Rng::seed_from_u64(plan.seed));
    }
    waiting.reverse();
    let mut running = JoinSet::new();
    let mut proof = Proof { killed: 0, survivors: Vec::new(), exit_code: 0 };
    let mut interrupted = std::pin::pin!(interrupted);
    let mut ending = Ending::Completed;
    loop {
        while running.len() < plan.jobs.max(1) {
            let Some(attempt) = waiting.pop() else { break };
            let (subject, deadline) = (Arc::clone(&subject), plan.deadline);
            running.spawn(async move { attempt.run(&subject, deadline).await.map(|seen| (attempt, seen)) });
        }
        let joined = tokio::select! {
            joined = running.join_next() => joined,
            () = &mut interrupted => {
                running.abort_all();
                ending = Ending::Interrupted;
                None
            }
        };
        let Some(joined) = joined else { break };
        let (attempt, seen) = joined.map_err(io::Error::other)??;
        let judged = attempt.judged(seen, began.elapsed());
        if judged.killed {
            proof.killed += 1;
        } else if judged.case == judged.owner {
            proof.survivors.push(format!("{} ({}): {}", judged.case, judged.version, judged.mutant));
        }
        sink.record(&Observation::MutantJudged(Box::new(judged)))?;
    }
    let unproven = proof.survivors.len();
    let mut reasons = if unproven > 0 { vec![format!("{unproven} of the mutants survive")] } else { Vec::new() };
    proof.exit_code = match (ending, unproven, proof.killed) {
        (Ending::Interrupted, ..) => 130,
        (_, 1.., _) => 3,
        (_, 0, 0) => 4,
        (_, 0, _) => 0,
    };
    if proof.exit_code == 4 {
        reasons.push("no mutant was tried".into());
    }
    let (at, ended_at, exit_code) = (began.elapsed(), Timestamp::now(), proof.exit_code);
    sink.record(&Observation::SuiteEnded(SuiteEnded { at, ended_at, ending, exit_code, reasons }))?;
    Ok(proof)
}

/// One case with one mutant.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    chosen: Chosen,
    owner: &'static Case,
    /// Absent for a case that has none: it proves nothing.
    mutant: Option<&'static Mutant>,
    seed: u64,
}

fn attempts(plan: &Plan, matrix: bool) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for chosen in &plan.chosen {
        let attempt = |owner: &'static Case, mutant: Option<&'static Mutant>| {
            let name = mutant.map_or("", |mutant| mutant.name);
            let seed = seed_of((plan.seed, plan.salt, chosen.case.id, chosen.version, owner.id, name));
            Attempt { chosen: *chosen, owner, mutant, seed }
        };
        let fits = |mutant: &&'static Mutant| mutant.version.is_none_or(|version| version == chosen.version);
        let own: Vec<_> = chosen.case.mutants.iter().filter(fits).collect();
        if own.is_empty() {
            attempts.push(attempt(chosen.case, None));
        }
        attempts.extend(own.into_iter().map(|mutant| attempt(chosen.case, Some(mutant))));
        for other in crate::cases::all().filter(|other| matrix && other.id != chosen.case.id) {
            // What a packet of 5.0 has wrong is nothing in 3.1.1.
            let is_one = |mutant: &&Mutant| {
                !matches!(mutant.how, How::Overlooks) || other.versions().any(|version| version == chosen.version)
            };
            let theirs = other.mutants.iter().filter(fits).filter(is_one);
            attempts.extend(theirs.map(|mutant| attempt(other, Some(mutant))));
        }
    }
    attempts
}

/// What a case said with a mutant, and without.
struct Tried {
    with: Judgement,
    without: Option<Judgement>,
}

impl Attempt {
    async fn run(&self, subject: &Subject, deadline: Duration) -> io::Result<Tried> {
        let Some(site) = subject.site_for(&self.chosen) else {
            return Ok(Tried { with: nothing(CaseVerdict::Error, "there is no target"), without: None });
        };
        let Some(how) = self.mutant.map(|mutant| mutant.how) else {
            let with = nothing(CaseVerdict::Pass, "the case has no mutant in this version");
            return Ok(Tried { with, without: None });
        };
        let trial = |site: Site, salt: u64| Trial {
            chosen: self.chosen,
            site: Arc::new(site),
            deadline,
            seed: self.seed.wrapping_add(salt),
        };
        // A mutant that its own case does not see may be none: only then the case is also tried without it.
        let own = self.owner.id == self.chosen.case.id;
        let without = if own { Some(self.unmutated(how, &site, &trial).await?) } else { None };
        let hasty = Site { patience: PATIENCE, ..Site::clone(&site) };
        let mut with = self.mutated(how, &hasty, subject, &|site| trial(site, 1)).await?;
        // On a busy machine the case may not have come to its point. What another's mutant seems to cause may be haste, for that
        // case is not tried without it: it must come again with whole patience.
        let doubtful = if own { with.verdict == CaseVerdict::Inconclusive } else { self.caught(&with).is_some() };
        if doubtful {
            with = self.mutated(how, &site, subject, &|site| trial(site, 2)).await?;
        }
        Ok(Tried { with, without })
    }

    /// The case without its mutant. Once more when it did not come to its point, as on a busy machine.
    async fn unmutated(&self, how: How, site: &Site, trial: &impl Fn(Site, u64) -> Trial) -> io::Result<Judgement> {
        let mut without = Judgement::without(CaseVerdict::Inconclusive, String::new());
        for salt in [0, 3] {
            without = match how {
                // Behind a proxy, too, so that the mutant is the only difference.
                How::Rules(_) | How::Overlooks => self.behind(site, Rules::none(), &|site| trial(site, salt)).await?,
                _ => trial(site.clone(), salt).run().await,
            };
            if without.verdict != CaseVerdict::Inconclusive {
                break;
            }
        }
        Ok(without)
    }

    /// The case with its mutant.
    async fn mutated(
        &self,
        how: How,
        site: &Site,
        subject: &Subject,
        trial: &impl Fn(Site) -> Trial,
    ) -> io::Result<Judgement> {
        let find = |name: &str| subject.sites.iter().find(|site| site.configuration == name);
        match how {
            How::Rules(rules) => self.behind(site, rules(), trial).await,
            How::Overlooks => match overlooking(self.owner, self.chosen.version, site) {
                Some(rules) => self.behind(site, rules, trial).await,
                None => Ok(nothing(CaseVerdict::Error, "the packet of the mutant's case is not malformed")),
            },
            How::Configuration(name) => {
                let Some(wrong) = find(name) else {
                    return Ok(nothing(CaseVerdict::Error, &format!("there is no configuration {name}")));
                };
                let site = Site { endpoints: wrong.endpoints.clone(), tls: wrong.tls.clone(), ..site.clone() };
                Ok(trial(site).run().await)
            }
            How::Apart(names) => {
                let nodes = names.iter().filter_map(|name| find(name)?.endpoints.first().cloned()).collect();
                Ok(trial(Site { nodes, ..site.clone() }).run().await)
            }
            How::WebSocket(lie) => {
                let Some(broker) = site.endpoint(Scheme::Ws) else {
                    return Ok(nothing(CaseVerdict::NotApplicable, "the case needs no WebSocket listener"));
                };
                let relay = Relay::start(broker.clone(), lie).await?;
                Ok(trial(site.with(relay.endpoint(broker))).run().await)
            }
            How::Tls(lie) => {
                let Some(broker) = site.endpoint(Scheme::Mqtts).or_else(|| site.endpoint(Scheme::Wss)) else {
                    return Ok(nothing(CaseVerdict::NotApplicable, "the case needs no TLS listener"));
                };
                let front = Front::start(broker.clone(), site.tls.clone(), lie).await?;
                let site = Site { tls: Some(front.trusted()), ..site.with(front.endpoint(broker)) };
                Ok(trial(site).run().await)
            }
        }
    }

    /// The case against a correct broker behind a proxy.
    async fn behind(&self, site: &Site, rules: Rules, trial: &impl Fn(Site) -> Trial) -> io::Result<Judgement> {
        let (behind, version) = (Arc::new(site.clone()), self.chosen.version);
        let upstream = Upstream::dialled(move || {
            let site = Arc::clone(&behind);
            async move {
                let endpoint = site.first_endpoint(version).ok_or_else(|| io::Error::other("no address"))?;
                let options = DialOptions { tls: site.tls.clone(), ..DialOptions::default() };
                dial(endpoint, &options).await.map_err(io::Error::other)
            }
        });
        let proxy = Proxy::start(upstream, rules, self.seed).await?;
        let address: Endpoint = format!("mqtt://{}", proxy.address()).parse().map_err(io::Error::other)?;
        // The first node of a cluster is behind it, too.
        let nodes = site.nodes.iter().enumerate().map(|(node, own)| if node == 0 { &address } else { own }).cloned();
        let nodes = nodes.collect();
        Ok(trial(Site { endpoints: vec![address], endpoint_of_5: None, nodes, ..site.clone() }).run().await)
    }

    /// The finding that is about something that the case decides, and weighs as much as the mutant.
    fn caught<'a>(&self, judgement: &'a Judgement) -> Option<&'a CaseFinding> {
        let (case, version) = (self.chosen.case, self.chosen.version);
        let advice = self.mutant.is_some_and(|mutant| mutant.advice);
        let weighs = |finding: &&CaseFinding| advice || finding.level == FindingLevel::Must;
        judgement.findings.iter().filter(weighs).find(|finding| match finding.statement.as_deref() {
            Some(statement) => case.numbers(version).any(|number| number == statement),
            None => case.rules(version).next().is_some(),
        })
    }

    fn judged(&self, seen: Tried, at: Duration) -> MutantJudged {
        let caught = self.caught(&seen.with);
        let sound = seen.without.as_ref().is_none_or(|without| without.verdict == CaseVerdict::Pass);
        let told = match (&seen.without, caught) {
            (Some(without), _) if !sound => {
                format!("without the mutant it does not pass: {}", summary(without))
            }
            (_, Some(finding)) => format!("expected {}, seen {}", finding.expected, finding.seen),
            _ => summary(&seen.with),
        };
        MutantJudged {
            at,
            case: self.chosen.case.id.to_owned(),
            version: self.chosen.version.to_string(),
            owner: self.owner.id.to_owned(),
            mutant: self.mutant.map_or("has no fault", |mutant| mutant.name).to_owned(),
            verdict: seen.with.verdict,
            killed: caught.is_some() && sound,
            seen: told,
        }
    }
}

impl Site {
    /// With this in the place of its listener for the same scheme.
    fn with(&self, endpoint: Endpoint) -> Self {
        let mut site = self.clone();
        for own in site.endpoints.iter_mut().filter(|own| own.scheme == endpoint.scheme) {
            *own = endpoint.clone();
        }
        site
    }
}

/// A broker that does not see what is wrong with the packet of `owner`; `None` when nothing is.
fn overlooking(owner: &Case, version: Version, site: &Site) -> Option<Rules> {
    let Script::Row(_, packet, _) = owner.script else { return None };
    let bench = Bench::new(Desk::new(version, Arc::new(site.clone()), "mutant".into()));
    let refusal = move |frame: &Frame| frame.parse(version, Direction::FromClient).err().map(|breach| breach.what);
    let wrong = refusal(&Frame::new(packet(&bench).encode()))?;
    Some(faults::rule(move |_: Time, seen: Seen<'_>, actions: &mut Actions<'_>| {
        if let Seen::Frame(Direction::FromClient, frame) = seen
            && refusal(frame).is_some_and(|what| what == wrong)
        {
            actions.swallow();
        }
    }))
}

/// A case that was not tried.
fn nothing(verdict: CaseVerdict, reason: &str) -> Judgement {
    Judgement::without(verdict, reason.into())
}

/// A judgement in one line.
fn summary(judgement: &Judgement) -> String {
    let findings = judgement.findings.iter().map(|finding| {
        let statement = finding.statement.as_deref().unwrap_or("no number");
        format!("{statement}: expected {}, seen {}", finding.expected, finding.seen)
    });
    let reason = Some(judgement.reason.clone()).filter(|reason| !reason.is_empty());
    [judgement.verdict.text().to_owned()].into_iter().chain(reason).chain(findings).collect::<Vec<_>>().join("; ")
}
