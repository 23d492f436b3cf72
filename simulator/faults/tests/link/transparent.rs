//! Without rules, nothing changes; with rules, the same seed does the same.

use crate::bench::{Bench, ms};
use faults::{Manner, Rules, client, from_client, from_server, server};
use proptest::{collection::vec, prelude::*};
use wire::{
    Connect,
    Direction::{FromClient, FromServer},
    Kind, Pingreq, Publish, Version,
};

/// Well-formed packets, malformed ones and noise, one after the other.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let publish = (0u8..4, vec(any::<u8>(), 0..300))
        .prop_map(|(qos, payload)| Publish::to("a/b").qos(qos).payload(payload).draft(Version::V5).encode());
    let piece = prop_oneof![
        4 => publish,
        2 => Just(Connect::as_("someone").draft(Version::V5).encode()),
        2 => Just(Pingreq.draft(Version::V5).encode()),
        1 => Just(vec![0x82, 0xff, 0xff, 0xff, 0xff, 0x01]),
        2 => vec(any::<u8>(), 0..40),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn chunks(bytes: &[u8], sizes: &[usize]) -> Vec<Vec<u8>> {
    let (mut rest, mut all) = (bytes, Vec::new());
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, left) = rest.split_at((*size).min(rest.len()));
        all.push(chunk.to_vec());
        rest = left;
    }
    all
}

proptest! {
    #[test]
    fn every_stream_comes_out_identical(
        up in stream(), down in stream(), sizes in vec(1usize..50, 1..8), finish in any::<bool>(),
    ) {
        let mut bench = Bench::new(Rules::none());
        let (up_chunks, down_chunks) = (chunks(&up, &sizes), chunks(&down, &sizes));
        for turn in 0..up_chunks.len().max(down_chunks.len()) {
            for (from, chunks) in [(FromClient, &up_chunks), (FromServer, &down_chunks)] {
                if let Some(chunk) = chunks.get(turn) {
                    bench.bytes(from, chunk);
                }
            }
        }
        let manner = if finish { Manner::Finish } else { Manner::Reset };
        bench.close(FromServer, Manner::Finish);
        bench.close(FromClient, manner);
        prop_assert_eq!(bench.stream(FromClient), up);
        prop_assert_eq!(bench.stream(FromServer), down);
        prop_assert!(bench.link.is_over());
        prop_assert!(bench.log().is_empty());
    }

    #[test]
    fn any_bytes_under_any_rules_end(up in stream(), sizes in vec(1usize..50, 1..8), seed in any::<u64>()) {
        let mut bench = Bench::seeded(mischief(), seed);
        for chunk in chunks(&up, &sizes) {
            bench.bytes(FromClient, &chunk);
            bench.bytes(FromServer, &chunk);
            bench.pass(ms(3));
        }
        bench.close(FromClient, Manner::Reset);
        bench.close(FromServer, Manner::Reset);
        bench.pass(ms(5000));
        prop_assert!(bench.link.is_over());
    }

    #[test]
    fn the_same_seed_does_the_same(up in stream(), seed in any::<u64>()) {
        let run = || {
            let mut bench = Bench::seeded(mischief(), seed);
            for chunk in chunks(&up, &[17]) {
                bench.bytes(FromClient, &chunk);
                bench.pass(ms(1));
            }
            (bench.out.clone(), bench.log())
        };
        prop_assert_eq!(run(), run());
    }
}

#[test]
fn another_seed_does_something_else() {
    let run = |seed| {
        let mut bench = Bench::seeded(client(Kind::Pingreq).chance(0.5).drop(), seed);
        (0..64).for_each(|_| bench.client(Pingreq));
        bench.server_got().len()
    };
    let counts: std::collections::BTreeSet<usize> = (0..8).map(run).collect();
    assert!(counts.len() > 1, "{counts:?}");
    assert!(counts.iter().all(|count| (10..54).contains(count)), "{counts:?}");
}

#[test]
fn a_packet_too_large_to_hold_passes_as_it_comes() {
    let large = Publish::to("t").payload(vec![7; 3 << 20]).draft(Version::V5).encode();
    let mut bench = Bench::new(client(Kind::Publish).drop());
    let (first, rest) = large.split_at(1000);
    bench.bytes(FromClient, first);
    assert_eq!(bench.stream(FromClient), first, "nothing is held back");
    bench.bytes(FromClient, rest);
    bench.client(Publish::to("t"));
    bench.client(Pingreq);
    let expected = [large, Pingreq.draft(Version::V5).encode()].concat();
    assert!(bench.stream(FromClient) == expected, "and the next packet is found");
}

#[test]
fn who_does_not_read_holds_up_the_other_side() {
    let publish = Publish::to("t").payload(vec![0; 60_000]).draft(Version::V5).encode();
    let publishes = || server(Kind::Publish);
    // In the line, beside it, and until it is overtaken or a second is over.
    for (held, time) in
        [(publishes().delay(ms(100)), 100), (publishes().late(ms(100)), 100), (publishes().overtaken_by(99), 1000)]
    {
        let mut bench = Bench::new(held);
        let mut sent = 0;
        while bench.link.reads(bench.now, FromServer) {
            bench.bytes(FromServer, &publish);
            sent += 1;
            assert!(sent < 10, "memory is bounded");
        }
        assert!(bench.link.reads(bench.now, FromClient), "the other direction goes on");
        bench.pass(ms(time));
        assert!(bench.link.reads(bench.now, FromServer), "once it is written, it goes on");
        assert_eq!(bench.stream(FromServer).len(), sent * publish.len());
    }
}

/// A bit of everything.
fn mischief() -> Rules {
    from_client()
        .chance(0.2)
        .duplicate()
        .and(from_client().chance(0.2).delay(ms(2)))
        .and(from_client().chance(0.1).late(ms(5)))
        .and(from_server().chance(0.1).overtaken_by(2))
        .and(from_server().chance(0.1).trickle(ms(1)))
        .and(client(Kind::Publish).chance(0.1).truncate(3))
        .and(client(Kind::Publish).chance(0.1).bytes(|bytes| bytes.clear()))
        .and(from_client().chance(0.02).stall(ms(10)))
        .and(from_server().chance(0.05).coalesce(ms(2)))
        .and(client(Kind::Pingreq).chance(0.1).answer_instead(|_| wire::Pingresp))
        .and(from_client().chance(0.01).sever())
}
