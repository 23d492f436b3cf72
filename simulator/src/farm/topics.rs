//! Filling in topic templates.

use super::{Model, barn::Barn};

/// The rooms of prop controllers; the first is the seed's.
const ROOMS: [&str; 4] = ["clockwork", "observatory", "vault", "greenhouse"];

/// The topic or filter that `template` stands for, for the device called `name` at `place` of its kind in `barn`.
pub(super) fn fill(template: &str, model: Model, name: &str, barn: &Barn, place: u32) -> String {
    let tag = match model {
        Model::Collar => barn.herd.cow(place).tag.to_string(),
        _ => String::new(),
    };
    let mut topic = String::with_capacity(template.len() + barn.unit.name.len() + name.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (placeholder, after) = after.split_once('}').expect("templates of the table close their braces");
        topic.push_str(before);
        topic.push_str(match placeholder {
            "barn" => &barn.unit.name,
            "room" => ROOMS[place as usize % ROOMS.len()],
            "tag" => &tag,
            "id" => name,
            unknown => unreachable!("templates of the table have no placeholder {unknown}"),
        });
        rest = after;
    }
    topic.push_str(rest);
    topic
}
