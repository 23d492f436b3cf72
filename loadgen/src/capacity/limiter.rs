//! Which resource ended a search, from what its steps recorded.

use reports::capacity::{Limiter, Resource, Step, StepVerdict};

/// A target that is so near a whole number of cores is taken to have that many busy threads.
const NEAR: f64 = 0.12;
/// The share of the machine's cores at which it is full.
const FULL: f64 = 0.9;
/// Messages that wait for the target, as a share.
const HELD_UP: f64 = 0.005;
/// Memory that grows so much faster than what was asked for, and by at least so many bytes.
const GROWTH: f64 = 1.5;
const GROWTH_BYTES: u64 = 64 << 20;

/// What ended the search at `ended`, the step that did not hold; `held` is the highest that did. `cores` are those of the
/// machine when the target shares it with the generator.
pub(super) fn limiter(ended: &Step, held: Option<&Step>, cores: Option<u32>) -> Option<Limiter> {
    if ended.verdict == StepVerdict::Saturated {
        return Some(Limiter { resource: Resource::Generator, evidence: ended.reason.clone() });
    }
    if ended.verdict != StepVerdict::Broke {
        return None;
    }
    let waiting = ended.not_sent + ended.unacknowledged;
    let (resource, evidence) = if let Some(evidence) = busy(ended, cores) {
        (Resource::BrokerCpu, evidence)
    } else if let Some(evidence) = grown(ended, held) {
        (Resource::BrokerMemory, evidence)
    } else if waiting as f64 > HELD_UP * ended.intended as f64 {
        (Resource::BackPressure, format!("{waiting} of {} messages were not taken or acknowledged", ended.intended))
    } else if ended.intended == 0 {
        (Resource::Connections, ended.reason.clone())
    } else if ended.lost > 0 {
        (Resource::Loss, format!("{} deliveries never came", ended.lost))
    } else if let Some(cpu) = ended.broker.cpu {
        (Resource::LatencyWithoutCpu, format!("{}; it used {cpu:.2} cores", missed(ended)))
    } else {
        (Resource::Latency, format!("{}; what the target used is not known", missed(ended)))
    };
    Some(Limiter { resource, evidence })
}

fn missed(step: &Step) -> &str {
    step.reason.strip_prefix("missed: ").unwrap_or(&step.reason)
}

/// Evidence that whole cores were busy.
fn busy(step: &Step, cores: Option<u32>) -> Option<String> {
    let cpu = step.broker.cpu?;
    let generator = step.generator.cpu.unwrap_or(0.0);
    let threads = cpu.round();
    if threads >= 1.0 && (cpu - threads).abs() <= NEAR {
        let plural =
            if threads == 1.0 { "one core, as one busy thread does" } else { "whole cores, as busy threads do" };
        return Some(format!("it used {cpu:.2} cores: {plural}"));
    }
    let cores = f64::from(cores?);
    (cpu + generator >= FULL * cores).then(|| {
        format!("it used {cpu:.2} cores and the generator {generator:.2}, of {cores} on the machine that they share")
    })
}

/// Evidence that memory grew out of proportion.
fn grown(ended: &Step, held: Option<&Step>) -> Option<String> {
    let held = held?;
    let (before, after) = (held.broker.rss_bytes?, ended.broker.rss_bytes?);
    let (grown, asked) = (after as f64 / before.max(1) as f64, ended.asked / held.asked);
    (after > before + GROWTH_BYTES && grown > GROWTH * asked).then(|| {
        let mib = |bytes: u64| bytes / (1 << 20);
        format!("it grew from {} MiB to {} MiB while {asked:.2} times as much was asked", mib(before), mib(after))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reports::capacity::{BrokerLoad, GeneratorLoad, StepKind};

    use super::*;

    fn broke(asked: f64) -> Step {
        Step {
            number: 1,
            kind: StepKind::Bisection,
            attempt: 1,
            asked,
            achieved: None,
            hold: Duration::from_secs(10),
            verdict: StepVerdict::Broke,
            reason: "missed: e2e: p(99)<200ms (observed 2s)".to_owned(),
            slo: Vec::new(),
            sent_per_second: None,
            received_per_second: None,
            latency: None,
            connect: None,
            connections: 0,
            intended: 10_000,
            lost: 0,
            duplicated: 0,
            not_sent: 0,
            unacknowledged: 0,
            generator: GeneratorLoad { health: None, lag_p999: None, cpu: Some(0.3) },
            broker: BrokerLoad::default(),
            folder: String::new(),
        }
    }

    fn used(cpu: f64) -> BrokerLoad {
        BrokerLoad { cpu: Some(cpu), ..BrokerLoad::default() }
    }

    fn resource(step: &Step, held: Option<&Step>, cores: Option<u32>) -> Resource {
        limiter(step, held, cores).expect("it broke").resource
    }

    #[test]
    fn a_busy_thread_or_a_full_machine_is_the_processor() {
        let with = |cpu| Step { broker: used(cpu), ..broke(4000.0) };
        assert_eq!(resource(&with(0.97), None, None), Resource::BrokerCpu);
        assert_eq!(resource(&with(3.05), None, Some(16)), Resource::BrokerCpu);
        assert_eq!(resource(&with(1.55), None, Some(2)), Resource::BrokerCpu, "with the generator the machine is full");
        assert_eq!(resource(&with(0.4), None, Some(2)), Resource::LatencyWithoutCpu);
        assert_eq!(resource(&broke(4000.0), None, Some(2)), Resource::Latency);
    }

    #[test]
    fn what_did_not_come_back_comes_before_latency() {
        let idle = Step { broker: used(0.2), ..broke(4000.0) };
        assert_eq!(resource(&Step { lost: 3, ..idle.clone() }, None, None), Resource::Loss);
        assert_eq!(resource(&Step { lost: 3, unacknowledged: 60, ..idle.clone() }, None, None), Resource::BackPressure);
        assert_eq!(resource(&Step { intended: 0, ..idle.clone() }, None, None), Resource::Connections);
        let memory = |bytes| BrokerLoad { rss_bytes: Some(bytes), ..used(0.2) };
        let held = Step { broker: memory(50 << 20), asked: 3500.0, verdict: StepVerdict::Held, ..idle.clone() };
        let grown = Step { broker: memory(900 << 20), ..idle.clone() };
        assert_eq!(resource(&grown, Some(&held), None), Resource::BrokerMemory);
        let saturated = Step { verdict: StepVerdict::Saturated, ..idle };
        assert_eq!(resource(&saturated, None, None), Resource::Generator);
    }
}
