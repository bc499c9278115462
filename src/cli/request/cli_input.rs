//! `--cli-input-json` and `--cli-input-yaml`: a whole request as one document.
//!
//! Members are named as in the API; options take precedence. Blobs inside are read with the rest of
//! the request (`build`).

use super::arguments::Arguments;
use super::error::Error;
use super::json;
use super::paramfile::Sources;
use super::yaml;
use crate::cli::python;
use crate::model::value::Value;

/// Reads the input document, if there is one: its members, in its order.
pub(crate) fn read(
    arguments: &Arguments,
    sources: Sources<'_>,
) -> Result<Vec<(String, Value)>, Error> {
    let (option, word) = match (&arguments.cli_input_json, &arguments.cli_input_yaml) {
        (None, None) => return Ok(Vec::new()),
        (Some(word), None) => (Document::Json, word),
        (None, Some(word)) => (Document::Yaml, word),
        (Some(_), Some(_)) => {
            let message = "Only one --cli-input- parameter may be specified.";
            return Err(Error::parameters(message));
        }
    };
    let name = option.name();
    let flag = format!("--{name}");
    let loaded = sources.load(word).map_err(|fault| fault.of(&flag))?;
    let text = match loaded {
        Some(Value::Text(text)) => Some(text),
        Some(Value::Bytes(bytes)) => String::from_utf8(bytes).ok(),
        Some(_) | None => Some(word.clone()),
    };
    // Neither message shows the document, which holds secrets.
    let value = match option {
        Document::Json => text.and_then(|text| json::parse(&text).ok()).ok_or("JSON"),
        Document::Yaml => text.and_then(|text| yaml::parse(&text).ok()).ok_or("YAML"),
    };
    let value =
        value.map_err(|kind| Error::parameter(name, format!("Invalid {kind} received.")))?;
    let class = python::class(&value);
    let Value::Map(members) = value else {
        let what = format!("Invalid type: expecting map, received {class}");
        return Err(Error::parameter(&flag, what));
    };
    Ok(members)
}

#[derive(Clone, Copy)]
enum Document {
    Json,
    Yaml,
}

impl Document {
    fn name(self) -> &'static str {
        match self {
            Self::Json => "cli-input-json",
            Self::Yaml => "cli-input-yaml",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::paramfile::testing::SOURCES;
    use super::*;

    fn show(json: Option<&str>, yaml: Option<&str>) -> String {
        let arguments = Arguments {
            cli_input_json: json.map(str::to_owned),
            cli_input_yaml: yaml.map(str::to_owned),
            ..Arguments::default()
        };
        match read(&arguments, SOURCES) {
            Ok(members) => python::repr(&Value::Map(members)),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn reads_documents() {
        assert_eq!(show(None, None), "{}");
        assert_eq!(show(Some("{\"SecretId\": \"x\"}"), None), "{'SecretId': 'x'}");
        assert_eq!(show(Some("file://request.json"), None), "{'SecretId': 'from-file'}");
        assert_eq!(show(Some("fileb://request.json"), None), "{'SecretId': 'from-file'}");
        assert_eq!(show(None, Some("SecretId: x")), "{'SecretId': 'x'}");
    }

    #[test]
    fn words_errors_as_aws_does() {
        for (json, yaml, expected) in [
            (Some("{"), None, "Error parsing parameter 'cli-input-json': Invalid JSON received."),
            (
                Some("fileb://bytes"),
                None,
                "Error parsing parameter 'cli-input-json': Invalid JSON received.",
            ),
            (
                None,
                Some("a: ["),
                "Error parsing parameter 'cli-input-yaml': Invalid YAML received.",
            ),
            (
                Some("[1]"),
                None,
                "Error parsing parameter '--cli-input-json': Invalid type: expecting map, received \
                 <class 'list'>",
            ),
            (
                None,
                Some("''"),
                "Error parsing parameter '--cli-input-yaml': Invalid type: expecting map, received \
                 <class 'str'>",
            ),
            (Some("{}"), Some("{}"), "Only one --cli-input- parameter may be specified."),
            (
                Some("file://nope"),
                None,
                "Error parsing parameter '--cli-input-json': Unable to load paramfile file://nope: \
                 [Errno 2] No such file or directory: 'nope'",
            ),
        ] {
            assert_eq!(show(json, yaml), expected);
        }
    }
}
