//! Each word of the language does what it says, on a link under virtual time.

use std::{cell::Cell, time::Duration};

use crate::bench::{Bench, ms};
use faults::{
    Clause, Deed, Manner, Rules, Seen, Shared, Sight, client, client_closes, client_garbage, from_server, opened, rule,
    server, server_closes,
};
use wire::{
    Ack, Connack,
    Direction::{FromClient, FromServer},
    Disconnect, Kind, Pingreq, Pingresp, Publish, Raw, Suback, Subscribe,
    Version::{V3_1_1, V5},
};

fn publish(topic: &str) -> Publish {
    Publish::to(topic)
}

/// What the client gets of three PUBLISH packets, by topic.
fn of_three(clause: Clause) -> String {
    let mut bench = Bench::connected(clause, V3_1_1);
    for topic in ["1", "2", "3"] {
        bench.server(publish(topic));
    }
    bench.pass(ms(5000));
    topics(&bench.client_got())
}

/// The topics in lines such as `PUBLISH "1" ...`, without the quotes.
fn topics(lines: &[String]) -> String {
    lines.iter().map(|line| line.split('"').nth(1).unwrap_or(line)).collect::<Vec<_>>().join(" ")
}

#[test]
fn counts_say_which() {
    let publishes = || server(Kind::Publish);
    assert_eq!(of_three(publishes().drop()), "");
    assert_eq!(of_three(publishes().nth(2).drop()), "1 3");
    assert_eq!(of_three(publishes().once().drop()), "2 3");
    assert_eq!(of_three(publishes().first(2).drop()), "3");
    assert_eq!(of_three(publishes().after(1).drop()), "1");
    assert_eq!(of_three(publishes().when(|frame| frame.topic() == Some("2")).drop()), "1 3");
    assert_eq!(of_three(publishes().topic("2").drop()), "1 3");
    assert_eq!(of_three(publishes().when(|frame| frame.topic() != Some("1")).nth(1).drop()), "1 3");
    assert_eq!(of_three(from_server().after(1).drop()), "", "CONNACK was the first");
    assert_eq!(of_three(client(Kind::Publish).drop()), "1 2 3", "the other direction");
    assert_eq!(of_three(publishes().since(publishes().nth(2)).drop()), "1 2");
    assert_eq!(of_three(publishes().until(publishes().nth(2)).drop()), "2 3");
    assert_eq!(of_three(publishes().on_connection(1).drop()), "");
    assert_eq!(of_three(publishes().on_connection(2).drop()), "1 2 3");
    assert_eq!(of_three(publishes().by("ne").drop()), "", "the client is called one");
    assert_eq!(of_three(publishes().in_version(V5).drop()), "1 2 3");
}

#[test]
fn counts_may_run_over_all_connections() {
    let (shared, rules) = (Shared::default(), Rules::from(server(Kind::Publish).nth(2).overall().drop()));
    let mut both = [1, 2].map(|number| Bench::among(&shared, number, &rules, 1));
    both.iter_mut().for_each(|bench| bench.server(publish("t")));
    assert_eq!(both.map(|mut bench| bench.client_got().len()), [1, 0]);
}

#[test]
fn order_can_be_wrong() {
    let first = || server(Kind::Publish).nth(1);
    assert_eq!(of_three(first().swap_with_next()), "2 1 3");
    assert_eq!(of_three(first().overtaken_by(2)), "2 3 1");
    assert_eq!(of_three(first().overtaken_by(9)), "2 3 1", "after a second it comes all the same");
    assert_eq!(of_three(first().late(ms(1))), "2 3 1");
    assert_eq!(of_three(first().delay(ms(1))), "1 2 3");
    assert_eq!(of_three(server(Kind::Publish).nth(2).duplicate()), "1 2 2 3");
}

#[test]
fn packets_are_changed() {
    let changed = |clause: Clause| {
        let mut bench = Bench::connected(clause, V5);
        bench.server(publish("t").qos(1).id(7).payload("milk"));
        bench.client_got().join("; ")
    };
    let publishes = || server(Kind::Publish);
    let as_it_was = changed(publishes());
    assert_eq!(changed(publishes().edit(|publish: &mut Publish| publish.retain = true)), {
        let mut bench = Bench::connected(Rules::none(), V5);
        bench.server(publish("t").qos(1).id(7).retain(true).payload("milk"));
        bench.client_got().join("; ")
    });
    assert!(changed(publishes().replace(|draft| draft.replace("packet_identifier", [0, 9]))).contains("id=9"));
    assert!(changed(publishes().replace(|_| Ack::puback(3))).starts_with("PUBACK id=3"));
    assert!(changed(publishes().bytes(|bytes| bytes[0] |= 0b110)).contains("QoS 3"));
    // What cannot be done is left as it was, and the log says so.
    assert_eq!(changed(publishes().replace(|draft| draft.without("no_such_field"))), as_it_was);
    assert_eq!(changed(publishes().edit(|_: &mut Connack| ())), as_it_was);
}

#[test]
fn what_a_rule_cannot_do_is_in_the_log() {
    let rules = server(Kind::Publish).replace(|draft| draft.without("no_such_field"));
    let mut bench = Bench::connected(rules.called("a mistake"), V3_1_1);
    bench.server(publish("t"));
    let [entry] = &bench.log()[..] else { panic!("{:?}", bench.log()) };
    assert!(matches!(&entry.deed, Deed::Noted(text) if text.contains("no_such_field")), "{entry}");
    let expected = "0.000000s #1 one a mistake server>client: cannot replace: PUBLISH has no field no_such_field";
    assert!(entry.to_string().starts_with(expected), "{entry}");
}

#[test]
fn packets_are_added() {
    let subscribes = || client(Kind::Subscribe);
    let subscribe = || Subscribe::new(5).filter("a", 1).filter("b", 1);
    let run = |clause: Clause| {
        let mut bench = Bench::connected(clause, V3_1_1);
        bench.client(subscribe());
        (bench.server_got().len(), bench.client_got())
    };
    let suback = |seen: &Sight<'_>| Suback::new(seen.id()).reason(0).reason(0x80);
    let (to_server, to_client) = run(subscribes().answer_instead(suback));
    assert_eq!((to_server, to_client.len()), (0, 1));
    assert!(to_client[0].starts_with("SUBACK id=5"), "{to_client:?}");
    assert_eq!(run(subscribes().answer(suback)), (1, to_client));
    assert_eq!(run(subscribes().inject_to_client(|_| Pingresp)).1.len(), 1);
    assert_eq!(run(subscribes().inject_to_server(|_| Pingreq)).0, 2);
    assert_eq!(run(subscribes().inject_to_client(|_| Raw(vec![0xd0, 0]))).1.len(), 1);

    let mut bench =
        Bench::connected(server(Kind::Pingresp).precede(|_| publish("before")).follow(|_| publish("after")), V3_1_1);
    bench.server(Pingresp);
    assert_eq!(topics(&bench.client_got()), "before PINGRESP after");
    let mut bench = Bench::connected(client(Kind::Pingreq).inject_to_client_later(ms(5), |_| publish("later")), V3_1_1);
    bench.client(Pingreq);
    bench.server(Pingresp);
    bench.pass(ms(5));
    assert_eq!(topics(&bench.client_got()), "PINGRESP later");
}

#[test]
fn what_is_injected_has_the_version_of_its_connection() {
    let (shared, rules) =
        (Shared::default(), Rules::from(client(Kind::Publish).inject_to_others(|_| publish("leaked"))));
    let mut benches = [1, 2, 3].map(|number| Bench::among(&shared, number, &rules, 1));
    for (bench, (id, version)) in benches.iter_mut().zip([("a", V5), ("b", V3_1_1), ("c", V5)]) {
        bench.connect(id, version);
    }
    benches[0].client(publish("t"));
    let leaked = benches.map(|mut bench| {
        bench.pass(ms(1));
        bench.stream(FromServer).len()
    });
    assert_eq!(leaked, [0, 2 + 2 + 6, 2 + 2 + 6 + 1], "5.0 has a Property Length");
}

#[test]
fn one_client_can_be_told_what_another_sent() {
    let rules =
        Rules::from(client(Kind::Publish).inject_to_client_of("b", |seen| publish(seen.topic().unwrap_or_default())));
    let shared = Shared::default();
    let mut benches = [1, 2, 3].map(|number| Bench::among(&shared, number, &rules, 1));
    for (bench, id) in benches.iter_mut().zip(["case-a", "case-b", "case-c"]) {
        bench.connect(id, V3_1_1);
    }
    benches[0].client(publish("secret"));
    let got = benches.map(|mut bench| {
        bench.pass(ms(1));
        topics(&bench.client_got())
    });
    assert_eq!(got, ["", "secret", ""]);
}

#[test]
fn bytes_take_their_time() {
    let written = |clause: Clause, packets: usize| {
        let mut bench = Bench::connected(clause, V3_1_1);
        (0..packets).for_each(|_| bench.client(Pingreq));
        bench.pass(ms(1000));
        let writes = bench.writes(FromClient);
        writes.into_iter().map(|(at, bytes)| (u64::try_from(at).unwrap(), bytes.len())).collect::<Vec<_>>()
    };
    let pings = || client(Kind::Pingreq);
    assert_eq!(written(pings(), 2), [(0, 2), (0, 2)]);
    assert_eq!(written(pings().delay(ms(3)), 1), [(3, 2)]);
    assert_eq!(written(pings().trickle(ms(4)), 1), [(0, 1), (4, 1)]);
    assert_eq!(written(pings().coalesce(ms(4)), 3), [(4, 6)]);
    assert_eq!(written(pings().once().stall(ms(9)), 2), [(9, 4)]);
    assert_eq!(written(pings().once().limit(100), 2), [(0, 1), (10, 1), (20, 1), (30, 1)]);
    assert_eq!(written(pings().once().stall(Duration::MAX), 2), []);
}

#[test]
fn a_stall_is_not_read() {
    let mut bench = Bench::connected(client(Kind::Pingreq).stall(ms(9)), V3_1_1);
    bench.client(Pingreq);
    assert!(!bench.link.reads(bench.now, FromClient) && bench.link.reads(bench.now, FromServer));
    bench.pass(ms(9));
    assert!(bench.link.reads(bench.now, FromClient));
}

#[test]
fn connections_break() {
    let run = |clause: Clause| {
        let mut bench = Bench::connected(clause, V3_1_1);
        bench.server(publish("t"));
        bench.server(Pingresp);
        (topics(&bench.client_got()), bench.server_got().join(" "), bench.link.is_over())
    };
    let all = |client: &str, server: &str, over| (client.to_owned(), server.to_owned(), over);
    let publishes = || server(Kind::Publish);
    assert_eq!(run(publishes().sever()), all("RST", "RST", true));
    assert_eq!(run(publishes().then_sever()), all("t RST", "RST", true));
    assert_eq!(run(publishes().close()), all("FIN", "FIN", true));
    assert_eq!(run(publishes().then_close()), all("t FIN", "FIN", true));
    assert_eq!(run(publishes().then_close_client()), all("t FIN", "", false));
    assert_eq!(run(publishes().half_open()), all("", "", false));
    assert_eq!(run(publishes().deafen()), all("", "", false));
    assert_eq!(run(opened().then_close()), all("", "", true));
}

#[test]
fn who_was_reset_is_not_heard_any_more() {
    let reset = server(Kind::Publish).then(|_, actions| actions.close(FromServer, Manner::Reset));
    let mut bench = Bench::connected(reset, V3_1_1);
    bench.server(publish("t"));
    assert_eq!(topics(&bench.client_got()), "t RST");
    // It was under way already.
    bench.client(Pingreq);
    assert_eq!(bench.server_got(), [] as [&str; 0]);
    bench.close(FromServer, Manner::Finish);
    assert!(bench.link.is_over());
}

#[test]
fn half_of_a_packet_and_then_nothing() {
    let mut bench = Bench::connected(server(Kind::Publish).truncate(3).then_sever(), V3_1_1);
    bench.server(publish("t"));
    assert_eq!(bench.stream(FromServer).len(), 3);
    assert!(bench.link.is_over());
}

#[test]
fn a_half_open_connection_tells_nobody() {
    let mut bench = Bench::connected(client(Kind::Pingreq).nth(2).half_open(), V3_1_1);
    bench.client(Pingreq);
    bench.server(Pingresp);
    bench.client(Pingreq);
    bench.server(publish("t"));
    bench.client(Pingreq);
    assert_eq!((bench.server_got().len(), bench.client_got().len()), (1, 1));
    bench.close(FromClient, Manner::Reset);
    assert_eq!(bench.server_got(), [] as [&str; 0], "the broker still believes");
    assert!(!bench.link.is_over());
    bench.close(FromServer, Manner::Finish);
    assert!(bench.link.is_over());
}

#[test]
fn a_close_is_passed_on_as_it_came_and_behind_what_waits() {
    for manner in [Manner::Finish, Manner::Reset] {
        let mut bench = Bench::connected(server(Kind::Publish).late(ms(5)), V3_1_1);
        bench.server(publish("t"));
        bench.close(FromServer, manner);
        assert_eq!(topics(&bench.client_got()), format!("t {manner}"));
    }
}

#[test]
fn a_close_can_be_kept_and_preceded() {
    let mut bench = Bench::connected(server_closes().drop().and(client_closes().inject_to_server(|_| Pingreq)), V3_1_1);
    bench.close(FromServer, Manner::Finish);
    assert_eq!(bench.client_got(), [] as [&str; 0]);
    assert_eq!(bench.server_got(), ["FIN"], "the broker can go");
    bench.client(Pingreq);
    bench.close(FromClient, Manner::Finish);
    assert!(bench.link.is_over());

    let mut bench = Bench::connected(client_closes().inject_to_server(|_| Disconnect::normal()), V5);
    bench.close(FromClient, Manner::Reset);
    let got = bench.server_got();
    assert!(got[0].starts_with("DISCONNECT") && got[1] == "RST", "{got:?}");
    let mut bench = Bench::connected(server_closes().inject_to_client(|_| publish("last words")), V3_1_1);
    bench.close(FromServer, Manner::Finish);
    assert_eq!(topics(&bench.client_got()), "last words FIN");
}

#[test]
fn garbage_can_be_swallowed_and_forgotten() {
    let mut bench = Bench::connected(client_garbage().drop(), V3_1_1);
    bench.bytes(FromClient, &[0x30, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00]);
    bench.client(Pingreq);
    assert_eq!(bench.server_got(), ["PINGREQ"]);
    let mut bench = Bench::connected(Rules::none(), V3_1_1);
    bench.bytes(FromClient, &[0x30, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00]);
    bench.client(Pingreq);
    assert_eq!(bench.stream(FromClient).len(), 9, "without a rule everything passes");
}

#[test]
fn rules_see_a_packet_in_their_order() {
    let rules = server(Kind::Publish)
        .replace(|_| Pingresp)
        .and(server(Kind::Publish).drop())
        .and(server(Kind::Pingresp).duplicate());
    let mut bench = Bench::connected(rules, V3_1_1);
    bench.server(publish("t"));
    assert_eq!(bench.client_got(), ["PINGRESP", "PINGRESP"]);
    // What one swallows the next never sees.
    let mut bench = Bench::new(from_server().drop().and(server(Kind::Connack).duplicate()));
    bench.server(Connack::accepted());
    assert_eq!(bench.client_got(), [] as [&str; 0]);
    let deeds: Vec<Deed> = bench.log().into_iter().map(|entry| entry.deed).collect();
    assert_eq!(deeds, [Deed::Swallowed]);
}

#[test]
fn raw_rules_keep_their_own_state_and_time() {
    thread_local! { static TICKS: Cell<u32> = const { Cell::new(0) }; }
    let mut pings = 0;
    let rules = rule(move |_now, seen, actions| match seen {
        Seen::Frame(FromClient, frame) if frame.kind() == Some(Kind::Pingreq) => {
            pings += 1;
            actions.wake_after(ms(10));
            if pings == 2 {
                actions.sever(Manner::Reset);
            }
        }
        Seen::Tick => TICKS.set(TICKS.get() + 1),
        _ => {}
    });
    let mut benches = [(); 2].map(|()| Bench::connected(rules.clone(), V3_1_1));
    for bench in &mut benches {
        bench.client(Pingreq);
        bench.pass(ms(9));
        assert_eq!(TICKS.get(), 0);
        assert!(!bench.link.is_over());
    }
    benches.iter_mut().for_each(|bench| bench.pass(ms(1)));
    assert_eq!(TICKS.get(), 2);
    benches[0].client(Pingreq);
    assert_eq!(benches.map(|bench| bench.link.is_over()), [true, false]);
}

#[test]
fn deeds_are_logged_with_their_packet() {
    let mut bench = Bench::connected(client(Kind::Publish).called("twice").duplicate(), V5);
    bench.client(publish("a/b").qos(1).id(3));
    let lines: Vec<String> = bench.log().iter().map(ToString::to_string).collect();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.starts_with("0.000000s #1 one twice client>server: sent 1 times more: PUBLISH \"a/b\""), "{line}");
}
