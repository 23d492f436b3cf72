//! The keys of a descriptor. The comments are the reference: they become the descriptions of the JSON schema.

use located::{At, Table, section};

use super::{
    scalar::{FileName, InsidePath, Name, PortName, Span, Text, Url, Variable},
    whole::Whole,
};
use crate::descriptor::{Ready, Version, deviation::Cases, template::Template};

section! {
    /// A target of Paddock: a broker under test, how it is reached or started, what it offers, and where it is known to depart
    /// from the standard. It has one of `address`, `process` and `container`.
    Document {
        /// What reports call it: 1 to 64 of a-z, 0-9, `_`, `-` and `.`.
        required name: Name;
        /// The product's name, for people.
        required product: Text;
        /// Where the product is described: a URL. Default: none.
        optional home: Text;
        /// The versions of MQTT that it speaks: "3.1", "3.1.1", "5.0"; at least one.
        required versions: Vec<At<Version>>;
        /// How its release is known. Default: the tag of a container, else it is not known.
        optional release: ReleaseSection;
        /// Somebody else runs it.
        optional address: AddressSection;
        /// It is started as a process of this machine.
        optional process: ProcessSection;
        /// It is started in a container.
        optional container: ContainerSection;
        /// Where it listens, besides its first address. Default: nowhere.
        optional listeners: ListenersSection;
        /// What it offers. Default: what it announces in a CONNACK of 5.0, or else what the standard says of a server that
        /// announces nothing.
        optional capabilities: CapabilitiesSection;
        /// Who may connect with which password. Default: nobody needs one.
        optional users: Vec<At<UserSection>>;
        /// Where it is known to depart from the standard: a pattern of case ids, in one version of MQTT if ` in 3.1.1` follows,
        /// and the reason. A run in which no case needs the entry ends with an error. Default: nowhere.
        optional deviations: Table<Cases, Text>;
        /// The release that `deviations` speak of, as `release` gives it; another one is judged without them. Default: all.
        optional deviations_of: Text;
        /// Cases after which it serves nobody any more: a pattern as in `deviations`, and what happens. Each is run against a
        /// broker of its own, which is started for it. Default: none is known.
        optional alone: Table<Cases, Text>;
    }
}

section! {
    /// How the release of a broker is known. It has one of `is` and `command`.
    ReleaseSection {
        /// It is this one.
        optional is: Text;
        /// This command says it, on standard output or standard error. Texts may have holes, as in `process`.
        optional command: Vec<At<Template>>;
        /// The release is what follows this text, up to the next space, comma, bracket or quotation mark. Default: it is the
        /// first word.
        optional after: Text;
    }
}

section! {
    /// A broker that somebody else runs.
    AddressSection {
        /// Its URL, such as `mqtt://127.0.0.1:1883`; of a cluster one for each node.
        required urls: Vec<At<Url>>;
        /// The longest time until each takes connections, and answers a CONNECT if it is `mqtt`; a duration. Default: nobody
        /// waits.
        optional deadline: Span;
    }
}

section! {
    /// A broker that is started as a process, or as several that are one cluster. Texts may have holes: `${port}` and
    /// `${port:NAME}` are free ports of this machine, each the same wherever it is named; `${port@2}` and `${port:NAME@2}` are
    /// those of the second node. `${dir}` is an empty folder that goes with the broker, `${config}` the file with `config`,
    /// `${node}` the number of the node from 1, `${host}` is 127.0.0.1, `${paddock}` the program `paddock`. `$${` stands for
    /// `${` itself.
    ProcessSection {
        /// The program: a path, or a name that is looked up in PATH, /usr/local/sbin, /usr/sbin and /sbin.
        required program: Template;
        /// Its arguments. Default: none.
        optional arguments: Vec<At<Template>>;
        /// What is added to its environment. Default: nothing.
        optional environment: Table<Variable, Template>;
        /// The text of the file that `${config}` names. Default: there is no such file.
        optional config: Template;
        /// Further files in `${dir}`: name and text. Default: none.
        optional files: Table<FileName, Template>;
        /// Commands that run before it, in `${dir}` and with its environment, one after the other. Default: none.
        optional prepare: Vec<At<Vec<At<Template>>>>;
        /// When it counts as ready: once it "answers" a CONNECT, "connects" (its port takes a connection), or "announces"
        /// (its first line is `listening on URL`). Default: answers.
        optional ready: Ready;
        /// The longest time until it is ready, and for each command before it; a duration. Default: 20s.
        optional deadline: Span;
        /// The longest time that it may take to end when it is asked to; then it is killed. A duration. Default: 5s.
        optional grace: Span;
        /// How many processes are one cluster: 1 to 16. Default: 1.
        optional nodes: Whole<1, 16>;
        /// How people get the program, for whoever does not have it. Default: nothing is said.
        optional install: Text;
    }
}

section! {
    /// A broker in a container, which Docker runs.
    ContainerSection {
        /// The image, such as `emqx/emqx`.
        required image: Text;
        /// Its tag, such as `5.8.8`.
        required tag: Text;
        /// The port of MQTT over TCP inside: 1 to 65535. Default: 1883.
        optional port: Whole<1, 65_535>;
        /// Further ports inside, by the names that they have in `listeners`. Default: none.
        optional ports: Table<PortName, Whole<1, 65_535>>;
        /// What replaces the arguments of the image. Default: its own.
        optional arguments: Vec<At<String>>;
        /// What is added to its environment. Default: nothing.
        optional environment: Table<Variable, String>;
        /// Files that are put into it before it starts: path and text. Default: none.
        optional files: Table<InsidePath, String>;
        /// The longest time until it answers a CONNECT, without the time that its image takes to arrive; a duration.
        /// Default: 1m.
        optional deadline: Span;
    }
}

section! {
    /// Where a broker listens, besides its first address. Texts may have the holes of `process`; of a container `${host}` and
    /// `${port:NAME}`, which are where the ports of that name are reached.
    ListenersSection {
        /// TCP, if not at the first address. Default: `mqtt://${host}:${port}`.
        optional mqtt: Template;
        /// TCP for 5.0, where that is another address. Default: where the other versions are spoken.
        optional mqtt_5: Template;
        /// TLS: `mqtts://HOST:PORT`. Default: none.
        optional tls: Template;
        /// WebSocket: `ws://HOST:PORT/PATH`. Default: none.
        optional websocket: Template;
        /// WebSocket over TLS: `wss://HOST:PORT/PATH`. Default: none.
        optional secure_websocket: Template;
        /// A Unix socket: `unix:PATH`. Default: none.
        optional unix: Template;
        /// The file with the certificate authority of its certificates. Default: the system's authorities are trusted.
        optional ca: Template;
        /// The file with the certificate that clients show it, and its chain, PEM. Default: they show none.
        optional cert: Template;
        /// The file with the private key of `cert`, PEM. Default: none.
        optional key: Template;
    }
}

section! {
    /// What a broker offers.
    CapabilitiesSection {
        /// Whether messages may be retained. Default: as announced, else true.
        optional retain: bool;
        /// The highest QoS of a publication: 0, 1 or 2. Default: as announced, else 2.
        optional qos: Whole<0, 2>;
        /// Whether subscriptions may have wildcards. Default: as announced, else true.
        optional wildcards: bool;
        /// Whether subscriptions may have identifiers. Default: as announced, else true.
        optional subscription_identifiers: bool;
        /// Whether subscriptions may be shared, as `$share/NAME/FILTER`. Default: as announced, else true.
        optional shared_subscriptions: bool;
        /// Topic Aliases that clients may use: 0 to 65535. Default: as announced, else 0.
        optional topic_aliases: Whole<0, 65_535>;
        /// Whether it uses Topic Aliases toward clients that allow them. Default: false.
        optional outgoing_topic_aliases: bool;
        /// Whether it tells clients what their response topics begin with, if they ask. Default: false.
        optional response_information: bool;
        /// Whether sessions outlive their connections. Default: true.
        optional sessions: bool;
        /// The longest that a session outlives its connection; a duration. Default: there is no bound.
        optional session_expiry: Span;
        /// Whether it gives a Client Identifier to clients that have none. Default: true.
        optional empty_client_id: bool;
        /// Whether clients may connect without a user name. Default: true.
        optional anonymous: bool;
        /// A Client Identifier that it refuses. Default: none is known.
        optional refused_client_id: Text;
        /// A topic that nobody may publish to. Default: none is known.
        optional forbidden_topic: Text;
        /// A filter that nobody may subscribe to. Default: none is known.
        optional forbidden_filter: Text;
        /// How many cases it stands side by side: 1 to 1000. Default: as many as the run wants.
        optional jobs: Whole<1, 1000>;
        /// How late it may act on what has run out (Keep Alive, Session and Message Expiry, Will Delay); a duration.
        /// Default: 1s.
        optional tolerance: Span;
    }
}

section! {
    /// Somebody who may connect.
    UserSection {
        /// The User Name.
        required name: Text;
        /// The Password. It guards a broker under test, and is no secret.
        required password: Text;
        /// Whether the same name and password do for enhanced authentication by SCRAM-SHA-256. Default: false.
        optional scram: bool;
    }
}
