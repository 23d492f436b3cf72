//! CONNECT packets of 5.0 whose properties are wrong: sections 3.1.2.11, 3.1.3.2 and 4.13.1.

use wire::Property;

use super::{connect_format::takes, prelude::*};
use crate::Mark;

const WRONG: &[Outcome] = &[Outcome::Refused(&[0x81, 0x82], &[])];
const DECIDES: &[Mark] = &[V5("3.1.4-1"), V5("4.13.1-1")];

pub(super) const CASES: &[Case] = &[
    Case::row(
        "connect.receive_maximum_is_not_0",
        "A CONNECT with Receive Maximum 0 is refused",
        DECIDES,
        Opening,
        |bench| bench.connect("client").with(Property::receive_maximum(0)).draft(bench.version()),
        WRONG,
        &[Mutant::rules("takes a Receive Maximum of 0", || takes("Receive Maximum is 0"))],
    ),
    Case::row(
        "connect.maximum_packet_size_is_not_0",
        "A CONNECT with Maximum Packet Size 0 is refused",
        DECIDES,
        Opening,
        |bench| bench.connect("client").with(Property::maximum_packet_size(0)).draft(bench.version()),
        WRONG,
        &[Mutant::rules("takes a Maximum Packet Size of 0", || takes("Maximum Packet Size is 0"))],
    ),
    Case::row(
        "connect.request_problem_information_is_a_bit",
        "A CONNECT with Request Problem Information 2 is refused",
        DECIDES,
        Opening,
        |bench| bench.connect("client").with(Property::request_problem_information(2)).draft(bench.version()),
        WRONG,
        &[Mutant::rules("takes Request Problem Information 2", || takes("Request Problem Information is 2"))],
    ),
    Case::row(
        "connect.request_response_information_is_a_bit",
        "A CONNECT with Request Response Information 2 is refused",
        DECIDES,
        Opening,
        |bench| bench.connect("client").with(Property::request_response_information(2)).draft(bench.version()),
        WRONG,
        &[Mutant::rules("takes Request Response Information 2", || takes("Request Response Information is 2"))],
    ),
    Case::row(
        "connect.session_expiry_interval_is_there_once",
        "A CONNECT with two Session Expiry Intervals is refused",
        DECIDES,
        Opening,
        |bench| twice(bench, &Property::session_expiry_interval(0)),
        WRONG,
        &[Mutant::rules("takes a second Session Expiry Interval", || takes("Session Expiry Interval stands twice"))],
    ),
    Case::row(
        "connect.receive_maximum_is_there_once",
        "A CONNECT with two Receive Maxima is refused",
        DECIDES,
        Opening,
        |bench| twice(bench, &Property::receive_maximum(10)),
        WRONG,
        &[Mutant::rules("takes a second Receive Maximum", || takes("Receive Maximum stands twice"))],
    ),
    Case::row(
        "connect.maximum_packet_size_is_there_once",
        "A CONNECT with two Maximum Packet Sizes is refused",
        DECIDES,
        Opening,
        |bench| twice(bench, &Property::maximum_packet_size(10_000)),
        WRONG,
        &[Mutant::rules("takes a second Maximum Packet Size", || takes("Maximum Packet Size stands twice"))],
    ),
    Case::row(
        "connect.topic_alias_maximum_is_there_once",
        "A CONNECT with two Topic Alias Maxima is refused",
        DECIDES,
        Opening,
        |bench| twice(bench, &Property::topic_alias_maximum(10)),
        WRONG,
        &[Mutant::rules("takes a second Topic Alias Maximum", || takes("Topic Alias Maximum stands twice"))],
    ),
    Case::row(
        "connect.request_problem_information_is_there_once",
        "A CONNECT with two Request Problem Informations is refused",
        DECIDES,
        Opening,
        |bench| twice(bench, &Property::request_problem_information(1)),
        WRONG,
        &[Mutant::rules("takes a second Request Problem Information", || {
            takes("Request Problem Information stands twice")
        })],
    ),
    Case::row(
        "connect.authentication_data_needs_a_method",
        "A CONNECT with Authentication Data but without Authentication Method is refused",
        DECIDES,
        Opening,
        |bench| bench.connect("client").with(Property::authentication_data(b"data")).draft(bench.version()),
        WRONG,
        &[Mutant::rules("takes Authentication Data without a method", || {
            takes("Authentication Data without Authentication Method")
        })],
    ),
    Case::row(
        "connect.properties_are_its_own",
        "A CONNECT with a property that belongs to other packets is refused",
        DECIDES,
        Opening,
        |bench| bench.connect("client").with(Property::topic_alias(1)).draft(bench.version()),
        WRONG,
        &[Mutant::rules("takes a Topic Alias in CONNECT", || takes("Topic Alias is no property of CONNECT"))],
    ),
    Case::row(
        "connect.properties_are_known",
        "A CONNECT with a property that 5.0 does not know is refused",
        DECIDES,
        Opening,
        |bench| bench.connect("client").with(Property::raw(0x7e, [0])).draft(bench.version()),
        WRONG,
        &[Mutant::rules("takes unknown properties", || takes("no property has the identifier 126"))],
    ),
    Case::row(
        "connect.will_delay_interval_is_there_once",
        "A CONNECT with two Will Delay Intervals is refused",
        DECIDES,
        Opening,
        |bench| will(bench, &[Property::will_delay_interval(0), Property::will_delay_interval(0)]),
        WRONG,
        &[Mutant::rules("takes a second Will Delay Interval", || takes("Will Delay Interval stands twice"))],
    ),
    Case::row(
        "connect.will_payload_format_is_a_bit",
        "A CONNECT whose Will has the Payload Format Indicator 2 is refused",
        DECIDES,
        Opening,
        |bench| will(bench, &[Property::payload_format_indicator(2)]),
        WRONG,
        &[Mutant::rules("takes a Will with Payload Format Indicator 2", || takes("Payload Format Indicator is 2"))],
    ),
    Case::row(
        "connect.will_properties_are_its_own",
        "A CONNECT whose Will has a property that belongs to other packets is refused",
        DECIDES,
        Opening,
        |bench| will(bench, &[Property::topic_alias(1)]),
        WRONG,
        &[Mutant::rules("takes a Topic Alias in a Will", || takes("Topic Alias is no property of the Will"))],
    ),
];

fn twice(bench: &Bench, property: &Property) -> Draft {
    bench.connect("client").with(property.clone()).with(property.clone()).draft(bench.version())
}

fn will(bench: &Bench, properties: &[Property]) -> Draft {
    let will = properties.iter().cloned().fold(Will::to(bench.topic("will")).payload("x"), Will::with);
    bench.connect("client").will(will).draft(bench.version())
}
