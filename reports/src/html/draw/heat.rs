//! A heat map: how many fell into each cell of time and value.

use super::super::run::marks::Marks;
use super::axes;
use super::frame::Frame;
use super::scale::Scale;
use super::svg::Svg;

/// Shades between few and many. The style sheet has as many, `h1` to `h7`.
pub(in crate::html) const SHADES: usize = 7;

/// One filled cell.
#[derive(Debug, Clone, Copy)]
pub(in crate::html) struct Cell {
    /// Seconds.
    pub(in crate::html) from: f64,
    pub(in crate::html) to: f64,
    /// Values.
    pub(in crate::html) low: f64,
    pub(in crate::html) high: f64,
    pub(in crate::html) count: u64,
}

/// What is shown when the pointer is on a column: where it begins and ends in seconds, and the text.
pub(in crate::html) type Told = (f64, f64, String);

/// The shade of a count, 1 to [`SHADES`], on a logarithmic scale: one among thousands is still seen.
pub(in crate::html) fn shade(count: u64, most: u64) -> usize {
    if most <= 1 {
        return SHADES;
    }
    let share = (count.max(1) as f64).ln() / (most as f64).ln();
    1 + (share * (SHADES - 1) as f64).round().clamp(0.0, (SHADES - 1) as f64) as usize
}

/// The drawing: one path per shade, cells of one shade that touch sideways joined.
pub(in crate::html) fn draw(
    mut svg: Svg,
    cells: &[Cell],
    told: &[Told],
    scale: Scale,
    format: fn(f64) -> String,
    marks: &Marks,
    frame: Frame,
) -> String {
    axes::stages(&mut svg, marks, frame);
    let most = cells.iter().map(|cell| cell.count).max().unwrap_or(0);
    let mut boxes: [Vec<(f64, f64, f64, f64)>; SHADES] = Default::default();
    for cell in cells {
        let (left, top) = frame.place(cell.from / marks.seconds, scale.place(cell.high));
        let (right, bottom) = frame.place(cell.to / marks.seconds, scale.place(cell.low));
        let of_shade = &mut boxes[shade(cell.count, most) - 1];
        let touching = of_shade.iter_mut().rev().take(64).find(|(_, y, to, floor)| {
            (*y - top).abs() < 0.01 && (*floor - bottom).abs() < 0.01 && (*to - left).abs() < 0.01
        });
        match touching {
            Some(before) => before.2 = right,
            None => of_shade.push((left, top, right, bottom)),
        }
    }
    for (index, boxes) in boxes.iter().enumerate() {
        svg.boxes(&format!("h h{}", index + 1), boxes);
    }
    axes::values(&mut svg, scale, format, frame);
    axes::time(&mut svg, marks, frame);
    axes::events(&mut svg, marks, frame);
    if frame.class == Frame::WIDE.class {
        svg.begin_slots(frame);
        for (from, to, text) in told {
            let ((x, _), (end, _)) = (frame.place(from / marks.seconds, 0.0), frame.place(to / marks.seconds, 0.0));
            svg.slot(x, end, frame, text);
        }
        svg.end_slots();
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::{SHADES, shade};

    #[test]
    fn one_among_thousands_is_seen_and_the_most_is_darkest() {
        assert_eq!([shade(1, 5000), shade(5000, 5000), shade(1, 1)], [1, SHADES, SHADES]);
        assert!(shade(70, 5000) > 1 && shade(70, 5000) < SHADES);
    }
}
