//! Holds our declarations against the service's public model, whose facts `tests/conformance`'s
//! `surface.json` has: every member in its place, limits, patterns, choices, what is required, what
//! is sensitive, what is paged, and the faults of every operation.
//!
//! Both sides are written as lines, one a member, and compared. Of answers the limits are left out,
//! since nobody checks them. Not compared are the names of shapes, and how wide a number is. That the
//! file says what AWS says is what `tests/botocore/check.py` looks after.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::operation::{Entry, Pages};
use super::operations;
use crate::model::shape::{Member, Shape};

/// Where we differ on purpose: AWS's line, ours, and why.
const ON_PURPOSE: &[(&str, &str, &str)] = &[
    (
        "BatchGetSecretValue.input.Filters: list at most 10",
        "BatchGetSecretValue.input.Filters: list",
        ELEVENTH,
    ),
    ("ListSecrets.input.Filters: list at most 10", "ListSecrets.input.Filters: list", ELEVENTH),
];

const ELEVENTH: &str = "an eleventh filter is refused in AWS's own words, not in the framework's";

/// One thing that is declared: where it is, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    path: String,
    what: String,
    /// Of a member of an answer: whether it is always there. More than AWS promises is no lie.
    always: bool,
}

impl Line {
    fn text(&self) -> String {
        format!("{}: {}", self.path, self.what)
    }
}

/// Which way a structure goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

impl Way {
    /// The first word of a path below an operation.
    const fn name(self) -> &'static str {
        match self {
            Self::In => "input",
            Self::Out => "output",
        }
    }
}

/// What a member is besides its shape.
#[derive(Clone, Copy, Default)]
struct Marks {
    required: bool,
    token: bool,
}

/// The lines of one operation's request or answer.
struct Written {
    way: Way,
    lines: Vec<Line>,
}

impl Written {
    fn add(&mut self, path: &str, what: &str, marks: Marks, sensitive: bool) {
        let is_request = self.way == Way::In;
        let mut what = what.to_owned();
        for (holds, mark) in [
            (marks.required && is_request, " required"),
            (marks.token && is_request, " made up if absent"),
            (sensitive, " sensitive"),
        ] {
            if holds {
                what.push_str(mark);
            }
        }
        self.lines.push(Line { path: path.to_owned(), what, always: marks.required });
    }

    /// Says how long, or how much.
    fn limits(&self, min: Option<i64>, max: Option<i64>) -> String {
        // A length of 0 or more is any length.
        match (self.way, min.filter(|min| *min != 0), max) {
            (Way::Out, _, _) | (Way::In, None, None) => String::new(),
            (Way::In, Some(min), None) => format!(" at least {min}"),
            (Way::In, None, Some(max)) => format!(" at most {max}"),
            (Way::In, Some(min), Some(max)) => format!(" {min} to {max}"),
        }
    }

    /// Says what a text must be, besides its length.
    fn form(&self, pattern: Option<&str>, choices: &[&str]) -> String {
        if self.way == Way::Out {
            return String::new();
        }
        let pattern = pattern.map(|pattern| format!(" like {pattern}")).unwrap_or_default();
        let choices = Some(choices.join(" ")).filter(|choices| !choices.is_empty());
        pattern + &choices.map(|choices| format!(" one of {choices}")).unwrap_or_default()
    }
}

/// Says something about an operation as a whole.
fn whole(operation: &str, what: &str, text: String) -> Line {
    Line { path: format!("{operation}.{what}"), what: text, always: false }
}

/// Writes our side.
mod ours {
    use super::{Entry, Line, Marks, Member, Pages, Shape, Way, Written, whole};

    pub(super) fn lines(entry: &Entry) -> Vec<Line> {
        let faults: Vec<&str> = entry.faults.iter().map(|fault| fault.as_str()).collect();
        let mut lines = vec![whole(entry.name, "faults", faults.join(" "))];
        if let Pages::Gathered(member) = entry.pages {
            lines.push(whole(entry.name, "pages", member.to_owned()));
        }
        for (way, shape) in [(Way::In, entry.input), (Way::Out, entry.output)] {
            let mut written = Written { way, lines };
            let path = format!("{}.{}", entry.name, way.name());
            members(&mut written, &path, shape.members());
            lines = written.lines;
        }
        lines
    }

    fn members(out: &mut Written, path: &str, members: &[Member]) {
        for member in members {
            let marks = Marks { required: member.required, token: false };
            shape(out, &format!("{path}.{}", member.name), member.shape, marks);
        }
    }

    fn shape(out: &mut Written, path: &str, found: &Shape, marks: Marks) {
        match found {
            Shape::Structure(inner) => {
                out.add(path, "structure", marks, false);
                members(out, path, inner);
            }
            Shape::List(list) => {
                let limits = out.limits(list.bounds.min, list.bounds.max);
                out.add(path, &format!("list{limits}"), marks, false);
                shape(out, &format!("{path}[]"), list.element, Marks::default());
            }
            Shape::Map(element) => {
                out.add(path, "map", marks, false);
                shape(out, &format!("{path}{{}}"), element, Marks::default());
            }
            Shape::Text(text) => {
                let limits = out.limits(text.bounds.min, text.bounds.max);
                let form = out.form(text.pattern.map(|pattern| pattern.text), text.choices);
                let marks = Marks { token: text.token, ..marks };
                out.add(path, &format!("text{limits}{form}"), marks, text.sensitive);
            }
            Shape::Integer(range) => {
                let limits = out.limits(range.min, range.max);
                out.add(path, &format!("number{limits}"), marks, false);
            }
            Shape::Boolean => out.add(path, "boolean", marks, false),
            Shape::Blob(blob) => {
                let limits = out.limits(blob.bounds.min, blob.bounds.max);
                out.add(path, &format!("bytes{limits}"), marks, blob.sensitive);
            }
            Shape::Timestamp => out.add(path, "time", marks, false),
        }
    }
}

/// Writes AWS's side.
mod theirs {
    use super::{Json, Line, Marks, Way, Written, whole};

    pub(super) struct Model(pub(super) Json);

    impl Model {
        pub(super) fn operations(&self) -> Vec<&str> {
            self.0["operations"].as_object().unwrap().keys().map(String::as_str).collect()
        }

        /// Operations, and members with all that is in them, that nobody has built yet.
        pub(super) fn not_there_yet(&self) -> Vec<&str> {
            texts(&self.0["not_there_yet"])
        }

        pub(super) fn lines(&self, operation: &str) -> Vec<Line> {
            let declared = &self.0["operations"][operation];
            let mut lines = vec![whole(operation, "faults", texts(&declared["errors"]).join(" "))];
            if let Some(member) = self.0["pages"].get(operation) {
                lines.push(whole(operation, "pages", member.as_str().unwrap().to_owned()));
            }
            for way in [Way::In, Way::Out] {
                if let Some(shape) = declared[way.name()].as_str() {
                    let mut written = Written { way, lines };
                    let path = format!("{operation}.{}", way.name());
                    self.members(&mut written, &path, &self.0["shapes"][shape]);
                    lines = written.lines;
                }
            }
            lines
        }

        fn members(&self, out: &mut Written, path: &str, structure: &Json) {
            let (required, tokens) = (texts(&structure["required"]), texts(&structure["tokens"]));
            for (name, shape) in structure["members"].as_object().unwrap() {
                let is_in = |list: &[&str]| list.contains(&name.as_str());
                let marks = Marks { required: is_in(&required), token: is_in(&tokens) };
                self.shape(out, &format!("{path}.{name}"), shape.as_str().unwrap(), marks);
            }
        }

        fn shape(&self, out: &mut Written, path: &str, name: &str, marks: Marks) {
            let shape = &self.0["shapes"][name];
            let kind = match shape["type"].as_str().unwrap() {
                "string" => "text",
                "integer" | "long" => "number",
                "blob" => "bytes",
                "timestamp" => "time",
                kind => kind,
            };
            let limits = out.limits(shape["min"].as_i64(), shape["max"].as_i64());
            let form = out.form(shape["pattern"].as_str(), &texts(&shape["enum"]));
            out.add(path, &format!("{kind}{limits}{form}"), marks, shape["sensitive"] == true);
            let mut below = |path: String, member: &str| {
                self.shape(out, &path, shape[member].as_str().unwrap(), Marks::default());
            };
            match kind {
                "list" => below(format!("{path}[]"), "member"),
                "map" => below(format!("{path}{{}}"), "value"),
                "structure" => self.members(out, path, shape),
                _ => {}
            }
        }
    }

    fn texts(list: &Json) -> Vec<&str> {
        list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
    }
}

/// Whether a path is that of what is not there yet, or inside of it.
fn covers(name: &str, path: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '{']))
}

#[test]
fn the_declarations_are_those_of_the_model() {
    let file = include_str!("../../tests/conformance/surface.json");
    let model = theirs::Model(serde_json::from_str(file).unwrap());
    let operations = model.operations();
    let theirs: Vec<Line> = operations.iter().flat_map(|name| model.lines(name)).collect();
    let declared: Vec<Line> = operations::ALL.iter().flat_map(ours::lines).collect();

    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    let not_there_yet = model.not_there_yet();
    for name in &not_there_yet {
        if declared.iter().any(|line| covers(name, &line.path)) {
            wrong.push(format!("{name} is there now: take it out of not_there_yet"));
        }
        assert!(theirs.iter().any(|line| covers(name, &line.path)), "AWS has no {name}");
    }
    let mut expected = Vec::new();
    for line in theirs {
        if not_there_yet.iter().any(|name| covers(name, &line.path)) {
            continue;
        }
        let text = line.text();
        let difference = ON_PURPOSE.iter().find(|(theirs, _, _)| *theirs == text);
        used.extend(difference.map(|(theirs, _, _)| *theirs));
        let ours = difference.map_or(text, |(_, ours, _)| (*ours).to_owned());
        expected.push((ours, line));
    }
    for (theirs, _, _) in ON_PURPOSE {
        if !used.contains(theirs) {
            wrong.push(format!("AWS does not say {theirs:?}: take it out of ON_PURPOSE"));
        }
    }

    let found: Vec<String> = declared.iter().map(Line::text).collect();
    let known: BTreeSet<&String> = found.iter().collect();
    let wanted: BTreeSet<&String> = expected.iter().map(|(text, _)| text).collect();
    wrong.extend(wanted.difference(&known).map(|text| format!("not declared: {text}")));
    wrong.extend(known.difference(&wanted).map(|text| format!("declared, but not AWS's: {text}")));
    let theirs = expected.iter().map(|(text, _)| text).filter(|text| known.contains(text));
    let ours = found.iter().filter(|text| wanted.contains(text));
    let misplaced = theirs.zip(ours).find(|(theirs, ours)| theirs != ours);
    wrong.extend(misplaced.map(|(theirs, ours)| format!("{ours} stands in the place of {theirs}")));
    for (text, line) in expected.iter().filter(|(_, line)| line.always) {
        if !declared.iter().any(|ours| ours.text() == *text && ours.always) {
            wrong.push(format!("{} may be absent, and in AWS may not", line.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
