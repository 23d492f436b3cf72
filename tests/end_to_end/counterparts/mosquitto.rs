//! mosquitto_pub and mosquitto_sub in all three versions.

use std::process::Command;

use crate::{
    support::{Broker, Running, output},
    ways::{Everywhere, Way},
};

const VERSIONS: [&str; 3] = ["mqttv31", "mqttv311", "mqttv5"];

#[test]
fn mosquitto_clients_exchange_each_qos() {
    each_qos(&Broker::start().way());
}

/// With client certificates too. Mosquitto's clients have no WebSocket, so there is nothing to test over it.
#[test]
fn mosquitto_clients_exchange_each_qos_over_tls() {
    let broker = Everywhere::start();
    let ways: Vec<&Way> = broker.ways.iter().filter(|way| !way.is_web_socket()).collect();
    assert_eq!(ways.len(), 2);
    ways.into_iter().for_each(each_qos);
}

fn each_qos(way: &Way) {
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let topic = format!("{version}/qos/{qos}");
            let receiver = subscribed(way, version, &["-t", &topic, "-q", qos, "-C", "3", "-F", "%q %r %p"]);
            for payload in ["one", "two", "three"] {
                publish(way, version, &["-t", &topic, "-q", qos, "-m", payload]);
            }
            let expected: Vec<String> = ["one", "two", "three"].iter().map(|p| format!("{qos} 0 {p}")).collect();
            assert_eq!(messages(receiver), expected, "{topic}");
        }
    }
}

#[test]
fn mosquitto_clients_get_and_clear_retained_messages() {
    let broker = Broker::start();
    let way = &broker.way();
    for version in VERSIONS {
        let topic = format!("{version}/retained");
        publish(way, version, &["-t", &topic, "-q", "1", "-r", "-m", "kept"]);
        let late = subscribed(way, version, &["-t", &topic, "-q", "1", "-C", "1", "-F", "%r %p"]);
        assert_eq!(messages(late), ["1 kept"]);
        publish(way, version, &["-t", &topic, "-q", "1", "-r", "-n"]);
        let later = subscribed(way, version, &["-t", &topic, "-q", "1", "-C", "1", "-F", "%r %p"]);
        publish(way, version, &["-t", &topic, "-q", "1", "-m", "fence"]);
        assert_eq!(messages(later), ["0 fence"]);
    }
}

#[test]
fn a_killed_mosquitto_client_leaves_its_will() {
    let broker = Broker::start();
    let way = &broker.way();
    for version in VERSIONS {
        let topic = format!("{version}/will");
        let watcher = subscribed(way, version, &["-t", &topic, "-q", "1", "-C", "1", "-F", "%p"]);
        let mortal = ["-t", "elsewhere", "--will-topic", &topic, "--will-payload", "gone", "--will-qos", "1"];
        subscribed(way, version, &mortal).kill();
        assert_eq!(messages(watcher), ["gone"]);
    }
}

#[test]
fn mosquitto_clients_share_a_subscription() {
    let broker = Broker::start();
    let way = &broker.way();
    for version in VERSIONS {
        let topic = format!("{version}/shared");
        let group = format!("$share/herd/{topic}");
        let fence = format!("{topic}/fence");
        // Ends at the fence, which goes to both.
        let arguments = ["-t", &group, "-t", &fence, "-q", "1", "-F", "%t %p"];
        let members = [subscribed(way, version, &arguments), subscribed(way, version, &arguments)];
        for n in 0..20 {
            publish(way, version, &["-t", &topic, "-q", "1", "-m", &n.to_string()]);
        }
        publish(way, version, &["-t", &fence, "-q", "1", "-m", "end"]);
        let mut got = Vec::new();
        for member in &members {
            let mut mine = 0;
            loop {
                let line = member.line("a message", |line| line.starts_with(&topic));
                if line.starts_with(&fence) {
                    break;
                }
                let n: u32 = line.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number");
                got.push(n);
                mine += 1;
            }
            assert!(mine > 0, "one member got everything");
        }
        got.sort_unstable();
        assert_eq!(got, (0..20).collect::<Vec<_>>());
    }
}

/// A mosquitto_sub that has its SUBACK.
fn subscribed(way: &Way, version: &str, arguments: &[&str]) -> Running {
    // -d says when SUBACK arrived; stdbuf, because a pipe would be written only when it is full.
    let running = Running::start(
        Command::new("stdbuf").args(["-oL", "mosquitto_sub", "-d", "-V", version]).args(whereto(way)).args(arguments),
    );
    running.line("Subscribed", |line| line.starts_with("Subscribed"));
    running
}

/// What mosquitto_sub printed of messages, without what -d adds.
fn messages(running: Running) -> Vec<String> {
    running.rest().into_iter().filter(|line| !line.starts_with("Client ")).collect()
}

fn publish(way: &Way, version: &str, arguments: &[&str]) {
    let mut command = Command::new("mosquitto_pub");
    let output = output(command.args(["-V", version]).args(whereto(way)).args(arguments));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn whereto(way: &Way) -> Vec<String> {
    let address = ["-h", "127.0.0.1", "-p", &way.address.port().to_string()].map(str::to_owned);
    address.into_iter().chain(way.arguments(["--cafile", "--cert", "--key"])).collect()
}
