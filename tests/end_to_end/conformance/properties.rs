//! Random programs, as people run them: `properties`, `replay` and `differential`.

use std::fs;

use super::ends_with;

/// Two subscriptions of an MQTT 3.1.1 client match, with different QoS.
const OVERLAPPING: &str = r##"
clients = ["3.1.1", "3.1.1"]
steps = [
    { do = "connect", client = "a", clean = true },
    { do = "subscribe", client = "a", filters = [{ filter = "#", qos = 1 }, { filter = "+", qos = 0 }] },
    { do = "connect", client = "b", clean = true },
    { do = "publish", client = "b", qos = 1, topic = "y" },
    { do = "publish", client = "b", qos = 1, topic = "x" },
]
"##;

#[test]
fn the_reference_broker_does_what_the_model_allows() {
    let said = ends_with(&["properties", "--cases", "60", "--seed", "7"], 0);
    for line in
        ["seed 7", "60 programs, 0 different", "3 batches of topics, 0 different", "60 scripts of two senders, 0 "]
    {
        assert!(said.contains(line), "no {line:?} in\n{said}");
    }
    let said = ends_with(&["properties", "--only", "programs", "--seed", "7", "--case", "59", "--protocol", "5"], 0);
    assert!(said.contains("\n1 programs, 0 different findings"), "{said}");
}

/// Mosquitto 2.0 delivers at the QoS of whichever subscription it finds first, against MQTT-3.3.5-1 in 3.1.1.
#[test]
fn what_a_broker_does_wrong_is_shown_and_shrunk() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("overlapping.toml");
    fs::write(&file, OVERLAPPING).unwrap();
    let file = file.to_str().unwrap();
    let said = ends_with(&["replay", file, "--repeat", "2"], 0);
    assert_eq!(said.matches("a conforming server may do all that").count(), 2, "{said}");

    let said = ends_with(&["replay", file, "--target", "mosquitto", "--shrink"], 3);
    assert!(said.contains("it came at QoS 0 and not at QoS 1\nMQTT-3.3.5-1 in 3.1.1: "), "{said}");
    let shortest = said.rsplit("steps = [").next().unwrap();
    assert_eq!(shortest.matches("{ do = ").count(), 4, "one of the two messages is enough:\n{said}");

    let said = ends_with(&["differential", "--target", "embedded", "--target", "mosquitto", "--program", file], 3);
    assert!(said.contains("1 programs on both: 1 differ, 1 break a rule"), "{said}");
    assert!(said.contains("mosquitto: client a (MQTT 3.1.1): message m0"), "{said}");
}

#[test]
fn two_brokers_that_are_the_same_do_the_same() {
    let said =
        ends_with(&["differential", "--target", "embedded", "--target", "embedded", "--cases", "20", "--seed", "3"], 0);
    assert!(
        said.contains("20 programs on both: ") && said.contains(" 0 break a rule, 0 differences are not "),
        "{said}"
    );
}

#[test]
fn a_program_that_is_none_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    fs::write(&file, OVERLAPPING.replace("qos = 0", "qos = 3")).unwrap();
    let said = ends_with(&["replay", file.to_str().unwrap()], 2);
    assert!(said.contains("wrong.toml: ") && said.contains("qos"), "{said}");
    assert!(ends_with(&["properties", "--target", "mosqito"], 2).contains("mosqito"));
}

#[test]
fn a_broker_that_nobody_serves_is_exit_5() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    ends_with(&["properties", "--cases", "1", "--target", &format!("mqtt://{unused}")], 5);
}
