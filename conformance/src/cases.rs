//! Every case, a file for each family of sections of the standard.

mod acks;
mod auth;
mod clean_start;
mod client_id;
mod client_limits;
mod cluster;
mod connack;
mod connect;
mod connect_format;
mod connect_properties;
mod connect_protocol;
mod data;
mod disconnect;
mod fixed_header;
mod flow;
mod forward;
mod limits;
mod network;
mod publish;
mod qos;
mod retain;
mod session;
mod shared;
mod subscribe;
mod tls;
mod topics;
mod unsubscribe;
mod websocket;
mod will;
mod will_delay;

use crate::Case;

/// What the files of cases use.
mod prelude {
    pub(super) use faults::{Sight, client, client_closes, server};
    pub(super) use wire::{
        Ack, Connack, Connect, Draft, Kind, Options, Pingreq, Properties, Property, Publish, Suback, Subscribe,
        Unsuback, Unsubscribe, Version, Will,
    };

    pub(super) use crate::{
        After::{Connecting, Opening},
        Bench, Capability, Case, CaseResult, Judge,
        Mark::{self, Both, V5, V311},
        Mutant, Outcome, Peer, run,
    };
}

/// The tables, in the order of the sections.
const TABLES: &[&[Case]] = &[
    data::CASES,
    fixed_header::CASES,
    connect::CASES,
    connect_format::CASES,
    connect_properties::CASES,
    connect_protocol::CASES,
    client_id::CASES,
    clean_start::CASES,
    will::CASES,
    will_delay::CASES,
    client_limits::CASES,
    connack::CASES,
    publish::CASES,
    forward::CASES,
    retain::CASES,
    acks::CASES,
    subscribe::CASES,
    subscribe::ANSWERS,
    subscribe::DELIVERY,
    unsubscribe::CASES,
    disconnect::CASES,
    session::CASES,
    network::CASES,
    cluster::CASES,
    tls::CASES,
    tls::BYTES,
    websocket::CASES,
    websocket::FRAMES,
    qos::CASES,
    qos::SENDING,
    flow::CASES,
    limits::CASES,
    limits::PLACES,
    topics::CASES,
    shared::CASES,
    auth::CASES,
];

/// Every case, in the order of the tables.
pub fn all() -> impl Iterator<Item = &'static Case> {
    TABLES.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{How, Statement, embedded, excused};

    /// What is wrong with each case, in words.
    fn faults_of(check: impl Fn(&Case) -> Vec<String>) -> String {
        let faults = all().flat_map(|case| check(case).into_iter().map(|fault| format!("{}: {fault}", case.id)));
        faults.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn ids_are_unique_and_well_formed() {
        let mut seen = BTreeSet::new();
        for case in all() {
            assert!(seen.insert(case.id), "{} is there twice", case.id);
        }
        let word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        let wrong = faults_of(|case| match case.id.split_once('.') {
            Some((family, fact))
                if word(family) && word(fact) && !case.title.is_empty() && !case.title.ends_with('.') =>
            {
                vec![]
            }
            _ => vec!["wants an id like family.what_is_true and a title without a full stop".into()],
        });
        assert_eq!(wrong, "");
    }

    #[test]
    fn every_mark_names_a_statement_that_can_be_decided() {
        let wrong = faults_of(|case| {
            let marks = case.versions().flat_map(|version| case.numbers(version).map(move |number| (version, number)));
            let complaint = |(version, number)| match Statement::find(version, number) {
                None => Some(format!("MQTT {version} has no statement {number}")),
                Some(statement) => excused::reason(statement).map(|reason| format!("{statement} is excused: {reason}")),
            };
            let mut complaints: Vec<String> = marks.filter_map(complaint).collect();
            if case.versions().next().is_none() {
                complaints.push("it decides nothing".into());
            }
            complaints
        });
        assert_eq!(wrong, "");
    }

    #[test]
    fn every_case_has_a_mutant_in_each_of_its_versions() {
        let wrong = faults_of(|case| {
            let bare = case.versions().filter(|version| {
                !case.mutants.iter().any(|mutant| mutant.version.is_none_or(|only| only == *version))
            });
            let mut complaints: Vec<String> = bare.map(|version| format!("no mutant in {version}")).collect();
            for mutant in case.mutants {
                let names = match &mutant.how {
                    How::Configuration(name) => std::slice::from_ref(name),
                    How::Apart(names) => names,
                    _ => &[],
                };
                for name in names.iter().filter(|name| !embedded::configurations().any(|known| known == **name)) {
                    complaints.push(format!("there is no configuration {name}"));
                }
            }
            let names: BTreeSet<&str> = case.mutants.iter().map(|mutant| mutant.name).collect();
            if names.len() < case.mutants.len() {
                complaints.push("two mutants have one name".into());
            }
            complaints
        });
        assert_eq!(wrong, "");
    }
}
