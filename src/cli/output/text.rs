//! Lines of cells between tabs: what `--output text` prints.
//!
//! A structure is one line of its scalars in alphabetical order; what else it holds follows on
//! lines of their own, each behind its name in capitals.

use std::borrow::Cow;

use jiff::tz::TimeZone;

use super::format::RenderFailed;
use super::view::View;
use crate::cli::python;
use crate::model::order;
use crate::model::value::Value;

/// Writes a value and all that it holds, each line with its line feed.
pub(super) fn write(value: &Value, zone: &TimeZone, out: &mut Vec<u8>) -> Result<(), RenderFailed> {
    Text { zone, out }.value(value, None)
}

struct Text<'o> {
    zone: &'o TimeZone,
    out: &'o mut Vec<u8>,
}

impl Text<'_> {
    fn value(&mut self, value: &Value, name: Option<&str>) -> Result<(), RenderFailed> {
        match View::of(value, self.zone) {
            View::List(elements) => self.list(elements, name),
            View::Map(members) => {
                let mut columns: Vec<&str> = scalars(members).collect();
                order::sort_all(&mut columns);
                self.map(members, &columns, name)
            }
            View::Null | View::Boolean(_) | View::Integer(_) | View::Float(_) | View::Text(_) => {
                self.line(&[python::text(value, self.zone)]);
                Ok(())
            }
        }
    }

    fn list(&mut self, elements: &[Value], name: Option<&str>) -> Result<(), RenderFailed> {
        if elements.iter().any(|element| matches!(element, Value::Map(_))) {
            return self.maps(elements, name);
        }
        let (lists, scalars): (Vec<_>, Vec<_>) =
            elements.iter().partition(|element| matches!(element, Value::List(_)));
        let cells: Vec<_> = scalars.iter().map(|value| python::text(value, self.zone)).collect();
        match name {
            Some(name) => {
                for cell in cells {
                    self.line(&[Cow::Owned(name.to_uppercase()), cell]);
                }
            }
            None if cells.is_empty() => {}
            None => self.line(&cells),
        }
        lists.into_iter().try_for_each(|list| self.value(list, name))
    }

    /// A column for each name that any of the maps has a scalar under.
    fn maps(&mut self, elements: &[Value], name: Option<&str>) -> Result<(), RenderFailed> {
        let mut columns = Vec::new();
        for element in elements {
            let Value::Map(members) = element else { return Err(RenderFailed::Mixed) };
            columns.extend(scalars(members));
        }
        order::sort_all(&mut columns);
        columns.dedup();
        for element in elements {
            let Value::Map(members) = element else { return Err(RenderFailed::Mixed) };
            self.map(members, &columns, name)?;
        }
        Ok(())
    }

    fn map(
        &mut self,
        members: &[(String, Value)],
        columns: &[&str],
        name: Option<&str>,
    ) -> Result<(), RenderFailed> {
        if !columns.is_empty() {
            let name = name.map(|name| Cow::Owned(name.to_uppercase()));
            let cells = columns.iter().map(|column| {
                let member = members.iter().find(|(known, _)| known == column);
                member.map_or(Cow::Borrowed(""), |(_, value)| python::text(value, self.zone))
            });
            let cells: Vec<_> = name.into_iter().chain(cells).collect();
            self.line(&cells);
        }
        let mut others: Vec<_> = members.iter().collect();
        others.retain(|(known, _)| columns.binary_search(&known.as_str()).is_err());
        order::sort_by(&mut others, |(left, _), (right, _)| left.cmp(right));
        others.into_iter().try_for_each(|(name, member)| self.value(member, Some(name)))
    }

    fn line(&mut self, cells: &[Cow<'_, str>]) {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.out.push(b'\t');
            }
            self.out.extend_from_slice(cell.as_bytes());
        }
        self.out.push(b'\n');
    }
}

fn scalars(members: &[(String, Value)]) -> impl Iterator<Item = &str> {
    let scalars = members.iter().filter(|(_, v)| !matches!(v, Value::List(_) | Value::Map(_)));
    scalars.map(|(name, _)| name.as_str())
}
