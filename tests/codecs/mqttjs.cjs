// MQTT.js's codec for the test beside it. Every line of the input is { version, packet, bytes }; the line that answers it has what the codec
// writes for the packet, and what it writes after it has read the bytes, both in hexadecimal.
"use strict";

const path = require("node:path");
const readline = require("node:readline");

const codec = require(path.join(__dirname, "../../target/peers/node_modules/mqtt-packet"));

// { hex } is a Buffer, { entries } an object whose order counts.
function revive(value) {
    if (Array.isArray(value)) {
        return value.map(revive);
    }
    if (value === null || typeof value !== "object") {
        return value;
    }
    if ("hex" in value) {
        return Buffer.from(value.hex, "hex");
    }
    const entries = "entries" in value ? value.entries : Object.entries(value);
    return Object.fromEntries(entries.map(([name, inner]) => [name, revive(inner)]));
}

function attempt(work) {
    try {
        return work().toString("hex");
    } catch (error) {
        return `refused: ${error.message}`;
    }
}

function read(bytes, version) {
    const parser = codec.parser({ protocolVersion: version });
    let read;
    parser.on("packet", (packet) => {
        read = packet;
    });
    parser.on("error", (error) => {
        throw error;
    });
    parser.parse(bytes);
    return read;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const { version, packet, bytes } = JSON.parse(line);
    const options = { protocolVersion: version };
    const written = attempt(() => codec.generate(revive(packet), options));
    const read_and_written = attempt(() => codec.generate(read(Buffer.from(bytes, "hex"), version), options));
    console.log(`${written}\t${read_and_written}`);
});
