//! Reads a policy, strictly: IAM's grammar for a policy on a resource or of an identity, and nothing
//! else.
//!
//! * Elements are spelt as the grammar spells them; an unknown or repeated one is an error.
//! * Every statement names its principals, its actions and its resources, none of them an empty list.
//!   An identity's policy names no principals: whoever has it is meant.
//! * A missing `Version` is `2008-10-17`. A `Sid` that is not empty is unique.
//! * `Condition` may be empty, and so may the parts of it.
//!
//! Whether an action exists, or a principal, is not looked up.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{Condition, Operator};
use super::document::{self, Document};
use super::model::{
    Effect, Malformed, Policy, Problem, ProblemKind, Scope, Statement, StatementName,
};
use super::pattern::{Pattern, Version, Wildcards};
use super::principal::Principal;

pub(crate) const MAX_CHARS: usize = 20_480;

/// Reads a resource's policy. Any text at all may be given; fuzzing begins here.
pub(crate) fn parse(text: &str) -> Result<Policy, Malformed> {
    whole(read(text))
}

/// Reads an identity's policy.
pub(crate) fn parse_of_identity(text: &str) -> Result<Policy, Malformed> {
    whole(Reader::read(Owner::Identity, text))
}

fn whole((policy, problems): (Policy, Vec<Problem>)) -> Result<Policy, Malformed> {
    if problems.is_empty() { Ok(policy) } else { Err(Malformed(problems)) }
}

/// Reads what can be read: the statements without a problem, and every problem.
pub(super) fn read(text: &str) -> (Policy, Vec<Problem>) {
    Reader::read(Owner::Resource, text)
}

/// What a policy belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Resource,
    Identity,
}

struct Reader {
    owner: Owner,
    problems: Vec<Problem>,
    /// Where we are.
    statement: Option<usize>,
    version: Version,
}

/// The members of an object.
type Members<'a> = BTreeMap<&'a str, &'a Document>;

// Each method notes what is wrong and returns `None` where nothing can be made of what it was given.
impl Reader {
    fn read(owner: Owner, text: &str) -> (Policy, Vec<Problem>) {
        let version = Version::V2008;
        let mut reader = Self { owner, problems: Vec::new(), statement: None, version };
        let statements = reader.policy(text).unwrap_or_default();
        (Policy { statements }, reader.problems)
    }

    fn policy(&mut self, text: &str) -> Option<Vec<Statement>> {
        if text.chars().nth(MAX_CHARS).is_some() {
            let detail = format!("a policy has at most {MAX_CHARS} characters");
            return self.problem(ProblemKind::NotJson, detail);
        }
        let document = match document::read(text) {
            Ok(document) => document,
            Err(error) => {
                return self.problem(ProblemKind::NotJson, format!("a policy is JSON: {error}"));
            }
        };
        let members = self.members("a policy", &document, Some(&POLICY))?;
        self.version(&members);
        self.text(&members, "Id");
        let Some(statements) = members.get("Statement") else {
            return self.syntax("a policy has a `Statement`");
        };
        if statements.elements().is_empty() {
            return self.syntax("`Statement` is empty");
        }
        Some(self.statements(statements.elements()))
    }

    fn version(&mut self, members: &Members<'_>) {
        let Some(version) = members.get("Version") else { return };
        match version.text() {
            Some("2008-10-17") => {}
            Some("2012-10-17") => self.version = Version::V2012,
            _ => self.note("`Version` is `2012-10-17` or `2008-10-17`"),
        }
    }

    fn statements(&mut self, documents: &[Document]) -> Vec<Statement> {
        let mut statements = Vec::new();
        let mut sids = BTreeSet::new();
        for (index, document) in documents.iter().enumerate() {
            self.statement = Some(index + 1);
            let before = self.problems.len();
            let statement = self.statement(document, &mut sids);
            // A statement that lost a principal, say, would speak of others than it was meant to.
            let is_whole = self.problems.len() == before;
            statements.extend(statement.filter(|_| is_whole));
        }
        self.statement = None;
        statements
    }

    fn statement<'a>(
        &mut self,
        document: &'a Document,
        sids: &mut BTreeSet<&'a str>,
    ) -> Option<Statement> {
        let members = self.members("a statement", document, Some(&STATEMENT))?;
        let sid = self.text(&members, "Sid").filter(|sid| !sid.is_empty());
        if let Some(sid) = sid
            && !sids.insert(sid)
        {
            self.note(&format!("`Sid` `{sid}` is there twice"));
        }
        let number = self.statement.unwrap_or_default();
        let name = StatementName { number, sid: sid.map(str::to_owned) };
        // All of them are read before one that is missing ends it, so that all is reported.
        let effect = self.effect(&members);
        let principals = self.scope_of_principals(&members);
        let actions = self.either(&members, "Action", "NotAction", Self::actions);
        let resources = self.either(&members, "Resource", "NotResource", Self::resources);
        let conditions = match members.get("Condition") {
            Some(document) => self.conditions(document),
            None => Some(Vec::new()),
        };
        Some(Statement {
            name,
            effect: effect?,
            principals: principals?,
            actions: actions?,
            resources: resources?,
            conditions: conditions?,
        })
    }

    fn scope_of_principals(&mut self, members: &Members<'_>) -> Option<Scope<Principal>> {
        let (only, except) = ("Principal", "NotPrincipal");
        if self.owner == Owner::Resource {
            return self.either(members, only, except, Self::principals);
        }
        match [only, except].into_iter().find(|element| members.contains_key(element)) {
            Some(element) => self.syntax(&format!("an identity's policy has no `{element}`")),
            None => Some(Scope::Only(vec![Principal::Everyone])),
        }
    }

    fn effect(&mut self, members: &Members<'_>) -> Option<Effect> {
        match members.get("Effect").and_then(|effect| effect.text()) {
            Some("Allow") => Some(Effect::Allow),
            Some("Deny") => Some(Effect::Deny),
            _ => self.syntax("`Effect` is `Allow` or `Deny`"),
        }
    }

    /// Reads the one of two elements that is there.
    fn either<T>(
        &mut self,
        members: &Members<'_>,
        only: &str,
        except: &str,
        read: impl Fn(&mut Self, &str, &Document) -> Option<Vec<T>>,
    ) -> Option<Scope<T>> {
        match (members.get(only), members.get(except)) {
            (Some(document), None) => read(self, only, document).map(Scope::Only),
            (None, Some(document)) => read(self, except, document).map(Scope::Except),
            (Some(_), Some(_)) => self.syntax(&format!("has both `{only}` and `{except}`")),
            (None, None) => self.syntax(&format!("has neither `{only}` nor `{except}`")),
        }
    }

    fn principals(&mut self, element: &str, document: &Document) -> Option<Vec<Principal>> {
        match (document.text(), document.members()) {
            (Some("*"), _) => return Some(vec![Principal::Everyone]),
            (_, Some([])) => return self.syntax(&format!("`{element}` is empty")),
            (_, Some(_)) => {}
            (_, None) => return self.syntax(&format!("`{element}` is `*` or an object")),
        }
        let kinds = self.members(&format!("`{element}`"), document, Some(&PRINCIPAL))?;
        let mut principals = Vec::new();
        for (kind, document) in kinds {
            for text in self.texts(kind, document).unwrap_or_default() {
                principals.extend(self.principal(kind, text));
            }
        }
        Some(principals)
    }

    fn principal(&mut self, kind: &str, text: &str) -> Option<Principal> {
        let principal = match kind {
            "Service" => Principal::read_service(text),
            "Federated" => Principal::read_federated(text),
            "CanonicalUser" => Principal::read_canonical(text),
            _ => Principal::read_aws(text),
        };
        let problem = match kind {
            "Service" => ProblemKind::ServicePrincipal,
            _ => ProblemKind::Principal,
        };
        principal.or_else(|| self.problem(problem, format!("`{text}` is no `{kind}` principal")))
    }

    fn actions(&mut self, element: &str, document: &Document) -> Option<Vec<Pattern>> {
        let mut patterns = Vec::new();
        for text in self.texts(element, document)? {
            // The older language's rules: an action has no variables.
            let pattern = Pattern::read(text, Version::V2008, Wildcards::Match).ok();
            match pattern.filter(|_| is_action(text)) {
                Some(pattern) => patterns.push(pattern),
                None => self.note(&format!("`{text}` is no action")),
            }
        }
        Some(patterns)
    }

    fn resources(&mut self, element: &str, document: &Document) -> Option<Vec<Pattern>> {
        let mut patterns = Vec::new();
        for text in self.texts(element, document)? {
            let pattern = Pattern::read(text, self.version, Wildcards::Match).ok();
            match pattern.filter(|pattern| is_resource(text, pattern)) {
                Some(pattern) => patterns.push(pattern),
                None => self.note(&format!("`{text}` is no resource")),
            }
        }
        Some(patterns)
    }

    fn conditions(&mut self, document: &Document) -> Option<Vec<Condition>> {
        let mut conditions = Vec::new();
        for (name, keys) in self.members("`Condition`", document, None)? {
            let Some(operator) = Operator::read(name) else {
                self.note(&format!("`{name}` is no condition operator"));
                continue;
            };
            let mut seen = BTreeSet::new();
            for (key, values) in self.members(&format!("`{name}`"), keys, None).unwrap_or_default()
            {
                if !is_key(key) {
                    self.note(&format!("`{key}` is no condition key"));
                } else if !seen.insert(key.to_lowercase()) {
                    self.note(&format!("`{name}` has `{key}` twice"));
                } else {
                    conditions.extend(self.condition(name, operator, key, values));
                }
            }
        }
        Some(conditions)
    }

    fn condition(
        &mut self,
        name: &str,
        operator: Operator,
        key: &str,
        values: &Document,
    ) -> Option<Condition> {
        let values: Option<Vec<String>> = values.elements().iter().map(Document::scalar).collect();
        let Some(values) = values else {
            return self.syntax(&format!("`{key}` is compared with text, numbers or booleans"));
        };
        match operator.on(key, &values, self.version) {
            Ok(condition) => Some(condition),
            Err(value) => self.syntax(&format!("`{name}` does not take `{value}`")),
        }
    }

    /// Takes an object apart; `known` are the only members it may have.
    fn members<'a>(
        &mut self,
        what: &str,
        document: &'a Document,
        known: Option<&[&str]>,
    ) -> Option<Members<'a>> {
        let Some(pairs) = document.members() else {
            return self.syntax(&format!("{what} is an object"));
        };
        let mut members = Members::new();
        for (name, value) in pairs {
            if known.is_some_and(|known| !known.contains(&name.as_str())) {
                self.note(&format!("{what} has no element `{name}`"));
            } else if members.insert(name, value).is_some() {
                self.note(&format!("{what} has `{name}` twice"));
            }
        }
        Some(members)
    }

    /// Reads an element that is text, if it is there.
    fn text<'a>(&mut self, members: &Members<'a>, element: &str) -> Option<&'a str> {
        let text = members.get(element)?.text();
        text.or_else(|| self.syntax(&format!("`{element}` is text")))
    }

    /// Reads text, or a list of texts that is not empty.
    fn texts<'a>(&mut self, element: &str, document: &'a Document) -> Option<Vec<&'a str>> {
        let texts: Option<Vec<&str>> = document.elements().iter().map(Document::text).collect();
        match texts {
            Some(texts) if texts.is_empty() => self.syntax(&format!("`{element}` is empty")),
            Some(texts) => Some(texts),
            None => self.syntax(&format!("`{element}` is text or a list of texts")),
        }
    }

    fn syntax<T>(&mut self, detail: &str) -> Option<T> {
        self.note(detail);
        None
    }

    fn note(&mut self, detail: &str) {
        self.problem::<()>(ProblemKind::Syntax, detail.to_owned());
    }

    fn problem<T>(&mut self, kind: ProblemKind, detail: String) -> Option<T> {
        self.problems.push(Problem { kind, statement: self.statement, detail });
        None
    }
}

/// Whether `text` is `*`, or a service, a colon and an action.
fn is_action(text: &str) -> bool {
    let is_service = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'?');
    text == "*"
        || text.split_once(':').is_some_and(|(service, name)| {
            !service.is_empty()
                && !name.is_empty()
                && (service == "*" || service.bytes().all(is_service))
                && name.bytes().all(is_name)
        })
}

/// Whether `text` is `*` or an ARN, in which a `*` at the end may stand for what is missing. Variables
/// may stand in the last part only.
fn is_resource(text: &str, pattern: &Pattern) -> bool {
    if text == "*" {
        return true;
    }
    let before_variables = text.split("${").next().unwrap_or_default();
    if pattern.has_variable() && before_variables.matches(':').count() < 5 {
        return false;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_there = |index: usize| parts.get(index).is_none_or(|part| !part.is_empty());
    let is_whole = parts.len() == 6 || (parts.len() > 1 && text.ends_with('*'));
    text.starts_with("arn:") && is_whole && is_there(1) && is_there(2) && is_there(5)
}

/// Whether `text` is a prefix, a colon and a name.
fn is_key(text: &str) -> bool {
    text.split_once(':').is_some_and(|(prefix, name)| !prefix.is_empty() && !name.is_empty())
}

const POLICY: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];
const PRINCIPAL: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];

#[cfg(test)]
mod tests;
