//! Signs that LastPass's extension once wrote as HTML has them.

const ENTITIES: [(&str, &str); 6] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&apos;", "'"),
    // The last: what it gives is not read once more.
    ("&amp;", "&"),
];

/// Whether a text has one of them.
pub(super) fn has_any(text: &str) -> bool {
    text.contains('&') && ENTITIES.iter().any(|(entity, _)| text.contains(entity))
}

/// Puts in what they stand for.
pub(super) fn decode(text: &str) -> String {
    let mut text = text.to_owned();
    for (entity, meant) in ENTITIES {
        text = text.replace(entity, meant);
    }
    text
}
