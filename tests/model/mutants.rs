//! Planted faults: rules in a proxy that make a correct broker wrong in one way. The model must find each of them.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use conformance::{
    model::Dialect,
    properties::{Mix, Search, Summary, search},
};
use faults::{Proxy, Rules, Sight, client, forget_disconnect, server, withhold_will};
use wire::{Connack, Connect, Kind, Packet, Publish, Subscribe, Unsubscribe};

use crate::{reference_broker, site};

/// A fault, and the statements (of any version) by which it may be found.
struct Mutant {
    name: &'static str,
    rules: fn() -> Rules,
    statements: &'static [&'static str],
    /// What clients speak.
    dialects: &'static [Dialect],
}

const fn mutant(name: &'static str, rules: fn() -> Rules, statements: &'static [&'static str]) -> Mutant {
    Mutant { name, rules, statements, dialects: &[Dialect::V311, Dialect::V5] }
}

const SEED: u64 = 20_251_121;

/// More than enough for each of them.
const CASES: u64 = 600;

/// What cannot be here, because the model does not see it: what clients of a program never do (malformed packets, Keep Alive,
/// authentication, Topic Aliases: the cases of the suite and the two senders do), how long something takes as long as it is
/// within the patience, what no client can tell apart (the order of messages of different clients, which of several empty
/// messages an MQTT 3.1.1 client got), and what the standard leaves to the server (whether QoS 0 messages wait for a client
/// that is away, how many copies overlapping subscriptions get, which member of a shared group a message goes to).
const MUTANTS: &[Mutant] = &[
    mutant(
        "QoS 2 comes twice",
        || server(Kind::Publish).when(|seen| is(seen, |publish| publish.qos == 2 && !publish.dup)).duplicate().into(),
        &["3.3.1-1", "4.4.0-1", "2.3.1-4", "2.2.1-4", "4.3.3-1", "4.3.3-2", "4.3.3-6", "4.3.3-10"],
    ),
    mutant(
        "QoS 1 is lost",
        || server(Kind::Publish).when(|seen| is(seen, |publish| publish.qos == 1)).drop().into(),
        &["4.5.0-1", "3.1.2-5", "3.3.1-6", "3.3.1-9", "3.1.2-8", "4.8.2-3", "3.3.4-2", "3.3.4-4", "3.3.5-1"],
    ),
    Mutant {
        // A client of 5.0 may see the RETAIN that it takes away.
        dialects: &[Dialect::V311],
        ..mutant("a retained message is not replaced", first_retained_stays, &["3.3.1-5", "3.3.1-6"])
    },
    mutant("No Local is ignored", || options(|options| options.no_local = false), &["3.8.3-3"]),
    mutant("Retain As Published is ignored", || options(|options| options.retain_as_published = false), &["3.3.1-13"]),
    mutant("Retain Handling is ignored", || options(|options| options.retain_handling = 0), &["3.3.1-10"]),
    mutant(
        "order is swapped",
        || {
            let every_other =
                |publish: &Publish| publish.qos == 0 && publish.payload.last().is_some_and(|digit| digit % 2 == 0);
            server(Kind::Publish).when(move |seen| is(seen, every_other)).late(Duration::from_millis(30)).into()
        },
        &["4.6.0-5", "4.6.0-6"],
    ),
    mutant("the will comes after DISCONNECT", forget_disconnect, &["3.14.4-3"]),
    mutant("the will is withheld", withhold_will, &["3.1.2-8"]),
    mutant(
        "the delay of a will is ignored",
        || {
            connect(|connect| {
                connect.will.iter_mut().for_each(|will| will.properties.0.retain(|p| p.identifier != 0x18))
            })
        },
        &["3.1.3-9", "3.14.4-3"],
    ),
    mutant(
        "Session Present is wrong",
        || server(Kind::Connack).edit(|connack: &mut Connack| connack.session_present ^= true).into(),
        &["3.2.2-1", "3.2.2-2", "3.2.2-3"],
    ),
    mutant("a session is not kept", || connect(|connect| connect.clean_start = true), &["3.2.2-2", "3.2.2-3"]),
    mutant(
        "a clean start keeps the session",
        || connect(|connect| connect.clean_start = false),
        &["3.2.2-1", "3.2.2-2"],
    ),
    mutant("a repetition has no DUP", || publications(|publish| publish.dup = false), &["3.3.1-1"]),
    mutant(
        "what is unacknowledged is forgotten",
        || server(Kind::Publish).when(|seen| is(seen, |publish| publish.dup)).drop().into(),
        &["4.4.0-1"],
    ),
    mutant("a live message says RETAIN 1", || publications(|publish| publish.retain = true), &["3.3.1-9", "3.3.1-12"]),
    mutant(
        "a stored message says RETAIN 0",
        || publications(|publish| publish.retain = false),
        &["3.3.1-8", "3.3.1-9", "3.3.1-13"],
    ),
    mutant(
        "Receive Maximum is ignored",
        || connect(|connect| connect.properties.0.retain(|property| property.identifier != 0x21)),
        &["3.3.4-9"],
    ),
    mutant(
        "Subscription Identifiers are left out",
        || publications(|publish| publish.properties.0.retain(|property| property.identifier != 0x0b)),
        &["3.3.4-3", "3.3.4-4"],
    ),
    mutant(
        "User Properties are left out",
        || publications(|publish| publish.properties.0.retain(|property| property.identifier != 0x26)),
        &["3.3.2-17"],
    ),
    mutant(
        "the Message Expiry Interval is left out",
        || publications(|publish| publish.properties.0.retain(|property| property.identifier != 0x02)),
        &["3.3.2-6"],
    ),
    mutant("every member of a shared group gets it", everybody_shares, &["4.8.2-3"]),
    mutant(
        "a message repeated before PUBREL is another one",
        || {
            let repeated = client(Kind::Publish).when(|seen| is(seen, |publish| publish.dup && publish.qos == 2));
            repeated.precede(|seen| publish(seen).unwrap_or_else(|| Publish::to("x")).dup(false).qos(0)).into()
        },
        // The other copy has QoS 0, and may be the first that comes.
        &["4.3.3-10", "4.3.3-2", "4.3.1-1", "3.8.4-6", "3.8.4-8"],
    ),
    Mutant {
        // What UNSUBACK says in 5.0 gives it away, and that rule has no number.
        dialects: &[Dialect::V311],
        ..mutant(
            "UNSUBSCRIBE is forgotten",
            || {
                let edit =
                    |packet: &mut Unsubscribe| packet.filters.iter_mut().for_each(|filter| filter.insert_str(0, "no/"));
                client(Kind::Unsubscribe).edit(edit).into()
            },
            &["3.10.4-2"],
        )
    },
    mutant(
        "a filter matches what it should not",
        || {
            let edit = |subscribe: &mut Subscribe| {
                subscribe
                    .filters
                    .iter_mut()
                    .for_each(|(filter, _)| *filter = filter.replace('+', "#").replace("#/", "+/"));
            };
            client(Kind::Subscribe).edit(edit).into()
        },
        &["3.3.2-3", "3.3.4-3", "3.3.1-5", "3.3.1-10"],
    ),
];

fn publish(seen: &Sight<'_>) -> Option<Publish> {
    match seen.packet() {
        Ok(Packet::Publish(publish)) => Some(Publish { packet_identifier: None, ..publish }),
        _ => None,
    }
}

fn is(seen: &Sight<'_>, what: impl Fn(&Publish) -> bool) -> bool {
    matches!(seen.packet(), Ok(Packet::Publish(publish)) if what(&publish))
}

fn connect(change: fn(&mut Connect)) -> Rules {
    client(Kind::Connect).edit(change).into()
}

/// Of the server.
fn publications(change: fn(&mut Publish)) -> Rules {
    server(Kind::Publish).edit(change).into()
}

fn options(change: fn(&mut wire::Options)) -> Rules {
    let edit = move |subscribe: &mut Subscribe| subscribe.filters.iter_mut().for_each(|(_, options)| change(options));
    client(Kind::Subscribe).edit(edit).into()
}

/// Only the first message to a topic with RETAIN 1 keeps it; an empty one is let through.
fn first_retained_stays() -> Rules {
    let topics: Mutex<HashSet<String>> = Mutex::default();
    let later = move |publish: &Publish| {
        let mut topics = topics.lock().unwrap_or_else(PoisonError::into_inner);
        if publish.payload.is_empty() {
            topics.remove(&publish.topic);
            return false;
        }
        publish.retain && !topics.insert(publish.topic.clone())
    };
    client(Kind::Publish).when(move |seen| is(seen, &later)).edit(|publish: &mut Publish| publish.retain = false).into()
}

/// Shared subscriptions are subscriptions like others, except that they are sent nothing retained.
fn everybody_shares() -> Rules {
    let edit = |subscribe: &mut Subscribe| {
        for (filter, options) in &mut subscribe.filters {
            let plain = filter
                .strip_prefix("$share/")
                .and_then(|shared| shared.split_once('/'))
                .map(|(_, plain)| plain.to_owned());
            if let Some(plain) = plain {
                *filter = plain;
                options.retain_handling = 2;
            }
        }
    };
    client(Kind::Subscribe).edit(edit).into()
}

/// Each fault is found, under a statement that is about it, and shrunk to a program of a few steps.
#[tokio::test]
async fn planted_faults_are_found() {
    let (_broker, address) = reference_broker().await;
    let judged = thread::scope(|scope| {
        let threads: Vec<_> = MUTANTS.iter().map(|mutant| scope.spawn(move || judge(mutant, address))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let mut missed = Vec::new();
    for (mutant, summary, took) in judged {
        let name = mutant.name;
        println!("{name}: {} programs, {took:.1?}", summary.cases);
        let Some(found) = summary.found.first() else {
            let once: Vec<String> = summary.unrepeated.iter().map(|once| once.discrepancy.to_string()).collect();
            missed
                .push(format!("{name}: nothing found in {} programs with seed {SEED}; once: {once:?}", summary.cases));
            continue;
        };
        println!("{}\n{}", found.discrepancy, found.program.to_text(""));
        let statement = found.discrepancy.statement.clone().unwrap_or_default();
        let number = statement.trim_start_matches("MQTT-").split(' ').next().unwrap_or_default();
        if !mutant.statements.contains(&number) {
            missed.push(format!("{name}: found, but as {}", found.discrepancy));
        }
        if found.program.steps.len() > 8 {
            missed.push(format!("{name}: not shrunk enough:\n{}", found.program.to_text("")));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Searches behind a proxy with the fault, on a runtime of its own.
fn judge(mutant: &Mutant, address: SocketAddr) -> (&Mutant, Summary, Duration) {
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let summary = runtime.block_on(async {
        let proxy = Proxy::start(address, (mutant.rules)(), SEED).await.unwrap();
        let mut how = Search::new(Mix::of(mutant.dialects), SEED);
        (how.cases, how.jobs, how.findings, how.attempts) = (CASES, 2, 1, 40);
        how.second_patience = Duration::from_secs(2);
        let site = site(proxy.address()).patience(Duration::from_secs(1));
        search(&how, &site, |_| {}).await
    });
    (mutant, summary, began.elapsed())
}
