//! The shortest program that still fails.
//!
//! A strategy's own shrinking passes once over a tree that a replayed program does not have; removing one step often lets
//! another go. So programs are cut as text is: in halves, quarters, single steps, then what is left is made plainer, until
//! nothing can go.

use crate::model::{
    Client, Dialect, Program, Step,
    program::{Ending, Filter},
};

/// Makes `program` shorter as long as `fails` says that it fails, with at most `attempts` questions.
pub async fn shrink(program: &Program, attempts: usize, mut fails: impl AsyncFnMut(&Program) -> bool) -> Program {
    let mut best = program.tidy();
    let mut left = attempts;
    loop {
        let before = best.clone();
        let mut size = best.steps.len().div_ceil(2);
        while size > 0 {
            let mut start = 0;
            while start < best.steps.len() {
                let mut shorter = best.clone();
                shorter.steps.drain(start..(start + size).min(best.steps.len()));
                if !take(&mut best, shorter, &mut left, &mut fails).await {
                    start += size;
                }
            }
            size /= 2;
        }
        let mut place = 0;
        while place < best.steps.len() {
            let plainer = plainer(&best.steps[place]);
            let mut taken = false;
            for step in plainer {
                let mut program = best.clone();
                program.steps[place] = step;
                if take(&mut best, program, &mut left, &mut fails).await {
                    taken = true;
                    break;
                }
            }
            if !taken {
                place += 1;
            }
        }
        for client in (0..best.clients.len() as u8).rev() {
            if let Some(program) = without(&best, Client(client)) {
                take(&mut best, program, &mut left, &mut fails).await;
            }
        }
        for place in 0..best.clients.len() {
            let mut program = best.clone();
            program.clients[place] = Dialect::V311;
            take(&mut best, program, &mut left, &mut fails).await;
        }
        if best == before || left == 0 {
            return best;
        }
    }
}

/// Goes on with `candidate` if it is another program and fails too.
async fn take(
    best: &mut Program,
    candidate: Program,
    left: &mut usize,
    fails: &mut impl AsyncFnMut(&Program) -> bool,
) -> bool {
    let candidate = candidate.tidy();
    if candidate == *best || candidate.steps.is_empty() || *left == 0 {
        return false;
    }
    *left -= 1;
    let failed = fails(&candidate).await;
    if failed {
        *best = candidate;
    }
    failed
}

/// The program without a client that does nothing.
fn without(program: &Program, client: Client) -> Option<Program> {
    if program.clients.len() == 1 || program.flat().any(|step| step.client() == Some(client)) {
        return None;
    }
    let mut program = program.clone();
    program.clients.remove(client.index());
    let renamed = |step: &mut Step| {
        if let Some(name) = step.client_mut().filter(|name| **name > client) {
            name.0 -= 1;
        }
    };
    for step in &mut program.steps {
        match step {
            Step::Together { steps } => steps.iter_mut().for_each(renamed),
            step => renamed(step),
        }
    }
    Some(program)
}

/// Steps that do less, the plainest first.
fn plainer(step: &Step) -> Vec<Step> {
    let mut plainer = Vec::new();
    match step {
        Step::Together { steps } => {
            plainer.extend(steps.iter().cloned());
            for (place, inner) in steps.iter().enumerate() {
                for inner in self::plainer(inner) {
                    let mut steps = steps.clone();
                    steps[place] = inner;
                    plainer.push(Step::Together { steps });
                }
            }
        }
        Step::Connect(connect) => {
            let mut with = |change: fn(&mut crate::model::program::Connect)| {
                let mut connect = connect.clone();
                change(&mut connect);
                plainer.push(Step::Connect(connect));
            };
            with(|connect| connect.will = None);
            with(|connect| (connect.clean, connect.session_expiry) = (true, 0));
            with(|connect| connect.session_expiry = 0);
            with(|connect| connect.clean = true);
            with(|connect| connect.receive_maximum = None);
            with(|connect| connect.will.iter_mut().for_each(|will| will.delay = 0));
            with(|connect| connect.will.iter_mut().for_each(|will| will.retain = false));
            with(|connect| connect.will.iter_mut().for_each(|will| will.qos = will.qos.saturating_sub(1)));
        }
        Step::Publish(publish) => {
            let mut with = |change: fn(&mut crate::model::program::Publish)| {
                let mut publish = publish.clone();
                change(&mut publish);
                plainer.push(Step::Publish(publish));
            };
            with(|publish| publish.count = 1);
            with(|publish| publish.count -= u8::from(publish.count > 1));
            with(|publish| publish.ending = Ending::Whole);
            with(|publish| publish.expiry = None);
            with(|publish| publish.retain = false);
            with(|publish| publish.empty = false);
            with(|publish| publish.qos = 0);
            with(|publish| publish.qos = publish.qos.saturating_sub(1));
            with(|publish| publish.topic = "x".to_owned());
        }
        Step::Subscribe { client, filters, identifier } => {
            let again = |filters: Vec<Filter>, identifier| Step::Subscribe { client: *client, filters, identifier };
            if identifier.is_some() {
                plainer.push(again(filters.clone(), None));
            }
            for place in 0..filters.len() {
                let mut fewer = filters.clone();
                fewer.remove(place);
                if !fewer.is_empty() {
                    plainer.push(again(fewer, *identifier));
                }
                let changes: [fn(&mut Filter); 7] = [
                    |filter| filter.share = None,
                    |filter| filter.no_local = false,
                    |filter| filter.retain_as_published = false,
                    |filter| filter.retain_handling = 0,
                    |filter| filter.qos = 0,
                    |filter| filter.qos = filter.qos.saturating_sub(1),
                    |filter| filter.filter = "#".to_owned(),
                ];
                for change in changes {
                    let mut filters = filters.clone();
                    change(&mut filters[place]);
                    plainer.push(again(filters, *identifier));
                }
            }
        }
        Step::Unsubscribe { client, filters } => {
            for place in (0..filters.len()).filter(|_| filters.len() > 1) {
                let mut filters = filters.clone();
                filters.remove(place);
                plainer.push(Step::Unsubscribe { client: *client, filters });
            }
        }
        Step::Disconnect { client, .. } => plainer.push(Step::Disconnect { client: *client, with_will: false }),
        Step::Wait { seconds } if *seconds > 1 => plainer.push(Step::Wait { seconds: seconds - 1 }),
        Step::Cut { .. } | Step::Withhold { .. } | Step::Resume { .. } | Step::Wait { .. } => {}
    }
    plainer.retain(|candidate| candidate != step);
    plainer
}

#[cfg(test)]
mod tests {
    use super::{super::generate::*, *};

    /// What is found in a program of many steps is told with the few that matter.
    #[tokio::test]
    async fn a_program_is_shrunk_to_what_matters() {
        let mix = Mix { steps: 40, ..Mix::of(&[Dialect::V5]) };
        let is_retained = |step: &Step| matches!(step, Step::Publish(publish) if publish.retain && publish.qos > 0);
        let fails = |program: &Program| {
            let subscribed = program.flat().any(|step| matches!(step, Step::Subscribe { .. }));
            subscribed && program.flat().any(is_retained)
        };
        let failing = (0..50).map(|case| generate(&mix, 1, case)).find(|program| fails(program)).unwrap();
        let mut attempts = 0;
        let shortest = shrink(&failing, 2000, async |program| {
            attempts += 1;
            fails(program)
        })
        .await;
        let text = shortest.to_text("");
        assert!(shortest.clients.len() <= 2 && shortest.steps.len() <= 4, "{text}");
        assert!(text.contains("{ do = \"publish\", client = \"a\", qos = 1, retain = true, topic = \"x\" }"), "{text}");
        assert!(attempts < 400, "{attempts} attempts");
    }
}
