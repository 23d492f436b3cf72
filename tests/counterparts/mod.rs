//! One module per counterpart.

mod chromium;
mod libraries;
mod mosquitto;
mod mosquitto_broker;
mod rumqttc;
