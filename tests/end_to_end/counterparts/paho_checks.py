"""Checks of one broker through paho-mqtt.

paho_checks.py URL LEVEL [CA [CERTIFICATE KEY]], with level 4 (3.1.1) or 5.
"""

import queue
import socket
import sys
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.subscribeoptions import SubscribeOptions

URL, LEVEL, FILES = urlsplit(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
DEADLINE = 20
V5 = LEVEL == 5


class Client:
    """A connected client whose messages and acknowledgements can be awaited."""

    def __init__(self, name, will=None):
        self.messages = queue.Queue()
        self.happened = queue.Queue()
        make = {"client_id": f"paho-{name}", "protocol": mqtt.MQTTv5 if V5 else mqtt.MQTTv311}
        make["transport"] = "websockets" if URL.scheme in ("ws", "wss") else "tcp"
        if not V5:
            make["clean_session"] = True
        if hasattr(mqtt, "CallbackAPIVersion"):
            make["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION1
        self.paho = mqtt.Client(**make)
        self.paho.on_connect = lambda *a: self.happened.put(("connected", int(getattr(a[3], "value", a[3]))))
        self.paho.on_subscribe = lambda *a: self.happened.put(("subscribed", a[3]))
        self.paho.on_publish = lambda *a: self.happened.put(("published", a[2]))
        self.paho.on_message = lambda _c, _u, message: self.messages.put(message)
        if URL.path:
            self.paho.ws_set_options(path=URL.path)
        if FILES:
            self.paho.tls_set(*FILES)
        if will:
            self.paho.will_set(will, b"gone", qos=1)
        self.paho.connect(URL.hostname, URL.port, keepalive=30)
        self.paho.loop_start()
        assert self.event("connected") == 0

    def event(self, name):
        seen, value = self.happened.get(timeout=DEADLINE)
        assert seen == name, f"{seen} instead of {name}"
        return value

    def subscribe(self, topic, qos):
        if V5:
            self.paho.subscribe(topic, options=SubscribeOptions(qos=qos))
        else:
            self.paho.subscribe(topic, qos)
        granted = [int(getattr(code, "value", code)) for code in self.event("subscribed")]
        assert granted == [qos], granted

    def publish(self, topic, payload, qos, retain=False):
        self.paho.publish(topic, payload, qos, retain)
        self.event("published")

    def message(self):
        return self.messages.get(timeout=DEADLINE)

    def cut(self):
        """Ends the connection without DISCONNECT."""
        outer = self.paho.socket()
        # Its WebSocket hides the socket that it is on.
        getattr(outer, "_socket", outer).shutdown(socket.SHUT_RDWR)

    def end(self):
        self.paho.disconnect()
        self.paho.loop_stop()


def exchange(qos):
    receiver, sender = Client("receiver"), Client("sender")
    topic = f"paho/{LEVEL}/qos/{qos}"
    receiver.subscribe(topic, qos)
    payloads = [b"%d" % n for n in range(20)] + [b"", bytes(range(256)) * 300]
    for payload in payloads:
        sender.publish(topic, payload, qos)
    for payload in payloads:
        message = receiver.message()
        assert (message.topic, message.payload, message.qos) == (topic, payload, qos), message
    receiver.end(), sender.end()


def retained():
    sender = Client("sender")
    topic = f"paho/{LEVEL}/retained"
    sender.publish(topic, b"kept", 1, retain=True)
    late = Client("late")
    late.subscribe(topic, 1)
    message = late.message()
    assert (message.payload, message.retain) == (b"kept", 1), message
    sender.publish(topic, b"", 1, retain=True)
    assert late.message().payload == b""
    later = Client("later")
    later.subscribe(topic, 1)
    later.publish(topic, b"fence", 1)
    assert later.message().payload == b"fence"
    for client in (sender, late, later):
        client.end()


def will():
    topic = f"paho/{LEVEL}/will"
    watcher = Client("watcher")
    watcher.subscribe(topic, 1)
    Client("mortal", will=topic).cut()
    assert watcher.message().payload == b"gone"
    watcher.end()


def shared():
    members = [Client(f"member-{n}") for n in range(2)]
    topic = f"paho/{LEVEL}/shared"
    for member in members:
        member.subscribe(f"$share/herd/{topic}", 1)
        member.subscribe(f"{topic}/fence", 1)
    sender = Client("sender")
    for n in range(40):
        sender.publish(topic, b"%d" % n, 1)
    sender.publish(f"{topic}/fence", b"", 1)
    got = []
    for member in members:
        mine = []
        while (message := member.message()).topic == topic:
            mine.append(int(message.payload))
        assert mine, "one member got everything"
        got += mine
    assert sorted(got) == list(range(40)), got
    for client in (*members, sender):
        client.end()


for name, check in [
    ("qos 0", lambda: exchange(0)),
    ("qos 1", lambda: exchange(1)),
    ("qos 2", lambda: exchange(2)),
    ("retained", retained),
    ("will", will),
    ("shared", shared),
]:
    check()
    print("ok", name, flush=True)
