//! Reads a policy, strictly: IAM's grammar for a policy on a resource, and nothing else.
//!
//! * Elements are spelt as the grammar spells them; an unknown or repeated one is an error.
//! * Every statement names its principals, its actions and its resources, none of them an empty list.
//! * A missing `Version` is `2008-10-17`. A `Sid` that is not empty is unique.
//! * `Condition` may be empty, and so may the parts of it.
//!
//! Whether an action exists, or a principal, is not looked up.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{Condition, Operator};
use super::document::{self, Document};
use super::model::{Effect, Malformed, Policy, Problem, ProblemKind, Scope, Statement};
use super::pattern::{Pattern, Version, Wildcards};
use super::principal::Principal;

/// The most characters a policy may have.
pub(crate) const MAX_CHARS: usize = 20_480;

/// Reads a policy. Any text at all may be given; fuzzing begins here.
pub(crate) fn parse(text: &str) -> Result<Policy, Malformed> {
    let (policy, problems) = read(text);
    if problems.is_empty() { Ok(policy) } else { Err(Malformed(problems)) }
}

/// Reads what can be read: the statements without a problem, and every problem.
pub(super) fn read(text: &str) -> (Policy, Vec<Problem>) {
    let mut reader = Reader { problems: Vec::new(), statement: None, version: Version::V2008 };
    let statements = reader.policy(text).unwrap_or_default();
    (Policy { statements }, reader.problems)
}

struct Reader {
    problems: Vec<Problem>,
    /// Where we are.
    statement: Option<usize>,
    version: Version,
}

/// The members of an object.
type Members<'a> = BTreeMap<&'a str, &'a Document>;

// Each method notes what is wrong and returns `None` where nothing can be made of what it was given.
impl Reader {
    fn policy(&mut self, text: &str) -> Option<Vec<Statement>> {
        if text.chars().nth(MAX_CHARS).is_some() {
            let detail = format!("a policy has at most {MAX_CHARS} characters");
            return self.problem(ProblemKind::NotJson, detail);
        }
        let Some(document) = document::read(text) else {
            return self.problem(ProblemKind::NotJson, "a policy is JSON".to_owned());
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
        if let Some(sid) = self.text(&members, "Sid")
            && !sid.is_empty()
            && !sids.insert(sid)
        {
            self.note(&format!("`Sid` `{sid}` is there twice"));
        }
        // All of them are read before one that is missing ends it, so that all is reported.
        let effect = self.effect(&members);
        let principals = self.either(&members, "Principal", "NotPrincipal", Self::principals);
        let actions = self.either(&members, "Action", "NotAction", Self::actions);
        let resources = self.either(&members, "Resource", "NotResource", Self::resources);
        let conditions = match members.get("Condition") {
            Some(document) => self.conditions(document),
            None => Some(Vec::new()),
        };
        Some(Statement {
            effect: effect?,
            principals: principals?,
            actions: actions?,
            resources: resources?,
            conditions: conditions?,
        })
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
mod tests {
    use proptest::prelude::*;

    use super::super::evaluate::decide;
    use super::super::findings;
    use super::super::principal::Identity;
    use super::super::request::Request;
    use super::*;
    use crate::model::time::Timestamp;

    const STATEMENT: &str = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;

    /// Replaces a part of a statement that is right.
    fn with(part: &str, other: &str) -> String {
        assert!(STATEMENT.contains(part), "{part}");
        format!(r#"{{"Version":"2012-10-17","Statement":{}}}"#, STATEMENT.replace(part, other))
    }

    fn problems(text: &str) -> String {
        parse(text).map_or_else(|malformed| malformed.to_string(), |_| "none".to_owned())
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(problems(text), expected, "{text}");
    }

    #[test]
    fn reads_what_the_grammar_allows() {
        for text in [
            format!(r#"{{"Statement":{STATEMENT}}}"#),
            format!(r#"{{"Statement":[{STATEMENT}]}}"#),
            format!(" {{ \"Statement\" : [ {STATEMENT} , {STATEMENT} ]\n}}\r\n"),
            format!(r#"{{"Version":"2008-10-17","Id":"any words","Statement":{STATEMENT}}}"#),
            format!(r#"{{"Statement":{STATEMENT},"Id":"","Version":"2012-10-17"}}"#),
            with(r#""Effect":"Allow""#, r#""Sid":"with a space","Effect":"Deny""#),
            with(r#""*","Action":"*""#, r#"{"AWS":"*"},"Action":["*"]"#),
            with(r#""Principal":"*""#, r#""NotPrincipal":{"AWS":["123456789012"]}"#),
            with(
                r#""Principal":"*""#,
                r#""Principal":{"AWS":"123456789012","Service":["a.amazonaws.com"],
                "Federated":"accounts.google.com","CanonicalUser":
                "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#,
            ),
            with(
                r#""Action":"*""#,
                r#""NotAction":["secretsmanager:Get*","s3:Put?bject","sts.x:A1"]"#,
            ),
            with(
                r#""Resource":"*""#,
                r#""NotResource":["arn:aws:secretsmanager:*:*:secret:${aws:username}-*","arn:*"]"#,
            ),
            with(r#""Resource":"*""#, r#""Resource":"*","Condition":{}"#),
            with(r#""Resource":"*""#, r#""Resource":"*","Condition":{"Bool":{}}"#),
            with(
                r#""Resource":"*""#,
                r#""Resource":"*","Condition":{"Bool":{"a:b":true},"NumericEquals":{"a:b":[1,2.5]},
                "ForAnyValue:StringLike":{"a:b":["x","${a:b}*"],"a:c":[]}}"#,
            ),
        ] {
            check(&text, "none");
        }
    }

    #[test]
    fn refuses_what_is_no_json() {
        for text in ["", " ", "{", "[", "{}}", "policy", "{'Statement':[]}", "{\"a\":}", "\u{0}"] {
            check(text, "a policy is JSON");
        }
    }

    #[test]
    fn refuses_a_document_that_is_no_policy() {
        for (text, expected) in [
            ("null", "a policy is an object"),
            ("[]", "a policy is an object"),
            ("\"*\"", "a policy is an object"),
            ("{}", "a policy has a `Statement`"),
            (r#"{"Statement":[]}"#, "`Statement` is empty"),
            (r#"{"Statement":null}"#, "statement 1: a statement is an object"),
            (r#"{"Statement":"*"}"#, "statement 1: a statement is an object"),
            (r#"{"Statement":[[]]}"#, "statement 1: a statement is an object"),
            (
                r#"{"statement":[]}"#,
                "a policy has no element `statement`; a policy has a `Statement`",
            ),
            (
                r#"{"Statement":{}}"#,
                "statement 1: `Effect` is `Allow` or `Deny`; statement 1: has neither `Principal` nor \
                 `NotPrincipal`; statement 1: has neither `Action` nor `NotAction`; statement 1: has \
                 neither `Resource` nor `NotResource`",
            ),
        ] {
            check(text, expected);
        }
        for (extra, expected) in [
            (r#""Version":"2019-10-19""#, "`Version` is `2012-10-17` or `2008-10-17`"),
            (r#""Version":"""#, "`Version` is `2012-10-17` or `2008-10-17`"),
            (r#""Version":2012"#, "`Version` is `2012-10-17` or `2008-10-17`"),
            (r#""Version":["2012-10-17"]"#, "`Version` is `2012-10-17` or `2008-10-17`"),
            (r#""Version":null"#, "`Version` is `2012-10-17` or `2008-10-17`"),
            (r#""version":"2012-10-17""#, "a policy has no element `version`"),
            (r#""Id":7"#, "`Id` is text"),
            (r#""Comment":"x""#, "a policy has no element `Comment`"),
            (r#""Id":"a","Id":"a""#, "a policy has `Id` twice"),
            (r#""Version":"2012-10-17","Version":"2008-10-17""#, "a policy has `Version` twice"),
            (r#""Statement":[]"#, "a policy has `Statement` twice; `Statement` is empty"),
        ] {
            check(&format!(r#"{{"Statement":{STATEMENT},{extra}}}"#), expected);
        }
    }

    #[test]
    fn refuses_a_statement_that_is_none() {
        for (part, other, expected) in [
            (r#""Allow""#, r#""allow""#, "`Effect` is `Allow` or `Deny`"),
            (r#""Allow""#, r#"["Allow"]"#, "`Effect` is `Allow` or `Deny`"),
            (r#""Effect":"Allow","#, "", "`Effect` is `Allow` or `Deny`"),
            (r#""Effect""#, r#""Effect":"Deny","Effect""#, "a statement has `Effect` twice"),
            (r#""Effect""#, r#""Comment":"","Effect""#, "a statement has no element `Comment`"),
            (r#""Effect""#, r#""sid":"","Effect""#, "a statement has no element `sid`"),
            (r#""Effect""#, r#""Sid":1,"Effect""#, "`Sid` is text"),
            (r#""Effect""#, r#""Condition":[],"Effect""#, "`Condition` is an object"),
            (r#""Effect""#, r#""NotAction":"*","Effect""#, "has both `Action` and `NotAction`"),
            (
                r#""Effect""#,
                r#""NotResource":"*","Effect""#,
                "has both `Resource` and `NotResource`",
            ),
            (
                r#""Effect""#,
                r#""NotPrincipal":"*","Effect""#,
                "has both `Principal` and `NotPrincipal`",
            ),
            (r#""Principal":"*","#, "", "has neither `Principal` nor `NotPrincipal`"),
            (r#","Resource":"*""#, "", "has neither `Resource` nor `NotResource`"),
        ] {
            check(&with(part, other), &format!("statement 1: {expected}"));
        }
    }

    #[test]
    fn refuses_bad_actions_and_resources() {
        for (value, expected) in [
            ("[]", "`Action` is empty"),
            ("null", "`Action` is text or a list of texts"),
            (r#"["*",1]"#, "`Action` is text or a list of texts"),
            (r#"[["*"]]"#, "`Action` is text or a list of texts"),
            (r#"{"a":"*"}"#, "`Action` is text or a list of texts"),
            (r#""""#, "`` is no action"),
            (r#""GetSecretValue""#, "`GetSecretValue` is no action"),
            (r#""a:b:c""#, "`a:b:c` is no action"),
            (r#""s*:Get""#, "`s*:Get` is no action"),
            (r#""a:""#, "`a:` is no action"),
            (r#"":b""#, "`:b` is no action"),
            (r#""a:${a:b}""#, "`a:${a:b}` is no action"),
        ] {
            let text = with(r#""Action":"*""#, &format!(r#""Action":{value}"#));
            check(&text, &format!("statement 1: {expected}"));
        }
        check(
            &with(r#""Resource":"*""#, r#""Resource":true"#),
            "statement 1: `Resource` is text or a list of texts",
        );
        for value in [
            "",
            "app/db",
            "**",
            "arn:",
            "arn*",
            "arn:aws:s3",
            "arn::s3:::x",
            "arn:aws::::x",
            "arn:aws:s3:::",
            "arn:aws:s3::${aws:x}:y",
            "arn:aws:s3:::${aws:x",
        ] {
            let text = with(r#""Resource":"*""#, &format!(r#""Resource":["*","{value}"]"#));
            check(&text, &format!("statement 1: `{value}` is no resource"));
        }
    }

    #[test]
    fn refuses_bad_principals() {
        for (principal, expected) in [
            (r#""arn:aws:iam::123456789012:root""#, "`Principal` is `*` or an object"),
            (r#""123456789012""#, "`Principal` is `*` or an object"),
            (r#"["*"]"#, "`Principal` is `*` or an object"),
            ("null", "`Principal` is `*` or an object"),
            ("{}", "`Principal` is empty"),
            (r#"{"aws":"*"}"#, "`Principal` has no element `aws`"),
            (r#"{"*":"*"}"#, "`Principal` has no element `*`"),
            (r#"{"AWS":"*","AWS":"*"}"#, "`Principal` has `AWS` twice"),
            (r#"{"AWS":[]}"#, "`AWS` is empty"),
            (r#"{"AWS":123456789012}"#, "`AWS` is text or a list of texts"),
            (r#"{"AWS":"bob"}"#, "`bob` is no `AWS` principal"),
            (
                r#"{"AWS":["*","arn:aws:iam::*:root"]}"#,
                "`arn:aws:iam::*:root` is no `AWS` principal",
            ),
            (r#"{"Service":"*"}"#, "`*` is no `Service` principal"),
            (r#"{"Federated":"*"}"#, "`*` is no `Federated` principal"),
            (r#"{"CanonicalUser":"*"}"#, "`*` is no `CanonicalUser` principal"),
        ] {
            let text = with(r#""Principal":"*""#, &format!(r#""Principal":{principal}"#));
            check(&text, &format!("statement 1: {expected}"));
        }
    }

    #[test]
    fn refuses_bad_conditions() {
        for (condition, expected) in [
            (r#""StringIs":{"a:b":"c"}"#, "`StringIs` is no condition operator"),
            (r#""StringIs":{}"#, "`StringIs` is no condition operator"),
            (r#""Bool":true"#, "`Bool` is an object"),
            (r#""Bool":[{"a:b":true}]"#, "`Bool` is an object"),
            (r#""Bool":{"a:b":true},"Bool":{"a:b":true}"#, "`Condition` has `Bool` twice"),
            (r#""Bool":{"a:b":true,"a:b":true}"#, "`Bool` has `a:b` twice"),
            (r#""Bool":{"a:b":true,"A:B":false}"#, "`Bool` has `a:b` twice"),
            (r#""Bool":{"SecureTransport":true}"#, "`SecureTransport` is no condition key"),
            (r#""Bool":{"":true}"#, "`` is no condition key"),
            (r#""Bool":{"aws:":true}"#, "`aws:` is no condition key"),
            (r#""Bool":{"a:b":null}"#, "`a:b` is compared with text, numbers or booleans"),
            (
                r#""StringEquals":{"a:b":["c",["d"]]}"#,
                "`a:b` is compared with text, numbers or booleans",
            ),
            (
                r#""StringEquals":{"a:b":{"c":"d"}}"#,
                "`a:b` is compared with text, numbers or booleans",
            ),
            (r#""Bool":{"a:b":"yes"}"#, "`Bool` does not take `yes`"),
            (r#""Null":{"a:b":0}"#, "`Null` does not take `0`"),
            (r#""NumericLessThan":{"a:b":["1","x"]}"#, "`NumericLessThan` does not take `x`"),
            (r#""NumericLessThan":{"a:b":true}"#, "`NumericLessThan` does not take `true`"),
            (r#""DateLessThan":{"a:b":"soon"}"#, "`DateLessThan` does not take `soon`"),
            (r#""DateLessThan":{"a:b":"2026-02-29"}"#, "`DateLessThan` does not take `2026-02-29`"),
            (r#""IpAddress":{"a:b":"1.2.3"}"#, "`IpAddress` does not take `1.2.3`"),
            (r#""ArnLike":{"a:b":"role/x"}"#, "`ArnLike` does not take `role/x`"),
            (r#""StringLike":{"a:b":"${a"}"#, "`StringLike` does not take `${a`"),
        ] {
            let text = with(
                r#""Resource":"*""#,
                &format!(r#""Resource":"*","Condition":{{{condition}}}"#),
            );
            check(&text, &format!("statement 1: {expected}"));
        }
    }

    #[test]
    fn refuses_a_sid_that_is_there_twice() {
        let statement = |sid: &str| STATEMENT.replace('{', &format!(r#"{{"Sid":"{sid}","#));
        let policy = |sids: [&str; 2]| {
            format!(r#"{{"Statement":[{},{}]}}"#, statement(sids[0]), statement(sids[1]))
        };
        check(&policy(["a", "b"]), "none");
        check(&policy(["a", "A"]), "none");
        check(&policy(["", ""]), "none");
        check(&policy(["a", "a"]), "statement 2: `Sid` `a` is there twice");
    }

    #[test]
    fn reports_every_problem_and_keeps_the_rest() {
        let text = format!(
            r#"{{"Id":1,"Statement":[{STATEMENT},{},{}]}}"#,
            STATEMENT.replace("Allow", "allow"),
            STATEMENT.replace(r#""Principal":"*""#, r#""Principal":{"AWS":["x","y","*"]}"#),
        );
        check(
            &text,
            "`Id` is text; statement 2: `Effect` is `Allow` or `Deny`; statement 3: `x` is no `AWS` \
             principal; statement 3: `y` is no `AWS` principal",
        );
        assert_eq!(read(&text).0.statements.len(), 1);
    }

    #[test]
    fn bounds_length_and_depth() {
        let fill = |length: usize| {
            let text = format!(r#"{{"Id":"ü","Statement":{STATEMENT}}}"#);
            text.replace('ü', &"ü".repeat(length + 1 - text.chars().count()))
        };
        assert_eq!(fill(MAX_CHARS).chars().count(), MAX_CHARS);
        check(&fill(MAX_CHARS), "none");
        check(&fill(MAX_CHARS + 1), "a policy has at most 20480 characters");
        for open in ["[", "{\"Statement\":", "{\"Statement\":[{\"Condition\":{\"Bool\":"] {
            check(
                &open.repeat(10_000).chars().take(MAX_CHARS).collect::<String>(),
                "a policy is JSON",
            );
        }
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        check(
            &with(r#""Action":"*""#, &format!(r#""Action":{deep}"#)),
            "statement 1: `Action` is text or a list of texts",
        );
    }

    /// Texts near to policies: what the mutations below start from.
    const SEEDS: [&str; 4] = [
        r#"{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Deny",
        "Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*","Condition":
        {"StringNotEquals":{"aws:sourceVpce":"vpce-1234a5678b9012c"}}}]}"#,
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},
        "Condition":{"StringEquals":{"aws:ResourceTag/P":"${ aws:PrincipalTag/P, 'x' }"}},
        "Action":["secretsmanager:Get*"],"Resource":"arn:aws:secretsmanager:*:*:secret:a-??????"}}"#,
        r#"{"Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":["arn:aws:iam::123456789012:root"],
        "Service":"a.amazonaws.com"},"NotAction":"*:*","NotResource":"arn:aws:s3:::x","Condition":
        {"IpAddressIfExists":{"aws:SourceIp":["203.0.113.0/24","::/0"]},"Null":{"a:b":true}}}]}"#,
        r#"{"Version":"2008-10-17","Statement":[{"Effect":"Deny","Principal":{"Federated":
        "accounts.google.com"},"Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":
        "2026-03-01T12:30:45.5+01:00"},"ForAllValues:NumericEquals":{"a:b":[1,-2.5e3]},"ArnLike":
        {"aws:PrincipalArn":"arn:aws:iam::*:role/*"},"BinaryEquals":{"a:c":"aGk="}}}]}"#,
    ];

    fn never_panics(text: &str) {
        let bob = Identity::read("arn:aws:iam::123456789012:user/Bob").unwrap();
        let request = Request::new(bob, "GetSecretValue", Timestamp(0));
        if let Ok(policy) = parse(text) {
            decide(&policy, &request);
        }
        // Whatever can be attached is right, and whatever is right is JSON.
        let found = findings::validate(text, &request);
        assert_eq!(
            parse(text).is_ok(),
            found.is_ok_and(|found| {
                !found.iter().any(|f| f.message().starts_with("This resource policy contains"))
            })
        );
    }

    #[test]
    fn survives_its_seeds_cut_anywhere() {
        for seed in SEEDS {
            check(seed, "none");
            for at in 0..seed.len() {
                let (start, end) = seed.split_at(at);
                never_panics(start);
                never_panics(end);
            }
        }
    }

    proptest! {
        #[test]
        fn survives_any_text(text in "\\PC*") {
            never_panics(&text);
        }

        #[test]
        fn survives_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            never_panics(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn survives_its_seeds_changed(
            seed in 0_usize..4,
            cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..12), 1..6),
            // What the language is made of.
            put in proptest::collection::vec(
                "[\\[\\]{},:\"*?$'/.0-9TZ-]{0,3}|Not|IfExists|ForAllValues:|null|true|1e400|\\\\u0000",
                6,
            ),
        ) {
            let mut letters: Vec<char> = SEEDS[seed].chars().collect();
            for ((at, remove), put) in cuts.into_iter().zip(put) {
                let at = at.index(letters.len() + 1);
                let end = (at + remove).min(letters.len());
                letters.splice(at..end, put.chars());
            }
            never_panics(&letters.into_iter().collect::<String>());
        }
    }
}
