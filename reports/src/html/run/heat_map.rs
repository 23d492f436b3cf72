//! The heat map: every delivery by the time it arrived and how long it took.

use super::super::draw::frame::Frame;
use super::super::draw::heat::{self, Cell, SHADES, Told};
use super::super::draw::scale::{Scale, moment};
use super::super::draw::svg::Svg;
use super::super::draw::{Figure, Key, Table};
use super::marks::Marks;
use super::timeline::nanoseconds;
use crate::figures::{count, latency, plural, span};
use crate::summary::{HeatColumn, Summary};
use std::time::Duration;

const TITLE: &str = "Every delivery, by time and latency";
const HEIGHT: f64 = 240.0;
/// Most rows of the table behind it.
const ROWS: usize = 120;

/// `None` when the windows carried no histograms.
pub(super) fn figure(summary: &Summary, marks: &Marks) -> Option<Figure> {
    let columns: Vec<HeatColumn<'_>> = summary.heat().columns().collect();
    let first = columns.first()?;
    let width = first.to.saturating_sub(first.from);
    let cells: Vec<Cell> = columns.iter().flat_map(|column| cells(column, marks.seconds)).collect();
    let most = cells.iter().map(|cell| cell.count).max()?;
    let scale = Scale::log(cells.iter().flat_map(|cell| [cell.low * 1.001, cell.high * 0.95]));
    let reading = reading(&columns, marks.seconds);
    let told: Vec<Told> = columns.iter().map(|column| told(column, marks.seconds)).collect();
    let draw = |frame: Frame| {
        let id = format!("heat-{}", frame.class);
        let svg = Svg::new(&id, frame.class, frame.width, frame.height, TITLE, &reading);
        heat::draw(svg, &cells, &told, scale, nanoseconds, marks, frame)
    };
    Some(Figure {
        id: "heat",
        title: TITLE.to_owned(),
        size: "full",
        drawings: vec![draw(Frame::WIDE.tall(HEIGHT)), draw(Frame::NARROW.tall(HEIGHT))],
        key: Some(Key {
            few: "1".to_owned(),
            many: format!("{} in a cell of {}", count(most), span(width)),
            shades: SHADES,
        }),
        table: Some(table(&columns, marks.seconds)),
        reading,
    })
}

fn cells(column: &HeatColumn<'_>, seconds: f64) -> impl Iterator<Item = Cell> {
    let (from, to) = (column.from.as_secs_f64(), column.to.as_secs_f64().min(seconds));
    column.bands().map(move |(low, high, count)| Cell { from, to, low, high, count })
}

/// The band in which a share of the column's deliveries is reached.
fn at_share(column: &HeatColumn<'_>, share: f64) -> f64 {
    let wanted = (column.count() as f64 * share).ceil().max(1.0);
    let mut sum = 0.0;
    let mut highest = 0.0;
    for (_, high, count) in column.bands() {
        (sum, highest) = (sum + count as f64, high);
        if sum >= wanted {
            break;
        }
    }
    highest
}

fn told(column: &HeatColumn<'_>, seconds: f64) -> Told {
    let (from, to) = (column.from.as_secs_f64(), column.to.as_secs_f64().min(seconds));
    let text = format!(
        "{} · {} · half under {} · all under {}",
        moment(from, seconds),
        plural(column.count(), "delivery", "deliveries"),
        nanoseconds(at_share(column, 0.5)),
        nanoseconds(at_share(column, 1.0))
    );
    (from, to, text)
}

/// Whether the slowest hundredth came together or all along.
fn reading(columns: &[HeatColumn<'_>], seconds: f64) -> String {
    let total: u64 = columns.iter().map(HeatColumn::count).sum();
    let limit = slow_limit(columns, total);
    let slow = |column: &HeatColumn<'_>| -> u64 {
        column.bands().filter(|(low, _, _)| *low >= limit).map(|(_, _, count)| count).sum()
    };
    let mut by_time: Vec<(u64, Duration, Duration)> =
        columns.iter().map(|column| (slow(column), column.from, column.to)).collect();
    let all: u64 = by_time.iter().map(|(slow, _, _)| slow).sum();
    if all == 0 {
        return format!("{} in all, each darker cell more of them.", plural(total, "delivery", "deliveries"));
    }
    by_time.sort_by_key(|(slow, from, _)| (std::cmp::Reverse(*slow), *from));
    let few = columns.len().div_ceil(20);
    let mut found = 0;
    let enough = by_time.iter().position(|(slow, _, _)| {
        found += slow;
        found as f64 >= all as f64 * 0.6
    });
    let worst = &by_time[..=enough.unwrap_or(0)];
    let over = latency(Duration::from_nanos(limit as u64));
    if columns.len() < 10 || worst.len() > few {
        return format!("The slowest, over {over}, are spread over the whole run.");
    }
    let share = worst.iter().map(|(slow, _, _)| *slow).sum::<u64>() as f64 / all as f64;
    let from = worst.iter().map(|(_, from, _)| *from).min().unwrap_or_default().as_secs_f64();
    let to = worst.iter().map(|(_, _, to)| *to).max().unwrap_or_default().as_secs_f64().min(seconds);
    format!(
        "The slowest came together: {:.0} % of those over {over} fell into {} of the run, between {} and {}.",
        share * 100.0,
        span(worst.iter().map(|(_, from, to)| to.saturating_sub(*from)).sum()),
        moment(from, seconds),
        moment(to, seconds)
    )
}

/// The lowest edge above which at most a hundredth of all deliveries lies.
fn slow_limit(columns: &[HeatColumn<'_>], total: u64) -> f64 {
    let mut bands: Vec<(f64, f64, u64)> = columns.iter().flat_map(|column| column.bands()).collect();
    bands.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut above, mut limit) = (0, f64::MAX);
    for of_band in bands.chunk_by(|a, b| a.0 == b.0) {
        above += of_band.iter().map(|(_, _, count)| count).sum::<u64>();
        if limit < f64::MAX && above as f64 > total as f64 * 0.01 {
            break;
        }
        limit = of_band[0].0;
    }
    limit
}

fn table(columns: &[HeatColumn<'_>], seconds: f64) -> Table {
    let per_row = columns.len().div_ceil(ROWS).max(1);
    let row = |column: &HeatColumn<'_>| {
        let shares = [0.5, 0.9, 0.99, 1.0].map(|share| nanoseconds(at_share(column, share)));
        [moment(column.from.as_secs_f64(), seconds), count(column.count())].into_iter().chain(shares).collect()
    };
    Table {
        note: if per_row > 1 { format!("Every {per_row}th column.") } else { String::new() },
        head: ["At", "Deliveries", "50 % under", "90 % under", "99 % under", "All under"].map(str::to_owned).to_vec(),
        rows: columns.iter().step_by(per_row).map(row).collect(),
    }
}
