//! What each phase of the farm needs, against what was sustained.

use super::super::draw::svg::{Anchor, Svg};
use super::super::draw::{Figure, Table};
use crate::capacity::{Capacity, Headroom};
use crate::figures::rate;

const WIDTH: f64 = 460.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 96.0;
const PITCH: f64 = 34.0;

/// `None` for a search that has no answer in messages per second.
pub(super) fn figure(capacity: &Capacity) -> Option<Figure> {
    let sustained = capacity.answer.figure().filter(|_| !capacity.headroom.is_empty())?;
    let most = capacity.headroom.iter().map(|phase| phase.rate).fold(sustained, f64::max);
    let title = "Headroom over the phases of the farm".to_owned();
    let reading = reading(capacity, sustained);
    let height = PITCH * capacity.headroom.len() as f64 + 26.0;
    let mut svg = Svg::new("headroom-half", "half", WIDTH, height, &title, &reading);
    let along = |value: f64| (WIDTH - LEFT - RIGHT) * value / most;
    for (index, phase) in capacity.headroom.iter().enumerate() {
        let y = 8.0 + PITCH * index as f64;
        svg.text("label", (LEFT - 9.0, y + 14.0), Anchor::End, &phase.phase);
        svg.rect("room", LEFT, y, along(sustained), 20.0);
        svg.rect(if phase.holds { "need" } else { "need over" }, LEFT, y + 4.0, along(phase.rate), 12.0);
        let verdict = if phase.holds { "✓" } else { "✕" };
        let text = format!("{verdict} {:.1} times", phase.factor);
        svg.text("label", (WIDTH - RIGHT + 9.0, y + 14.0), Anchor::Start, &text);
    }
    let end = LEFT + along(sustained);
    svg.line("stop", (end, 2.0), (end, height - 16.0));
    let anchor = if along(sustained) > 120.0 { Anchor::End } else { Anchor::Start };
    svg.text("stop", (end, height - 4.0), anchor, &format!("sustained {}", rate(sustained)));
    let row = |phase: &Headroom| {
        vec![phase.phase.clone(), rate(phase.rate), format!("{:.2}", phase.factor), fits(capacity, phase).to_owned()]
    };
    Some(Figure {
        id: "headroom",
        size: "half",
        drawings: vec![svg.finish()],
        key: None,
        table: Some(Table {
            note: String::new(),
            head: ["Phase", "Needs, msg/s", "Sustained, times", ""].map(str::to_owned).to_vec(),
            rows: capacity.headroom.iter().map(row).collect(),
        }),
        title,
        reading,
    })
}

fn fits(capacity: &Capacity, phase: &Headroom) -> &'static str {
    match (phase.holds, capacity.answer.is_at_least()) {
        (true, _) => "fits",
        (false, true) => "not shown",
        (false, false) => "does not fit",
    }
}

fn reading(capacity: &Capacity, sustained: f64) -> String {
    let names = |holds: bool| {
        let of = capacity.headroom.iter().filter(|phase| phase.holds == holds);
        of.map(|phase| phase.phase.as_str()).collect::<Vec<_>>().join(", ")
    };
    let least = if capacity.answer.is_at_least() { "At least " } else { "" };
    let sustained = format!("{least}{} msg/s: ", rate(sustained));
    let missing = if capacity.answer.is_at_least() { "not shown for" } else { "too little for" };
    match (names(true), names(false)) {
        (fits, none) if none.is_empty() => format!("{sustained}enough for {fits}."),
        (none, lacks) if none.is_empty() => format!("{sustained}{missing} {lacks}."),
        (fits, lacks) => format!("{sustained}enough for {fits}, {missing} {lacks}."),
    }
}
