//! Fits what shorthand says to a shape: texts become numbers and booleans where the shape has
//! those, and a single value becomes a list where the shape has a list.
//!
//! What does not fit is left as it is, for validation to name.

use super::error::Error;
use crate::cli::python;
use crate::model::shape::Shape;
use crate::model::value::Value;

/// Fits a value read as shorthand to its shape. Fails where Python cannot make a number of it.
pub(crate) fn fit(value: &mut Value, shape: &Shape) -> Result<(), Error> {
    match (shape, value) {
        (Shape::Structure(members), Value::Map(given)) => {
            for member in *members {
                for (_, value) in given.iter_mut().filter(|(name, _)| name == member.name) {
                    fit_member(value, member.shape)?;
                }
            }
            Ok(())
        }
        (Shape::Map(element), Value::Map(given)) => {
            given.iter_mut().try_for_each(|(_, value)| fit_member(value, element))
        }
        (Shape::List(list), Value::List(elements)) => {
            elements.iter_mut().try_for_each(|value| fit_member(value, list.element))
        }
        (Shape::Integer(_), value) => {
            *value = python::to_integer(value).map_err(Error::plain)?;
            Ok(())
        }
        (Shape::Boolean, value) => {
            if let Value::Text(text) = &*value {
                match text.to_lowercase().as_str() {
                    "true" => *value = Value::Boolean(true),
                    "false" => *value = Value::Boolean(false),
                    _ => {}
                }
            }
            Ok(())
        }
        (
            Shape::Structure(_)
            | Shape::List(_)
            | Shape::Map(_)
            | Shape::Text(_)
            | Shape::Blob(_)
            | Shape::Timestamp,
            _,
        ) => Ok(()),
    }
}

fn fit_member(value: &mut Value, shape: &Shape) -> Result<(), Error> {
    if matches!(shape, Shape::List(_)) && !matches!(value, Value::List(_)) {
        let scalar = std::mem::replace(value, Value::Null);
        *value = Value::List(vec![scalar]);
        return Ok(());
    }
    fit(value, shape)
}

#[cfg(test)]
mod tests {
    use super::super::paramfile::testing::SOURCES;
    use super::super::shorthand::parse;
    use super::*;
    use crate::model::shape::{Bounds, Member, Shaped as _};
    use crate::model::types::Tag;

    #[test]
    fn fits_values_to_their_shapes() {
        static RULES: [Member; 2] = [
            Member { name: "Days", doc: "", required: false, shape: &Shape::Integer(Bounds::NONE) },
            Member { name: "Labels", doc: "", required: false, shape: <Vec<String>>::SHAPE },
        ];
        for (word, expected) in [
            ("Days=7,Labels=a", "{'Days': 7, 'Labels': ['a']}"),
            ("Labels=a,b", "{'Labels': ['a', 'b']}"),
            ("Days=x", "invalid literal for int() with base 10: 'x'"),
            (
                "Days=1,2",
                "int() argument must be a string, a bytes-like object or a real number, not 'list'",
            ),
            ("Other=1", "{'Other': '1'}"),
        ] {
            let Ok(mut value) = parse("--rules", word, SOURCES) else { panic!("{word}") };
            let shown = match fit(&mut value, &Shape::Structure(&RULES)) {
                Ok(()) => python::repr(&value),
                Err(error) => error.message().to_owned(),
            };
            assert_eq!(shown, expected, "{word}");
        }
        let Ok(mut value) = parse("--tags", "Key=a,b", SOURCES) else { panic!() };
        assert!(fit(&mut value, Tag::SHAPE).is_ok());
        assert_eq!(python::repr(&value), "{'Key': ['a', 'b']}");
    }
}
