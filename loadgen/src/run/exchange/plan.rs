//! Who asks whom, by which words.

use std::time::Duration;

use bytes::Bytes;
use protocol::{Message, Properties, Property, QoS, SubscribeFilter, SubscriptionOptions, TopicName, Version};
use scenarios::model::{Arrival as Wanted, Requests};
use simulator::{
    ConnectOptions, Target,
    farm::{DeviceId, Farm},
};

use super::book;
use crate::{
    RunId,
    run::{
        Plan,
        program::{self, Part},
        readers::{quality, version},
    },
    schedule::{Arrival, Paced, Schedule, Slope},
};

/// When each request of one section starts, and who asks whom.
pub(super) struct Program {
    starts: Paced,
    begins: Duration,
    /// How many of the section's devices are to be connected, until when; in order.
    present: Vec<(Duration, usize)>,
    number: u32,
}

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: Duration,
    pub(super) number: u32,
    /// The place of the device among those that the section asks; `None` when none is to be connected.
    pub(super) asked: Option<usize>,
}

impl Program {
    /// From the first measured part to the end of the last one. `asked` are the devices of the section in the order in which
    /// they connect, as their places among all devices.
    pub(super) fn new(requests: &Requests, parts: &[Part], asked: &[usize], seed: u64) -> Self {
        let begins = parts.iter().find(|part| part.span.measured).map_or(Duration::ZERO, |part| part.span.begins);
        let ends = parts.last().map_or(Duration::ZERO, |part| part.span.ends);
        let arrival = match requests.arrival {
            Wanted::Constant => Arrival::Constant,
            Wanted::Poisson => Arrival::Poisson { seed },
        };
        let slope = Slope::hold(requests.rate.per_second(), ends.saturating_sub(begins));
        let present = parts.iter().map(|part| {
            // Who comes or goes in a part cannot be relied on in it.
            let devices = part.devices_before().min(part.devices);
            (part.span.ends, asked.partition_point(|place| *place < devices))
        });
        Self { starts: Paced::new([slope], arrival, 1), begins, present: present.collect(), number: 0 }
    }

    pub(super) fn next(&mut self) -> Option<Due> {
        let at = self.begins + self.starts.next_start()?;
        let part = self.present.partition_point(|(ends, _)| *ends <= at).min(self.present.len().checked_sub(1)?);
        let devices = self.present[part].1;
        let number = self.number;
        self.number = number.wrapping_add(1);
        Some(Due { at, number, asked: (devices > 0).then(|| number as usize % devices) })
    }
}

/// A device that is asked.
#[derive(Debug)]
pub(super) struct Asked {
    /// Its Client Identifier in the scenario.
    pub(super) name: String,
    pub(super) topic: TopicName,
    /// Where it tells what it did, under the target's prefix.
    status: String,
    /// Whether it answers where it is told to: it speaks 5.0.
    follows: bool,
}

/// Words of one section.
pub(super) struct Speech {
    run: RunId,
    /// The number of the section.
    section: usize,
    pub(super) qos: QoS,
    version: Version,
    /// In the order in which they connect.
    pub(super) asked: Vec<Asked>,
}

impl Speech {
    /// # Errors
    ///
    /// A topic that is none under the target's prefix, as a fragment.
    pub(super) fn new(plan: &Plan, section: usize, farm: &Farm) -> Result<(Self, Vec<usize>), String> {
        let requests = &plan.scenario.requests[section];
        let target = &plan.target;
        let of_target = |wanted| target.version.unwrap_or(version(wanted));
        let (mut asked, mut places) = (Vec::new(), Vec::new());
        for (place, device) in program::order(farm).into_iter().enumerate() {
            let group = farm.info(device).group;
            if !requests.to.iter().any(|to| to.0 == group) {
                continue;
            }
            let follows = of_target(plan.scenario.devices[usize::from(group)].version) == Version::V5;
            asked.push(one(device, farm, target, follows)?);
            places.push(place);
        }
        let version = of_target(requests.version);
        Ok((Self { run: plan.run_id, section, qos: quality(requests.qos), version, asked }, places))
    }

    /// How requester `n`, from 0, connects; where it is answered; what it subscribes to for that, `count` requesters sharing
    /// the devices.
    ///
    /// # Errors
    ///
    /// A name or a topic that is none under the target's prefix, as a fragment.
    pub(super) fn requester(
        &self,
        requests: &Requests,
        target: &Target,
        n: u32,
    ) -> Result<(ConnectOptions, TopicName, Vec<SubscribeFilter>), String> {
        let name = requests.client_id(n + 1);
        let connect = target.connect_options(&name, version(requests.version))?;
        let back = format!("smartdairy/responses/{name}");
        let wrong = |error| format!("requests.{}: {back:?} is no topic under the prefix: {error}", requests.name);
        let answers = target.prefix.topic(&back).map_err(wrong)?;
        let mine = self.asked.iter().skip(n as usize).step_by(requests.requesters as usize);
        let by_status = mine.filter(|one| !self.by_properties(one)).map(|one| one.status.clone());
        let told = self.asked.iter().any(|one| self.by_properties(one)).then(|| answers.as_str().to_owned());
        let filters = told.into_iter().chain(by_status).map(|filter| {
            let filter =
                protocol::TopicFilter::new(filter).map_err(|error| format!("requests.{}: {error}", requests.name))?;
            Ok(SubscribeFilter { filter, options: SubscriptionOptions { qos: self.qos, ..Default::default() } })
        });
        Ok((connect, answers, filters.collect::<Result<_, String>>()?))
    }

    /// Whether request and answer go by the properties of 5.0: both sides know them.
    fn by_properties(&self, asked: &Asked) -> bool {
        self.version == Version::V5 && asked.follows
    }

    /// The request to a device, which is to answer to `back`.
    pub(super) fn request(&self, asked: &Asked, number: u32, back: &TopicName) -> Message {
        let correlation = book::correlation(self.run, self.section, number);
        if self.by_properties(asked) {
            let mut properties = Properties::new();
            properties.push(Property::ResponseTopic(back.clone()));
            properties.push(Property::CorrelationData(Bytes::from(correlation)));
            let payload = Bytes::from_static(b"{\"command\":\"ping\"}");
            return Message { topic: asked.topic.clone(), payload, properties };
        }
        let payload = Bytes::from(format!("{{\"command\":\"ping\",\"correlation_id\":\"{correlation}\"}}"));
        Message { topic: asked.topic.clone(), payload, properties: Properties::EMPTY }
    }

    /// The number of the request that `message` answers; `None` for what is no answer, such as a sign of life on a status topic.
    pub(super) fn answered(&self, message: &Message) -> Option<u32> {
        let number = |text: &[u8]| book::number(text, self.run, self.section);
        match message.properties.correlation_data() {
            Some(data) => number(data),
            None => correlation_id(&message.payload).and_then(number),
        }
    }
}

fn one(device: DeviceId, farm: &Farm, target: &Target, follows: bool) -> Result<Asked, String> {
    let name = farm.info(device).name.to_owned();
    let words = farm.dialogue(device).ok_or_else(|| format!("{name} takes no commands"))?;
    let wrong = |error| format!("{name}: its topics are none under the prefix: {error}");
    let topic = target.prefix.topic(&words.command).map_err(wrong)?;
    let status = target.prefix.topic(&words.answer).map_err(wrong)?.as_str().to_owned();
    Ok(Asked { name, topic, status, follows })
}

/// The text of `correlation_id` in a JSON object as devices write it. Ours has nothing to escape.
fn correlation_id(payload: &[u8]) -> Option<&[u8]> {
    const KEY: &[u8] = b"\"correlation_id\":\"";
    let begins = payload.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let length = payload[begins..].iter().position(|byte| *byte == b'"')?;
    Some(&payload[begins..begins + length])
}
