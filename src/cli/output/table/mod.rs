//! Boxes within boxes: what `--output table` prints. This file cuts a value into sections, each a
//! title, columns and rows; `grid` draws them. There are no colours.

mod fit;
mod grid;
mod width;

use std::borrow::Cow;

use jiff::tz::TimeZone;

use super::format::{Fit, RenderContext, RenderFailed};
use super::visible::for_terminal;
use crate::cli::python;
use crate::model::order;
use crate::model::value::Value;
use grid::{Row, Section};

/// Draws a value under the operation's name; nothing if the value is empty, false or zero.
pub(super) fn write(
    value: &Value,
    context: &RenderContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RenderFailed> {
    let mut table = Table { zone: context.zone, fit: context.fit, sections: Vec::new() };
    table.value(Some(context.operation_name), value, 0)?;
    if !table.sections.is_empty() {
        grid::draw(table.sections, (context.terminal_width, context.fit), out);
    }
    Ok(())
}

struct Table<'a> {
    zone: &'a TimeZone,
    fit: Fit,
    sections: Vec<Section<'a>>,
}

impl<'a> Table<'a> {
    fn value(
        &mut self,
        title: Option<&'a str>,
        value: &'a Value,
        indent: usize,
    ) -> Result<(), RenderFailed> {
        if is_empty(value) {
            return Ok(());
        }
        if title.is_some() {
            self.sections.push(Section::new(title, indent));
        }
        match value {
            Value::List(elements) if matches!(elements.first(), Some(Value::Map(_))) => {
                self.maps(title, elements, indent)
            }
            Value::List(elements) => self.elements(elements),
            Value::Map(members) => self.map(members, indent),
            // AWS draws the title alone.
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::Timestamp(_) => Ok(()),
        }
    }

    fn elements(&mut self, elements: &'a [Value]) -> Result<(), RenderFailed> {
        for element in elements {
            match element {
                Value::List(inner) if inner.iter().all(is_scalar) => {
                    self.row(inner.iter().map(|cell| python::text(cell, self.zone)).collect())?;
                }
                Value::List(_) => self.value(None, element, 0)?,
                // AWS shows the names only.
                Value::Map(members) => {
                    self.row(members.iter().map(|(name, _)| Cow::Borrowed(&**name)).collect())?;
                }
                Value::Null
                | Value::Boolean(_)
                | Value::Integer(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::Bytes(_)
                | Value::Timestamp(_) => self.row(vec![python::text(element, self.zone)])?,
            }
        }
        Ok(())
    }

    fn map(&mut self, members: &'a [(String, Value)], indent: usize) -> Result<(), RenderFailed> {
        let mut members: Vec<_> = members.iter().collect();
        order::sort_by(&mut members, |(left, _), (right, _)| left.cmp(right));
        let (scalars, others): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|(_, member)| is_scalar(member));
        let cell = |(_, member): &&'a (String, Value)| python::text(member, self.zone);
        match scalars.as_slice() {
            [] => {}
            [only] => {
                let row = vec![Cow::Borrowed(only.0.as_str()), cell(only)];
                self.row(row)?;
            }
            several => {
                let row = several.iter().map(cell).collect();
                self.header(several.iter().map(|(name, _)| name.as_str()).collect())?;
                self.row(row)?;
            }
        }
        for (name, member) in others {
            self.value(Some(name), member, indent.saturating_add(1))?;
        }
        Ok(())
    }

    fn maps(
        &mut self,
        title: Option<&'a str>,
        elements: &'a [Value],
        indent: usize,
    ) -> Result<(), RenderFailed> {
        let mut maps = Vec::with_capacity(elements.len());
        for element in elements {
            let Value::Map(members) = element else { return Err(RenderFailed::Mixed) };
            maps.push(members);
        }
        let (mut columns, mut others) = (Vec::new(), Vec::new());
        for (name, member) in maps.iter().copied().flatten() {
            let names = if is_scalar(member) { &mut columns } else { &mut others };
            names.push(name.as_str());
        }
        for names in [&mut columns, &mut others] {
            order::sort_all(names);
            names.dedup();
        }
        for (index, members) in maps.into_iter().enumerate() {
            let find = |name: &str| members.iter().find(|(known, _)| known == name);
            // What is below a row separates it from the next.
            if index > 0 && !others.is_empty() {
                self.sections.push(Section::new(title, indent));
            }
            if index == 0 || !others.is_empty() {
                self.header(columns.clone())?;
            }
            let cells = columns.iter().map(|name| {
                find(name).map_or(Cow::Borrowed(""), |(_, value)| python::text(value, self.zone))
            });
            self.row(cells.collect())?;
            for (name, member) in others.iter().filter_map(|name| find(name)) {
                self.value(Some(name), member, indent.saturating_add(1))?;
            }
        }
        Ok(())
    }

    fn header(&mut self, names: Vec<&'a str>) -> Result<(), RenderFailed> {
        self.sections.last_mut().map_or(Ok(()), |section| section.set_header(names))
    }

    fn row(&mut self, cells: Row<'a>) -> Result<(), RenderFailed> {
        let cells = match self.fit {
            Fit::Aws => cells,
            Fit::Terminal => cells.into_iter().map(spelt_out).collect(),
        };
        self.sections.last_mut().map_or(Ok(()), |section| section.add_row(cells))
    }
}

/// Spells out what a terminal would obey before it is measured, and not when it is printed: a line grew
/// longer than the terminal then. Where a tab goes to depends on what stands before it.
fn spelt_out(cell: Cow<'_, str>) -> Cow<'_, str> {
    let shown = match for_terminal(cell.as_bytes()) {
        Cow::Borrowed(_) if !cell.contains('\t') => None,
        shown @ (Cow::Borrowed(_) | Cow::Owned(_)) => {
            Some(String::from_utf8_lossy(&shown).replace('\t', " "))
        }
    };
    shown.map_or(cell, Cow::Owned)
}

/// What Python counts as false.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Boolean(false) | Value::Integer(0) => true,
        Value::Float(number) => *number == 0.0,
        Value::Text(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(elements) => elements.is_empty(),
        Value::Map(members) => members.is_empty(),
        Value::Boolean(true) | Value::Integer(_) | Value::Timestamp(_) => false,
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Map(_))
}

#[cfg(test)]
mod tests;
