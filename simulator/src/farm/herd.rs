//! The animals. A cow is a function of the barn's seed and her number, so a herd of any size takes no memory.

use std::borrow::Cow as Text;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::{
    clock::{Moment, digits},
    dice::{Dice, mix},
};

/// An ISO 11784 number: country 999 (the test range) and the national number, written as 15 digits.
///
/// A simulated animal can never meet a real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tag(u64);

impl Tag {
    pub(super) fn text(self) -> [u8; 15] {
        let mut text = *b"999000000000000";
        digits(&mut text[3..], self.0);
        text
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).expect("digits are ASCII"))
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.text()).expect("digits are ASCII"))
    }
}

impl JsonSchema for Tag {
    fn schema_name() -> Text<'static, str> {
        "Tag".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{15}$" })
    }
}

/// All animals of one barn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Herd {
    seed: u64,
    /// The national number of the first animal, and the step to the next: animals are numbered over all barns in turn, as
    /// collars are dealt out.
    first: u64,
    step: u64,
    /// The number of animals, at least 1.
    pub(super) len: u32,
}

impl Herd {
    /// The herd of barn number `barn` of `barns`.
    pub(super) fn new(barn_seed: u64, barn: u16, barns: u16, len: u32) -> Self {
        let (first, step) = (u64::from(barn) + 1, u64::from(barns.max(1)));
        Self { seed: mix(barn_seed, 0xC0), first, step, len: len.max(1) }
    }

    /// The animal with the given number; numbers beyond the herd start over.
    pub(super) fn cow(&self, number: u32) -> Cow {
        let number = number % self.len;
        let seed = mix(self.seed, u64::from(number));
        let mut dice = Dice::new(seed, 0);
        let lactation = [1, 1, 1, 2, 2, 2, 3, 3, 4, 5][dice.below(10) as usize];
        Cow {
            tag: Tag(self.first + self.step * u64::from(number)),
            seed,
            lactation,
            days_in_milk: 5 + dice.below(296),
            talent: (1.0 + 0.24 * dice.normal()).max(0.35),
            ease: dice.normal(),
            chronic: dice.chance(0.10),
        }
    }
}

/// One animal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cow {
    pub(super) tag: Tag,
    pub(super) seed: u64,
    /// How often she has calved: 1 to 5.
    pub(super) lactation: u32,
    /// Days since calving, at the epoch.
    days_in_milk: u32,
    /// Her yield over that of her peers.
    talent: f64,
    /// How fast she milks, in standard deviations.
    pub(super) ease: f64,
    /// Carries a subclinical infection of the udder.
    chronic: bool,
}

/// The state of an udder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Healthy,
    /// No signs but elevated cells and conductivity.
    Subclinical,
    /// Clinical mastitis, with fever.
    Clinical,
}

impl Cow {
    /// Her milk of one day in kg, before health: the curve of Wood with the parameters of a first lactation (Simmental,
    /// Anim Biosci 2021), scaled to the milkings of Holsteins (11.98 kg each, sciendo agro 28/2).
    pub(super) fn daily_yield(&self, day: u32) -> f64 {
        // After 305 days she is dry for 60, and calves again.
        let day_in_milk = f64::from((self.days_in_milk + day) % 365).clamp(1.0, 305.0);
        let wood = 15.23 * day_in_milk.powf(0.1029) * (-0.0015 * day_in_milk).exp();
        let parity = match self.lactation {
            1 => 1.0,
            2 => 1.13,
            _ => 1.20,
        };
        1.08 * wood * parity * self.talent * self.health(day).yield_factor()
    }

    /// Her udder on a day: in every 30 days one cow in twenty falls ill for four to nine of them.
    pub(super) fn health(&self, day: u32) -> Health {
        let mut dice = Dice::new(self.seed, 0x1000 + u64::from(day / 30));
        let ill = dice.chance(0.05);
        let (first, length) = (dice.below(21), 4 + dice.below(6));
        if ill && (first..first + length).contains(&(day % 30)) {
            Health::Clinical
        } else if self.chronic {
            Health::Subclinical
        } else {
            Health::Healthy
        }
    }

    /// Whether she is in oestrus: half a day in every 21.
    pub(super) fn in_oestrus(&self, moment: Moment) -> bool {
        let cycle = u64::from(Dice::new(self.seed, 1).below(21 * 24));
        let hour = moment.at.as_secs() / 3600 + cycle;
        hour % (21 * 24) < 12
    }
}

impl Health {
    /// Milk given over milk given in health (JAPS 2020; clinical cases lose about a third).
    fn yield_factor(self) -> f64 {
        match self {
            Self::Healthy => 1.0,
            Self::Subclinical => 0.92,
            Self::Clinical => 0.68,
        }
    }

    /// Mean and standard deviation of the milk's conductivity, mS/cm at 25 degrees (JVE 2015, JAPS 2017).
    pub(super) fn conductivity(self) -> (f64, f64) {
        match self {
            Self::Healthy => (5.0, 0.22),
            Self::Subclinical => (5.9, 0.30),
            Self::Clinical => (8.2, 0.55),
        }
    }

    /// Mean and standard deviation of the somatic cell score, log2(cells per ml / 100,000) + 3 (USDA).
    pub(super) fn cell_score(self) -> (f64, f64) {
        match self {
            Self::Healthy => (2.4, 0.9),
            Self::Subclinical => (5.0, 0.8),
            Self::Clinical => (7.0, 0.8),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, time::Duration};

    use super::*;

    #[test]
    fn tags_are_15_digits_of_country_999_and_unique_over_barns() {
        let tags: HashSet<String> = (0..3u16)
            .flat_map(|barn| {
                let herd = Herd::new(9, barn, 3, 500);
                (0..500).map(move |number| herd.cow(number).tag.to_string())
            })
            .collect();
        assert_eq!(tags.len(), 1500);
        for tag in tags {
            assert!(tag.len() == 15 && tag.starts_with("999"));
            // ISO 11784 gives the national number 38 bits.
            assert!(tag[3..].parse::<u64>().unwrap() <= 274_877_906_943);
        }
    }

    #[test]
    fn a_few_cows_are_ill_and_get_well() {
        let herd = Herd::new(4, 0, 1, 2000);
        let ill = |day| (0..2000).filter(|&n| herd.cow(n).health(day) == Health::Clinical).count();
        let share = (0..60).map(ill).sum::<usize>() as f64 / (60.0 * 2000.0);
        assert!((0.005..0.02).contains(&share), "{share}");
        let patient = (0..2000).map(|n| herd.cow(n)).find(|cow| cow.health(15) == Health::Clinical).unwrap();
        assert!((0..60).any(|day| patient.health(day) != Health::Clinical));
    }

    #[test]
    fn oestrus_lasts_half_a_day_in_three_weeks() {
        let cow = Herd::new(4, 0, 1, 10).cow(3);
        let hours = (0..21 * 24).filter(|h| cow.in_oestrus(Moment::new(0, Duration::from_secs(h * 3600)))).count();
        assert_eq!(hours, 12);
    }
}
