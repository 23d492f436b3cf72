//! Whether the generator, not the target, was measured.
//!
//! | finding | health |
//! |---|---|
//! | more than 0.5 % of the intended starts were not offered, through the generator's own fault | saturated |
//! | the judged quantile of its lag is above the limit of the scenario | saturated |
//! | p99.9 of its lag is above 1 ms, or it used more than 80 % of a core | strained |
//!
//! What is no fault of the generator does not count: a message that waits for the target (flow control, a full socket, no
//! connection) was offered when it was handed to its client, and the wait is no lag.
//!
//! A saturated generator is told with what kept it from running, most important first: its control group's quota, the host of
//! a virtual machine (`steal`), other programs (the time that its thread was ready and waited for a processor), itself (more than
//! 80 % of a core). When none of these explains it, the process was stopped or blocked. Send queues are the other half of the
//! evidence: empty ones say that the target took whatever was written, so that the lag is the generator's alone; what waited
//! behind full ones is left out of its lag.
//!
//! The judged quantile is the highest one, p99.9 at most, that ten samples lie beyond: an estimate from fewer says more
//! about one hiccup of the machine than about the generator. From 10,000 messages on it is p99.9; of 2,000 messages it is
//! p99.5; 20 messages or fewer tell nothing.

use std::time::Duration;

use hdrhistogram::Histogram;
use reports::{
    figures,
    observation::{GeneratorHealth, Health, Percentiles},
};

/// What is known of the generator, over the measured stages.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Nanoseconds from intended start to writing, waits for the target left out.
    pub lag: &'a Histogram<u64>,
    /// How many starts came to be.
    pub offers: Offers,
    /// Processor time of the process per elapsed time, when known.
    pub cpu: Option<f64>,
    /// Lag above which the generator was measured, not the target.
    pub limit: Duration,
    /// What kept it from running.
    pub machine: Machine,
}

/// What of this machine kept the generator from running, over the load. What could not be read is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Machine {
    /// How long the load took; 0 when nothing is known.
    pub elapsed: Duration,
    /// How long its one thread was ready to run and waited for a processor.
    pub waited: Option<Duration>,
    /// The share of the processors' time that the host of a virtual machine took away.
    pub stolen: Option<f64>,
    /// How often the quota of its control group was used up, and for how long it stood still then.
    pub throttled: Option<(u64, Duration)>,
    /// The most bytes that waited in the send queues toward the target in a second in which messages were late.
    pub send_queue: Option<u64>,
}

/// What became of the starts that the schedule asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// All of them.
    pub intended: u64,
    /// Those that the generator never came to.
    pub missed: u64,
}

/// Lag worth a note.
const LAG_NOTE: Duration = Duration::from_millis(1);
/// Processor time of the generator's one thread worth a note.
const CPU_NOTE: f64 = 0.8;
/// The share of starts that may go without being offered.
const MISSED_LIMIT: f64 = 0.005;
/// The share of the load's time that a cause must explain to be told.
const CAUSE_NOTE: f64 = 0.01;
/// What Linux gives one connection's send buffer at first: fewer bytes in all of them fill none.
const SEND_BUFFER: u64 = 16_384;
/// So many samples lie beyond a quantile that is judged.
const BEYOND: u64 = 10;

/// Judges the generator.
pub fn health(evidence: &Evidence<'_>) -> GeneratorHealth {
    let Evidence { lag, offers, cpu, limit, machine } = *evidence;
    let lag_p999 = at(lag, 0.999);
    let used = cpu.map_or_else(String::new, |cpu| format!("; this process used {:.0} % of a core", cpu * 100.0));
    let why = why(&machine, cpu);
    let missed = offers.missed as f64 / offers.intended.max(1) as f64;
    let quantile = judged_quantile(lag.len());
    let judged = quantile.map_or(Duration::ZERO, |quantile| at(lag, quantile));
    let (health, cause) = if missed > MISSED_LIMIT {
        let cause = format!(
            "{} of {} intended messages ({:.1} %, limit {} %) were never offered because the generator did not come to \
             them in time{why}{used}",
            figures::count(offers.missed),
            figures::count(offers.intended),
            missed * 100.0,
            MISSED_LIMIT * 100.0,
        );
        (Health::Saturated, cause)
    } else if judged > limit {
        let percentile = quantile.map_or(0.0, |quantile| (quantile * 1e4).floor() / 1e2);
        let cause = format!(
            "p{percentile} of its lag was {} (limit {limit:?}, of {} messages), waits for the target left \
             out{why}{used}",
            figures::latency(judged),
            figures::count(lag.len()),
        );
        (Health::Saturated, cause)
    } else if lag_p999 > LAG_NOTE || cpu.is_some_and(|cpu| cpu > CPU_NOTE) {
        (
            Health::Strained,
            format!("p99.9 of the generator's lag was {}{}{used}", figures::latency(lag_p999), causes(&machine, cpu)),
        )
    } else {
        (Health::Sound, String::new())
    };
    GeneratorHealth { health, lag: Percentiles::of(lag), lag_p999, cpu, cause }
}

/// What kept the generator from running, and what its send queues say of the target; a clause to append.
fn why(machine: &Machine, cpu: Option<f64>) -> String {
    if machine.elapsed.is_zero() {
        return String::new();
    }
    let mut all = causes(machine, cpu);
    if all.is_empty() {
        all.push_str("; it had the processor when it wanted it: it was stopped, or blocked by a disk or a terminal");
    }
    match machine.send_queue {
        None => {}
        Some(0) => all.push_str("; its send queues were empty: the target did not hold it up"),
        // Written a moment ago, or not acknowledged yet by a peer that has it.
        Some(bytes @ ..SEND_BUFFER) => {
            all.push_str(&format!(
                "; its send queues were all but empty ({}): the target did not hold it up",
                figures::bytes(bytes as f64)
            ));
        }
        Some(bytes) => {
            all.push_str(&format!("; its send queues held up to {} for the target", figures::bytes(bytes as f64)));
        }
    }
    all
}

/// What took so much of the load's time that it may be the cause, the most first; a clause to append, empty for nothing.
fn causes(machine: &Machine, cpu: Option<f64>) -> String {
    let elapsed = machine.elapsed.as_secs_f64();
    let mut found: Vec<(f64, String)> = Vec::new();
    if let Some((times, stood)) = machine.throttled {
        let text = format!(
            "its control group used up its processor quota {times} times and stood still for {}",
            figures::span(stood)
        );
        found.push((stood.as_secs_f64() / elapsed, text));
    }
    if let Some(stolen) = machine.stolen {
        let text = format!("the host took {:.0} % of this machine's processor time away (steal)", stolen * 100.0);
        found.push((stolen, text));
    }
    if let Some(waited) = machine.waited {
        let text = format!(
            "it waited {} of {} for a processor that others had",
            figures::span(waited),
            figures::span(machine.elapsed)
        );
        found.push((waited.as_secs_f64() / elapsed, text));
    }
    if let Some(cpu) = cpu.filter(|cpu| *cpu > CPU_NOTE) {
        found.push((cpu, "its own work filled its one thread".to_owned()));
    }
    found.retain(|(share, _)| *share > CAUSE_NOTE);
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().map(|(_, text)| format!("; {text}")).collect()
}

/// The highest quantile, 0.999 at most, beyond which [`BEYOND`] of `samples` lie; `None` when that is below the median.
fn judged_quantile(samples: u64) -> Option<f64> {
    let quantile = 1.0 - BEYOND as f64 / samples.max(1) as f64;
    (quantile > 0.5).then_some(quantile.min(0.999))
}

fn at(lag: &Histogram<u64>, quantile: f64) -> Duration {
    Duration::from_nanos(if lag.is_empty() { 0 } else { lag.value_at_quantile(quantile) })
}

#[cfg(test)]
mod tests {
    use reports::observation::house_histogram;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(5);
    const ALL_OFFERED: Offers = Offers { intended: 1000, missed: 0 };

    /// So many messages without lag, and so many with 20 ms.
    fn lag(prompt: u64, late: u64) -> Histogram<u64> {
        let mut lag = house_histogram();
        lag.record_n(50_000, prompt).unwrap();
        lag.record_n(20_000_000, late).unwrap();
        lag
    }

    fn judged(lag: &Histogram<u64>, offers: Offers) -> GeneratorHealth {
        health(&Evidence { lag, offers, cpu: Some(0.4), limit: LIMIT, machine: Machine::default() })
    }

    #[test]
    fn one_in_a_thousand_late_is_still_sound() {
        let health = judged(&lag(99_900, 100), ALL_OFFERED);
        assert_eq!((health.health, health.cause.as_str()), (Health::Sound, ""));
        assert_eq!(health.lag_p999.as_micros(), 50);
    }

    #[test]
    fn more_than_one_in_a_thousand_late_is_saturated() {
        let health = judged(&lag(99_890, 110), ALL_OFFERED);
        assert_eq!(health.health, Health::Saturated);
        assert_eq!(
            health.cause,
            "p99.9 of its lag was 20.0 ms (limit 5ms, of 100,000 messages), waits for the target left out; \
             this process used 40 % of a core"
        );
    }

    #[test]
    fn a_scenario_may_bear_more() {
        let patient = Evidence {
            lag: &lag(0, 1000),
            offers: ALL_OFFERED,
            cpu: None,
            limit: Duration::from_millis(250),
            machine: Machine::default(),
        };
        assert_eq!(health(&patient).health, Health::Strained);
        assert_eq!(health(&Evidence { limit: LIMIT, ..patient }).health, Health::Saturated);
        let just = at(patient.lag, 0.999);
        assert_eq!(health(&Evidence { limit: just, ..patient }).health, Health::Strained, "the limit itself is borne");
    }

    #[test]
    fn a_short_run_is_judged_by_a_quantile_that_ten_samples_lie_beyond() {
        // p99.9 of 1,000 messages is decided by two of them.
        assert_eq!(judged(&lag(995, 5), ALL_OFFERED).health, Health::Strained);
        let late = judged(&lag(989, 11), ALL_OFFERED);
        assert_eq!(late.health, Health::Saturated);
        assert!(late.cause.starts_with("p99 of its lag was 20.0 ms"), "{}", late.cause);
    }

    #[test]
    fn a_handful_of_messages_tells_nothing() {
        assert_eq!(judged(&lag(0, 20), ALL_OFFERED).health, Health::Strained);
        assert_eq!(judged(&lag(0, 21), ALL_OFFERED).health, Health::Saturated);
        assert_eq!(judged(&lag(0, 0), Offers::default()).health, Health::Sound);
    }

    #[test]
    fn messages_that_were_not_offered_are_the_first_cause() {
        assert_eq!(judged(&lag(1000, 0), Offers { intended: 1000, missed: 5 }).health, Health::Sound);
        let health = judged(&lag(900, 100), Offers { intended: 1000, missed: 6 });
        assert_eq!(health.health, Health::Saturated);
        assert!(
            health.cause.starts_with("6 of 1,000 intended messages (0.6 %, limit 0.5 %) were never offered"),
            "{}",
            health.cause
        );
    }

    /// The cause of a generator that was late in ten seconds on such a machine.
    fn cause(machine: Machine, cpu: f64) -> String {
        let (lag, machine) = (lag(0, 1000), Machine { elapsed: Duration::from_secs(10), ..machine });
        let health = health(&Evidence { lag: &lag, offers: ALL_OFFERED, cpu: Some(cpu), limit: LIMIT, machine });
        assert_eq!(health.health, Health::Saturated);
        let (_, why) = health.cause.split_once("left out; ").expect("a cause");
        why.to_owned()
    }

    #[test]
    fn what_took_most_of_the_time_is_the_first_cause() {
        let waited = Machine { waited: Some(Duration::from_secs(4)), stolen: Some(0.05), ..Machine::default() };
        assert_eq!(
            cause(waited, 0.3),
            "it waited 4 s of 10 s for a processor that others had; the host took 5 % of this machine's processor time \
             away (steal); this process used 30 % of a core"
        );
        let stolen = Machine { stolen: Some(0.6), ..waited };
        assert!(cause(stolen, 0.3).starts_with("the host took 60 %"), "{}", cause(stolen, 0.3));
        let throttled = Machine { throttled: Some((40, Duration::from_secs(7))), ..stolen };
        let why = cause(throttled, 0.3);
        assert!(
            why.starts_with("its control group used up its processor quota 40 times and stood still for 7 s; "),
            "{why}"
        );
        assert!(cause(Machine::default(), 0.95).starts_with("its own work filled its one thread; "));
    }

    #[test]
    fn a_process_that_nothing_kept_from_running_was_stopped() {
        let idle = Machine { waited: Some(Duration::from_millis(3)), stolen: Some(0.0), ..Machine::default() };
        assert!(
            cause(idle, 0.1).starts_with("it had the processor when it wanted it: it was stopped"),
            "{}",
            cause(idle, 0.1)
        );
    }

    #[test]
    fn send_queues_say_whether_the_target_held_it_up() {
        let empty = Machine { send_queue: Some(0), ..Machine::default() };
        assert!(cause(empty, 0.1).contains("; its send queues were empty: the target did not hold it up; "));
        let little = Machine { send_queue: Some(1650), ..Machine::default() };
        assert!(cause(little, 0.1).contains("; its send queues were all but empty (1.61 KiB): the target did not "));
        let full = Machine { send_queue: Some(16_384), ..Machine::default() };
        assert!(cause(full, 0.1).contains("; its send queues held up to 16.0 KiB for the target; "));
    }

    #[test]
    fn a_busy_core_is_a_note() {
        let health = health(&Evidence {
            lag: &lag(1000, 0),
            offers: ALL_OFFERED,
            cpu: Some(0.9),
            limit: LIMIT,
            machine: Machine::default(),
        });
        assert_eq!(health.health, Health::Strained);
        assert!(health.cause.ends_with("used 90 % of a core"), "{}", health.cause);
    }
}
