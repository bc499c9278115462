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
}
