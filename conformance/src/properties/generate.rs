//! Random programs.

use std::collections::BTreeSet;

use proptest::{
    collection::vec,
    prelude::{BoxedStrategy, Just, Strategy, any},
    prop_oneof,
    sample::select,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    Capability,
    model::{
        Client, Dialect, Program, Step,
        program::{Connect, Ending, Filter, Publish, Will},
    },
};

/// What programs are made of.
#[derive(Clone, Debug)]
pub struct Mix {
    /// The versions that clients may speak; at least one.
    pub dialects: Vec<Dialect>,
    /// The most steps after the first connections. Default 16.
    pub steps: usize,
    /// Whether expiry intervals and delays are waited for, which takes seconds. Default false.
    pub waits: bool,
    /// The highest QoS that the target offers. Default 2.
    pub maximum_qos: u8,
    /// Whether the target has retained messages. Default true.
    pub retain: bool,
    /// Whether the target has sessions that outlive their connections. Default true.
    pub sessions: bool,
    /// Whether the target has wildcards in filters; without them there are no wills either, which are watched for with one.
    /// Default true.
    pub wildcards: bool,
    /// Whether the target has shared subscriptions in 5.0. Default true.
    pub shared: bool,
    /// Whether the target has Subscription Identifiers. Default true.
    pub identifiers: bool,
}

impl Mix {
    /// Everything that clients of `dialects` may ask of a server.
    pub fn of(dialects: &[Dialect]) -> Self {
        Self {
            dialects: dialects.to_vec(),
            steps: 16,
            waits: false,
            maximum_qos: 2,
            retain: true,
            sessions: true,
            wildcards: true,
            shared: true,
            identifiers: true,
        }
    }

    /// The same without what a target lacks that offers only this.
    #[must_use]
    pub fn within(self, offered: &BTreeSet<Capability>) -> Self {
        let has = |capability| offered.contains(&capability);
        let maximum_qos = if has(Capability::Qos2) { 2 } else { u8::from(has(Capability::Qos1)) };
        Self {
            maximum_qos: self.maximum_qos.min(maximum_qos),
            retain: self.retain && has(Capability::Retain),
            sessions: self.sessions && has(Capability::Sessions),
            wildcards: self.wildcards && has(Capability::Wildcards),
            shared: self.shared && has(Capability::SharedSubscriptions),
            identifiers: self.identifiers && has(Capability::SubscriptionIdentifiers),
            ..self
        }
    }

    fn filters(&self) -> Vec<&'static str> {
        FILTERS.iter().copied().filter(|filter| self.wildcards || !filter.contains(['+', '#'])).collect()
    }
}

/// The program of this seed and case: always the same one.
///
/// # Panics
///
/// When `mix` has no dialects.
pub fn generate(mix: &Mix, seed: u64, case: u64) -> Program {
    let tree = programs(mix.clone()).new_tree(&mut runner(seed, case));
    tree.expect("these strategies reject nothing").current().tidy()
}

/// What strategies draw from: of each seed and case always the same.
pub(super) fn runner(seed: u64, case: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&case.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng)
}

/// Few topics and filters, so that they meet.
static TOPICS: [&str; 4] = ["x", "x/y", "z", "x/y/w"];
static FILTERS: [&str; 9] = ["x", "x/y", "z", "x/+", "+/y", "#", "x/#", "+", "x/+/w"];
static GROUPS: [&str; 2] = ["g", "h"];

fn programs(mix: Mix) -> impl Strategy<Value = Program> {
    let clients = vec(select(mix.dialects.clone()), 2..=4);
    clients.prop_flat_map(move |clients| {
        let count = clients.len() as u8;
        let first: Vec<BoxedStrategy<Step>> =
            (0..count).map(|place| connect(Just(Client(place)).boxed(), &mix)).collect();
        (Just(clients), first, vec(step(count, &mix), 1..=mix.steps)).prop_map(|(clients, mut steps, more)| {
            steps.extend(more);
            Program { clients, steps }
        })
    })
}

fn step(clients: u8, mix: &Mix) -> BoxedStrategy<Step> {
    let client = (0..clients).prop_map(Client).boxed();
    let mut steps = vec![
        (12, publish(client.clone(), mix)),
        (8, subscribe(client.clone(), mix)),
        (2, unsubscribe(client.clone(), mix)),
        (4, connect(client.clone(), mix)),
        (
            2,
            (client.clone(), any::<bool>())
                .prop_map(|(client, with_will)| Step::Disconnect { client, with_will })
                .boxed(),
        ),
        (2, client.clone().prop_map(|client| Step::Cut { client }).boxed()),
        (1, client.clone().prop_map(|client| Step::Withhold { client }).boxed()),
        (1, client.clone().prop_map(|client| Step::Resume { client }).boxed()),
        (2, together(client, mix)),
    ];
    if mix.waits {
        steps.push((4, (1..=3_u32).prop_map(|seconds| Step::Wait { seconds }).boxed()));
    }
    proptest::strategy::Union::new_weighted(steps).boxed()
}

fn connect(client: BoxedStrategy<Client>, mix: &Mix) -> BoxedStrategy<Step> {
    // What may run out during a wait is short; what must not is long.
    let expiry = match mix {
        Mix { sessions: false, .. } => vec![0],
        Mix { waits: true, .. } => vec![0, 2, 300, u32::MAX],
        Mix { .. } => vec![0, 300, u32::MAX],
    };
    let clean = if mix.sessions { any::<bool>().boxed() } else { Just(true).boxed() };
    let delays = if mix.waits { vec![0, 2, 3] } else { vec![0, 0, 60] };
    let will = (select(&TOPICS[..]), qos(mix), retain(mix), select(delays))
        .prop_map(|(topic, qos, retain, delay)| Will { topic: topic.to_owned(), qos, retain, delay });
    let maximum = prop_oneof![4 => Just(None), 1 => (1..=2_u16).prop_map(Some)];
    let will =
        if mix.wildcards { prop_oneof![4 => Just(None), 1 => will.prop_map(Some)].boxed() } else { Just(None).boxed() };
    (client, clean, select(expiry), maximum, will)
        .prop_map(|(client, clean, session_expiry, receive_maximum, will)| {
            Step::Connect(Connect { client, clean, session_expiry, receive_maximum, will })
        })
        .boxed()
}

fn subscribe(client: BoxedStrategy<Client>, mix: &Mix) -> BoxedStrategy<Step> {
    let share = if mix.shared {
        prop_oneof![4 => Just(None), 1 => select(&GROUPS[..]).prop_map(Some)].boxed()
    } else {
        Just(None).boxed()
    };
    let filter = (select(mix.filters()), share, 0..=2_u8, any::<bool>(), any::<bool>(), 0..=2_u8).prop_map(
        |(filter, share, qos, no_local, retain_as_published, retain_handling)| Filter {
            filter: filter.to_owned(),
            share: share.map(str::to_owned),
            qos,
            no_local,
            retain_as_published,
            retain_handling,
        },
    );
    let identifier = if mix.identifiers {
        prop_oneof![1 => Just(None), 1 => (1..=5_u32).prop_map(Some)].boxed()
    } else {
        Just(None).boxed()
    };
    (client, vec(filter, 1..=3), identifier)
        .prop_map(|(client, filters, identifier)| Step::Subscribe { client, filters, identifier })
        .boxed()
}

fn unsubscribe(client: BoxedStrategy<Client>, mix: &Mix) -> BoxedStrategy<Step> {
    let mut filters: Vec<String> = mix.filters().into_iter().map(str::to_owned).collect();
    if mix.shared {
        filters.push("$share/g/x".to_owned());
        filters.extend(mix.wildcards.then(|| "$share/g/#".to_owned()));
    }
    (client, vec(select(filters), 1..=3)).prop_map(|(client, filters)| Step::Unsubscribe { client, filters }).boxed()
}

fn publish(client: BoxedStrategy<Client>, mix: &Mix) -> BoxedStrategy<Step> {
    let ending = prop_oneof![
        12 => Just(Ending::Whole),
        2 => Just(Ending::Repeated),
        1 => Just(Ending::Unreleased),
        1 => Just(Ending::Unheard),
        1 => Just(Ending::Cut),
    ];
    let count = prop_oneof![4 => Just(1), 1 => 2..=4_u8];
    let expiry = if mix.waits { vec![None, Some(2), Some(300)] } else { vec![None, None, Some(300)] };
    let empty = prop_oneof![6 => Just(false), 1 => Just(true)];
    (client, select(&TOPICS[..]), qos(mix), retain(mix), empty, count, select(expiry), ending)
        .prop_map(|(client, topic, qos, retain, empty, count, expiry, ending)| {
            Step::Publish(Publish { client, topic: topic.to_owned(), qos, retain, empty, count, expiry, ending })
        })
        .boxed()
}

fn together(client: BoxedStrategy<Client>, mix: &Mix) -> BoxedStrategy<Step> {
    let other = prop_oneof![
        2 => subscribe(client.clone(), mix),
        2 => unsubscribe(client.clone(), mix),
        1 => client.clone().prop_map(|client| Step::Disconnect { client, with_will: false }),
        1 => client.clone().prop_map(|client| Step::Cut { client }),
        2 => publish(client.clone(), mix),
    ];
    (publish(client, mix), vec(other, 1..=2))
        .prop_map(|(publish, mut steps)| {
            steps.push(publish);
            Step::Together { steps }
        })
        .boxed()
}

fn qos(mix: &Mix) -> BoxedStrategy<u8> {
    (0..=mix.maximum_qos).boxed()
}

fn retain(mix: &Mix) -> BoxedStrategy<bool> {
    if mix.retain { prop_oneof![2 => Just(false), 1 => Just(true)].boxed() } else { Just(false).boxed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a seed printed is worth: the same program, and one that a file can hold.
    #[test]
    fn a_seed_gives_the_same_program_again() {
        let mix = Mix { waits: true, ..Mix::of(&[Dialect::V311, Dialect::V5]) };
        for case in 0..300 {
            let program = generate(&mix, 7, case);
            assert_eq!(program, generate(&mix, 7, case));
            let text = program.to_text("");
            assert_eq!(Program::parse(&text).unwrap(), program, "{text}");
            assert_eq!(program.tidy(), program, "{text}");
        }
        assert_ne!(generate(&mix, 7, 0), generate(&mix, 8, 0));
    }

    /// A broker is not accused for what it never offered.
    #[test]
    fn programs_ask_only_for_what_is_offered() {
        let all: BTreeSet<Capability> = Capability::ALL.iter().copied().collect();
        let count = |lacking: &[Capability], asked: &str| {
            let offered = all.iter().copied().filter(|capability| !lacking.contains(capability)).collect();
            let mix = Mix::of(&[Dialect::V311, Dialect::V5]).within(&offered);
            (0..300).filter(|case| generate(&mix, 3, *case).to_text("").contains(asked)).count()
        };
        let lacks: [(&[Capability], &str); 9] = [
            (&[Capability::Retain], "qos = 1, retain = true"),
            (&[Capability::Sessions], "clean = false"),
            (&[Capability::Sessions], "session_expiry"),
            (&[Capability::Wildcards], "#"),
            (&[Capability::Wildcards], "+"),
            (&[Capability::Wildcards], "will"),
            (&[Capability::SharedSubscriptions], "share"),
            (&[Capability::SubscriptionIdentifiers], "identifier"),
            (&[Capability::Qos2], "count = 2, qos = 2"),
        ];
        for (lacking, asked) in lacks {
            assert!(count(&[], asked) > 0, "{asked} is never asked at all");
            assert_eq!(count(lacking, asked), 0, "{asked} without {lacking:?}");
        }
        assert_eq!(count(&[Capability::Qos2, Capability::Qos1], "count = 2, qos = 1"), 0);
    }
}
