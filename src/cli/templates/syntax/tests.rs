use proptest::prelude::*;

use super::*;
use crate::cli::templates::text;
use crate::sys::secret::Secret;

/// Fills every reference of a template with one value.
fn fill(syntax: Syntax, template: &str, value: &str) -> Result<String, Broken> {
    let Ok(pieces) = text::parse(template) else { panic!("{template}") };
    let mut fillings = Vec::new();
    for piece in &pieces {
        if let Piece::Slot(slot) = piece {
            let value = Secret::new(value.as_bytes().to_vec());
            let Ok(written) = slot.escape.write(value.expose()) else { panic!("{template}") };
            fillings.push(Filling { value, written });
        }
    }
    syntax.check(&pieces, &fillings)?;
    Ok(filled(&pieces, &fillings).expose().clone())
}

fn place(template: &str, text: &str) -> String {
    template.replace("@|", &format!("{{{{strongroom:a|{text}}}}}")).replace('@', "{{strongroom:a}}")
}

#[test]
fn the_name_of_a_file_tells_its_syntax() {
    for (name, syntax) in [
        ("a.json", Syntax::Json),
        ("x/a.yml", Syntax::Yaml),
        ("a.YAML", Syntax::Yaml),
        ("a.json.tmpl", Syntax::Json),
        ("a.toml.in", Syntax::Toml),
        (".env", Syntax::Env),
        ("x/.env.production", Syntax::Env),
        (".env.tpl", Syntax::Env),
        ("a.env.template", Syntax::Env),
        ("a.properties", Syntax::Properties),
        ("a.conf", Syntax::Any),
        ("json", Syntax::Any),
        ("", Syntax::Any),
    ] {
        assert_eq!(Syntax::of(name), syntax, "{name}");
    }
}

#[test]
fn a_value_keeps_to_its_place() {
    for (syntax, template, good, bad) in [
        (Syntax::Json, r#"{"a": "x@y"}"#, "it's", "\""),
        (Syntax::Json, r#"{"a": "x@y"}"#, "", "\\"),
        (Syntax::Json, r#"{"a": "x@y"}"#, "é", "\n"),
        (Syntax::Json, r#"{"a": @}"#, "5432", "1, \"b\": 2"),
        (Syntax::Json, r#"{"a": @}"#, "{\"b\": [1]}", "word"),
        (Syntax::Json, r#"{"a": @}"#, "\"x\"", ""),
        (Syntax::Json, r#"{"a\"": "\\@"}"#, "n", "\""),
        (Syntax::Yaml, "a: @", "x y", "b: c"),
        (Syntax::Yaml, "a: @", "it's", "x # y"),
        (Syntax::Yaml, "a: @", "12", "x\nb: c"),
        (Syntax::Yaml, "a: @", "a:b", ""),
        (Syntax::Yaml, "a: @", "x", " x"),
        (Syntax::Yaml, "a: @", "x", "*x"),
        (Syntax::Yaml, "a: @", "x", "\u{85}"),
        (Syntax::Yaml, "a: '@'", "x\"y", "it's"),
        (Syntax::Yaml, "a: \"@\"", "it's", "\\n"),
        (Syntax::Yaml, "a: {b: @}", "x", "x, c: d"),
        (Syntax::Yaml, "a: |\n  @\nb: 1", "x: # y", "x\ny"),
        (Syntax::Yaml, "# @\nb: 1", "x: y", "x\nc: d"),
        (Syntax::Env, "A=@", "x y", "x #y"),
        (Syntax::Env, "A=@\nB=1", "x", "x\nC=1"),
        (Syntax::Env, "A='@'", "$x \"y\"", "it's"),
        (Syntax::Toml, "a = \"@\"", "it's", "\""),
        (Syntax::Toml, "a = '@'", "x\"\\", "'"),
        (Syntax::Toml, "a = @", "5432", "x"),
        (Syntax::Toml, "a = @ # '", "true", "1\nb = 2"),
        (Syntax::Toml, "a = \"\"\"\nx\"\"@\"\"\"", "y", "\""),
        (Syntax::Toml, "# \"\na = '''@'''", "x\"y", "'"),
        (Syntax::Toml, "a = \"\"\nb = \"@\"", "x", "\n"),
        (Syntax::Toml, "# @", "'\"", "x\ny"),
        (Syntax::Properties, "a=@", "x = y", "x\ny"),
        (Syntax::Properties, "a = @", "x", "\\"),
        (Syntax::Properties, "a = @", "#", " x"),
        (Syntax::Properties, "a.@.c = 1", "x", "x=y"),
    ] {
        let template = place(template, "");
        let filled = template.replace("{{strongroom:a}}", good);
        assert_eq!(fill(syntax, &template, good), Ok(filled), "{syntax:?} {template} {good:?}");
        let broken = fill(syntax, &template, bad).map_err(|broken| broken.slot);
        assert_eq!(broken, Err(Some(0)), "{syntax:?} {template} {bad:?}");
    }
}

/// The first reference that would break a text is named, and its line.
#[test]
fn the_reference_that_breaks_a_text_is_named() {
    for (syntax, template, line, slot) in [
        (Syntax::Yaml, "a: '@'\nb: \"@\"\nc: @\nd: @", 3, 2),
        (Syntax::Json, "[\n\"{{strongroom:a|json}}\",\n@]", 3, 1),
        (Syntax::Toml, "a = \"{{strongroom:a|json}}\"\nb = @", 2, 1),
    ] {
        let broken = fill(syntax, &place(template, ""), "x: y").unwrap_err();
        assert_eq!((broken.line, broken.slot), (line, Some(slot)), "{template}");
    }
    for (syntax, template, line) in [
        (Syntax::Json, "{\n\"a\": \"@\",}", 2),
        (Syntax::Yaml, "a: '@'\nb: [", 3),
        (Syntax::Env, "A='@'\nB='", 2),
        (Syntax::Toml, "a = '@'\nb = \"", 2),
    ] {
        let broken = fill(syntax, &place(template, ""), "x").unwrap_err();
        assert_eq!((broken.line, broken.slot), (line, None), "{template}");
    }
}

proptest! {
    /// What is escaped is read as the value, whatever that is.
    #[test]
    fn an_escaped_value_is_read_as_itself(value in "(\\PC|[\u{1}-\u{20}\u{7f}-\u{a0}\u{2028}\u{feff}\"'\\\\:#{}]){0,30}") {
        let filled = fill(Syntax::Json, r#"["{{strongroom:a|json}}"]"#, &value).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<String>>(&filled).unwrap(), [value.clone()]);
        // What is read of it is compared.
        prop_assert!(fill(Syntax::Yaml, "a: \"{{strongroom:a|yaml}}\"\nb: 1", &value).is_ok());
        prop_assert!(fill(Syntax::Toml, "a = \"{{strongroom:a|json}}\"", &value).is_ok());
        prop_assert!(fill(Syntax::Properties, "a={{strongroom:a|url}}", &value).is_ok());
    }

    /// What is not escaped is in a JSON text what it is, or refused.
    #[test]
    fn no_value_is_more_than_a_value(value in "(\\PC|[\"\\\\,:{}\n]){0,20}") {
        if let Ok(filled) = fill(Syntax::Json, r#"{"a": "{{strongroom:x}}", "b": 1}"#, &value) {
            let read: serde_json::Value = serde_json::from_str(&filled).unwrap();
            prop_assert_eq!(read, serde_json::json!({"a": value, "b": 1}));
        }
    }
}
