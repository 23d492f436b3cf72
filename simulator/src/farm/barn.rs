//! One unit of the farm: a barn, its herd and its parlour.

use super::{Unit, dice::mix_name, herd::Herd, parlour::Line};

/// What the devices of one unit share.
#[derive(Debug)]
pub(super) struct Barn {
    pub(super) unit: Unit,
    /// The gateway in payload metadata.
    pub(super) gateway: String,
    pub(super) seed: u64,
    pub(super) herd: Herd,
    pub(super) lines: Vec<Line>,
    analyzers: u32,
    number: u16,
}

/// How many devices of the kinds that shape a barn it has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Census {
    pub(super) meters: u32,
    pub(super) readers: u32,
    pub(super) analyzers: u32,
    pub(super) collars: u32,
}

impl Barn {
    /// Barn number `number` of `barns`.
    pub(super) fn new(farm_seed: u64, name: String, number: u16, barns: u16, census: Census) -> Self {
        let seed = mix_name(farm_seed, &name);
        let lines = census.readers.max(1);
        let meters = |line: u32| census.meters / lines + u32::from(line < census.meters % lines);
        let milked: u32 = (0..lines).map(|line| Line::capacity(meters(line))).sum();
        let herd = Herd::new(seed, number, barns, milked.max(census.collars));
        let mut first_cow = 0;
        let lines = (0..lines)
            .map(|line| {
                let built = Line::new(seed, line, meters(line), herd, first_cow);
                first_cow += Line::capacity(meters(line));
                built
            })
            .collect();
        Self {
            gateway: format!("gateway_{name}"),
            unit: Unit { name, devices: Vec::new() },
            seed,
            herd,
            lines,
            analyzers: census.analyzers,
            number,
        }
    }

    /// The line of the parlour that the device at `place` among its kind belongs to.
    pub(super) fn line(&self, place: u32) -> usize {
        place as usize % self.lines.len()
    }

    /// The stall of the meter at `place`, or the turn of the analyser at `place`, on its line.
    pub(super) fn rank(&self, place: u32) -> u32 {
        place / u32::try_from(self.lines.len()).expect("lines are counted in 32 bits")
    }

    /// The number of analysers on the line of the one at `place`.
    pub(super) fn analyzers_of_line(&self, place: u32) -> u32 {
        let lines = u32::try_from(self.lines.len()).expect("lines are counted in 32 bits");
        self.analyzers / lines + u32::from(place % lines < self.analyzers % lines)
    }

    /// The south-west corner of the barn's pasture, in degrees north and east: a grid of fields north of Dhaka.
    pub(super) fn corner(&self) -> (f64, f64) {
        let (row, column) = (self.number / 64, self.number % 64);
        (24.0 + 0.005 * f64::from(row), 90.3 + 0.005 * f64::from(column))
    }
}
