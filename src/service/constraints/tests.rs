use super::*;
use crate::model::shape::Shaped as _;
use crate::model::types::{
    Count, Listed, NewName, RegionName, ReplicaRegion, SecretBytes, SecretId, SecretText,
    SortOrder, Tag,
};

structure! {
    /// A filter.
    pub(crate) struct Filter {
        /// What to look at.
        key: Option<SortOrder> => "Key",
        /// What to look for.
        values: Option<Listed<NewName, 0, 2>> => "Values",
    }
}

structure! {
    /// A request with a member of each kind of constraint.
    pub(crate) struct Request {
        /// The secret.
        secret_id: SecretId => "SecretId",
        /// Its name.
        name: Option<NewName> => "Name",
        /// Its value.
        secret_string: Option<SecretText> => "SecretString",
        /// Its value.
        secret_binary: Option<SecretBytes> => "SecretBinary",
        /// A page.
        max_results: Option<Count<1, 100>> => "MaxResults",
        /// A direction.
        sort_order: Option<SortOrder> => "SortOrder",
        /// Filters.
        filters: Option<Vec<Filter>> => "Filters",
        /// Tags.
        tags: Option<Vec<Tag>> => "Tags",
        /// Ids.
        secret_id_list: Option<Listed<SecretId, 1, 3>> => "SecretIdList",
        /// Replicas.
        add_replica_regions: Option<Listed<ReplicaRegion, 1, 0>> => "AddReplicaRegions",
        /// Regions.
        remove_replica_regions: Option<Listed<RegionName, 1, 0>> => "RemoveReplicaRegions",
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn list(elements: impl IntoIterator<Item = Value>) -> Value {
    Value::List(elements.into_iter().collect())
}

fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Checks one member beside a secret's id.
fn check_one(name: &str, value: Value, expected: &str) {
    let request = map([("SecretId", text("x")), (name, value)]);
    let shown = match check(Request::SHAPE.members(), &request) {
        Ok(()) => String::new(),
        Err(fault) => fault.message,
    };
    let expected = match expected {
        "" => String::new(),
        error => format!("1 validation error detected: {error}"),
    };
    assert_eq!(shown, expected, "{name}");
}

#[test]
fn lets_through_what_is_within_bounds() {
    check_one("Name", text(&"é".repeat(512)), "");
    check_one("MaxResults", Value::Integer(100), "");
    check_one("SortOrder", text("desc"), "");
    check_one("SecretString", text(&"x".repeat(65_536)), "");
    check_one("Bogus", text("x"), "");
    check_one("AddReplicaRegions", list([map([("Region", text("us-gov-west-1"))])]), "");
}

#[test]
fn words_violations_as_aws_does() {
    let long = "é".repeat(513);
    check_one(
        "Name",
        text(&long),
        &format!(
            "Value '{long}' at 'name' failed to satisfy constraint: Member must have length \
             less than or equal to 512"
        ),
    );
    check_one(
        "Name",
        text(""),
        "Value '' at 'name' failed to satisfy constraint: Member must have length greater \
         than or equal to 1",
    );
    check_one(
        "MaxResults",
        Value::Integer(101),
        "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value \
         less than or equal to 100",
    );
    check_one(
        "SortOrder",
        text("sideways"),
        "Value 'sideways' at 'sortOrder' failed to satisfy constraint: Member must satisfy \
         enum value set: [asc, desc]",
    );
    check_one(
        "Filters",
        list([map([]), map([("Key", text("invalid"))])]),
        "Value 'invalid' at 'filters.2.member.key' failed to satisfy constraint: Member must \
         satisfy enum value set: [asc, desc]",
    );
    check_one(
        "Filters",
        list([map([("Values", list([text("a"), text("b"), text("c")]))])]),
        "Value '[a, b, c]' at 'filters.1.member.values' failed to satisfy constraint: Member \
         must have length less than or equal to 2",
    );
    check_one(
        "AddReplicaRegions",
        list([map([("Region", text("Nowhere"))])]),
        "Value 'Nowhere' at 'addReplicaRegions.1.member.region' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: ^([a-z]+-)+\\d+$",
    );
    check_one(
        "RemoveReplicaRegions",
        list([text("local-1"), text("X")]),
        "Value '[local-1, X]' at 'removeReplicaRegions' failed to satisfy constraint: Member \
         must satisfy constraint: [Member must have length less than or equal to 128, Member \
         must have length greater than or equal to 1, Member must satisfy regular expression \
         pattern: ^([a-z]+-)+\\d+$]",
    );
    check_one(
        "SecretIdList",
        list(["a", "b", "c", "d"].map(text)),
        "Value '[a, b, c, d]' at 'secretIdList' failed to satisfy constraint: Member must have \
         length less than or equal to 3",
    );
}

#[test]
fn joins_several() {
    let request = map([
        ("Name", text("")),
        ("Tags", list([map([("Key", text(""))])])),
        ("MaxResults", Value::Integer(0)),
    ]);
    let fault = check(Request::SHAPE.members(), &request).err();
    assert_eq!(
        fault.map(|fault| fault.message).as_deref(),
        Some(
            "4 validation errors detected: Value null at 'secretId' failed to satisfy \
             constraint: Member must not be null; Value '' at 'name' failed to satisfy \
             constraint: Member must have length greater than or equal to 1; Value '0' at \
             'maxResults' failed to satisfy constraint: Member must have value greater than or \
             equal to 1; Value '' at 'tags.1.member.key' failed to satisfy constraint: Member \
             must have length greater than or equal to 1"
        )
    );
}

#[test]
fn shows_no_sensitive_value() {
    // Counted in bytes: 32,769 characters of two bytes each.
    let secret = "é".repeat(32_769);
    check_one(
        "SecretString",
        text(&secret),
        "Value at 'secretString' failed to satisfy constraint: Member must have length less \
         than or equal to 65536",
    );
    check_one(
        "SecretBinary",
        Value::Bytes(Vec::new()),
        "Value at 'secretBinary' failed to satisfy constraint: Member must have length greater \
         than or equal to 1",
    );
}
