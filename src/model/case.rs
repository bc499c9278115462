//! One name in its three spellings: `SecretId` on the wire, `secret-id` as an option, `secretId`
//! in the service's constraint errors.

/// Spells a wire name as an option or command: `RotationLambdaARN` becomes `rotation-lambda-arn`.
///
/// The rule is botocore's `xform_name`: a word begins at a capital that follows a lower-case
/// letter or digit, or that ends a run of capitals.
pub(crate) fn kebab(wire: &str) -> String {
    let mut out = Vec::with_capacity(wire.len() + 8);
    let mut letters = wire.bytes().peekable();
    let mut before = None;
    while let Some(letter) = letters.next() {
        let starts_word = letter.is_ascii_uppercase()
            && before.is_some_and(|before: u8| {
                !before.is_ascii_uppercase() || letters.peek().is_some_and(u8::is_ascii_lowercase)
            });
        if starts_word {
            out.push(b'-');
        }
        out.push(letter.to_ascii_lowercase());
        before = Some(letter);
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Spells a wire name as the service's constraint errors do: `SecretId` becomes `secretId`.
pub(crate) fn lower_camel(wire: &str) -> String {
    let mut letters = wire.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_names_as_options() {
        for (wire, option) in [
            ("SecretId", "secret-id"),
            ("RotationLambdaARN", "rotation-lambda-arn"),
            ("KmsKeyId", "kms-key-id"),
            ("SecretIdList", "secret-id-list"),
            ("ARN", "arn"),
            ("ListSecretVersionIds", "list-secret-version-ids"),
            ("GetSecretValue", "get-secret-value"),
        ] {
            assert_eq!(kebab(wire), option);
        }
        assert_eq!(lower_camel("SecretString"), "secretString");
    }
}
