//! What carries MQTT: sections 4.2 of 5.0 and 7.1 of 3.1.1.

use super::prelude::*;

pub(super) const CASES: &[Case] = &[Case {
    id: "network.carries_bytes_in_order",
    title: "Packets sent in pieces and packets sent together arrive unchanged and in order",
    decides: &[V311("7.1.1-1"), V5("4.2-1")],
    needs: &[Capability::Qos1],
    mutants: &[
        Mutant::rules("changes a byte", || {
            server(Kind::Publish)
                .topic("/t")
                .nth(3)
                .edit(|publish: &mut Publish| {
                    publish.payload.iter_mut().skip(4_000).take(1).for_each(|byte| *byte ^= 1)
                })
                .into()
        }),
        Mutant::rules("loses a packet", || server(Kind::Publish).topic("/t").nth(3).drop().into()),
        Mutant::rules("changes the order", || server(Kind::Publish).topic("/t").nth(3).swap_with_next().into()),
    ],
    script: run!(carries_bytes_in_order),
    ..Case::PLAIN
}];

async fn carries_bytes_in_order(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected("sub").await?;
    let mut publisher = bench.connected("pub").await?;
    subscriber.subscribed(&topic, 0).await?;
    let payload =
        |round: u8| -> Vec<u8> { (0..5_000_u32).map(|at| (at * 7 + u32::from(round)).to_le_bytes()[0]).collect() };
    let packet = |round: u8| {
        let publish = Publish::to(&topic).qos(1).id(u16::from(round)).payload(payload(round));
        publish.draft(bench.version()).encode()
    };
    for piece in packet(1).chunks(700) {
        publisher.send_bytes(piece).await?;
    }
    publisher.send_together([packet(2), packet(3)]).await?;
    for piece in packet(4).chunks(1_999) {
        publisher.send_bytes(piece).await?;
    }
    for round in 1..=4u16 {
        publisher.expect_puback(round).await?;
    }
    for round in 1..=4 {
        subscriber.expect_publish(&topic, payload(round)).await?;
    }
    Ok(())
}
