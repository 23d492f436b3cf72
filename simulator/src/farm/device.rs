//! One device: what it is, and the little it remembers.

use std::{sync::Arc, time::Duration};

use bytestring::ByteString;
use protocol::QoS;
use scenarios::model::Curve;
use serde::Serialize;

use super::{
    Model, Profile,
    barn::Barn,
    clock::Moment,
    dice::{Dice, mix},
    herd::Tag,
    payload::{Envelope, Level, Location, Metadata, Quality, SCHEMA_VERSION},
    topics::fill,
};

/// A device. Its own memory is under half a kilobyte and its topics about as much again.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) name: ByteString,
    pub(super) model: Model,
    pub(super) group: u16,
    pub(super) unit: u16,
    /// Its number among the devices of its model in its barn.
    pub(super) place: u32,
    pub(super) seed: u64,
    pub(super) weight: f64,
    /// The QoS of all telemetry, if the plan says one.
    pub(super) qos: Option<QoS>,
    /// Whether telemetry is published with RETAIN.
    pub(super) retain: bool,
    pub(super) topics: Box<[ByteString]>,
    pub(super) status: ByteString,
    pub(super) heartbeat: ByteString,
    /// Time between messages: the plan's, or as configured since; absent is natural.
    pub(super) interval: Option<Duration>,
    /// Multiplies the natural rate over the day.
    pub(super) curve: Option<Arc<Curve>>,
    /// Measurements and alerts so far.
    pub(super) sequence: u64,
    /// Status messages so far. They are counted apart: when a connection comes and a heartbeat is due depends on the broker and the
    /// machine, and what is measured must not.
    pub(super) statuses: u64,
    /// Turns of telemetry so far.
    pub(super) turns: u64,
    /// It boots once, and again when it is told to. A lost connection is no boot: when one ends and the next begins depends on the
    /// broker and the machine, and what is measured must not.
    pub(super) boots: u32,
    /// When the present boot began.
    pub(super) born: Duration,
    /// Births so far, each of which opens a connection.
    pub(super) connections: u32,
    /// The level of the last value, so that an alert is raised once.
    pub(super) level: Level,
    /// Takes the next turn.
    pub(super) alert: Option<Box<Raised>>,
    /// What the model counts: kilograms in a feeding station's bin.
    pub(super) stock: Option<f64>,
    /// What every payload of a plain device holds; its group shares it.
    pub(super) pattern: Option<Arc<[u8]>>,
    /// Hashes of the correlation ids of the last commands, newest last.
    pub(super) executed: Vec<u64>,
}

/// An alert that waits to be published.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raised {
    pub(super) kind: &'static str,
    pub(super) message: &'static str,
    pub(super) animal: Option<Tag>,
    pub(super) value: f64,
}

/// A place on the farm as a model knows it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spot {
    /// `gates` instead of the barn.
    pub(super) at_gates: bool,
    pub(super) stall: Option<u32>,
    pub(super) zone: Option<&'static str>,
}

impl Spot {
    pub(super) fn zone(zone: &'static str) -> Self {
        Self { zone: Some(zone), ..Self::default() }
    }

    pub(super) fn stall(stall: u32) -> Self {
        Self { stall: Some(stall + 1), zone: Some("milking_parlor"), at_gates: false }
    }
}

impl Device {
    /// What all devices of its model have in common.
    pub(super) fn profile(&self) -> &'static Profile {
        Profile::of(self.model)
    }

    /// The topic or filter that a template of the table stands for.
    pub(super) fn fill(&self, barn: &Barn, template: &str) -> String {
        fill(template, self.model, &self.name, barn, self.place)
    }

    /// The topic whose turn it is.
    pub(super) fn leaf(&self) -> usize {
        let leaves = self.profile().telemetry;
        let sum: u64 = leaves.iter().map(|leaf| u64::from(leaf.share)).sum();
        let mut turn = self.turns % sum;
        for (index, leaf) in leaves.iter().enumerate() {
            match turn.checked_sub(u64::from(leaf.share)) {
                Some(rest) => turn = rest,
                None => return index,
            }
        }
        unreachable!("a turn is below the sum of the shares")
    }

    /// Seconds since the present boot; 0 before the first birth.
    pub(super) fn uptime(&self, at: Duration) -> u64 {
        if self.connections == 0 { 0 } else { at.saturating_sub(self.born).as_secs() }
    }

    /// The payload around `data` in the farm's envelope, the message of its kind with this number.
    pub(super) fn envelope<D: Serialize>(
        &self,
        barn: &Barn,
        moment: Moment,
        spot: Spot,
        data: D,
        quality: Quality,
        Number { boot, sequence }: Number,
    ) -> Vec<u8> {
        let device_type = self.profile().device_type.expect("only models of the farm use its envelope");
        write(&Envelope {
            schema_version: SCHEMA_VERSION,
            device_id: &self.name,
            device_type,
            timestamp: moment.timestamp(),
            location: Location {
                barn_id: if spot.at_gates { "gates" } else { &barn.unit.name },
                stall_id: spot.stall,
                zone: spot.zone,
            },
            data,
            metadata: Metadata {
                firmware_version: firmware(self.model),
                signal_strength: self.signal(sequence),
                battery_level: self.battery(moment),
                gateway_id: &barn.gateway,
                boot_id: boot,
                sequence,
            },
            quality,
        })
    }

    /// Received signal strength in dBm at a message: the device's place decides, people and animals walk through it.
    pub(super) fn signal(&self, sequence: u64) -> i32 {
        let site = Dice::new(self.seed, u64::MAX).between(-82.0, -45.0);
        (site + 2.5 * Dice::new(self.seed, sequence ^ 0xD8).normal()) as i32
    }

    /// Percent left: batteries of collars and sensors of the air last one to three years, the rest is on mains.
    fn battery(&self, moment: Moment) -> u32 {
        match self.model {
            Model::Collar
            | Model::TemperatureSensor
            | Model::HumiditySensor
            | Model::AmmoniaSensor
            | Model::Co2Sensor => {
                let mut dice = Dice::new(mix(self.seed, 0xBA), 0);
                let (charge, days) = (dice.between(35.0, 100.0), dice.between(400.0, 1100.0));
                (charge - 100.0 * moment.seconds() / (86_400.0 * days)).rem_euclid(100.0) as u32
            }
            _ => 100,
        }
    }
}

/// One turn of telemetry: what a model needs to make its next message.
pub(super) struct Turn<'a> {
    pub(super) device: &'a mut Device,
    pub(super) barn: &'a mut Barn,
    pub(super) moment: Moment,
    /// The index of the topic whose turn it is.
    pub(super) leaf: usize,
    /// Draws of this turn alone.
    pub(super) dice: Dice,
}

impl Turn<'_> {
    /// The payload around `data` in the farm's envelope, the message of its kind with this number.
    pub(super) fn say<D: Serialize>(&mut self, spot: Spot, data: D, quality: Quality) -> Vec<u8> {
        self.device.sequence += 1;
        let number = Number { boot: self.device.boots, sequence: self.device.sequence };
        self.device.envelope(self.barn, self.moment, spot, data, quality, number)
    }

    /// Notes the level of a value; raises `alert` when it rises to [`Level::Alert`] or beyond.
    pub(super) fn note(&mut self, level: Level, alert: Raised) {
        if level >= Level::Alert && level > self.device.level {
            self.device.alert = Some(Box::new(alert));
        }
        self.device.level = level;
    }
}

/// What tells the messages of one kind of a device apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    pub(super) boot: u32,
    pub(super) sequence: u64,
}

/// The firmware of a model.
pub(super) fn firmware(model: Model) -> &'static str {
    match model {
        Model::MilkMeter | Model::QualityAnalyzer => "3.2.1",
        Model::ParlourReader | Model::GateReader => "2.0.4",
        Model::Collar => "4.1.0",
        Model::Esp32 => "1.4.2",
        Model::PropController => "2.1.0",
        _ => "1.8.3",
    }
}

/// A value as JSON.
pub(super) fn write<T: Serialize>(value: &T) -> Vec<u8> {
    let mut payload = Vec::with_capacity(640);
    serde_json::to_writer(&mut payload, value).expect("payloads have string keys and finite numbers");
    payload
}
