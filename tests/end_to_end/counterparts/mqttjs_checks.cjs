// Checks of one broker through MQTT.js: mqttjs_checks.cjs URL LEVEL [CA [CERTIFICATE KEY]], with level 4 (3.1.1) or 5.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { once, EventEmitter } = require("node:events");
const path = require("node:path");

const mqtt = require(path.join(__dirname, "../../../target/peers/node_modules/mqtt"));

const [url, level, ...files] = process.argv.slice(2);
const [ca, cert, key] = files.map((file) => fs.readFileSync(file));
const topicOf = (name) => `mqttjs/${level}/${name}`;

setTimeout(() => {
    console.error("no answer within 40 s");
    process.exit(1);
}, 40_000).unref();

// A connected client whose messages can be awaited in order.
class Client {
    static async connect(name, options = {}) {
        const client = new Client();
        client.inbox = [];
        client.arrived = new EventEmitter();
        client.mqtt = mqtt.connect(url, {
            ca,
            cert,
            key,
            protocolVersion: Number(level),
            clientId: `mqttjs-${name}`,
            reconnectPeriod: 0,
            ...options,
        });
        client.mqtt.on("message", (topic, payload, packet) => {
            client.inbox.push({ topic, payload: payload.toString("latin1"), qos: packet.qos, retain: packet.retain });
            client.arrived.emit("message");
        });
        await once(client.mqtt, "connect");
        return client;
    }

    async subscribe(topic, qos) {
        const [granted] = await this.mqtt.subscribeAsync(topic, { qos });
        assert.equal(granted.qos, qos);
    }

    publish(topic, payload, options) {
        return this.mqtt.publishAsync(topic, Buffer.from(payload, "latin1"), options);
    }

    async message() {
        if (this.inbox.length === 0) await once(this.arrived, "message");
        return this.inbox.shift();
    }

    end() {
        return this.mqtt.endAsync();
    }
}

async function exchange(qos) {
    const [receiver, sender] = await Promise.all([Client.connect("receiver"), Client.connect("sender")]);
    const topic = topicOf(`qos/${qos}`);
    await receiver.subscribe(topic, qos);
    const payloads = [...Array(20).keys()].map(String).concat("", "\u00ff\u0000".repeat(40_000));
    for (const payload of payloads) await sender.publish(topic, payload, { qos });
    for (const payload of payloads) {
        assert.deepEqual(await receiver.message(), { topic, payload, qos, retain: false });
    }
    await Promise.all([receiver.end(), sender.end()]);
}

async function retained() {
    const topic = topicOf("retained");
    const sender = await Client.connect("sender");
    await sender.publish(topic, "kept", { qos: 1, retain: true });
    const late = await Client.connect("late");
    await late.subscribe(topic, 1);
    assert.deepEqual(await late.message(), { topic, payload: "kept", qos: 1, retain: true });
    await sender.publish(topic, "", { qos: 1, retain: true });
    assert.equal((await late.message()).payload, "");
    const later = await Client.connect("later");
    await later.subscribe(topic, 1);
    await later.publish(topic, "fence", { qos: 1 });
    assert.equal((await later.message()).payload, "fence");
    await Promise.all([sender.end(), late.end(), later.end()]);
}

async function will() {
    const topic = topicOf("will");
    const watcher = await Client.connect("watcher");
    await watcher.subscribe(topic, 1);
    const mortal = await Client.connect("mortal", { will: { topic, payload: "gone", qos: 1 } });
    mortal.mqtt.stream.destroy();
    assert.equal((await watcher.message()).payload, "gone");
    await watcher.end();
}

async function shared() {
    const topic = topicOf("shared");
    const members = await Promise.all([Client.connect("member-1"), Client.connect("member-2")]);
    for (const member of members) {
        await member.subscribe(`$share/herd/${topic}`, 1);
        await member.subscribe(`${topic}/fence`, 1);
    }
    const sender = await Client.connect("sender");
    for (let n = 0; n < 40; n++) await sender.publish(topic, String(n), { qos: 1 });
    await sender.publish(`${topic}/fence`, "", { qos: 1 });
    const got = [];
    for (const member of members) {
        const mine = [];
        for (let m = await member.message(); m.topic === topic; m = await member.message()) mine.push(Number(m.payload));
        assert.notEqual(mine.length, 0, "one member got everything");
        got.push(...mine);
    }
    assert.deepEqual(got.sort((a, b) => a - b), [...Array(40).keys()]);
    await Promise.all([...members, sender].map((client) => client.end()));
}

(async () => {
    const checks = [
        ["qos 0", () => exchange(0)],
        ["qos 1", () => exchange(1)],
        ["qos 2", () => exchange(2)],
        ["retained", retained],
        ["will", will],
        ["shared", shared],
    ];
    for (const [name, check] of checks) {
        await check();
        console.log("ok", name);
    }
})().catch((error) => {
    console.error(error);
    process.exit(1);
});
