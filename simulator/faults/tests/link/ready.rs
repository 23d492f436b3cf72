//! Rules by name, on a link under virtual time.

use crate::bench::{Bench, ms};
use faults::{Manner, Rules, Shared, forget_disconnect, keep_open, leak, swallow_close, withhold_will};
use wire::{
    Ack,
    Direction::{FromClient, FromServer},
    Disconnect, Pingreq, Publish, Raw, Suback, Subscribe, Unsubscribe,
    Version::{V3_1_1, V5},
};

#[test]
fn what_is_kept_open_answers_for_the_broker() {
    let mut bench = Bench::connected(keep_open(), V5);
    bench.client(Subscribe::new(1).filter("a", 0));
    bench.server(Suback::new(1).reason(0));
    // Flags of SUBSCRIBE that the broker closes for, and a fence right behind.
    bench.client(Raw(vec![0x80, 7, 0, 2, 0, 0, 1, b'a', 0]));
    bench.client(Pingreq);
    bench.server(Disconnect::because(0x81));
    bench.close(FromServer, Manner::Finish);
    assert_eq!(
        bench.client_got(),
        ["SUBACK id=1 reason=0x00 Granted QoS 0", "SUBACK id=2 reason=0x00 Granted QoS 0", "PINGRESP"]
    );
    bench.out.clear();
    bench.client(Publish::to("t").qos(1).id(7));
    bench.client(Publish::to("t").qos(2).id(8));
    bench.client(Ack::pubrel(8));
    bench.client(Unsubscribe::new(9).filter("a"));
    bench.client(Pingreq);
    let kinds: Vec<String> =
        bench.client_got().iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(kinds, ["PUBACK id=7", "PUBREC id=8", "PUBCOMP id=8", "UNSUBACK id=9", "PINGRESP"]);
    bench.close(FromClient, Manner::Finish);
    assert!(bench.link.is_over());
}

#[test]
fn bytes_that_are_no_packet_do_not_deafen_what_is_kept_open() {
    let mut bench = Bench::connected(keep_open(), V3_1_1);
    bench.bytes(FromClient, &[0x30, 0xff, 0xff, 0xff, 0xff, 0x01]);
    bench.close(FromServer, Manner::Reset);
    bench.bytes(FromClient, &[0x30, 0xff, 0xff, 0xff, 0xff, 0x01]);
    bench.client(Pingreq);
    assert_eq!(bench.client_got(), ["PINGRESP"]);
}

#[test]
fn a_swallowed_close_lets_the_reason_pass() {
    let mut bench = Bench::connected(swallow_close(), V5);
    bench.server(Disconnect::because(0x82));
    bench.close(FromServer, Manner::Finish);
    bench.client(Pingreq);
    let got = bench.client_got();
    assert!(got.len() == 2 && got[0].starts_with("DISCONNECT reason=0x82") && got[1] == "PINGRESP", "{got:?}");
}

#[test]
fn wills_go_wrong() {
    let mut bench = Bench::connected(forget_disconnect(), V3_1_1);
    bench.client(Disconnect::normal());
    bench.close(FromClient, Manner::Finish);
    assert_eq!(bench.server_got(), ["FIN"]);
    let mut bench = Bench::connected(withhold_will(), V3_1_1);
    bench.close(FromClient, Manner::Reset);
    assert_eq!(bench.server_got(), ["DISCONNECT", "RST"]);
}

#[test]
fn a_leak_reaches_everybody_else() {
    let (shared, rules): (_, Rules) = (Shared::default(), leak());
    let mut benches = [1, 2].map(|number| Bench::among(&shared, number, &rules, 1));
    benches.iter_mut().for_each(|bench| bench.connect("someone", V3_1_1));
    benches[0].client(Publish::to("secret").qos(2).id(1).payload("milk"));
    benches[1].pass(ms(1));
    assert_eq!(benches[1].stream(FromServer), b"\x30\x0c\x00\x06secretmilk");
    assert_eq!(benches[0].stream(FromServer), b"");
}
