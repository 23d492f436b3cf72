//! Targets that are processes.

use targets::{Descriptor, LaunchError, Version};

use crate::{Peer, described, group_lives, host, is_what_it_says, launched};

#[tokio::test]
async fn the_reference_broker_is_what_it_says() {
    is_what_it_says("paddock").await;
}

#[tokio::test]
async fn mosquitto_is_what_it_says() {
    is_what_it_says("mosquitto").await;
}

#[tokio::test]
#[ignore = "tests/run --peers installs it"]
async fn nats_is_what_it_says() {
    is_what_it_says("nats").await;
}

#[tokio::test]
#[ignore = "tests/run --peers installs it"]
async fn three_nats_servers_are_one_broker() {
    is_what_it_says("nats-cluster").await;
}

#[tokio::test]
#[ignore = "tests/run --peers installs it"]
async fn rabbitmq_is_what_it_says() {
    is_what_it_says("rabbitmq").await;
}

#[tokio::test]
#[ignore = "tests/run --peers installs it"]
async fn aedes_is_what_it_says() {
    is_what_it_says("aedes").await;
}

#[tokio::test]
#[ignore = "tests/run --peers installs it"]
async fn amqtt_is_what_it_says() {
    is_what_it_says("amqtt").await;
}

#[tokio::test]
#[ignore = "tests/run --peers installs it"]
async fn rumqttd_is_what_it_says() {
    is_what_it_says("rumqttd").await;
}

#[tokio::test]
#[ignore = "tests/run --peers installs it"]
async fn rmqttd_is_what_it_says() {
    is_what_it_says("rmqttd").await;
}

/// Two brokers that pass everything on to each other serve as a cluster of which only the data path is true.
const BRIDGED: &str = r#"
name = "bridged"
product = "two Mosquittos with a bridge"
versions = ["3.1.1"]

[process]
program = "mosquitto"
arguments = ["-c", "${config}"]
nodes = 2
config = '''
user root
log_dest stderr
allow_anonymous true
listener ${port} 127.0.0.1
connection other-${node}
address 127.0.0.1:${port@1}
topic # both 0
restart_timeout 1
'''
"#;

#[tokio::test]
async fn several_processes_are_one_target() {
    // The first would bridge to itself: its bridge goes to the second.
    let text = BRIDGED.replacen("${port@1}", "${port@2}", 1);
    let descriptor = Descriptor::parse("bridged.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
    let mut live = launched(&descriptor).await;
    assert_eq!(live.nodes().len(), 2);
    let [first, second] = [0, 1].map(|node| live.nodes()[node].address().to_owned());
    assert_ne!(first, second);
    crate::carries_messages(&descriptor, &live).await;
    live.stop_node(0).await.unwrap();
    assert!(live.nodes()[0].running().is_none());
    assert!(Peer::connect(&first, None, Version::V3_1_1, None).await.is_err());
    assert!(Peer::connect(&second, None, Version::V3_1_1, None).await.is_ok());
    live.stop().await.unwrap();
}

#[tokio::test]
async fn dropping_a_target_ends_it_and_its_folder() {
    let live = launched(&described("mosquitto")).await;
    let pid = live.nodes()[0].running().unwrap().pid().unwrap();
    let socket = live.nodes()[0].listeners().unix.clone().unwrap();
    let socket = socket.strip_prefix("unix:").unwrap().to_owned();
    assert!(std::path::Path::new(&socket).exists());
    drop(live);
    let gone = async {
        while group_lives(pid) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::DEADLINE, gone).await.expect("it lives on");
    assert!(!std::path::Path::new(&socket).exists());
}

#[tokio::test]
async fn what_goes_wrong_is_told() {
    let mosquitto = targets::shipped().iter().find(|entry| entry.name == "mosquitto").unwrap().text;
    for (written, instead, said) in [
        (
            "program = \"mosquitto\"",
            "program = \"mosquitto-9\"",
            "there is no program mosquitto-9; get it with: apt-get",
        ),
        ("allow_anonymous true", "allow_anonymous perhaps", "ended before it was ready (exit status: 3); it said: "),
        ("\"mosquitto_passwd\", \"-b\"", "\"mosquitto_passwd\", \"-z\"", "which comes before the broker, failed: "),
    ] {
        assert!(mosquitto.contains(written), "{written}");
        let descriptor = Descriptor::parse("x.toml", &mosquitto.replacen(written, instead, 1)).unwrap();
        let error: LaunchError = descriptor.launch(&host()).await.expect_err(instead);
        assert!(error.to_string().contains(said), "{error}");
    }
}
