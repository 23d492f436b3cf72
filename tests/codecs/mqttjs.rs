//! wire against the codec of MQTT.js, `mqtt-packet`, both ways.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value as Json, json};
use wire::{Form, Packet, Properties, Property, Value, Version::V5, Will, hex};

use crate::packets::{self, Sent};

/// How MQTT.js calls the properties.
const NAMES: [(u32, &str); 27] = [
    (0x01, "payloadFormatIndicator"),
    (0x02, "messageExpiryInterval"),
    (0x03, "contentType"),
    (0x08, "responseTopic"),
    (0x09, "correlationData"),
    (0x0b, "subscriptionIdentifier"),
    (0x11, "sessionExpiryInterval"),
    (0x12, "assignedClientIdentifier"),
    (0x13, "serverKeepAlive"),
    (0x15, "authenticationMethod"),
    (0x16, "authenticationData"),
    (0x17, "requestProblemInformation"),
    (0x18, "willDelayInterval"),
    (0x19, "requestResponseInformation"),
    (0x1a, "responseInformation"),
    (0x1c, "serverReference"),
    (0x1f, "reasonString"),
    (0x21, "receiveMaximum"),
    (0x22, "topicAliasMaximum"),
    (0x23, "topicAlias"),
    (0x24, "maximumQoS"),
    (0x25, "retainAvailable"),
    (0x26, "userProperties"),
    (0x27, "maximumPacketSize"),
    (0x28, "wildcardSubscriptionAvailable"),
    (0x29, "subscriptionIdentifiersAvailable"),
    (0x2a, "sharedSubscriptionAvailable"),
];

#[test]
fn mqttjs_writes_the_same_bytes_and_reads_them() {
    let sent: Vec<Sent> = packets::sample(1_000).into_iter().map(as_mqttjs_would).collect();
    let lines: Vec<String> = sent.iter().map(line).collect();
    let answers = answers(&lines);
    assert_eq!(answers.len(), sent.len());
    let wrong: Vec<String> = sent
        .iter()
        .zip(answers)
        .filter_map(|(sent, answer)| {
            let bytes = digits(&sent.encode());
            let (written, read) = answer.split_once('\t').unwrap();
            let same = written == bytes && (read == bytes || Some(read) == settled(sent));
            (!same).then(|| {
                format!("{}\nwire    {bytes}\nwritten {written}\nread    {read}", sent.packet.line(sent.version))
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{} packets\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
}

/// What the decoder says of a packet that it may not refuse, by the standard's text.
fn settled(sent: &Sent) -> Option<&'static str> {
    match &sent.packet {
        // Its list is table 3-10 of 5.0, which forgets the code; table 2-6 has it for DISCONNECT.
        Packet::Disconnect(disconnect) if disconnect.reason == 0x8c => Some("refused: Invalid disconnect reason code"),
        _ => None,
    }
}

/// What the script is told of a packet.
fn line(sent: &Sent) -> String {
    let bytes = digits(&sent.encode());
    json!({ "version": sent.version.level(), "packet": object(sent), "bytes": bytes }).to_string()
}

fn digits(bytes: &[u8]) -> String {
    hex::line(bytes).replace(' ', "")
}

/// One line for each.
fn answers(lines: &[String]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/codecs/mqttjs.cjs");
    let mut command = Command::new("node");
    let mut node = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node starts");
    let mut stdin = node.stdin.take().unwrap();
    let input = lines.join("\n") + "\n";
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = node.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "tests/run installs MQTT.js");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The same packet in the form that MQTT.js chooses, and without what it cannot say.
fn as_mqttjs_would(mut sent: Sent) -> Sent {
    let full = |empty: bool| if empty { Form::Full } else { Form::Shortest };
    match &mut sent.packet {
        Packet::Connect(connect) => {
            // It takes 5.0 for 3.1.1 here: no Password without a User Name, no empty Client Identifier with a session.
            connect.password = connect.password.take().filter(|_| connect.user_name.is_some());
            connect.clean_start |= connect.client_identifier.is_empty();
            connect.properties = sayable(&connect.properties);
            if let Some(will) = &mut connect.will {
                will.properties = sayable(&will.properties);
            }
        }
        Packet::Puback(ack) | Packet::Pubrec(ack) | Packet::Pubrel(ack) | Packet::Pubcomp(ack) => {
            ack.properties = sayable(&ack.properties);
            // A code that is written brings its Property Length along.
            ack.form = full(sent.version == V5 && ack.properties.is_empty() && ack.reason != 0);
        }
        Packet::Disconnect(disconnect) => {
            disconnect.properties = sayable(&disconnect.properties);
            disconnect.form = full(sent.version == V5 && disconnect.properties.is_empty());
        }
        Packet::Connack(connack) => connack.properties = sayable(&connack.properties),
        Packet::Publish(publish) => publish.properties = sayable(&publish.properties),
        Packet::Subscribe(subscribe) => subscribe.properties = sayable(&subscribe.properties),
        Packet::Suback(suback) => suback.properties = sayable(&suback.properties),
        Packet::Unsubscribe(unsubscribe) => unsubscribe.properties = sayable(&unsubscribe.properties),
        Packet::Unsuback(unsuback) => unsuback.properties = sayable(&unsuback.properties),
        Packet::Auth(auth) => auth.properties = sayable(&auth.properties),
        Packet::Pingreq(_) | Packet::Pingresp(_) => {}
    }
    sent
}

/// An object has each name once: what repeats stands together. Names that look like numbers would go first.
fn sayable(properties: &Properties) -> Properties {
    let mut sayable: Vec<Property> = Vec::new();
    for property in &properties.0 {
        let named = match &property.value {
            Value::Pair(_, value) => Property::user(&format!("name {}", sayable.len()), value),
            _ => property.clone(),
        };
        let behind = sayable.iter().rposition(|other| other.identifier == property.identifier);
        sayable.insert(behind.map_or(sayable.len(), |last| last + 1), named);
    }
    Properties(sayable)
}

/// The packet as MQTT.js has it.
fn object(sent: &Sent) -> Json {
    let is_5 = sent.version == V5;
    let command = sent.packet.kind().to_string().to_lowercase();
    let mut object = match &sent.packet {
        Packet::Connect(connect) => json!({
            "protocolId": "MQTT",
            "protocolVersion": sent.version.level(),
            "clean": connect.clean_start,
            "keepalive": connect.keep_alive,
            "clientId": connect.client_identifier,
            "will": connect.will.as_ref().map(|message| will(message, is_5)),
            "username": connect.user_name,
            "password": connect.password.as_deref().map(binary),
            "properties": listed(&connect.properties),
        }),
        Packet::Connack(connack) => json!({
            "sessionPresent": connack.session_present,
            "returnCode": connack.reason,
            "reasonCode": connack.reason,
            "properties": listed(&connack.properties),
        }),
        Packet::Publish(publish) => json!({
            "topic": publish.topic,
            "qos": publish.qos,
            "dup": publish.dup,
            "retain": publish.retain,
            "messageId": publish.packet_identifier,
            "payload": binary(&publish.payload),
            "properties": listed(&publish.properties),
        }),
        Packet::Puback(ack) | Packet::Pubrec(ack) | Packet::Pubrel(ack) | Packet::Pubcomp(ack) => {
            let mut object = json!({ "messageId": ack.packet_identifier, "reasonCode": ack.reason });
            if !ack.properties.is_empty() {
                object["properties"] = listed(&ack.properties);
            }
            object
        }
        Packet::Subscribe(subscribe) => {
            let subscription = |(filter, options): &(String, wire::Options)| {
                json!({
                    "topic": filter,
                    "qos": options.qos,
                    "nl": options.no_local,
                    "rap": options.retain_as_published,
                    "rh": options.retain_handling,
                })
            };
            json!({
                "messageId": subscribe.packet_identifier,
                "subscriptions": subscribe.filters.iter().map(subscription).collect::<Vec<_>>(),
                "properties": listed(&subscribe.properties),
            })
        }
        Packet::Suback(wire::Suback { packet_identifier, properties, reasons })
        | Packet::Unsuback(wire::Unsuback { packet_identifier, properties, reasons }) => {
            json!({ "messageId": packet_identifier, "granted": reasons, "properties": listed(properties) })
        }
        Packet::Unsubscribe(unsubscribe) => json!({
            "messageId": unsubscribe.packet_identifier,
            "unsubscriptions": unsubscribe.filters,
            "properties": listed(&unsubscribe.properties),
        }),
        Packet::Disconnect(wire::Disconnect { reason, properties, .. })
        | Packet::Auth(wire::Auth { reason, properties, .. }) => {
            json!({ "reasonCode": reason, "properties": listed(properties) })
        }
        Packet::Pingreq(_) | Packet::Pingresp(_) => json!({}),
    };
    object["cmd"] = json!(command);
    object
}

fn will(will: &Will, is_5: bool) -> Json {
    let mut object =
        json!({ "topic": will.topic, "payload": binary(&will.payload), "qos": will.qos, "retain": will.retain });
    if is_5 {
        object["properties"] = listed(&will.properties);
    }
    object
}

fn binary(bytes: &[u8]) -> Json {
    json!({ "hex": digits(bytes) })
}

/// In their order.
fn listed(properties: &Properties) -> Json {
    let mut entries: Vec<(&str, Json)> = Vec::new();
    for property in &properties.0 {
        let name = NAMES.iter().find(|(identifier, _)| *identifier == property.identifier).unwrap().1;
        let value = match &property.value {
            Value::Byte(number) if property.identifier == 0x24 => json!(number),
            Value::Byte(flag) => json!(*flag == 1),
            Value::TwoByte(number) => json!(number),
            Value::FourByte(number) => json!(number),
            // It may repeat in PUBLISH only.
            Value::Variable(number) => json!([number]),
            Value::Text(text) => json!(text),
            Value::Binary(bytes) | Value::Raw(bytes) => binary(bytes),
            Value::Pair(name, value) => json!({ "entries": [[name, value]] }),
        };
        match entries.iter_mut().find(|(other, _)| *other == name) {
            Some((_, Json::Array(all))) => all.extend(value.as_array().unwrap().iter().cloned()),
            Some((_, Json::Object(pairs))) => {
                let more = value["entries"].as_array().unwrap().clone();
                pairs["entries"].as_array_mut().unwrap().extend(more);
            }
            _ => entries.push((name, value)),
        }
    }
    json!({ "entries": entries })
}
