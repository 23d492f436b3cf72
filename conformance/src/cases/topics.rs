//! Topic Names and Topic Filters: section 4.7.

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "topics.hash_stands_alone_at_the_end",
        title: "A Topic Filter with # elsewhere than alone in the last level is refused",
        decides: &[V311("4.7.1-2"), V5("4.7.1-1")],
        mutants: GRANTS,
        script: run!(hash_stands_alone_at_the_end),
        ..Case::PLAIN
    },
    Case {
        id: "topics.plus_fills_its_level",
        title: "A Topic Filter with + beside other characters of a level is refused",
        decides: &[V311("4.7.1-3"), V5("4.7.1-2")],
        mutants: GRANTS,
        script: run!(plus_fills_its_level),
        ..Case::PLAIN
    },
    Case::row(
        "topics.filter_is_not_empty",
        "An empty Topic Filter is refused",
        &[Both("4.7.3-1")],
        Connecting,
        |bench| Subscribe::new(7).filter("", 0).draft(bench.version()),
        &[Outcome::Answer(Kind::Suback, &[0x80, 0x8f]), Outcome::Closed(&[0x81, 0x82, 0x8f])],
        GRANTS,
    ),
    Case::row(
        "topics.name_is_not_empty",
        "A PUBLISH to an empty Topic Name without a Topic Alias is refused",
        &[Both("4.7.3-1")],
        Connecting,
        |bench| Publish::to("").qos(1).id(7).draft(bench.version()),
        &[Outcome::Closed(&[0x82, 0x81, 0x90]), Outcome::Answer(Kind::Puback, &[0x90])],
        TAKES,
    ),
    Case::row(
        "topics.filter_has_no_null",
        "A Topic Filter with U+0000 closes the connection",
        &[Both("4.7.3-2"), V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| Subscribe::new(7).filter(bench.topic("a\0b"), 0).draft(bench.version()),
        &[Outcome::Closed(&[0x81, 0x8f])],
        GRANTS,
    ),
    Case::row(
        "topics.name_has_no_null",
        "A Topic Name with U+0000 closes the connection",
        &[Both("4.7.3-2"), V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| Publish::to(bench.topic("a\0b")).qos(1).id(7).draft(bench.version()),
        &[Outcome::Closed(&[0x81, 0x90])],
        TAKES,
    ),
    Case {
        id: "topics.may_be_as_long_as_a_string",
        title: "A Topic Name of 65535 bytes is delivered as it is",
        decides: &[Both("4.7.3-3")],
        mutants: &[Mutant::rules("cuts long Topic Names", || {
            server(Kind::Publish).edit(|publish: &mut Publish| publish.topic.truncate(65_000)).into()
        })],
        script: run!(may_be_as_long_as_a_string),
        ..Case::PLAIN
    },
    Case {
        id: "topics.are_compared_as_they_are",
        title: "Topics that differ only in composition, case, slashes or spaces are different",
        decides: &[Both("4.7.3-4")],
        mutants: &[
            Mutant::rules("composes characters", || respelled(DECOMPOSED, COMPOSED)),
            Mutant::rules("decomposes characters", || respelled(COMPOSED, DECOMPOSED)),
            Mutant::rules("does not look at case", || respelled("Barn", "barn")),
            Mutant::rules("passes over a slash at the end", || respelled("slash/", "slash")),
            Mutant::rules("trims spaces", || respelled("space ", "space")),
        ],
        script: run!(are_compared_as_they_are),
        ..Case::PLAIN
    },
    Case {
        id: "topics.wildcards_pass_over_dollar",
        title: "Topic Filters that begin with # or + get nothing that is published below $",
        decides: &[Both("4.7.2-1")],
        needs: &[Capability::Wildcards],
        mutants: &[
            Mutant::rules("sends $SYS to those who subscribe to #", || leaked_to("hash")),
            Mutant::rules("sends $SYS to those who subscribe to +/#", || leaked_to("plus")),
        ],
        script: run!(wildcards_pass_over_dollar),
        ..Case::PLAIN
    },
];

/// What somebody gets below `$` goes to the client that is called so as well.
fn leaked_to(whom: &'static str) -> faults::Rules {
    let leaked = |sight: &Sight<'_>| Publish::to(sight.topic().unwrap_or_default()).payload("leaked");
    server(Kind::Publish)
        .when(|sight| sight.topic().is_some_and(|topic| topic.starts_with('$')))
        .inject_to_client_of(whom, leaked)
        .into()
}

/// What every server refuses that subscribes to whatever it is given.
const GRANTS: &[Mutant] = &[Mutant::rules("grants any Topic Filter", || {
    client(Kind::Subscribe).answer_instead(|seen: &Sight<'_>| Suback::new(seen.id()).reason(0)).into()
})];

/// What every server refuses that publishes to whatever it is given.
const TAKES: &[Mutant] = &[Mutant::rules("takes any Topic Name", || {
    client(Kind::Publish).answer_instead(|seen: &Sight<'_>| Ack::puback(seen.id())).into()
})];

/// One sign, written as one character and as two.
const COMPOSED: &str = "\u{e9}";
const DECOMPOSED: &str = "e\u{301}";

/// Messages to topics that end in `from` are taken for ones to topics that end in `to`.
fn respelled(from: &'static str, to: &'static str) -> faults::Rules {
    let change = move |publish: &mut Publish| {
        if let Some(start) = publish.topic.strip_suffix(from) {
            publish.topic = format!("{start}{to}");
        }
    };
    client(Kind::Publish).topic(from).edit(change).into()
}

async fn hash_stands_alone_at_the_end(bench: &mut Bench) -> CaseResult {
    refused(bench, &["a#", "#/b", "a/#/b", "a/b#"]).await
}

async fn plus_fills_its_level(bench: &mut Bench) -> CaseResult {
    refused(bench, &["a+", "+b", "a/b+/c", "a/++"]).await
}

/// Each of these filters is refused: by a code, or as an error.
async fn refused(bench: &Bench, filters: &[&str]) -> CaseResult {
    for filter in filters {
        bench.remark(format!("the filter is {filter}"));
        let mut peer = bench.connected("client").await?;
        peer.send(Subscribe::new(7).filter(bench.topic(filter), 0)).await?;
        let outcomes = [
            Outcome::Answer(Kind::Suback, bench.pick::<&[u8]>(&[0x80], &[0x8f, 0x80, 0x83])),
            Outcome::Closed(&[0x81, 0x82, 0x8f]),
        ];
        peer.expect_one_of(&outcomes).await?;
    }
    Ok(())
}

async fn may_be_as_long_as_a_string(bench: &mut Bench) -> CaseResult {
    // Few levels: how many there may be is another limit.
    let start = bench.topic("");
    let topic = format!("{start}{}", "x".repeat(65_535 - start.len()));
    let mut peer = bench.connected("client").await?;
    peer.send(Subscribe::new(7).filter(&topic, 0)).await?;
    // A server may have limits of its own: then nothing is decided.
    let granted = Outcome::Answer(Kind::Suback, &[0]);
    let refusals = [granted, Outcome::Answer(Kind::Suback, &[]), Outcome::Closed(&[0x95, 0x97, 0x8f, 0x83])];
    if peer.expect_one_of(&refusals).await? != granted {
        return Err(crate::Stop::NotApplicable("the target does not take so long a Topic Filter".into()));
    }
    peer.send(Publish::to(&topic).payload("x")).await?;
    let message = peer.expect_any_publish().await?;
    let same = message.topic == topic;
    bench.check(same, "the same Topic Name of 65535 bytes", format!("one of {} bytes", message.topic.len()))
}

async fn are_compared_as_they_are(bench: &mut Bench) -> CaseResult {
    let pairs = [
        (COMPOSED, DECOMPOSED),
        (DECOMPOSED, COMPOSED),
        ("barn", "Barn"),
        ("slash", "slash/"),
        ("space", "space "),
        ("double/level", "double//level"),
    ];
    let mut publisher = bench.connected("pub").await?;
    for (nth, (subscribed, published)) in pairs.into_iter().enumerate() {
        // A client that comes again and again at once may be kept waiting.
        let mut subscriber = bench.connected(&format!("sub{nth}")).await?;
        subscriber.subscribed(&bench.topic(subscribed), 0).await?;
        publisher.published(Publish::to(bench.topic(published)).payload("x")).await?;
        bench.fence(&mut publisher, &mut subscriber).await?;
    }
    Ok(())
}

/// Below `$` a server publishes of its own accord, mostly `$SYS`, or lets clients publish: either will do.
async fn wildcards_pass_over_dollar(bench: &mut Bench) -> CaseResult {
    let mut wild = [bench.connected("hash").await?, bench.connected("plus").await?];
    for (peer, filter) in wild.iter_mut().zip(["#", "+/#"]) {
        peer.subscribed(filter, 0).await?;
        peer.heed_dollar_topics();
    }
    let mut helper = bench.connected("helper").await?;
    let of_clients = clients_publish_below_dollar(bench, &mut helper).await?;
    let of_server = server_publishes_below_dollar(bench).await?;
    if !of_clients && !of_server {
        return Err(crate::Stop::NotApplicable("nothing is published below $".into()));
    }
    for peer in &mut wild {
        let end = bench.topic("end");
        helper.send(Publish::to(&end)).await?;
        loop {
            let message = peer.expect_any_publish().await.set_up("the message that ends the case")?;
            let seen = format!("a message to {}", message.topic);
            bench.check(!message.topic.starts_with('$'), "nothing from below $", seen)?;
            if message.topic == end {
                break;
            }
        }
    }
    Ok(())
}

/// Whether a message of a client to a topic below `$` reaches who subscribes to it.
async fn clients_publish_below_dollar(bench: &Bench, helper: &mut Peer) -> CaseResult<bool> {
    let (topic, after) = (format!("${}", bench.topic("t")), bench.topic("after"));
    let Some(mut witness) = witness(bench, "witness", &topic).await? else { return Ok(false) };
    witness.subscribed(&after, 0).await?;
    let mut publisher = bench.connected("pub").await?;
    publisher.send(Publish::to(&topic).payload("x")).await?;
    publisher.send(Pingreq).await?;
    // It may be closed for that.
    publisher.expect_one_of(&[Outcome::Answer(Kind::Pingresp, &[]), Outcome::Closed(&[])]).await?;
    helper.send(Publish::to(&after)).await?;
    let delivered = witness.expect_any_publish().await.set_up("the message after it")?.topic == topic;
    if delivered {
        bench.note("clients may publish below $");
    }
    Ok(delivered)
}

/// Whether `$SYS` has something, the best while others are subscribed already.
async fn server_publishes_below_dollar(bench: &Bench) -> CaseResult<bool> {
    let Some(mut witness) = witness(bench, "system", "$SYS/#").await? else { return Ok(false) };
    let mut any = false;
    // What is retained was also there when the others subscribed.
    while let Ok(message) = witness.expect_any_publish().await {
        any = true;
        if !message.retain {
            break;
        }
    }
    if any {
        bench.note("the server publishes below $SYS");
    }
    Ok(any)
}

/// A client that is subscribed to this filter below `$`, if the server allows it.
async fn witness(bench: &Bench, name: &str, filter: &str) -> CaseResult<Option<Peer>> {
    let mut peer = bench.connected(name).await?;
    peer.heed_dollar_topics();
    peer.send(Subscribe::new(7).filter(filter, 0)).await?;
    let granted = Outcome::Answer(Kind::Suback, &[0]);
    let seen = peer.expect_one_of(&[granted, Outcome::Answer(Kind::Suback, &[]), Outcome::Closed(&[])]).await?;
    Ok((seen == granted).then_some(peer))
}
