//! The generator's own ceiling, where an answer needs it: a figure above half of it may be the generator's.

use std::path::Path;

use loadgen::capacity::{Hunt, Job, Shape, search::Settings};
use reports::{
    capacity::{Answer, Capacity, CapacityFolder, Ceiling, Dimension, Limit, Subject, figure},
    observation::Ending,
};
use scenarios::model;

use super::{Ground, sink, tell, write};
use crate::{
    command::{interrupt::Interrupt, watched::Watched},
    exit::Failure,
};

/// Where the ceiling's own search lies, in the folder of the search that needs it.
const FOLDER: &str = "ceiling";

/// The ceiling in `file`, which must be of the same scenario, by a generator that was allowed no more than it is in `shape`.
pub(super) fn read(file: &Path, shape: &Shape) -> Result<Ceiling, Failure> {
    let wrong = |why: String| Failure::usage(format!("--ceiling-of {}: {why}", file.display()));
    let found = reports::capacity::read(file)
        .map_err(|error| wrong(format!("it is no capacity.json of `paddock capacity --ceiling`: {error}")))?;
    if found.subject != Subject::Generator {
        return Err(wrong("it is about a broker: make one with `paddock capacity --ceiling`".to_owned()));
    }
    if found.scenario.name != shape.base().name.as_str()
        || found.search.dimension != Dimension::Rate
        || shape.dimension() != model::Dimension::Rate
    {
        return Err(wrong(format!("it is about the {} of {}", found.search.dimension.name(), found.scenario.name)));
    }
    let ours = shape.lag_limit();
    if let Some(theirs) = found.search.lag_limit.as_ref().filter(|theirs| theirs.limit > ours.limit) {
        return Err(wrong(format!(
            "the generator was allowed to lag {} for it ({}), and here it may lag {} ({}): make one with the same --slo",
            model::format_duration(theirs.limit),
            theirs.because,
            model::format_duration(ours.limit),
            ours.because
        )));
    }
    of(&found, file.display().to_string()).ok_or_else(|| wrong(found.sentence))
}

/// Gives `hunt`, whose answer is `figure`, the ceiling that it needs: the `known` one, or one that is searched no further than
/// the answer asks for.
pub(super) async fn settle(
    hunt: &mut Hunt,
    needed: f64,
    known: Option<Ceiling>,
    (folder, watched): (&CapacityFolder, Option<&Watched>),
    interrupt: &mut Interrupt,
) -> Result<(), Failure> {
    if let Some(known) = known {
        hunt.set_ceiling(known);
        return Ok(());
    }
    let twice = (needed * 2.0).min(model::Rate::MAX);
    let said = figure(Dimension::Rate, twice);
    tell(&format!("the answer is the broker's own if the generator can do twice as much: {said} msg/s to a null sink"));
    let job = hunt.job().clone();
    let settings = Settings { start: twice, most: twice, confirmations: 1, ..job.settings };
    let most_because = "twice the answer was asked for".to_owned();
    let inner = CapacityFolder::at(&folder.path().join(FOLDER)).map_err(Failure::usage)?;
    let plain = sink::options();
    let ground = Ground::sink(&plain, &inner, watched).await?;
    let mut own = Hunt::new(
        Job { settings, most_because, most_resource: None, confirmation_hold: job.hold, ..job },
        ground.frame(hunt.job().shape.base())?,
    );
    let done = ground.search(&mut own, interrupt).await;
    ground.broker.stop().await?;
    done?;
    own.conclude();
    write(&inner, &own)?;
    match of(own.document(), format!("{FOLDER}/{}", CapacityFolder::DOCUMENT)) {
        Some(ceiling) => hunt.set_ceiling(ceiling),
        None if own.document().ending == Some(Ending::Interrupted) => {
            hunt.set_no_ceiling("its measuring was interrupted".to_owned());
        }
        None => hunt.set_no_ceiling(format!("its search found none: {FOLDER}/report.html")),
    }
    if own.document().ending == Some(Ending::Interrupted) {
        hunt.interrupt();
    }
    Ok(())
}

fn of(found: &Capacity, source: String) -> Option<Ceiling> {
    let figure = found.answer.figure()?;
    let at_least = matches!(found.answer, Answer::AtLeast { limited_by: Limit::Maximum | Limit::Undecided, .. });
    Some(Ceiling { figure, at_least, source })
}
