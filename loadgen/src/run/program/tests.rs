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

/// A scenario of these groups and stages.
fn scenario(groups: &[(&str, u32)], stages: &str) -> Scenario {
    let groups =
        groups.iter().map(|(model, count)| format!("[devices.{model}]\nmodel = \"{model}\"\ncount = {count}\n"));
    let text = format!("[scenario]\nname = \"made\"\nwarm_up = \"1s\"\n{}\n{stages}", groups.collect::<String>());
    scenarios::parse("made.toml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn within<'a>(starts: &'a [Start], part: &Part) -> impl Iterator<Item = &'a Start> {
    let span = part.span.begins..part.span.ends;
    starts.iter().filter(move |start| span.contains(&start.at))
}

#[test]
fn any_beginning_of_the_order_has_each_group_in_proportion() {
    let sizes =
        [("milk_meter", 1), ("collar", 100), ("temperature_sensor", 1), ("humidity_sensor", 1), ("ammonia_sensor", 40)];
    let scenario = scenario(&sizes, "[[stages]]\nname = \"hold\"\nhold = \"1s\"\nrate = 1");
    let farm = Farm::new(&scenario, 1);
    let (mut counts, all) = ([0_u32; 5], 143.0);
    for (place, device) in order(&farm).into_iter().enumerate() {
        counts[usize::from(farm.info(device).group)] += 1;
        for (count, (model, size)) in counts.iter().zip(sizes) {
            let due = (place + 1) as f64 * f64::from(size) / all;
            assert!((f64::from(*count) - due).abs() < 2.0, "{count} of {model} among the first {}", place + 1);
        }
    }
}

/// Devices that come with the first stage, more in the ramp of the second, and some fewer in the third.
const GROWING: &str = r#"
[[stages]]
name = "few"
hold = "2s"
rate = 100
devices = 4

[[stages]]
name = "more"
ramp = "4s"
hold = "2s"
rate = 200
devices = 12

[[stages]]
name = "fewer"
hold = "2s"
rate = 100
devices = 6

[[stages]]
name = "naturally"
ramp = "3600s"
hold = "1s"
shape = "natural"
devices = 12
"#;

#[test]
fn devices_publish_from_when_they_join_until_they_leave() {
    let scenario = scenario(&[("milk_meter", 6), ("collar", 6)], GROWING);
    let parts = parts(&scenario);
    let befores: Vec<_> = parts.iter().map(|part| (part.span.name.as_str(), part.before, part.devices)).collect();
    let expected = [
        ("few warm-up", 4, 4),
        ("few", 4, 4),
        ("more ramp", 4, 12),
        ("more", 12, 12),
        ("fewer", 12, 6),
        ("naturally ramp", 6, 12),
        ("naturally", 12, 12),
    ];
    assert_eq!(befores, expected);
    let order: Vec<u32> = order(&Farm::new(&scenario, 1)).into_iter().map(|device| device.0).collect();
    let starts = drained(program(&scenario, 1));
    for part in &parts {
        let joining = part.before.min(part.devices)..part.devices;
        let joins = |nth: usize| part.span.begins + part.joins_at((nth + 1) as f64 / joining.len() as f64);
        // Whoever joins with the end of a ramp has no turn in it.
        let last = usize::from(!joining.is_empty() && joins(joining.len() - 1) == part.span.ends);
        let mut senders: Vec<u32> = within(&starts, part).map(|start| start.device).collect();
        senders.sort_unstable();
        senders.dedup();
        let mut expected = order[..part.devices - last].to_vec();
        expected.sort_unstable();
        if part.rate.is_some() {
            assert_eq!(senders, expected, "{}", part.span.name);
        }
        for (nth, device) in order[joining.clone()].iter().enumerate() {
            let Some(first) = within(&starts, part).find(|start| start.device == *device) else { continue };
            assert!(first.at >= joins(nth), "{}: {first:?} joins at {:?}", part.span.name, joins(nth));
            let soon = joins(nth) + Duration::from_secs(1);
            assert!(part.rate.is_none() || first.at < soon, "{}: {first:?}, {soon:?}", part.span.name);
        }
        if part.span.name == "more ramp" {
            let share = (part.length() / 8, part.length() / 2);
            assert_eq!((joins(0), joins(3)), (part.span.begins + share.0, part.span.begins + share.1));
        }
    }
}

#[test]
fn who_comes_with_a_stage_publishes_from_its_first_message() {
    let stages = r#"
[[stages]]
name = "meters"
hold = "1s"
rate = 10
devices = 1

[[stages]]
name = "all"
hold = "1s"
rate = 50
devices = 8
groups = ["collar"]
"#;
    // The first device of all is a meter, so each of the collars comes with the second stage.
    let scenario = scenario(&[("milk_meter", 4), ("collar", 4)], stages);
    let starts = drained(program(&scenario, 1));
    assert_eq!(within(&starts, &parts(&scenario)[2]).count(), 50);
}

#[test]
fn whoever_joins_for_a_stage_of_others_is_silent() {
    let stages = "[[stages]]\nname = \"only\"\nramp = \"4s\"\nhold = \"1s\"\nrate = 100\ngroups = [\"collar\"]";
    let scenario = scenario(&[("milk_meter", 6), ("collar", 6)], stages);
    let farm = Farm::new(&scenario, 1);
    let starts = drained(program(&scenario, 1));
    assert!(!starts.is_empty() && starts.iter().all(|start| farm.info(DeviceId(start.device)).group == 1));
}

#[test]
fn the_first_ramp_begins_at_nothing_and_one_after_no_rate_at_its_own() {
    let stages = r#"
[[stages]]
name = "first"
ramp = "1s"
hold = "1s"
rate = 50

[[stages]]
name = "natural"
hold = "1s"
shape = "natural"

[[stages]]
name = "last"
ramp = "1s"
hold = "1s"
rate = 70
"#;
    let parts = parts(&scenario(&[("collar", 3)], stages));
    assert_eq!(parts[0].before, 0);
    let slope = |name: &str| match parts.iter().find(|part| part.span.name == name).unwrap().flow {
        Flow::Slope(slope) => (slope.from, slope.to),
        ref other => panic!("{other:?}"),
    };
    assert_eq!((slope("first ramp"), slope("last ramp")), ((0.0, 50.0), (70.0, 70.0)));
}

#[test]
fn a_flood_begins_with_its_warm_up() {
    let stages = "[[stages]]\nname = \"flood\"\nramp = \"1s\"\nhold = \"1s\"\nshape = \"flood\"\nin_flight = 3";
    let parts = parts(&scenario(&[("collar", 3)], stages));
    let in_flight: Vec<_> = parts.iter().map(|part| (part.span.name.as_str(), part.in_flight)).collect();
    assert_eq!(in_flight, [("flood ramp", None), ("flood warm-up", Some(3)), ("flood", Some(3))]);
}

#[test]
fn equal_stages_are_not_each_others_echo() {
    let stage =
        |name: &str| format!("[[stages]]\nname = \"{name}\"\nhold = \"2s\"\nrate = 40\narrival = \"poisson\"\n");
    let scenario = scenario(&[("collar", 3)], &(stage("one") + &stage("two")));
    let (parts, starts) = (parts(&scenario), drained(program(&scenario, 1)));
    let of = |part: &Part| within(&starts, part).map(|start| start.at - part.span.begins).collect::<Vec<_>>();
    assert_ne!(of(&parts[1]), of(&parts[2]));
}

#[test]
fn who_comes_with_a_trace_takes_part_in_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("starts.csv"), "0,,24\n").unwrap();
    let file = folder.path().join("coming.toml");
    let text = "[scenario]\nname = \"coming\"\n[devices.collar]\nmodel = \"collar\"\ncount = 8\n\
                [[stages]]\nname = \"few\"\nhold = \"1s\"\nrate = 10\ndevices = 2\n\
                [[stages]]\nname = \"traced\"\nhold = \"1s\"\ntrace = \"starts.csv\"\ndevices = 8\n";
    std::fs::write(&file, text).unwrap();
    let scenario = scenarios::load(file.to_str().unwrap()).unwrap_or_else(|error| panic!("{error}"));
    let starts = drained(program(&scenario, 1));
    let mut turns = [0; 8];
    within(&starts, parts(&scenario).last().unwrap()).for_each(|start| turns[start.device as usize] += 1);
    assert_eq!(turns, [3; 8]);
}
