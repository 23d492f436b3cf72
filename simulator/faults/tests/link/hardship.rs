//! Hardships, on a link under virtual time.

use std::time::Duration;

use faults::{Deed, Hardship, Switch, Trouble};
use wire::{
    Connack, Connect,
    Direction::{FromClient, FromServer},
    Pingreq, Pingresp,
    Version::V3_1_1,
};

use crate::bench::{Bench, ms};

/// When the server got what the client sent at 0, and the client what the server sent, in milliseconds.
fn arrivals(hardship: Hardship, length: Duration) -> [Vec<u128>; 2] {
    let mut bench = Bench::connected(hardship, V3_1_1);
    bench.pass(ms(1000));
    let start = bench.now.since_the_beginning().as_millis();
    bench.out.clear();
    bench.client(Pingreq);
    bench.server(Pingresp);
    bench.pass(length);
    [FromClient, FromServer].map(|way| bench.writes(way).iter().map(|(at, _)| at - start).collect())
}

#[test]
fn each_hardship_does_its_own() {
    let lag = Hardship::new("lag", Trouble::Delay { least: ms(20), jitter: Duration::ZERO });
    assert_eq!(arrivals(lag.clone(), ms(99)), [[20], [20]]);
    assert_eq!(arrivals(lag.clone().up(), ms(99)), [[20], [0]]);
    assert_eq!(arrivals(lag.down(), ms(99)), [[0], [20]]);
    assert_eq!(arrivals(Hardship::new("stop", Trouble::Stall { length: ms(30) }).up(), ms(99)), [[30], [0]]);
    assert_eq!(arrivals(Hardship::new("drops", Trouble::Trickle { pause: ms(5) }).up(), ms(99)), [vec![0, 5], vec![0]]);
    assert_eq!(arrivals(Hardship::new("thin", Trouble::Bandwidth { bytes: 100 }).up(), ms(99)), [vec![0, 10], vec![0]]);
    assert_eq!(arrivals(Hardship::new("gone", Trouble::HalfOpen).up(), ms(99)), [vec![], vec![0]]);
    let mut bench = Bench::new(Hardship::new("gone", Trouble::HalfOpen));
    bench.client(Connect::as_("one"));
    bench.server(Connack::accepted());
    assert_eq!((bench.server_got().len(), bench.client_got().len()), (1, 1), "first it is open");
    assert_eq!(arrivals(Hardship::new("cut", Trouble::Sever).chance(0.0), ms(99)), [[0], [0]]);
}

#[test]
fn jitter_stays_within_its_bounds_and_differs() {
    let mut bench =
        Bench::connected(Hardship::new("lag", Trouble::Delay { least: ms(20), jitter: ms(30) }).up(), V3_1_1);
    let mut took = Vec::new();
    for _ in 0..50 {
        bench.pass(ms(100));
        bench.out.clear();
        let sent = bench.now;
        bench.client(Pingreq);
        bench.pass(ms(60));
        took.push(bench.out[0].0.since(sent));
    }
    assert!(took.iter().all(|took| (ms(20)..=ms(50)).contains(took)), "{took:?}");
    let (least, most) = (took.iter().min().unwrap(), took.iter().max().unwrap());
    assert!(*least < ms(26) && *most > ms(44), "{least:?} to {most:?}");
}

#[test]
fn a_switch_turns_hardships_on_and_off() {
    let switch = Switch::new(false);
    let thin = Hardship::new("thin", Trouble::Bandwidth { bytes: 100 }).up().switched_by(switch.clone());
    let mut bench = Bench::connected(thin, V3_1_1);
    let took = |bench: &mut Bench| {
        bench.pass(ms(1000));
        bench.out.clear();
        let sent = bench.now;
        bench.client(Pingreq);
        bench.pass(ms(100));
        bench.out.last().unwrap().0.since(sent)
    };
    assert_eq!(took(&mut bench), ms(0));
    switch.set(true);
    assert_eq!(took(&mut bench), ms(10));
    switch.set(false);
    assert_eq!(took(&mut bench), ms(0));
    let limits: Vec<Deed> = bench.shared.log().into_iter().map(|entry| entry.deed).collect();
    assert_eq!(limits, [Deed::Limited(Some(100)), Deed::Limited(None)]);
}

#[test]
fn only_the_named_clients_suffer() {
    let cut = || Hardship::new("cut", Trouble::Sever).clients(|id| id == "other");
    let mut bench = Bench::connected(cut(), V3_1_1);
    bench.client(Pingreq);
    assert!(!bench.link.is_over());
    let mut bench = Bench::new(cut());
    bench.connect("other", V3_1_1);
    assert!(bench.link.is_over(), "at its CONNECT");
}

#[test]
fn delays_are_not_logged_and_cuts_are() {
    let lag = Hardship::new("lag", Trouble::Delay { least: ms(1), jitter: ms(0) });
    let mut bench = Bench::connected(lag, V3_1_1);
    bench.client(Pingreq);
    assert!(bench.shared.log().is_empty());
    let bench = Bench::connected(Hardship::new("cut", Trouble::Sever), V3_1_1);
    assert!(bench.shared.log().iter().all(|entry| entry.rule == "cut"));
    assert_eq!(bench.shared.log().len(), 2, "the lost packet and the cut");
}
