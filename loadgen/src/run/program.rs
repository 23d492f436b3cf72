//! The run's time: which part follows which, which devices take part, and when each message starts.

mod curve;
mod parts;

#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use scenarios::model::{Arrival as Wanted, TraceStart};
use simulator::farm::{DeviceId, Farm};

use crate::schedule::{Arrival, Calendar, Natural, Paced, Rota, Schedule, Segment, Slope, Start, Traced};

use curve::Slopes;
use parts::Flow;
pub(super) use parts::{Part, parts};

/// All devices in the order in which they connect: any beginning of it has each group in proportion.
pub(super) fn order(farm: &Farm) -> Vec<DeviceId> {
    let mut sizes: Vec<u32> = Vec::new();
    let mut keyed: Vec<(u32, u16, DeviceId)> = Vec::new();
    for device in farm.devices() {
        let group = farm.info(device).group;
        sizes.resize(sizes.len().max(usize::from(group) + 1), 0);
        keyed.push((sizes[usize::from(group)], group, device));
        sizes[usize::from(group)] += 1;
    }
    // (nth + 1/2) / size, compared without rounding; what is equal stays in the order of the devices.
    let key = |(nth, group, _): &(u32, u16, DeviceId)| (2 * u64::from(*nth) + 1, u64::from(sizes[usize::from(*group)]));
    keyed.sort_by(|a, b| {
        let ((x, of_x), (y, of_y)) = (key(a), key(b));
        (x * of_y).cmp(&(y * of_x))
    });
    keyed.into_iter().map(|(_, _, device)| device).collect()
}

/// When each message starts and who sends it, over all parts.
pub(super) struct Program {
    parts: VecDeque<(usize, Part)>,
    present: Option<Box<dyn Calendar>>,
    farm: Arc<Farm>,
    /// Every device with its group and its weight, in [`order`]'s order.
    members: Vec<Member>,
    seed: u64,
    natural: NaturalTime,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    device: u32,
    group: u16,
    weight: f64,
}

/// How the run's time and the devices' own go together.
#[derive(Clone, Copy, Debug)]
pub(super) struct NaturalTime {
    /// The farm's time when the run starts.
    pub(super) begins: Duration,
    /// How many of its seconds pass in one.
    pub(super) compression: f64,
}

impl NaturalTime {
    fn farm(self, at: Duration) -> Duration {
        self.begins + if self.compression == 1.0 { at } else { at.mul_f64(self.compression) }
    }

    fn run(self, farm: Duration) -> Duration {
        let since = farm.saturating_sub(self.begins);
        if self.compression == 1.0 { since } else { since.div_f64(self.compression) }
    }
}

impl Program {
    /// `farm` is asked for weights and natural intervals only, so it may be another instance than the fleet's.
    pub(super) fn new(parts: &[Part], farm: Farm, seed: u64, natural: NaturalTime) -> Self {
        let members = order(&farm).into_iter().map(|device| {
            let info = farm.info(device);
            Member { device: device.0, group: info.group, weight: info.weight }
        });
        let members = members.collect();
        let parts = parts.iter().cloned().enumerate().collect();
        Self { parts, present: None, farm: farm.into(), members, seed, natural }
    }

    /// The share of a segment, with whether each device is its own.
    pub(super) fn owned(farm: &Farm, segment: Segment) -> Vec<bool> {
        farm.devices().map(|device| segment.owns(farm.bond(device))).collect()
    }

    fn open(&self, number: usize, part: &Part) -> Box<dyn Calendar> {
        let seed = self.seed ^ (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        match &part.flow {
            Flow::Slope(slope) => Box::new(self.paced(seed, part, [*slope])),
            Flow::Curve(rate, curve) => {
                let (at, ends) = (part.span.begins, part.span.ends);
                let slopes = Slopes { rate: *rate, curve: Arc::clone(curve), time: self.natural, at, ends };
                Box::new(self.paced(seed, part, slopes))
            }
            Flow::Natural => Box::new(self.natural(part)),
            Flow::Trace { starts, repeat } => Box::new(self.traced(seed, part, starts, *repeat)),
            Flow::Silence => Box::new(Silence),
        }
    }

    /// The devices that publish in `part`: those that are there when it begins, and those that join with when they do.
    fn publishing<'a>(
        &'a self,
        part: &'a Part,
    ) -> (impl Iterator<Item = &'a Member>, impl Iterator<Item = (Duration, &'a Member)>) {
        let there = part.devices.min(part.before).min(self.members.len());
        let all = part.devices.min(self.members.len());
        let joining = self.members[there..all].iter().enumerate().map(move |(nth, member)| {
            let share = (nth + 1) as f64 / (all - there) as f64;
            (part.joins_at(share), member)
        });
        let publishes = |member: &Member| part.publishes(member.group);
        (
            self.members[..there].iter().filter(move |member| publishes(member)),
            joining.filter(move |(_, member)| publishes(member)),
        )
    }

    fn paced<S>(&self, seed: u64, part: &Part, slopes: S) -> Joining
    where
        S: IntoIterator<Item = Slope>,
        S::IntoIter: Send + 'static,
    {
        let arrival = match part.arrival {
            Wanted::Constant => Arrival::Constant,
            Wanted::Poisson => Arrival::Poisson { seed },
        };
        let (there, joining) = self.publishing(part);
        Joining {
            begins: part.span.begins,
            schedule: Paced::new(slopes, arrival, part.burst),
            rota: Rota::new(seed, there.map(|member| (member.device, member.weight))),
            joining: joining.map(|(joins, member)| (joins, (member.device, member.weight))).collect(),
        }
    }

    fn natural(&self, part: &Part) -> impl Calendar + use<> {
        let time = self.natural;
        let farm = Arc::clone(&self.farm);
        // The farm is asked for what follows its own time of the last start: the run's time is rounded, and what it stands
        // for may lie before that start, which would then come twice.
        let mut last = vec![Duration::ZERO; self.members.len()];
        let mut next = move |device: u32, after: Option<Duration>| {
            let last = &mut last[device as usize];
            *last = farm.next_natural(DeviceId(device), after.map_or(*last, |after| time.farm(after)));
            time.run(*last)
        };
        let (there, joining) = self.publishing(part);
        let first = there.map(|member| (Duration::ZERO, member)).chain(joining);
        let first: Vec<_> =
            first.map(|(joins, member)| (member.device, next(member.device, Some(part.span.begins + joins)))).collect();
        Natural::new(first, part.span.ends, move |device, at| Some(next(device, None).saturating_sub(at)))
    }

    fn traced(&self, seed: u64, part: &Part, starts: &Arc<[TraceStart]>, repeat: Option<Duration>) -> Traced {
        let (there, joining) = self.publishing(part);
        let members: Vec<&Member> = there.chain(joining.map(|(_, member)| member)).collect();
        let rota = |group: Option<u16>| {
            let chosen = members.iter().filter(|member| group.is_none_or(|group| member.group == group));
            Rota::new(seed, chosen.map(|member| (member.device, member.weight)))
        };
        let groups = members.iter().map(|member| member.group + 1).max().unwrap_or(0);
        let groups = (0..groups).map(|group| rota(Some(group))).collect();
        Traced::new(Arc::clone(starts), repeat, (part.span.begins, part.span.ends), rota(None), groups)
    }
}

/// A part in which nothing is published.
struct Silence;

impl Calendar for Silence {
    fn next_start(&mut self) -> Option<Start> {
        None
    }
}

impl Calendar for Program {
    fn next_start(&mut self) -> Option<Start> {
        loop {
            if let Some(start) = self.present.as_mut().and_then(|present| present.next_start()) {
                return Some(start);
            }
            let (number, part) = self.parts.pop_front()?;
            self.present = Some(self.open(number, &part));
        }
    }
}

/// A paced part, with devices that join while it lasts.
struct Joining {
    begins: Duration,
    schedule: Paced,
    rota: Rota,
    joining: VecDeque<(Duration, (u32, f64))>,
}

impl Calendar for Joining {
    fn next_start(&mut self) -> Option<Start> {
        loop {
            let at = self.schedule.next_start()?;
            while let Some((_, (device, weight))) = self.joining.pop_front_if(|(joins, _)| *joins <= at) {
                self.rota.join(device, weight);
            }
            // While nobody has joined yet there is nobody to send.
            if let Some(device) = self.rota.next_device() {
                return Some(Start { at: self.begins + at, device });
            }
        }
    }
}
