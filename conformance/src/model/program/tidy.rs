//! Leaving out what means nothing.

use super::{Client, Dialect, Ending, Program, Step};

impl Program {
    /// The program without the steps whose client is in no state to do them, and without the options that its version does
    /// not have.
    #[must_use]
    pub fn tidy(&self) -> Self {
        let mut tidy = Tidy {
            clients: &self.clients,
            online: vec![false; self.clients.len()],
            wills: vec![false; self.clients.len()],
        };
        let steps = self.steps.iter().filter_map(|step| tidy.step(step)).collect();
        Self { clients: self.clients.clone(), steps }
    }
}

struct Tidy<'a> {
    clients: &'a [Dialect],
    online: Vec<bool>,
    /// Which have a will on the connection that is open.
    wills: Vec<bool>,
}

impl Tidy<'_> {
    fn step(&mut self, step: &Step) -> Option<Step> {
        let mut step = step.clone();
        if let Step::Together { steps } = step {
            let steps = self.together(&steps);
            return match steps.as_slice() {
                [] => None,
                [one] => Some(one.clone()),
                _ => Some(Step::Together { steps }),
            };
        }
        if matches!(step, Step::Wait { .. }) {
            return Some(step);
        }
        let client = step.client()?;
        let new = *self.clients.get(client.index())? == Dialect::V5;
        let is_online = self.online.get(client.index()).copied()?;
        if !is_online && !matches!(step, Step::Connect(_)) {
            return None;
        }
        match &mut step {
            Step::Connect(connect) => {
                if !new {
                    (connect.session_expiry, connect.receive_maximum) = (0, None);
                    if let Some(will) = &mut connect.will {
                        will.delay = 0;
                    }
                }
                self.online[client.index()] = true;
                self.wills[client.index()] = connect.will.is_some();
            }
            Step::Disconnect { with_will, .. } => {
                *with_will &= new && self.wills[client.index()];
                self.online[client.index()] = false;
            }
            Step::Cut { .. } => self.online[client.index()] = false,
            Step::Subscribe { filters, identifier, .. } => {
                if !new {
                    *identifier = None;
                    for filter in filters.iter_mut() {
                        filter.share = None;
                        (filter.no_local, filter.retain_as_published, filter.retain_handling) = (false, false, 0);
                    }
                }
                // MQTT-3.8.3-4: a shared subscription has no No Local; its Retain Handling has nothing to act on.
                for filter in filters.iter_mut().filter(|filter| filter.share.is_some()) {
                    (filter.no_local, filter.retain_handling) = (false, 0);
                }
                // The same filter twice in one packet is one subscription.
                let mut seen = Vec::new();
                filters.retain(|filter| {
                    let written = filter.written();
                    let first = !seen.contains(&written);
                    seen.push(written);
                    first
                });
                if filters.is_empty() {
                    return None;
                }
            }
            Step::Unsubscribe { filters, .. } => {
                let mut seen = Vec::new();
                filters.retain(|filter| {
                    let first = !seen.contains(filter);
                    seen.push(filter.clone());
                    first && (new || !filter.starts_with("$share/"))
                });
                if filters.is_empty() {
                    return None;
                }
            }
            Step::Publish(publish) => {
                if !new {
                    publish.expiry = None;
                }
                if publish.empty {
                    publish.expiry = None;
                }
                match publish.ending {
                    Ending::Repeated | Ending::Unreleased | Ending::Unheard if publish.qos != 2 => {
                        publish.ending = Ending::Whole;
                    }
                    _ => {}
                }
                if publish.ending == Ending::Cut {
                    self.online[client.index()] = false;
                }
            }
            Step::Withhold { .. } | Step::Resume { .. } | Step::Wait { .. } | Step::Together { .. } => {}
        }
        Some(step)
    }

    /// One step for each client, and none that needs the others to stand still.
    fn together(&mut self, steps: &[Step]) -> Vec<Step> {
        let mut taken: Vec<Client> = Vec::new();
        let mut kept = Vec::new();
        for step in steps {
            let apart = match step {
                Step::Publish(publish) => matches!(publish.ending, Ending::Whole),
                Step::Subscribe { .. } | Step::Unsubscribe { .. } | Step::Disconnect { .. } | Step::Cut { .. } => true,
                _ => false,
            };
            let Some(client) = step.client().filter(|client| apart && !taken.contains(client)) else { continue };
            if let Some(step) = self.step(step) {
                taken.push(client);
                kept.push(step);
            }
        }
        kept
    }
}

impl Step {
    /// Whose step it is; `None` for a wait and for steps that are done together.
    pub fn client(&self) -> Option<Client> {
        match self {
            Self::Connect(connect) => Some(connect.client),
            Self::Publish(publish) => Some(publish.client),
            Self::Disconnect { client, .. }
            | Self::Cut { client }
            | Self::Subscribe { client, .. }
            | Self::Unsubscribe { client, .. }
            | Self::Withhold { client }
            | Self::Resume { client } => Some(*client),
            Self::Wait { .. } | Self::Together { .. } => None,
        }
    }

    pub(crate) fn client_mut(&mut self) -> Option<&mut Client> {
        match self {
            Self::Connect(connect) => Some(&mut connect.client),
            Self::Publish(publish) => Some(&mut publish.client),
            Self::Disconnect { client, .. }
            | Self::Cut { client }
            | Self::Subscribe { client, .. }
            | Self::Unsubscribe { client, .. }
            | Self::Withhold { client }
            | Self::Resume { client } => Some(client),
            Self::Wait { .. } | Self::Together { .. } => None,
        }
    }
}
