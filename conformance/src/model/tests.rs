use std::time::Duration;

use super::{
    program::{Connect, Ending, Filter, Publish, Will},
    rules::*,
    *,
};

mod wills;

const A: Client = Client(0);
const B: Client = Client(1);
const C: Client = Client(2);

const NOTHING: [&Rule; 0] = [];

/// A model whose three clients are connected with new sessions that last.
fn model(dialect: Dialect) -> Model {
    let mut model = Model::new(&[dialect; 3]);
    for client in [A, B, C] {
        connect(&mut model, client, false, None).unwrap();
    }
    model
}

fn connect(model: &mut Model, client: Client, clean: bool, will: Option<Will>) -> Result<(), Finding> {
    let present = !clean && model.has_session(client);
    model.connecting(&Connect { client, clean, session_expiry: 300, receive_maximum: None, will });
    model.connected(client, present)
}

fn filter(filter: &str, qos: u8) -> Filter {
    Filter {
        filter: filter.to_owned(),
        share: None,
        qos,
        no_local: false,
        retain_as_published: false,
        retain_handling: 0,
    }
}

fn subscribe(model: &mut Model, client: Client, filters: &[Filter]) {
    model.subscribing(client, filters, None);
    let granted: Vec<Granted> = filters.iter().map(|filter| Granted::Qos(filter.qos)).collect();
    model.subscribed(client, filters, &granted);
}

/// One message to x.
fn plain(client: Client, qos: u8, retain: bool) -> Publish {
    let (topic, ending) = ("x".to_owned(), Ending::Whole);
    Publish { client, topic, qos, retain, empty: false, count: 1, expiry: None, ending }
}

fn publishing(model: &mut Model, qos: u8, retain: bool) -> Number {
    model.publishing(&plain(A, qos, retain))[0]
}

/// From `A` to x.
fn publish(model: &mut Model, qos: u8, retain: bool) -> Number {
    let number = publishing(model, qos, retain);
    model.published(number, 0).unwrap();
    number
}

fn arrival(model: &Model, number: Number, qos: u8, id: u16) -> Arrival {
    let message = model.message(number);
    Arrival {
        topic: message.topic.clone(),
        payload: message.payload().into(),
        qos,
        id: (qos > 0).then_some(id),
        user_properties: message.user_properties(),
        expiry: message.expiry,
        ..Arrival::default()
    }
}

fn arrive(model: &mut Model, client: Client, number: Number, qos: u8, id: u16) -> Result<(), Finding> {
    let arrival = arrival(model, number, qos, id);
    model.arrived(client, &arrival)
}

/// The rule that was broken.
fn broken<T: std::fmt::Debug>(outcome: Result<T, Finding>) -> &'static Rule {
    outcome.unwrap_err().rule
}

fn missing(model: &Model) -> Vec<&'static Rule> {
    model.owed().iter().map(|owed| model.missed(owed).rule).collect()
}

#[test]
fn every_rule_cites_statements_that_exist() {
    let tables = [
        (Dialect::V311, include_str!("../../statements/mqtt311.tsv")),
        (Dialect::V5, include_str!("../../statements/mqtt5.tsv")),
    ];
    for (dialect, table) in tables {
        for rule in ALL {
            let Some(number) = rule.statement(dialect) else { continue };
            let id = format!("MQTT-{number}\t");
            assert!(table.lines().any(|line| line.starts_with(&id)), "{dialect}: {}: {number}", rule.says);
        }
    }
}

#[test]
fn a_message_comes_once() {
    for (qos, rule) in [(0, AT_MOST_ONCE), (1, AT_LEAST_ONCE), (2, EXACTLY_ONCE)] {
        let mut model = model(Dialect::V5);
        subscribe(&mut model, B, &[filter("x", 2)]);
        let number = publish(&mut model, qos, false);
        assert_eq!(missing(&model), [DELIVERED]);
        arrive(&mut model, B, number, qos, 1).unwrap();
        assert_eq!(missing(&model), NOTHING);
        model.settle();
        assert_eq!(broken(arrive(&mut model, B, number, qos, 2)), rule);
        assert_eq!(broken(arrive(&mut model, C, number, qos, 2)), TOPIC_FITS);
    }
}

#[test]
fn overlapping_subscriptions_get_one_copy_or_one_each() {
    let overlapping = || {
        let mut model = model(Dialect::V5);
        subscribe(&mut model, B, &[filter("x", 0), filter("+", 1)]);
        let number = publish(&mut model, 2, false);
        (model, number)
    };
    let (mut merged, number) = overlapping();
    arrive(&mut merged, B, number, 1, 1).unwrap();
    assert_eq!(missing(&merged), NOTHING);

    let (mut apart, number) = overlapping();
    arrive(&mut apart, B, number, 0, 0).unwrap();
    assert_eq!(missing(&apart), [HIGHEST_QOS]);
    arrive(&mut apart, B, number, 1, 1).unwrap();
    assert_eq!(missing(&apart), NOTHING);
    assert_eq!(broken(arrive(&mut apart, B, number, 1, 2)), AT_LEAST_ONCE);

    let (mut wrong, number) = overlapping();
    assert_eq!(broken(arrive(&mut wrong, B, number, 2, 1)), LOWER_QOS);
}

/// What differs is named even where another subscription that matches would explain it.
#[test]
fn a_copy_of_one_subscription_with_the_retain_of_another() {
    let mut model = model(Dialect::V5);
    subscribe(&mut model, B, &[Filter { retain_as_published: true, ..filter("x", 0) }, filter("#", 1)]);
    let number = publish(&mut model, 1, true);
    assert_eq!(broken(arrive(&mut model, B, number, 0, 0)), RETAIN_AS_PUBLISHED);
}

#[test]
fn one_copy_has_all_identifiers_and_each_of_several_its_own() {
    let mut model = model(Dialect::V5);
    for (name, identifier) in [("x", 1), ("+", 2)] {
        model.subscribing(B, &[filter(name, 0)], Some(identifier));
        model.subscribed(B, &[filter(name, 0)], &[Granted::Qos(0)]);
    }
    let come = |model: &mut Model, number: Number, identifiers: &[u32]| {
        let arrival = Arrival { identifiers: identifiers.to_vec(), ..arrival(model, number, 0, 0) };
        model.arrived(B, &arrival)
    };
    let merged = publish(&mut model, 0, false);
    come(&mut model, merged, &[2, 1]).unwrap();
    assert_eq!(missing(&model), NOTHING);
    model.settle();
    let apart = publish(&mut model, 0, false);
    come(&mut model, apart, &[2]).unwrap();
    assert_eq!(missing(&model), [ALL_IDENTIFIERS]);
    come(&mut model, apart, &[1]).unwrap();
    assert_eq!(missing(&model), NOTHING);
    let wrong = publish(&mut model, 0, false);
    assert_eq!(broken(come(&mut model, wrong, &[])), IDENTIFIERS);
}

#[test]
fn one_member_of_a_shared_group_gets_it() {
    let mut model = model(Dialect::V5);
    let shared = [Filter { share: Some("g".to_owned()), ..filter("x", 1) }];
    subscribe(&mut model, B, &shared);
    subscribe(&mut model, C, &shared);
    let number = publish(&mut model, 1, false);
    assert_eq!(missing(&model), [ONE_MEMBER]);
    arrive(&mut model, C, number, 1, 1).unwrap();
    assert_eq!(missing(&model), NOTHING);
    assert_eq!(broken(arrive(&mut model, B, number, 1, 1)), ONE_MEMBER);
}

/// A client with a subscription of its own and one in a group: which copy is which is decided when all have come.
#[test]
fn a_copy_is_for_the_group_or_for_the_client() {
    let mut model = model(Dialect::V5);
    let shared = Filter { share: Some("g".to_owned()), ..filter("x", 0) };
    subscribe(&mut model, B, &[shared.clone(), filter("x", 0)]);
    subscribe(&mut model, C, &[shared]);
    let number = publish(&mut model, 0, false);
    arrive(&mut model, B, number, 0, 0).unwrap();
    assert_eq!(missing(&model), [ONE_MEMBER]);
    let mut to_the_other = publish(&mut model, 0, false);
    arrive(&mut model, B, number, 0, 0).unwrap();
    assert_eq!(broken(arrive(&mut model, C, number, 0, 0)), ONE_MEMBER);
    for client in [C, B] {
        arrive(&mut model, client, to_the_other, 0, 0).unwrap();
    }
    assert_eq!(missing(&model), NOTHING);
    to_the_other += 1;
    assert_eq!(broken(arrive_unknown(&mut model, to_the_other)), PAYLOAD);
}

fn arrive_unknown(model: &mut Model, number: Number) -> Result<(), Finding> {
    let arrival = Arrival { topic: "x".to_owned(), payload: format!("m{number}").into(), ..Arrival::default() };
    model.arrived(B, &arrival)
}

#[test]
fn no_local_keeps_a_message_from_its_publisher() {
    let mut model = model(Dialect::V5);
    subscribe(&mut model, A, &[Filter { no_local: true, ..filter("x", 0) }]);
    let number = publish(&mut model, 0, false);
    assert_eq!(missing(&model), NOTHING);
    assert_eq!(broken(arrive(&mut model, A, number, 0, 0)), NO_LOCAL);
}

#[test]
fn a_new_subscription_gets_the_last_retained_message() {
    let mut model = model(Dialect::V311);
    let [first, second] = [(); 2].map(|()| publish(&mut model, 1, true));
    subscribe(&mut model, B, &[filter("#", 1)]);
    assert_eq!(missing(&model), [RETAINED_SENT]);
    let come = |model: &mut Model, number: Number, retain: bool, id: u16| {
        let arrival = Arrival { retain, ..arrival(model, number, 1, id) };
        model.arrived(B, &arrival)
    };
    assert_eq!(broken(come(&mut model, first, true, 1)), RETAINED_LAST);
    assert_eq!(broken(come(&mut model, second, false, 2)), RETAIN_OF_STORED);
    come(&mut model, second, true, 3).unwrap();
    assert_eq!(missing(&model), NOTHING);
}

#[test]
fn messages_keep_their_order() {
    let mut model = model(Dialect::V311);
    subscribe(&mut model, B, &[filter("x", 1)]);
    let [first, second] = [(); 2].map(|()| publish(&mut model, 1, false));
    arrive(&mut model, B, second, 1, 1).unwrap();
    assert_eq!(broken(arrive(&mut model, B, first, 1, 2)), ORDER);
}

/// An empty message takes back what is retained, and has nothing by which an MQTT 3.1.1 client could tell two of them apart.
#[test]
fn empty_messages_are_told_apart_by_their_number_only() {
    let empty = || Arrival { topic: "x".to_owned(), ..Arrival::default() };
    for (copies, owed) in [(0, Some(DELIVERED)), (1, Some(DELIVERED)), (2, None), (4, None)] {
        let mut model = model(Dialect::V311);
        subscribe(&mut model, B, &[filter("x", 0), filter("#", 0)]);
        for publisher in [A, C] {
            let publish = Publish { empty: true, ..plain(publisher, 0, true) };
            let number = model.publishing(&publish)[0];
            model.published(number, 0).unwrap();
        }
        for _ in 0..copies {
            model.arrived(B, &empty()).unwrap();
        }
        assert_eq!(missing(&model).first().copied(), owed, "{copies} copies");
    }
    let mut model = model(Dialect::V311);
    subscribe(&mut model, B, &[filter("x", 1), filter("#", 1)]);
    model.left(B, End::Cut);
    let publish = Publish { empty: true, count: 10, ..plain(A, 1, false) };
    for number in model.publishing(&publish) {
        model.published(number, 0).unwrap();
    }
    connect(&mut model, B, false, None).unwrap();
    for id in 1..=20 {
        model.arrived(B, &Arrival { qos: 1, id: Some(id), ..empty() }).unwrap();
    }
    assert_eq!(missing(&model), NOTHING);
    assert_eq!(broken(model.arrived(B, &Arrival { qos: 1, id: Some(21), ..empty() })), AT_LEAST_ONCE);
}

/// An empty message of MQTT 5.0 has a User Property by which a client of 5.0 knows it.
#[test]
fn an_empty_message_with_a_user_property_is_known() {
    let mut model = model(Dialect::V5);
    subscribe(&mut model, B, &[filter("x", 0)]);
    let publish = Publish { empty: true, count: 2, ..plain(A, 0, false) };
    for number in model.publishing(&publish) {
        model.published(number, 0).unwrap();
    }
    let came = |model: &mut Model, number: Number| {
        let arrival = Arrival { payload: Vec::new(), ..arrival(model, number, 0, 0) };
        model.arrived(B, &arrival)
    };
    came(&mut model, 1).unwrap();
    assert_eq!(broken(came(&mut model, 1)), AT_MOST_ONCE);
    assert_eq!(broken(came(&mut model, 0)), ORDER);
    let bare = Arrival { topic: "x".to_owned(), ..Arrival::default() };
    assert_eq!(broken(model.arrived(B, &bare)), USER_PROPERTIES);
}

/// Section 3.8.4 of both: published at QoS 1 and granted QoS 0, a message may be repeated.
#[test]
fn a_message_of_qos_1_may_come_again_at_qos_0() {
    for (published, twice) in [(0, false), (1, true), (2, false)] {
        let mut model = model(Dialect::V5);
        subscribe(&mut model, B, &[filter("x", 0)]);
        let number = publish(&mut model, published, false);
        assert_eq!(missing(&model), [DELIVERED]);
        arrive(&mut model, B, number, 0, 0).unwrap();
        assert_eq!(missing(&model), NOTHING);
        assert_eq!(arrive(&mut model, B, number, 0, 0).is_ok(), twice, "QoS {published}");
    }
}

#[test]
fn session_present_tells_the_truth() {
    let mut model = model(Dialect::V5);
    let again = Connect { client: A, clean: false, session_expiry: 0, receive_maximum: None, will: None };
    model.left(A, End::Disconnected);
    model.connecting(&again);
    assert_eq!(broken(model.connected(A, false)), SESSION_PRESENT);
    model.left(A, End::Disconnected);
    model.connecting(&again);
    assert_eq!(broken(model.connected(A, true)), SESSION_ABSENT);
    model.connecting(&Connect { clean: true, ..again });
    assert_eq!(broken(model.connected(A, true)), CLEAN_IS_NEW);
}

#[test]
fn what_is_unacknowledged_comes_again_with_dup() {
    let mut model = model(Dialect::V5);
    subscribe(&mut model, B, &[filter("x", 1)]);
    let number = publish(&mut model, 1, false);
    arrive(&mut model, B, number, 1, 7).unwrap();
    assert_eq!(broken(arrive(&mut model, B, number, 1, 7)), NO_RESEND);
    let later = publish(&mut model, 1, false);
    assert_eq!(missing(&model), NOTHING, "a server may wait for the acknowledgement");
    assert_eq!(broken(arrive(&mut model, B, later, 1, 7)), FREE_IDENTIFIER);
    model.left(B, End::Cut);
    connect(&mut model, B, false, None).unwrap();
    assert_eq!(missing(&model), [RESEND]);
    assert_eq!(broken(arrive(&mut model, B, number, 1, 7)), DUP_OF_RESEND);
    let again = Arrival { dup: true, ..arrival(&model, number, 1, 7) };
    model.arrived(B, &again).unwrap();
    assert_eq!(model.due(B), [Due::Puback(7)]);
    model.acknowledged(B, Due::Puback(7));
    assert_eq!(missing(&model), [DELIVERED], "the later one is owed now");
}

#[test]
fn a_message_raced_with_unsubscribe_may_come() {
    for comes in [false, true] {
        let mut model = model(Dialect::V5);
        let filters = ["x".to_owned()];
        subscribe(&mut model, B, &[filter("x", 1)]);
        model.unsubscribing(B, &filters);
        let number = publish(&mut model, 1, false);
        if comes {
            arrive(&mut model, B, number, 1, 1).unwrap();
        }
        model.unsubscribed(B, &filters, &[0]).unwrap();
        assert_eq!(missing(&model), NOTHING);
        let later = publish(&mut model, 1, false);
        assert_eq!(broken(arrive(&mut model, B, later, 1, 2)), UNSUBSCRIBED);
        assert_eq!(broken(model.unsubscribed(B, &filters, &[0])), UNSUBACK_CODE);
    }
}

/// QoS 0 may be dropped while its client is away; QoS 1 may not, unless it expires.
#[test]
fn what_comes_for_a_client_that_is_away() {
    let mut model = model(Dialect::V5);
    subscribe(&mut model, B, &[filter("x", 1)]);
    model.left(B, End::Disconnected);
    publish(&mut model, 0, false);
    let kept = publish(&mut model, 1, false);
    let short = Publish { expiry: Some(2), ..plain(A, 1, false) };
    let expiring = model.publishing(&short)[0];
    model.published(expiring, 0).unwrap();
    let until = model.waiting(2);
    model.at(until);
    connect(&mut model, B, false, None).unwrap();
    assert_eq!(missing(&model), [DELIVERED]);
    let late = Arrival { expiry: Some(0), ..arrival(&model, expiring, 1, 1) };
    assert_eq!(broken(model.arrived(B, &late)), EXPIRED);
    arrive(&mut model, B, kept, 1, 2).unwrap();
    assert_eq!(missing(&model), NOTHING);
}

#[test]
fn a_session_whose_expiry_is_over_matches_nothing() {
    let mut model = Model::new(&[Dialect::V5; 2]);
    connect(&mut model, A, true, None).unwrap();
    let short = Connect { client: B, clean: true, session_expiry: 2, receive_maximum: None, will: None };
    model.connecting(&short);
    model.connected(B, false).unwrap();
    subscribe(&mut model, B, &[filter("x", 1)]);
    model.left(B, End::Cut);
    for (now, no_subscribers) in [(0, Some(NO_SUBSCRIBERS)), (2, None), (4, None)] {
        model.at(Duration::from_secs(now));
        let number = publishing(&mut model, 1, false);
        assert_eq!(model.published(number, 0x10).err().map(|finding| finding.rule), no_subscribers, "after {now} s");
    }
}

/// The expiry of a PUBLISH that is sent again counts from the first time or from the second, whichever the server took over.
#[test]
fn the_expiry_of_a_publish_sent_again() {
    for (left, is_possible) in [(300, true), (296, true), (290, false)] {
        let mut model = model(Dialect::V5);
        subscribe(&mut model, B, &[filter("x", 1)]);
        let number = model.publishing(&Publish { expiry: Some(300), ..plain(A, 1, false) })[0];
        model.unacknowledged(number);
        model.at(Duration::from_secs(4));
        model.publishing_again(number);
        let came = Arrival { expiry: Some(left), ..arrival(&model, number, 1, 1) };
        assert_eq!(model.arrived(B, &came).is_ok(), is_possible, "{left}");
    }
}

/// Each of several subscriptions has its own order.
#[test]
fn copies_may_come_one_subscription_after_the_other() {
    let mut model = model(Dialect::V311);
    subscribe(&mut model, B, &[filter("x", 1), filter("#", 1)]);
    let [first, second] = [(); 2].map(|()| publish(&mut model, 1, false));
    for (id, number) in [(1, first), (2, second), (3, first), (4, second)] {
        arrive(&mut model, B, number, 1, id).unwrap();
    }
    assert_eq!(missing(&model), NOTHING);
}

/// Section 3.3.2.3.8 of 5.0: subscriptions with the same identifier have it in the copy once each.
#[test]
fn one_copy_for_several_subscriptions_has_the_highest_qos() {
    for (qos, outcome) in [(0, Some(HIGHEST_QOS)), (1, None)] {
        let mut model = model(Dialect::V5);
        model.subscribing(B, &[filter("x", 0), filter("#", 1)], Some(1));
        model.subscribed(B, &[filter("x", 0), filter("#", 1)], &[Granted::Qos(0), Granted::Qos(1)]);
        let number = publish(&mut model, 2, false);
        let came = Arrival { identifiers: vec![1, 1], ..arrival(&model, number, qos, 1) };
        assert_eq!(model.arrived(B, &came).err().map(|finding| finding.rule), outcome);
    }
}

/// A PUBLISH that is sent again counts once at QoS 2, and may count twice at QoS 1.
#[test]
fn a_publish_sent_again_after_a_lost_acknowledgement() {
    for (qos, twice) in [(1, true), (2, false)] {
        let mut model = model(Dialect::V311);
        subscribe(&mut model, B, &[filter("x", 2)]);
        let number = publishing(&mut model, qos, false);
        arrive(&mut model, B, number, qos, 1).unwrap();
        model.unacknowledged(number);
        model.settle();
        model.publishing_again(number);
        model.published(number, 0).unwrap();
        assert_eq!(arrive(&mut model, B, number, qos, 2).is_ok(), twice, "QoS {qos}");
    }
}
