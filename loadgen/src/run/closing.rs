//! The frame around the figures: what was planned, the account, the verdict.

use std::time::Duration;

use jiff::Timestamp;
use reports::{
    Observation, metric,
    observation::{
        DeviceGroup, Ending, Evidence, Ledger, LedgerCounts, LedgerRow, PlannedStage, Qos, Role, RunEnded, RunStarted,
        SCHEMA, ScenarioInfo, SegmentInfo, Witness, WitnessKind,
    },
};
use scenarios::{
    Scenario,
    model::{Requests, SubscriberGroup},
};
use sha2::{Digest, Sha256};

use super::{Plan, appointment::Appointment, chronicle::Chronicle, preflight, program, recorder::Recorder, resources};
use crate::{
    Exit,
    judge::{self, Failure, Machine},
    ledger::{Account, Counts, Fault, quality},
    schedule::Segment,
};

/// Records what is known before the first message.
pub(super) fn frame(
    plan: &Plan,
    file_limit: Option<u64>,
    connections: u64,
    appointment: &Appointment,
    record: impl FnOnce(Observation),
) {
    let scenario = &plan.scenario;
    let stages = program::parts(scenario).into_iter().map(|part| PlannedStage {
        start: part.span.begins,
        duration: part.length(),
        rate: part.rate,
        measured: part.span.measured,
        name: part.span.name,
    });
    let devices = scenario.devices.iter().map(|group| DeviceGroup {
        name: group.name.to_string(),
        model: group.model.to_string(),
        role: Role::Device,
        count: u64::from(group.count),
        qos: group.qos.and_then(|qos| Qos::try_from(qos.level()).ok()),
    });
    record(Observation::RunStarted(Box::new(RunStarted {
        schema: SCHEMA,
        tool: plan.tool.clone(),
        run_id: plan.run_id.to_string(),
        seed: plan.seed,
        started_at: appointment.wall,
        scenario: ScenarioInfo {
            name: scenario.name.to_string(),
            title: scenario.title.clone(),
            description: scenario.description.clone(),
            phase: None,
        },
        target: plan.described.clone(),
        command: plan.command.clone(),
        stages: stages.collect(),
        groups: devices
            .chain(scenario.subscribers.iter().map(subscriber))
            .chain(scenario.requests.iter().map(requester))
            .collect(),
        thresholds: scenario.thresholds.iter().map(ToString::to_string).collect(),
        environment: resources::environment(file_limit, plan.process.is_some() || resources::is_here(&plan.target)),
        preflight: file_limit
            .map(|limit| resources::file_check(connections, limit))
            .into_iter()
            .chain(resources::port_check(&plan.target, connections))
            .chain(preflight::settings())
            .collect(),
        segments: (!plan.segment.is_whole()).then(|| segment(plan, appointment)).into_iter().collect(),
    })));
}

fn segment(plan: &Plan, appointment: &Appointment) -> SegmentInfo {
    SegmentInfo {
        index: plan.segment.index(),
        count: plan.segment.count(),
        started_at: appointment.wall,
        agreed: plan.start_at.is_some(),
        plan: fingerprint(&plan.scenario, plan.seed),
        machine: resources::machine(),
        clock_error: resources::clock_error(),
        reading_error: appointment.reading_error,
    }
}

/// Equal where everything is equal that decides who sends what to whom, and when. Segments run the same version, so what a
/// type's fields are called may go into it.
fn fingerprint(scenario: &Scenario, seed: u64) -> String {
    let Scenario { devices, subscribers, requests, stages, events, network, day, thresholds, barns, .. } = scenario;
    let clients = format!("{seed} {barns:?} {devices:?} {subscribers:?} {requests:?} {} {day:?}", scenario.epoch_ms);
    // What a trace says, not what its file is called on each machine.
    let traces: Vec<_> = scenario.traces.iter().map(|trace| (&trace.starts, trace.repeat)).collect();
    let load = format!("{stages:?} {traces:?} {events:?} {network:?} {:?} {:?}", scenario.warm_up, scenario.drain);
    let text = format!("{clients} {load} {thresholds:?}");
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn requester(requests: &Requests) -> DeviceGroup {
    DeviceGroup {
        name: requests.name.to_string(),
        model: "requests".to_owned(),
        role: Role::Requester,
        count: u64::from(requests.requesters),
        qos: Qos::try_from(requests.qos.level()).ok(),
    }
}

fn subscriber(group: &SubscriberGroup) -> DeviceGroup {
    let idle = group.subscriptions.is_empty();
    DeviceGroup {
        name: group.name.to_string(),
        model: group.role.name().to_owned(),
        role: if idle { Role::Idle } else { Role::Subscriber },
        count: u64::from(group.count),
        qos: group.subscriptions.first().and_then(|one| Qos::try_from(one.qos.level()).ok()),
    }
}

/// What the account's numbers stand for.
pub(super) struct Names {
    pub(super) stages: Vec<String>,
    pub(super) groups: Vec<String>,
    /// Of devices.
    pub(super) clients: Vec<String>,
    /// In a split run, who received and when.
    pub(super) split: Option<Evidence>,
}

/// Records the account, the distributions and the generator's health.
pub(super) fn figures(
    chronicle: &mut Chronicle,
    recorder: &mut Recorder,
    names: &Names,
    limit: Duration,
    machine: Machine,
) {
    let account = recorder.ledger.close();
    for witness in &account.witnesses {
        if let Some(witness) = testimony(witness, recorder, names) {
            chronicle.record(&Observation::Witness(witness));
        }
    }
    if let Some(split) = &names.split {
        chronicle.record(&Observation::Evidence(Box::new(split.clone())));
        recorder.ledger.evidence(&names.clients, |evidence| {
            chronicle.record(&Observation::Evidence(Box::new(evidence)));
        });
    }
    chronicle.record(&Observation::Ledger(ledger(&account, names)));
    for record in recorder.meter.records() {
        chronicle.record(&Observation::Histogram(record));
    }
    let lag = recorder.meter.measured(metric::GENERATOR_LAG);
    let evidence =
        judge::Evidence { lag: &lag, offers: recorder.meter.offers(), cpu: chronicle.own_cpu(), limit, machine };
    chronicle.record(&Observation::GeneratorHealth(judge::health(&evidence)));
}

/// Judges the thresholds and the run, and records its end.
pub(super) fn conclude(
    plan: &Plan,
    chronicle: &mut Chronicle,
    ending: Ending,
    at: Duration,
    failure: Option<&Failure>,
) -> (Exit, Vec<String>) {
    // A run that did not begin has nothing to judge. The jury of a segment has no thresholds: they are about the whole of a run.
    if !chronicle.summary.stages().is_empty() {
        for outcome in chronicle.jury.outcomes(&chronicle.summary) {
            chronicle.record(&Observation::Threshold(outcome));
        }
    }
    let (mut exit, mut reasons) = judge::verdict(&chronicle.summary, failure);
    if ending == Ending::Interrupted && exit == Exit::Pass {
        // Half a run that held is no pass for whoever reads only the verdict.
        exit = Exit::Inconclusive;
        reasons.push("interrupted: what was measured so far held".to_owned());
    }
    if !plan.segment.is_whole() {
        exit = Exit::worst([exit, Exit::Inconclusive].into_iter().filter(|exit| *exit != Exit::NothingRan));
        // What went wrong here is said first.
        let place = if exit == Exit::Inconclusive { 0 } else { reasons.len() };
        reasons.insert(place, partial(plan.segment));
    }
    chronicle.record(&Observation::RunEnded(RunEnded {
        at,
        ended_at: Timestamp::now(),
        ending,
        verdict: exit.verdict(),
        exit_code: if ending == Ending::Interrupted { Exit::INTERRUPTED } else { exit.code() },
        reasons: reasons.clone(),
    }));
    (exit, reasons)
}

/// A share of a run that held is no pass for whoever reads only its verdict.
fn partial(segment: Segment) -> String {
    format!(
        "partial: this is segment {segment} alone, and losses and thresholds are judged for all {} of them: \
         paddock report merge",
        segment.count()
    )
}

fn ledger(account: &Account, names: &Names) -> Ledger {
    let rows = account.rows.iter().map(|row| LedgerRow {
        qos: quality(row.key.qos),
        group: names.groups[usize::from(row.key.group)].clone(),
        stage: names.stages[usize::from(row.key.stage)].clone(),
        counts: counts(&row.counts),
    });
    Ledger { rows: rows.collect() }
}

fn counts(counts: &Counts) -> LedgerCounts {
    LedgerCounts {
        intended: counts.intended,
        published: counts.published,
        not_sent: counts.not_sent(),
        unacknowledged: counts.unacknowledged + counts.refused,
        expected: counts.expected(),
        received: counts.received,
        lost: counts.lost,
        duplicated: counts.duplicated,
        reordered: counts.reordered,
        late: counts.late,
    }
}

fn testimony(witness: &crate::ledger::Witness, recorder: &Recorder, names: &Names) -> Option<Witness> {
    let info = recorder.ledger.stream(witness.stream)?;
    let fault = match witness.fault {
        Fault::Lost => WitnessKind::Lost,
        Fault::Duplicated => WitnessKind::Duplicated,
        Fault::Reordered => WitnessKind::Reordered,
        Fault::Late => WitnessKind::Late,
        Fault::NotSent => WitnessKind::NotSent,
        Fault::Unacknowledged | Fault::Refused => WitnessKind::Unacknowledged,
    };
    Some(Witness {
        fault,
        topic: info.topic.to_string(),
        client: names.clients.get(witness.stream.device() as usize).cloned().unwrap_or_default(),
        group: names.groups[usize::from(info.group)].clone(),
        subscriber: witness.reader.map_or_else(String::new, |it| recorder.ledger.audience().name(it).to_owned()),
        stream: witness.stream.value(),
        sequence: witness.sequence,
        qos: quality(info.qos),
        intended: witness.intended,
        received: witness.received,
    })
}
