//! What surrounds the data: axes, labels beside lines, and the stages and events of a run.

use super::super::run::marks::{EventMark, Marks};
use super::frame::Frame;
use super::scale::{Scale, moment, moments};
use super::svg::{Anchor, Svg};

/// Values on the left, each with a line across.
pub(in crate::html) fn values(svg: &mut Svg, scale: Scale, format: fn(f64) -> String, frame: Frame) {
    for value in scale.ticks() {
        let left = frame.place(0.0, scale.place(value));
        svg.line("grid", left, frame.place(1.0, scale.place(value)));
        svg.text("tick", (left.0 - 7.0, left.1 + 3.5), Anchor::End, &format(value));
    }
}

/// The line at the bottom, with names at shares of its length.
pub(in crate::html) fn bottom(svg: &mut Svg, names: impl Iterator<Item = (f64, String)>, frame: Frame) {
    svg.line("axis", frame.place(0.0, 0.0), frame.place(1.0, 0.0));
    for (share, name) in names {
        let (x, y) = frame.place(share, 0.0);
        svg.line("axis", (x, y), (x, y + 4.0));
        svg.text("tick", (x, y + 16.0), Anchor::Middle, &name);
    }
}

/// The run's time at the bottom.
pub(in crate::html) fn time(svg: &mut Svg, marks: &Marks, frame: Frame) {
    let names = moments(marks.seconds, frame.labels());
    bottom(svg, names.into_iter().map(|at| (at / marks.seconds, moment(at, marks.seconds))), frame);
}

/// Names beside the ends of lines, moved apart so that they do not overlap.
pub(in crate::html) fn ends(svg: &mut Svg, labels: &[(f64, &str, &str)], frame: Frame) {
    const APART: f64 = 13.0;
    let mut places: Vec<(f64, &str, &str)> =
        labels.iter().map(|(share, name, class)| (frame.place(1.0, *share).1, *name, *class)).collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    for index in 1..places.len() {
        places[index].0 = places[index].0.max(places[index - 1].0 + APART);
    }
    let mut ceiling = frame.floor() + 4.0;
    for place in places.iter_mut().rev() {
        place.0 = place.0.min(ceiling);
        ceiling = place.0 - APART;
    }
    let x = frame.place(1.0, 0.0).0 + 7.0;
    for (y, name, class) in places {
        svg.text(&format!("label {class}"), (x, y + 3.5), Anchor::Start, name);
    }
}

/// The stages as bands; those that count are tinted.
pub(in crate::html) fn stages(svg: &mut Svg, marks: &Marks, frame: Frame) {
    for stage in &marks.stages {
        let (x, y) = frame.place(stage.from / marks.seconds, 1.0);
        let (to, floor) = frame.place(stage.to / marks.seconds, 0.0);
        svg.rect(if stage.measured { "stage measured" } else { "stage" }, x, y, to - x, floor - y);
        svg.line("stage", (x, y - 12.0), (x, floor));
        // Roughly six units per letter; a name that does not fit is in the table of stages.
        let fits = stage.name.chars().count() as f64 * 6.2 + 6.0 <= to - x;
        if fits {
            svg.text("stage", (x + 4.0, y - 4.0), Anchor::Start, &stage.name);
        }
    }
}

/// The events as dotted lines with letters; letters that would overlap are joined.
pub(in crate::html) fn events(svg: &mut Svg, marks: &Marks, frame: Frame) {
    const APART: f64 = 11.0;
    let placed = marks.events.iter().map(|event| (frame.place(event.at / marks.seconds, 1.0), event));
    let mut groups: Vec<Vec<(f64, &EventMark)>> = Vec::new();
    let mut from = 0.0;
    for ((x, y), event) in placed {
        svg.line(if event.deliberate() { "event done" } else { "event" }, (x, y), (x, frame.floor()));
        match groups.last_mut() {
            Some(group) if x - from < APART => group.push((x, event)),
            _ => {
                from = x;
                groups.push(vec![(x, event)]);
            }
        }
    }
    for group in groups {
        let (Some((first, one)), Some((last, other))) = (group.first(), group.last()) else { continue };
        let text = if group.len() == 1 { one.letter.to_string() } else { format!("{}–{}", one.letter, other.letter) };
        let deliberate = group.iter().all(|(_, event)| event.deliberate());
        let class = if deliberate { "event done" } else { "event" };
        svg.text(class, ((first + last) / 2.0, frame.top - 4.0), Anchor::Middle, &text);
    }
}
