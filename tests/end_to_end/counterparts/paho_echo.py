"""Publishes to itself through paho-mqtt, from an address of this machine: paho_echo.py URL SOURCE NAME [CA]."""

import queue
import sys
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt

URL, SOURCE, NAME, FILES = urlsplit(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]

make = {"client_id": NAME, "transport": "websockets" if URL.scheme in ("ws", "wss") else "tcp"}
if hasattr(mqtt, "CallbackAPIVersion"):
    make["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION1
client = mqtt.Client(**make)
if URL.path:
    client.ws_set_options(path=URL.path)
if FILES:
    client.tls_set(*FILES)
topic, arrived = f"echo/{NAME}", queue.Queue()
client.on_connect = lambda *_: client.subscribe(topic, 1)
client.on_subscribe = lambda *_: client.publish(topic, NAME, 1)
client.on_message = lambda _c, _u, message: arrived.put(message.payload)
client.connect(URL.hostname, URL.port, bind_address=SOURCE)
client.loop_start()
assert arrived.get(timeout=20) == NAME.encode()
client.disconnect()
client.loop_stop()
print("ok", NAME)
