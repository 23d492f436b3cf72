//! The frame around the figures: what was planned, the account, the verdict.

use std::time::Duration;

use jiff::Timestamp;
use protocol::QoS;
use reports::{
    Observation, metric,
    observation::{
        DeviceGroup, Ending, GeneratorHealth, Health, Ledger, LedgerCounts, LedgerRow, PlannedStage, Qos, Role,
        RunEnded, RunStarted, SCHEMA, ScenarioInfo, Witness, WitnessKind,
    },
};
use scenarios::{Scenario, model::SubscriberGroup};

use super::{Plan, book::Book, program, recorder::Recorder, resources};
use crate::{
    Exit,
    judge::{self, Failure},
    ledger::{Account, Counts, Fault},
    measure::{Meter, percentiles},
};

/// Lag of the slowest of a thousand messages above which the generator, not the target, was measured.
const LAG_LIMIT: Duration = Duration::from_millis(5);
/// So many late messages at least make a saturated generator: a short run is not condemned for one hiccup of the machine.
const LATE_AT_LEAST: u64 = 10;
/// Lag worth a note.
const LAG_NOTE: Duration = Duration::from_millis(1);
/// Processor time of the generator's one thread worth a note.
const CPU_NOTE: f64 = 0.8;

/// Records what is known before the first message.
pub(super) fn frame(plan: &Plan, book: &mut Book, file_limit: Option<u64>, connections: u64) {
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
    book.record(&Observation::RunStarted(Box::new(RunStarted {
        schema: SCHEMA,
        tool: plan.tool.clone(),
        run_id: plan.run_id.to_string(),
        seed: plan.seed,
        started_at: Timestamp::now(),
        scenario: ScenarioInfo {
            name: scenario.name.to_string(),
            title: scenario.title.clone(),
            description: scenario.description.clone(),
            phase: None,
        },
        target: plan.described.clone(),
        command: plan.command.clone(),
        stages: stages.collect(),
        groups: devices.chain(scenario.subscribers.iter().map(subscriber)).collect(),
        thresholds: scenario.thresholds.iter().map(ToString::to_string).collect(),
        environment: resources::environment(file_limit, plan.process.is_some()),
        preflight: file_limit.map(|limit| resources::file_check(connections, limit)).into_iter().collect(),
    })));
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

/// Records the account, the distributions and the generator's health.
pub(super) fn figures(
    book: &mut Book,
    recorder: &mut Recorder,
    stages: &[String],
    groups: &[String],
    clients: impl Fn(u32) -> String,
    own_cpu: Option<f64>,
) {
    let account = recorder.ledger.close();
    for witness in &account.witnesses {
        if let Some(witness) = testimony(witness, recorder, groups, &clients) {
            book.record(&Observation::Witness(witness));
        }
    }
    book.record(&Observation::Ledger(ledger(&account, stages, groups)));
    for record in recorder.meter.records() {
        book.record(&Observation::Histogram(record));
    }
    book.record(&Observation::GeneratorHealth(health(&recorder.meter, own_cpu)));
}

/// Judges the thresholds and the run, and records its end.
pub(super) fn conclude(
    scenario: &Scenario,
    book: &mut Book,
    ending: Ending,
    at: Duration,
    failure: Option<&Failure>,
) -> (Exit, Vec<String>, bool) {
    // A run that did not begin has nothing to judge.
    if failure.is_none() {
        for threshold in &scenario.thresholds {
            let outcome = judge::evaluate(threshold, &book.summary);
            book.record(&Observation::Threshold(outcome));
        }
    }
    let (exit, reasons) = judge::verdict(&book.summary, failure);
    book.record(&Observation::RunEnded(RunEnded {
        at,
        ended_at: Timestamp::now(),
        ending,
        verdict: exit.verdict(),
        exit_code: exit.code(),
        reasons: reasons.clone(),
    }));
    (exit, reasons, ending == Ending::Interrupted)
}

fn ledger(account: &Account, stages: &[String], groups: &[String]) -> Ledger {
    let rows = account.rows.iter().map(|row| LedgerRow {
        qos: qos(row.key.qos),
        group: groups[usize::from(row.key.group)].clone(),
        stage: stages[usize::from(row.key.stage)].clone(),
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

fn testimony(
    witness: &crate::ledger::Witness,
    recorder: &Recorder,
    groups: &[String],
    clients: impl Fn(u32) -> String,
) -> Option<Witness> {
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
        client: clients(witness.stream.device()),
        group: groups[usize::from(info.group)].clone(),
        subscriber: witness.reader.map_or_else(String::new, |it| recorder.ledger.audience().name(it).to_owned()),
        stream: witness.stream.value(),
        sequence: witness.sequence,
        qos: qos(info.qos),
        intended: witness.intended?,
        received: witness.received,
    })
}

fn health(meter: &Meter, own_cpu: Option<f64>) -> GeneratorHealth {
    let lag = meter.measured(metric::GENERATOR_LAG);
    let lag_p999 = Duration::from_nanos(if lag.is_empty() { 0 } else { lag.value_at_quantile(0.999) });
    let cpu = own_cpu.map_or_else(|| "unknown".to_owned(), |cpu| format!("{:.0}% of a core", cpu * 100.0));
    let late = lag.count_between(LAG_LIMIT.as_nanos() as u64, u64::MAX);
    let (health, cause) = if lag_p999 > LAG_LIMIT && late >= LATE_AT_LEAST {
        let cause = format!(
            "one in a thousand messages left more than {lag_p999:.1?} after its intended start although its connection \
             could take it (limit {LAG_LIMIT:?}); this process used {cpu}"
        );
        (Health::Saturated, cause)
    } else if lag_p999 > LAG_NOTE || own_cpu.is_some_and(|cpu| cpu > CPU_NOTE) {
        (Health::Strained, format!("p99.9 of the generator's lag was {lag_p999:.1?}; this process used {cpu}"))
    } else {
        (Health::Sound, String::new())
    };
    GeneratorHealth { health, lag: percentiles(&lag), lag_p999, cpu: own_cpu, cause }
}

fn qos(qos: QoS) -> Qos {
    Qos::ALL[qos as usize]
}
