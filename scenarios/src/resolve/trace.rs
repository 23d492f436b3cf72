//! Traces: files beside the scenario that say when each message starts.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use located::{At, did_you_mean};

use super::Context;
use crate::{
    document::Span,
    model::{GroupId, Name, Trace, TraceStart, format_duration, parse_duration},
};

/// The largest file that is read: some ten million lines.
const LARGEST: u64 = 256 << 20;

/// Reads the file that a stage names.
pub(super) fn resolve(file: &At<PathBuf>, repeat: Option<&At<Span>>, context: &mut Context<'_>) -> Option<Trace> {
    let Some(folder) = context.folder else {
        let message = "a trace stands beside its scenario, and this scenario is no file";
        context.problems.push(file.problem(message, "save the scenario, and run the file"));
        return None;
    };
    let shown = file.value.display();
    let read = read(&folder.join(&file.value)).and_then(|text| parse(&text, &context.names.devices));
    let starts = match read {
        Ok(starts) => starts,
        Err(wrong) => {
            let hint = "lines are `TIME`, `TIME,GROUP` or `TIME,GROUP,COUNT`, such as `1.25,meter,3`";
            context.problems.push(file.problem(format!("`{shown}`: {wrong}"), hint));
            return None;
        }
    };
    let last = starts.last().map_or(Duration::ZERO, |start| start.at);
    if let Some(repeat) = repeat.filter(|repeat| repeat.value.0 <= last) {
        let message = format!("the last message of `{shown}` starts at {}", format_duration(last));
        context.problems.push(repeat.problem(message, "write a duration above that"));
    }
    Some(Trace { file: file.value.clone(), starts: starts.into(), repeat: repeat.map(|repeat| repeat.value.0) })
}

fn read(path: &Path) -> Result<String, String> {
    let about = fs::metadata(path).map_err(|error| format!("cannot read it: {error}"))?;
    // A pipe would keep whoever reads it waiting.
    if !about.is_file() {
        return Err("it is no file".to_owned());
    }
    if about.len() > LARGEST {
        return Err(format!("it has {} bytes, more than {LARGEST}", about.len()));
    }
    fs::read_to_string(path).map_err(|error| format!("cannot read it: {error}"))
}

/// The starts of a trace; `groups` are the names of the device groups.
///
/// # Errors
///
/// The first line that is wrong, and why, as a fragment.
fn parse(text: &str, groups: &[Name]) -> Result<Vec<TraceStart>, String> {
    let mut starts: Vec<TraceStart> = Vec::new();
    let lines = (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    for (nth, (number, line)) in lines.enumerate() {
        // A table's head, as spreadsheets write it.
        if nth == 0 && line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            continue;
        }
        let start = parse_line(line, groups).map_err(|wrong| format!("line {number}: {wrong}"))?;
        if let Some(before) = starts.last().filter(|before| before.at > start.at) {
            let (at, before) = (format_duration(start.at), format_duration(before.at));
            return Err(format!("line {number}: {at} comes after {before}; sort the lines by time"));
        }
        starts.push(start);
    }
    if starts.is_empty() { Err("it names no message".to_owned()) } else { Ok(starts) }
}

fn parse_line(line: &str, groups: &[Name]) -> Result<TraceStart, String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let (time, group, count) = match fields[..] {
        [time] => (time, "", ""),
        [time, group] => (time, group, ""),
        [time, group, count] => (time, group, count),
        _ => return Err(format!("{} fields are more than three", fields.len())),
    };
    let unit = if time.ends_with(|last: char| last.is_ascii_digit()) { "s" } else { "" };
    let at = parse_duration(&format!("{time}{unit}"))
        .map_err(|_| format!("`{time}` is no time: write seconds such as `12.5`, or a unit as in `1m30s`"))?;
    let group = match group {
        "" => None,
        name => {
            let found = groups.iter().position(|known| known.as_str() == name);
            let number = found.and_then(|place| u16::try_from(place).ok()).ok_or_else(|| unknown(name, groups))?;
            Some(GroupId(number))
        }
    };
    let count = match count {
        "" => 1,
        number => number
            .parse()
            .ok()
            .filter(|count| (1..=1_000_000).contains(count))
            .ok_or_else(|| format!("`{number}` is no number of messages: 1 to 1000000"))?,
    };
    Ok(TraceStart { at, group, count })
}

fn unknown(name: &str, groups: &[Name]) -> String {
    let near = did_you_mean(name, groups.iter().map(Name::as_str));
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("there is no device group called `{name}`{near}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Vec<Name> {
        ["meter", "gate"].map(|name| name.parse().unwrap()).into()
    }

    #[test]
    fn lines_name_a_time_and_if_they_like_a_group_and_a_count() {
        let text = "time,group,count\n# a quiet minute\n0\n0.25,gate\n 1500ms , meter , 3\n1m30s,,2\n\n";
        let start = |millis, group: Option<u16>, count| TraceStart {
            at: Duration::from_millis(millis),
            group: group.map(GroupId),
            count,
        };
        let expected = [start(0, None, 1), start(250, Some(1), 1), start(1500, Some(0), 3), start(90_000, None, 2)];
        assert_eq!(parse(text, &groups()).unwrap(), expected);
    }

    #[test]
    fn the_first_bad_line_is_named() {
        for (text, said) in [
            ("0\nsoon\n", "line 2: `soon` is no time: write seconds such as `12.5`, or a unit as in `1m30s`"),
            ("# one\n\n-1\n", "line 3: `-1` is no time: write seconds such as `12.5`, or a unit as in `1m30s`"),
            ("1\n2,mter\n", "line 2: there is no device group called `mter`; did you mean `meter`?"),
            ("1,meter,0\n", "line 1: `0` is no number of messages: 1 to 1000000"),
            ("1,meter,1,x\n", "line 1: 4 fields are more than three"),
            ("2\n1.5\n", "line 2: 1s500ms comes after 2s; sort the lines by time"),
            ("time\n", "it names no message"),
            ("", "it names no message"),
        ] {
            assert_eq!(parse(text, &groups()).unwrap_err(), said, "{text:?}");
        }
    }
}
