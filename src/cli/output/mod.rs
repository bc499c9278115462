//! How answers and errors are printed: byte for byte as AWS CLI v2 prints them.
//!
//! Everything is written into a buffer that is handed in; nothing here knows of streams, of pagers
//! or of exit codes.

pub(crate) mod error;
pub(crate) mod format;
pub(crate) mod json;
mod table;
mod text;
pub(crate) mod view;
pub(crate) mod visible;
mod yaml;

use crate::model::value::Value;
use format::{Format, RenderContext, RenderFailed};

/// Prints an answer, or what a query found in it. An empty answer prints nothing. What was written
/// before a failure must not be shown.
pub(crate) fn render(
    format: Format,
    value: &Value,
    context: &RenderContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RenderFailed> {
    let is_empty = matches!(value, Value::Map(members) if members.is_empty());
    match format {
        Format::Off => {}
        _ if is_empty => {}
        Format::Json => {
            json::write(value, context.zone, json::Layout::Indented(0), out);
            out.push(b'\n');
        }
        Format::Text => text::write(value, context.zone, out)?,
        Format::Table => table::write(value, context, out)?,
        Format::Yaml => yaml::write(value, context.zone, out),
        Format::YamlStream => yaml::write_page(value, context.zone, out),
    }
    Ok(())
}

/// Prints one page of an answer that has pages, or what a query found in it. Differs from
/// [`render`] in that an empty page of a stream is an element of it.
pub(crate) fn render_page(
    format: Format,
    page: &Value,
    context: &RenderContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RenderFailed> {
    match format {
        Format::YamlStream => yaml::write_page(page, context.zone, out),
        Format::Text | Format::Json | Format::Table | Format::Yaml | Format::Off => {
            render(format, page, context, out)?;
        }
    }
    Ok(())
}

/// What text prints below the last page that is shown, if there are more; queried like a page.
pub(crate) fn resume_token(token: String) -> Value {
    let name = || "NextToken".to_owned();
    Value::Map(vec![(name(), Value::Map(vec![(name(), Value::Text(token))]))])
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::format::{DEFAULT_WIDTH, Fit};
    use super::*;
    use crate::cli::query::literal;
    use crate::model::time::Timestamp;

    fn shown(format: Format, value: &Value) -> String {
        let zone = TimeZone::UTC;
        let context = RenderContext {
            operation_name: "ListSecrets",
            zone: &zone,
            terminal_width: DEFAULT_WIDTH,
            fit: Fit::Aws,
        };
        let mut out = Vec::new();
        render(format, value, &context, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn prints_as_aws_does() {
        let file = include_str!("../../../tests/conformance/output.json");
        let file = literal::value(serde_json::from_str(file).unwrap());
        let Some(Value::List(cases)) = file.get("cases") else { panic!("no cases") };
        for case in cases {
            let value = case.get("value").unwrap();
            let Some(Value::Integer(width)) = case.get("width") else { panic!("no width") };
            let context = RenderContext {
                operation_name: "GetSecretValue",
                zone: &TimeZone::UTC,
                terminal_width: usize::try_from(*width).unwrap(),
                fit: Fit::Aws,
            };
            for (name, format) in [
                ("json", Format::Json),
                ("text", Format::Text),
                ("table", Format::Table),
                ("yaml", Format::Yaml),
                ("page", Format::YamlStream),
            ] {
                let mut out = Vec::new();
                let done = render_page(format, value, &context, &mut out);
                let got = done.map(|()| String::from_utf8(out).unwrap());
                match (case.get(name), got) {
                    (None, _) | (Some(Value::Null), Err(_)) => {}
                    (Some(Value::Text(expected)), Ok(got)) => assert_eq!(&got, expected, "{name}"),
                    (_, got) => panic!("{name}: {got:?} of {}", shown(Format::Json, value)),
                }
            }
        }
    }

    #[test]
    fn tells_times_and_bytes_in_every_format() {
        let value = Value::Map(vec![
            ("Name".to_owned(), Value::Text("a".to_owned())),
            ("CreatedDate".to_owned(), Value::Timestamp(Timestamp(1_523_477_145_713))),
            ("DeletedDate".to_owned(), Value::Timestamp(Timestamp(1_523_923_200_000))),
            ("SecretBinary".to_owned(), Value::Bytes(vec![0, 255, 16])),
        ]);
        for (format, expected) in [
            (
                Format::Json,
                "{\n    \"Name\": \"a\",\n    \
                 \"CreatedDate\": \"2018-04-11T20:05:45.713000+00:00\",\n    \
                 \"DeletedDate\": \"2018-04-17T00:00:00+00:00\",\n    \
                 \"SecretBinary\": \"AP8Q\"\n}\n",
            ),
            (
                Format::Text,
                "2018-04-11T20:05:45.713000+00:00\t2018-04-17T00:00:00+00:00\ta\tAP8Q\n",
            ),
            (
                Format::Yaml,
                "CreatedDate: '2018-04-11T20:05:45.713000+00:00'\n\
                 DeletedDate: '2018-04-17T00:00:00+00:00'\nName: a\nSecretBinary: AP8Q\n",
            ),
            (
                Format::Table,
                "------------------------------------------------------\n\
                 |                     ListSecrets                    |\n\
                 +---------------+------------------------------------+\n\
                 |  CreatedDate  |  2018-04-11T20:05:45.713000+00:00  |\n\
                 |  DeletedDate  |  2018-04-17T00:00:00+00:00         |\n\
                 |  Name         |  a                                 |\n\
                 |  SecretBinary |  AP8Q                              |\n\
                 +---------------+------------------------------------+\n",
            ),
        ] {
            assert_eq!(shown(format, &value), expected);
        }
    }

    #[test]
    fn an_empty_answer_prints_nothing() {
        let empty = Value::Map(Vec::new());
        for format in Format::ALL {
            assert_eq!(shown(format, &empty), "", "{format:?}");
        }
        assert_eq!(shown(Format::Off, &Value::Integer(1)), "");
        // Unless it is one of several pages.
        let context = RenderContext {
            operation_name: "",
            zone: &TimeZone::UTC,
            terminal_width: 80,
            fit: Fit::Aws,
        };
        let mut out = Vec::new();
        render_page(Format::YamlStream, &empty, &context, &mut out).unwrap();
        assert_eq!(out, b"- {}\n");
    }

    #[test]
    fn tells_where_the_next_page_is() {
        let token = resume_token("eyJ".to_owned());
        assert_eq!(shown(Format::Text, &token), "NEXTTOKEN\teyJ\n");
    }

    /// At a terminal a table came out wider than that, and could not be read.
    #[test]
    fn a_table_fits_the_terminal() {
        let text = |text: &str| Value::Text(text.to_owned());
        let row = |name: &str| {
            let tags = Value::List(vec![Value::Map(vec![
                ("Key".to_owned(), text("team")),
                ("Value".to_owned(), text("a value of a tag that is rather long")),
            ])]);
            let members = [
                (
                    "ARN",
                    text(&format!("arn:aws:secretsmanager:local-1:000000000000:secret:{name}")),
                ),
                ("Description", text("what it is for, in several words, and \u{65e5}\u{672c}")),
                ("Name", text(name)),
                ("Tags", tags),
            ];
            Value::Map(members.map(|(name, value)| (name.to_owned(), value)).into())
        };
        let rows = |tagged: bool| {
            let names = ["app/db-production-eu-west-1", "web"];
            let strip = |value: Value| {
                let Value::Map(mut members) = value else { panic!() };
                members.retain(|(name, _)| tagged || name != "Tags");
                Value::Map(members)
            };
            let list = names.map(|name| strip(row(name))).into();
            Value::Map(vec![("SecretList".to_owned(), Value::List(list))])
        };
        for value in [rows(true), rows(false), row("one"), text("alone")] {
            for terminal_width in 24..200 {
                let context = RenderContext {
                    operation_name: "ListSecrets",
                    zone: &TimeZone::UTC,
                    terminal_width,
                    fit: Fit::Terminal,
                };
                let mut out = Vec::new();
                render(Format::Table, &value, &context, &mut out).unwrap();
                let table = String::from_utf8(out).unwrap();
                let wide =
                    |line: &str| line.chars().map(|c| if c > '\u{3000}' { 2 } else { 1 }).sum();
                let widest: usize = table.lines().map(wide).max().unwrap();
                assert!(widest <= terminal_width, "{terminal_width}\n{table}");
                // Nothing is left out.
                let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
                let whole = RenderContext { fit: Fit::Aws, terminal_width: 1000, ..context };
                let mut out = Vec::new();
                render(Format::Table, &value, &whole, &mut out).unwrap();
                let whole = String::from_utf8(out).unwrap();
                assert!(letters(&table) >= letters(&whole), "{terminal_width}\n{table}\n{whole}");
            }
        }
        let context = RenderContext {
            operation_name: "Rows",
            zone: &TimeZone::UTC,
            terminal_width: 40,
            fit: Fit::Terminal,
        };
        let pair = |name: &str, about: &str| {
            let members = [("About", text(about)), ("Name", text(name))];
            Value::Map(members.map(|(name, value)| (name.to_owned(), value)).into())
        };
        let list = vec![pair("app/database", "one that is used every day"), pair("b", "short")];
        let mut out = Vec::new();
        render(Format::Table, &Value::List(list), &context, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "----------------------------------------\n\
             |                 Rows                 |\n\
             +---------------------+----------------+\n\
             |        About        |     Name       |\n\
             +---------------------+----------------+\n\
             |  one that is used   |  app/database  |\n\
             |  every day          |                |\n\
             |  short              |  b             |\n\
             +---------------------+----------------+\n"
        );
    }
}
