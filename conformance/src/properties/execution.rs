//! One program against the target: every step is sent, acknowledged, and all that is owed for it has come, before the next.

use std::collections::BTreeMap;

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, timeout_at},
};
use wire::{Ack, Disconnect, Draft, Pingreq, Unsubscribe, Version};

use super::{
    Discrepancy, Site,
    answers::{Flight, Request, Stage, Want},
    link::{Event, Link},
    record::{Line, Record},
    site::fresh_name,
};
use crate::model::{
    Client, Dialect, Due, End, Finding, Model, Number, Owed, Program, Step,
    program::{Connect, Ending, Filter, Publish},
};

/// What became of one program.
#[derive(Clone, Debug)]
pub struct Report {
    /// The outcome.
    pub outcome: Outcome,
    /// Every packet and every step, decoded.
    pub transcript: Vec<Line>,
    /// What each client got: the messages in the order in which they came, with QoS and RETAIN.
    pub got: Vec<Vec<String>>,
    /// What the standard leaves open about a message, by its payload.
    pub liberties: BTreeMap<String, Vec<&'static str>>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A conforming server could have done all that.
    Allowed,
    /// No conforming server does that.
    Broken(Discrepancy),
    /// The run decides nothing: why.
    Void(String),
    /// The target cannot be reached: why.
    Unreachable(String),
}

impl From<Finding> for Outcome {
    fn from(finding: Finding) -> Self {
        Self::Broken(finding.into())
    }
}

/// Runs `program` with Client Identifiers and topics of its own, and takes back what it left behind.
pub async fn execute(program: &Program, site: &Site) -> Report {
    let mut execution = Execution::new(program, site);
    let outcome = execution.run(program).await.err().unwrap_or(Outcome::Allowed);
    let outcome = match (outcome, execution.model.doubt()) {
        (Outcome::Allowed | Outcome::Broken(_), Some(doubt)) => Outcome::Void(doubt.to_owned()),
        (outcome, _) => outcome,
    };
    execution.clean_up().await;
    let liberties = execution.model.liberties().collect();
    Report { outcome, transcript: execution.record.into_lines(), got: execution.got, liberties }
}

/// Stops a program.
pub(super) type Flow<T = ()> = Result<T, Outcome>;

pub(super) struct Execution<'a> {
    pub(super) site: &'a Site,
    /// Stands before every Client Identifier, and is the first level of every topic.
    pub(super) name: String,
    pub(super) dialects: Vec<Dialect>,
    pub(super) model: Model,
    pub(super) began: Instant,
    pub(super) links: Vec<(Client, Link)>,
    /// The connection of each client.
    pub(super) current: Vec<Option<usize>>,
    pub(super) withheld: Vec<bool>,
    /// Who sends nothing more on its connection.
    pub(super) closing: Vec<bool>,
    pub(super) flights: Vec<Flight>,
    pub(super) requests: Vec<Request>,
    /// QoS 0 messages of each client that no ping has followed.
    pub(super) unfenced: Vec<Vec<Number>>,
    next_identifier: Vec<u16>,
    /// What the server said in the last CONNACK of each client.
    pub(super) receive_maximum: Vec<u16>,
    pub(super) record: Record,
    pub(super) got: Vec<Vec<String>>,
    events: UnboundedReceiver<Event>,
    sender: UnboundedSender<Event>,
}

impl<'a> Execution<'a> {
    fn new(program: &Program, site: &'a Site) -> Self {
        let mut dialects = program.clients.clone();
        if program.has_wills() {
            dialects.push(program.clients[0]);
        }
        let (sender, events) = unbounded_channel();
        let count = dialects.len();
        let (name, began) = (fresh_name(), Instant::now());
        Self {
            site,
            record: Record::new(began, &name),
            name,
            model: Model::new(&dialects),
            began,
            links: Vec::new(),
            current: vec![None; count],
            withheld: vec![false; count],
            closing: vec![false; count],
            flights: Vec::new(),
            requests: Vec::new(),
            unfenced: vec![Vec::new(); count],
            next_identifier: vec![0; count],
            receive_maximum: vec![u16::MAX; count],
            got: vec![Vec::new(); count],
            events,
            sender,
            dialects,
        }
    }

    async fn run(&mut self, program: &Program) -> Flow {
        if self.dialects.len() > program.clients.len() {
            self.watch(Client(program.clients.len() as u8)).await?;
        }
        for step in &program.tidy().steps {
            self.step(step).await?;
        }
        self.record.remark("everybody comes back for what is left");
        for place in 0..program.clients.len() {
            let client = Client(place as u8);
            if self.current[place].is_some() {
                self.step(&Step::Resume { client }).await?;
            } else if self.model.is_resumable(client) {
                let connect = Connect { client, clean: false, session_expiry: 60, receive_maximum: None, will: None };
                self.withheld[place] = false;
                self.step(&Step::Connect(connect)).await?;
            }
        }
        self.quiesce(false).await
    }

    /// One more client sees everything, so that the runner knows when a will was published.
    async fn watch(&mut self, client: Client) -> Flow {
        let connect = Connect { client, clean: true, session_expiry: 0, receive_maximum: None, will: None };
        self.step(&Step::Connect(connect)).await?;
        let all = Filter {
            filter: "#".to_owned(),
            share: None,
            qos: 2,
            no_local: false,
            retain_as_published: false,
            retain_handling: 0,
        };
        self.step(&Step::Subscribe { client, filters: vec![all], identifier: None }).await
    }

    async fn step(&mut self, step: &Step) -> Flow {
        self.record.remark(&step.to_line());
        match step {
            Step::Together { steps } => {
                let publishes = |step: &&Step| matches!(step, Step::Publish(_));
                for step in steps.iter().filter(|step| !publishes(step)) {
                    self.begin(step, false).await?;
                }
                for step in steps.iter().filter(publishes) {
                    self.begin(step, false).await?;
                }
            }
            Step::Wait { seconds } => self.wait(*seconds).await?,
            step => self.begin(step, true).await?,
        }
        self.answered().await?;
        self.quiesce(matches!(step, Step::Connect(_))).await
    }

    async fn wait(&mut self, seconds: u32) -> Flow {
        self.tick();
        let until = self.began + self.model.waiting(seconds);
        while self.next_event(until).await? {}
        self.tick();
        self.model.waited();
        Ok(())
    }

    async fn begin(&mut self, step: &Step, alone: bool) -> Flow {
        self.tick();
        match step {
            Step::Connect(connect) => return self.connect(connect).await,
            Step::Disconnect { client, with_will } => {
                let (packet, end) = if *with_will {
                    (Disconnect::because(0x04), End::DisconnectedWithWill)
                } else {
                    (Disconnect::normal(), End::Disconnected)
                };
                self.model.leaving(*client, end);
                self.send(*client, packet.draft(self.version(*client)));
                self.close(*client, end);
            }
            Step::Cut { client } => {
                self.model.leaving(*client, End::Cut);
                self.close(*client, End::Cut);
            }
            Step::Subscribe { client, filters, identifier } => self.subscribe(*client, filters, *identifier),
            Step::Unsubscribe { client, filters } => {
                self.model.unsubscribing(*client, filters);
                let id = self.identifier(*client);
                let topics = filters.iter().map(|filter| self.filter(filter));
                let packet = topics.fold(Unsubscribe::new(id), Unsubscribe::filter);
                self.send(*client, packet.draft(self.version(*client)));
                self.request(*client, Want::Unsuback { id, filters: filters.clone() });
            }
            Step::Publish(publish) => return self.publish(publish, alone),
            Step::Withhold { client } => self.withheld[client.index()] = true,
            Step::Resume { client } => {
                self.withheld[client.index()] = false;
                self.acknowledge(*client);
                self.release(*client);
            }
            Step::Wait { .. } | Step::Together { .. } => {}
        }
        Ok(())
    }

    async fn connect(&mut self, connect: &Connect) -> Flow {
        let client = connect.client;
        let stream =
            self.site.dial(self.version(client)).await.map_err(|error| Outcome::Unreachable(error.to_string()))?;
        self.tick();
        if let Some(link) = self.current[client.index()].take() {
            self.ground(link, Stage::is_held);
            self.requests.push(Request { client, link, want: Want::TakenOver });
        }
        (self.withheld[client.index()], self.closing[client.index()]) = (false, false);
        let will = self.model.connecting(connect);
        let link = self.links.len();
        self.links.push((client, Link::new(stream, link, self.version(client), self.sender.clone())));
        self.current[client.index()] = Some(link);
        let draft = self.connect_packet(connect, will).draft(self.version(client));
        self.send(client, draft);
        self.request(client, Want::Connack);
        Ok(())
    }

    fn subscribe(&mut self, client: Client, filters: &[Filter], identifier: Option<u32>) {
        self.model.subscribing(client, filters, identifier);
        let id = self.identifier(client);
        let packet = self.subscribe_packet(id, filters, identifier);
        self.send(client, packet.draft(self.version(client)));
        self.request(client, Want::Suback { id, filters: filters.to_vec() });
    }

    fn publish(&mut self, publish: &Publish, alone: bool) -> Flow {
        let client = publish.client;
        let Some(link) = self.current[client.index()] else { return Ok(()) };
        let under_way = self.flights.iter().filter(|flight| flight.client == client).count();
        let maximum = self.receive_maximum[client.index()];
        if publish.qos > 0 && under_way + usize::from(publish.count) > usize::from(maximum) {
            return Err(Outcome::Void(format!(
                "client {client} would go over the server's Receive Maximum, {maximum}"
            )));
        }
        let mut bytes = Vec::new();
        for number in self.model.publishing(publish) {
            let id = (publish.qos > 0).then(|| self.identifier(client));
            match id {
                Some(id) => {
                    let ending = publish.ending;
                    self.flights.push(Flight {
                        client,
                        link,
                        id,
                        number,
                        qos: publish.qos,
                        ending,
                        stage: Stage::Sent,
                        reason: 0,
                        again: false,
                    });
                }
                None => self.unfenced[client.index()].push(number),
            }
            let version = self.version(client);
            let packet = self.publish_packet(number, id, false).draft(version).encode();
            self.record.sent(&client.to_string(), version, &packet);
            bytes.extend(packet);
        }
        // All at once, so that a server sees them together.
        self.links[link].1.send(bytes);
        if publish.ending == Ending::Cut && alone {
            self.model.leaving(client, End::Cut);
            self.close(client, End::Cut);
        }
        Ok(())
    }

    /// Acknowledges what came, unless the client withholds.
    pub(super) fn acknowledge(&mut self, client: Client) {
        if self.withheld[client.index()] || self.closing[client.index()] {
            return;
        }
        for due in self.model.due(client) {
            let packet = match due {
                Due::Puback(id) => Ack::puback(id),
                Due::Pubrec(id) => Ack::pubrec(id),
                Due::Pubcomp(id) => Ack::pubcomp(id),
            };
            self.send(client, packet.draft(self.version(client)));
            self.model.acknowledged(client, due);
        }
    }

    /// Closes our direction; the server's end of it is awaited, which tells that it has noticed.
    fn close(&mut self, client: Client, end: End) {
        if let Some(link) = self.current[client.index()] {
            self.links[link].1.end();
            self.closing[client.index()] = true;
            self.request(client, Want::Closed(end));
        }
    }

    /// Waits until nothing is owed any more: pings everybody, then waits for messages.
    async fn quiesce(&mut self, resumed: bool) -> Flow {
        let mut deadline = Instant::now() + self.site.patience;
        let mut round = 0;
        loop {
            self.ping();
            self.answered().await?;
            let mut owed = self.model.owed();
            if owed.is_empty() {
                break;
            }
            round += 1;
            if self.site.rounds.is_some_and(|rounds| round > rounds) {
                return Err(self.lost(&owed, resumed));
            }
            while !owed.is_empty() && self.site.rounds.is_none() {
                if !self.next_event(deadline).await? {
                    return Err(self.lost(&owed, resumed));
                }
                let left = self.model.owed();
                if left != owed {
                    deadline = Instant::now() + self.site.patience;
                }
                owed = left;
            }
        }
        self.model.settle();
        Ok(())
    }

    fn lost(&mut self, owed: &[Owed], resumed: bool) -> Outcome {
        self.tick();
        let first = owed[0].clone();
        self.model.missed(&if resumed { first.after_resuming() } else { first }).into()
    }

    fn ping(&mut self) {
        self.tick();
        for place in 0..self.current.len() {
            let client = Client(place as u8);
            if self.current[place].is_some() && !self.closing[place] {
                self.model.pinging(client);
                let numbers = std::mem::take(&mut self.unfenced[place]);
                self.send(client, Pingreq.draft(self.version(client)));
                self.request(client, Want::Pingresp { numbers });
            }
        }
    }

    /// Waits until everything asked for is answered.
    async fn answered(&mut self) -> Flow {
        let deadline = Instant::now() + self.site.patience;
        while self.awaits() {
            if !self.next_event(deadline).await? {
                return Err(self.unanswered());
            }
        }
        Ok(())
    }

    /// Takes the next event; `false` when none came until `deadline`.
    async fn next_event(&mut self, deadline: Instant) -> Flow<bool> {
        let event = match self.events.try_recv() {
            Ok(event) => event,
            Err(_) => match timeout_at(deadline, self.events.recv()).await {
                Ok(Some(event)) => event,
                Ok(None) | Err(_) => return Ok(false),
            },
        };
        self.tick();
        self.hear(event)?;
        Ok(true)
    }

    pub(super) fn tick(&mut self) {
        self.model.at(self.began.elapsed());
    }

    pub(super) fn identifier(&mut self, client: Client) -> u16 {
        let next = &mut self.next_identifier[client.index()];
        *next = next.checked_add(1).unwrap_or(1);
        *next
    }

    pub(super) fn version(&self, client: Client) -> Version {
        self.dialects[client.index()].version()
    }

    fn request(&mut self, client: Client, want: Want) {
        if let Some(link) = self.current[client.index()] {
            self.requests.push(Request { client, link, want });
        }
    }

    pub(super) fn send(&mut self, client: Client, draft: Draft) {
        if let Some(link) = self.current[client.index()] {
            let bytes = draft.encode();
            self.record.sent(&client.to_string(), self.version(client), &bytes);
            self.links[link].1.send(bytes);
        }
    }
}
