use proptest::prelude::*;
use scenarios::Scenario;
use simulator::farm::Model;

use super::*;
use crate::schedule::Share;

/// Every start of a catalogue's day with the farm's time of it.
fn day(name: &str) -> (Farm, Vec<(Duration, DeviceId)>) {
    let scenario = scenarios::load(name).unwrap();
    let farm = || Farm::new(&scenario, scenario.seed);
    let natural =
        NaturalTime { begins: scenario.day.start.since_midnight(), compression: scenario.day.compress.value() };
    let mut program = Program::new(&parts(&scenario), farm(), scenario.seed, natural);
    let starts = std::iter::from_fn(|| program.next_start());
    let starts = starts.map(|start| (natural.farm(start.at), DeviceId(start.device))).collect();
    (farm(), starts)
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn each_device_of_a_day_speaks_when_its_farm_says() {
    let (farm, starts) = day("phase-1-day");
    let (from, to) = (4 * HOUR, 6 * HOUR);
    for device in farm.devices() {
        let said = starts.iter().filter(|(at, who)| *who == device && (from..to).contains(at)).count();
        let mut at = from;
        let mut due: usize = 0;
        loop {
            at = farm.next_natural(device, at);
            if at >= to {
                break;
            }
            due += 1;
        }
        // Times of the run are rounded, so one may fall on the other side of a border.
        assert!(due.abs_diff(said) <= 1, "{}: {said} starts, {due} due", farm.info(device).name);
    }
}

#[test]
fn meters_are_silent_before_the_milking_and_report_each_round_once() {
    let (farm, starts) = day("phase-1-day");
    let meters = farm.devices().filter(|device| farm.info(*device).model == Model::MilkMeter).count();
    let milked = |from: Duration, to: Duration| {
        let by_meters = starts.iter().filter(|(_, device)| farm.info(*device).model == Model::MilkMeter);
        by_meters.filter(|(at, _)| (from..to).contains(at)).count()
    };
    let begins = 4 * HOUR + HOUR / 2;
    assert_eq!(milked(Duration::ZERO, begins), 0);
    // A round takes 12 minutes, so the hour and a half from the session's beginning have seven and a half.
    let rounds = milked(begins, 6 * HOUR) as f64 / meters as f64;
    assert!((6.5..=7.6).contains(&rounds), "{rounds} milkings of each stall");
}

/// A stage of each kind, with devices that join and leave on the way.
const KINDS: &str = r#"
[scenario]
name = "kinds"
barns = ["barn_1", "barn_2", "barn_3"]
warm_up = "500ms"

[devices.meter]
model = "milk_meter"
count = 7

[devices.sensor]
model = "temperature_sensor"
count = 9
interval = "30s"
curve = "milking"

[day]
compress = 3600
start = "18:00"
curves.milking = { "04:00" = 0.5, "05:00" = 3.0, "06:00" = 0.5 }

[[stages]]
name = "even"
ramp = "1s"
hold = "2s"
rate = 70
devices = 9

[[stages]]
name = "bursts"
ramp = "1s"
hold = "2s"
rate = 90
burst = 7

[[stages]]
name = "random-bursts"
hold = "2s"
rate = 110
arrival = "poisson"
burst = 3
groups = ["sensor"]

[[stages]]
name = "curve"
ramp = "500ms"
hold = "6s"
rate = 60
curve = "milking"
arrival = "poisson"

[[stages]]
name = "natural"
ramp = "500ms"
hold = "3s"
shape = "natural"
devices = 5

[[stages]]
name = "traced"
ramp = "1s"
hold = "5s"
trace = "starts.csv"
repeat = "1500ms"
"#;

/// The scenario above, from a file with its trace beside it.
fn kinds() -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("starts.csv"), "0,,3\n0.1,sensor,2\n0.4,meter\n1.2,,4\n").unwrap();
    let file = folder.path().join("kinds.toml");
    std::fs::write(&file, KINDS).unwrap();
    scenarios::load(file.to_str().unwrap()).unwrap_or_else(|error| panic!("{error}"))
}

fn program(scenario: &Scenario, seed: u64) -> Program {
    let natural =
        NaturalTime { begins: scenario.day.start.since_midnight(), compression: scenario.day.compress.value() };
    Program::new(&parts(scenario), Farm::new(scenario, seed), seed, natural)
}

fn drained(mut calendar: impl Calendar) -> Vec<Start> {
    std::iter::from_fn(|| calendar.next_start()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_union_of_all_segments_is_the_whole_for_every_kind_of_load(seed: u64, count in 1..6_u32) {
        let scenario = kinds();
        let farm = Farm::new(&scenario, seed);
        let share = |index| {
            let owned = Program::owned(&farm, Segment::new(index, count).unwrap());
            drained(Share::new(program(&scenario, seed), owned))
        };
        let mut union: Vec<Start> = (1..=count).flat_map(share).collect();
        let mut whole = drained(program(&scenario, seed));
        union.sort();
        whole.sort();
        prop_assert_eq!(union, whole);
    }

    #[test]
    fn starts_ascend_within_their_parts_and_equal_seeds_give_equal_ones(seed: u64) {
        let scenario = kinds();
        let whole = drained(program(&scenario, seed));
        prop_assert!(whole.is_sorted_by_key(|start| start.at));
        prop_assert_eq!(&whole, &drained(program(&scenario, seed)));
        for part in parts(&scenario) {
            let within = whole.iter().filter(|start| (part.span.begins..part.span.ends).contains(&start.at)).count();
            prop_assert_eq!(within == 0, part.span.name == "traced ramp", "{}: {}", part.span.name, within);
        }
    }
}

/// The starts of a measured stage, with the groups of their senders.
fn stage(name: &str) -> (Part, Vec<(Start, u16)>) {
    let scenario = kinds();
    let farm = Farm::new(&scenario, 1);
    let part = parts(&scenario).into_iter().find(|part| part.span.name == name).unwrap();
    let within =
        drained(program(&scenario, 1)).into_iter().filter(|it| (part.span.begins..part.span.ends).contains(&it.at));
    let starts = within.map(|start| (start, farm.info(DeviceId(start.device)).group)).collect();
    (part, starts)
}

#[test]
fn only_the_groups_of_a_stage_publish_in_it() {
    let (_, starts) = stage("random-bursts");
    assert!(!starts.is_empty() && starts.iter().all(|(_, group)| *group == 1));
    let (_, starts) = stage("bursts");
    assert!(starts.iter().any(|(_, group)| *group == 0) && starts.iter().any(|(_, group)| *group == 1));
}

#[test]
fn a_trace_is_repeated_with_its_groups() {
    let (part, starts) = stage("traced");
    let at = |start: &Start| (start.at - part.span.begins).as_millis() as u64;
    let times: Vec<u64> = starts.iter().map(|(start, _)| at(start)).collect();
    let round = [0, 0, 0, 100, 100, 400, 1200, 1200, 1200, 1200];
    let expected: Vec<u64> = (0..4).flat_map(|nth| round.map(|at| nth * 1500 + at)).filter(|at| *at < 5000).collect();
    assert_eq!(times, expected);
    for (start, group) in &starts {
        match at(start) % 1500 {
            100 => assert_eq!(*group, 1),
            400 => assert_eq!(*group, 0),
            _ => {}
        }
    }
}

#[test]
fn a_rate_follows_the_curve_of_the_day() {
    // An hour a second: nine hours after 18:00, so it holds from 03:00 to 09:00.
    let (part, starts) = stage("curve");
    let scenario = kinds();
    let factor = |at: Duration| scenario.day.curves[0].factor(scenario.day.farm_time(at));
    assert_eq!(part.rate, Some(60.0 * factor(part.span.ends)));
    let between = |from: u64, to: u64| {
        let span = part.span.begins + Duration::from_millis(from)..part.span.begins + Duration::from_millis(to);
        starts.iter().filter(|(start, _)| span.contains(&start.at)).count()
    };
    // Around the peak at five o'clock 142 are due on average, and 30 in an hour of the level; each varies by its root.
    let (peak, level) = (between(1500, 2500), between(4000, 5000));
    assert!((85..=200).contains(&peak) && (5..=60).contains(&level), "{peak} {level}");
    let ramp = parts(&scenario).into_iter().find(|part| part.span.name == "curve ramp").unwrap();
    let Flow::Slope(slope) = ramp.flow else { panic!("a ramp goes straight") };
    assert_eq!((slope.from, slope.to), (110.0, 60.0 * factor(part.span.begins)));
}
