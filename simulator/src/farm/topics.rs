//! Filling in topic templates.

/// The names that stand for the placeholders of a template.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    pub(super) prefix: &'a str,
    pub(super) barn: &'a str,
    pub(super) room: &'a str,
    pub(super) id: &'a str,
}

/// The rooms of prop controllers; the first is the seed's.
const ROOMS: [&str; 4] = ["clockwork", "observatory", "vault", "greenhouse"];

/// The room of the prop controller at `place` of its unit.
pub(super) fn room(place: u32) -> &'static str {
    ROOMS[place as usize % ROOMS.len()]
}

impl Names<'_> {
    /// The topic that `template` stands for.
    pub(super) fn fill(&self, template: &str) -> String {
        let mut topic = String::with_capacity(self.prefix.len() + template.len() + self.id.len());
        topic.push_str(self.prefix);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (placeholder, after) = after.split_once('}').expect("templates of the table close their braces");
            topic.push_str(before);
            topic.push_str(match placeholder {
                "barn" => self.barn,
                "room" => self.room,
                "id" => self.id,
                unknown => unreachable!("templates of the table have no placeholder {unknown}"),
            });
            rest = after;
        }
        topic.push_str(rest);
        topic
    }
}
