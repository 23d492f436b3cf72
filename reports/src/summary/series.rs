//! Everything over time, at a resolution that keeps memory bounded.

use crate::observation::{Flow, Percentiles, ProcessUsage, Window};
use std::time::Duration;

/// Most points a series holds before neighbours are joined.
const POINTS: u64 = 2048;
const SECOND: u64 = 1_000_000_000;

/// One point per second of the run; in a run longer than 2048 s (34 minutes) one per 2 s, then 4 s, and so on. Points lie
/// on a grid fixed to the run's start, so that the series does not depend on how the run was cut into pieces.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    width: u64,
    points: Vec<Point>,
}

/// What one grid cell saw. Counts add up; of percentiles, connections and resources the highest window of the cell stands
/// (percentiles are never averaged).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Point {
    cell: u64,
    /// Offset of the first window in it.
    pub from: Duration,
    /// Offset of the end of the last window in it.
    pub to: Duration,
    /// Stage of the first window in it.
    pub stage: String,
    /// Messages.
    pub total: Flow,
    /// Open connections.
    pub connections: u64,
    /// Intended start to received; without the histogram.
    pub e2e: Percentiles,
    /// Actual send to received; without the histogram.
    pub service: Percentiles,
    /// Intended start to actual send; without the histogram.
    pub lag: Percentiles,
    /// Intended start of a request to its answer; without the histogram.
    pub round_trip: Percentiles,
    /// The target's process.
    pub target: ProcessUsage,
    /// The generator's process.
    pub generator: ProcessUsage,
}

impl Default for Series {
    fn default() -> Self {
        Self { width: SECOND, points: Vec::new() }
    }
}

impl Series {
    /// Points in order of time; cells in which no window began are left out.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Width of a grid cell.
    pub fn width(&self) -> Duration {
        Duration::from_nanos(self.width)
    }

    pub(super) fn push(&mut self, window: &Window) {
        let light = |percentiles: &Percentiles| Percentiles { histogram: None, ..percentiles.clone() };
        self.insert(Point {
            cell: 0,
            from: window.at,
            to: window.at.saturating_add(window.length),
            stage: window.stage.clone(),
            total: window.total,
            connections: window.connections,
            e2e: light(&window.e2e),
            service: light(&window.service),
            lag: light(&window.lag),
            round_trip: light(&window.round_trip),
            target: window.target.unwrap_or_default(),
            generator: window.generator.unwrap_or_default(),
        });
    }

    pub(super) fn merge(&mut self, later: &Self) {
        while self.width < later.width {
            self.coarsen();
        }
        for point in &later.points {
            self.insert(point.clone());
        }
    }

    fn insert(&mut self, mut point: Point) {
        let nanos = u64::try_from(point.from.as_nanos()).unwrap_or(u64::MAX);
        while nanos / self.width >= POINTS {
            self.coarsen();
        }
        point.cell = nanos / self.width;
        match self.points.binary_search_by_key(&point.cell, |p| p.cell) {
            Ok(index) => self.points[index].join(&point),
            Err(index) => self.points.insert(index, point),
        }
    }

    fn coarsen(&mut self) {
        self.width = self.width.saturating_mul(2);
        for mut point in std::mem::take(&mut self.points) {
            point.cell /= 2;
            match self.points.last_mut() {
                Some(last) if last.cell == point.cell => last.join(&point),
                _ => self.points.push(point),
            }
        }
    }
}

impl Point {
    /// Time covered.
    pub fn length(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    fn join(&mut self, other: &Self) {
        if other.from < self.from {
            self.from = other.from;
            self.stage.clone_from(&other.stage);
        }
        self.to = self.to.max(other.to);
        self.total += other.total;
        self.connections = self.connections.max(other.connections);
        highest(&mut self.e2e, &other.e2e);
        highest(&mut self.service, &other.service);
        highest(&mut self.lag, &other.lag);
        highest(&mut self.round_trip, &other.round_trip);
        busiest(&mut self.target, &other.target);
        busiest(&mut self.generator, &other.generator);
    }
}

fn highest(mine: &mut Percentiles, other: &Percentiles) {
    mine.count = mine.count.saturating_add(other.count);
    mine.p50 = mine.p50.max(other.p50);
    mine.p95 = mine.p95.max(other.p95);
    mine.p99 = mine.p99.max(other.p99);
    mine.max = mine.max.max(other.max);
}

fn busiest(mine: &mut ProcessUsage, other: &ProcessUsage) {
    mine.cpu = match (mine.cpu, other.cpu) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    };
    mine.rss_bytes = mine.rss_bytes.max(other.rss_bytes);
    mine.open_files = mine.open_files.max(other.open_files);
}
