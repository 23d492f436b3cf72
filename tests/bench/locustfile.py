"""Devices that publish to an MQTT broker at a steady rate, for Locust: see `generators`."""

import os

from locust import constant_throughput, task
from locust.contrib.mqtt import MqttUser

RATE, USERS = float(os.environ["RATE"]), int(os.environ["USERS"])


class Device(MqttUser):
    host, port = "127.0.0.1", int(os.environ["PORT"])
    wait_time = constant_throughput(RATE / USERS)

    @task
    def publish(self):
        self.client.publish(f"g0/bench/{id(self)}", b"x" * 64, qos=1)
