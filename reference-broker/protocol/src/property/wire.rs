//! How each type of property value goes over the wire (1.5).

use bytes::Bytes;

use super::UserProperty;
use crate::{
    QoS, TopicName, Utf8String, Violation,
    codec::{Reader, Writer, variable_len},
};

/// A type of value on the wire, for values that are a `T` in memory.
pub(super) trait Wire<T> {
    fn read(reader: &mut Reader) -> Result<T, Violation>;
    fn len(value: &T) -> usize;
    fn write(value: &T, writer: &mut Writer<'_>);
}

macro_rules! wire {
    ($($(#[$doc:meta])* $name:ident($type:ty): $read:expr, $len:expr, $write:expr;)*) => {
        $(
            $(#[$doc])*
            pub(super) struct $name;

            impl Wire<$type> for $name {
                fn read(reader: &mut Reader) -> Result<$type, Violation> {
                    $read(reader)
                }

                fn len(value: &$type) -> usize {
                    $len(value)
                }

                fn write(value: &$type, writer: &mut Writer<'_>) {
                    $write(writer, value);
                }
            }
        )*
    };
}

wire! {
    /// A Byte that is 0 or 1.
    Flag(bool): read_flag, |_| 1, |writer: &mut Writer<'_>, value: &bool| writer.u8(u8::from(*value));
    /// A Byte that is QoS 0 or 1: QoS 2 is told by absence (3.2.2.3.4).
    LowQos(QoS): read_low_qos, |_| 1, |writer: &mut Writer<'_>, value: &QoS| writer.u8(*value as u8);
    /// A Two Byte Integer.
    TwoBytes(u16): Reader::u16, |_| 2, |writer: &mut Writer<'_>, value: &u16| writer.u16(*value);
    /// A Four Byte Integer.
    FourBytes(u32): Reader::u32, |_| 4, |writer: &mut Writer<'_>, value: &u32| writer.u32(*value);
    /// A Variable Byte Integer.
    Variable(u32): Reader::variable, |value: &u32| variable_len(*value as usize),
        |writer: &mut Writer<'_>, value: &u32| writer.variable(*value as usize);
    // MQTT-3.3.2-19.
    /// A UTF-8 Encoded String.
    Text(Utf8String): Reader::text, |value: &Utf8String| 2 + value.len(),
        |writer: &mut Writer<'_>, value: &Utf8String| writer.text(value);
    // MQTT-3.3.2-13, MQTT-3.3.2-14.
    /// A UTF-8 Encoded String that is a Topic Name, so without wildcards.
    Topic(TopicName): Reader::topic, |value: &TopicName| 2 + value.as_str().len(),
        |writer: &mut Writer<'_>, value: &TopicName| writer.text(value.as_str());
    /// Binary Data.
    Binary(Bytes): Reader::binary, |value: &Bytes| 2 + value.len(),
        |writer: &mut Writer<'_>, value: &Bytes| writer.binary(value);
    /// A UTF-8 String Pair.
    Pair(UserProperty): read_pair, |value: &UserProperty| 4 + value.name.len() + value.value.len(), write_pair;
}

fn read_flag(reader: &mut Reader) -> Result<bool, Violation> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        // 3.1.2.11.6, 3.1.2.11.7, 3.2.2.3.5, 3.2.2.3.11 to 3.2.2.3.13.
        _ => Err(Violation::PropertyNotBoolean),
    }
}

fn read_low_qos(reader: &mut Reader) -> Result<QoS, Violation> {
    // 3.2.2.3.4.
    Ok(if read_flag(reader)? { QoS::AtLeastOnce } else { QoS::AtMostOnce })
}

fn read_pair(reader: &mut Reader) -> Result<UserProperty, Violation> {
    // MQTT-1.5.7-1.
    Ok(UserProperty { name: reader.text()?, value: reader.text()? })
}

fn write_pair(writer: &mut Writer<'_>, pair: &UserProperty) {
    writer.text(&pair.name);
    writer.text(&pair.value);
}
