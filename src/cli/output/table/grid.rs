//! Draws sections: widths, borders, what does not fit.
//!
//! The arithmetic is AWS's, oddities included: a line may come out longer than the box where a cell
//! does not fit its column.

use std::borrow::Cow;
use std::iter;

use super::{fit, width};
use crate::cli::output::format::{Fit, RenderFailed};

/// Blanks that each cell has beside its text.
const PADDING: usize = 4;

/// A column in which less than this is left of a cell is hard to read.
const NARROW: usize = 10;

/// The cells of a row.
pub(super) type Row<'a> = Vec<Cow<'a, str>>;

/// A titled box within another.
pub(super) struct Section<'a> {
    title: Option<&'a str>,
    indent: usize,
    header: Vec<&'a str>,
    /// What of the header's cells did not fit into its first line.
    header_below: Vec<Row<'a>>,
    rows: Vec<Row<'a>>,
    /// The widest cell of each column.
    widths: Vec<usize>,
    /// How many cells a row has, once that is known.
    columns: Option<usize>,
}

impl<'a> Section<'a> {
    /// An empty section, so many boxes deep.
    pub(super) fn new(title: Option<&'a str>, indent: usize) -> Self {
        let (header, rows, widths) = (Vec::new(), Vec::new(), Vec::new());
        Self { title, indent, header, header_below: Vec::new(), rows, widths, columns: None }
    }

    /// Names the columns.
    pub(super) fn set_header(&mut self, names: Vec<&'a str>) -> Result<(), RenderFailed> {
        self.widen(&names)?;
        self.columns.get_or_insert(names.len());
        self.header = names;
        Ok(())
    }

    /// Adds a row; all rows and the header have as many cells as the first of them.
    pub(super) fn add_row(&mut self, cells: Row<'a>) -> Result<(), RenderFailed> {
        let expected = *self.columns.get_or_insert(cells.len());
        if cells.len() != expected {
            return Err(RenderFailed::RowLength { expected, found: cells.len() });
        }
        self.widen(&cells)?;
        self.rows.push(cells);
        Ok(())
    }

    fn widen<T: AsRef<str>>(&mut self, cells: &[T]) -> Result<(), RenderFailed> {
        if self.widths.is_empty() {
            self.widths = cells.iter().map(|cell| width::of(cell.as_ref())).collect();
        }
        let expected = self.widths.len();
        if cells.len() > expected {
            return Err(RenderFailed::RowLength { expected, found: cells.len() });
        }
        for (known, cell) in self.widths.iter_mut().zip(cells) {
            *known = (*known).max(width::of(cell.as_ref()));
        }
        Ok(())
    }

    /// Turns a section of one row: each name beside its cell.
    fn turn(&mut self) {
        if self.rows.len() != 1 || self.header.is_empty() {
            return;
        }
        let cells = self.rows.pop().unwrap_or_default();
        let pairs = std::mem::take(&mut self.header).into_iter().zip(cells);
        self.rows = pairs.map(|(name, cell)| vec![Cow::Borrowed(name), cell]).collect();
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| width::of(cell)).max().unwrap_or(0)
        };
        self.widths = vec![widest(0), widest(1)];
        self.columns = Some(2);
    }

    /// Makes it so narrow that no line is longer than the terminal's: cells go over several lines, or,
    /// where little would be left of each, every row becomes a section of its own, turned.
    fn fitted(mut self, terminal_width: usize) -> Vec<Self> {
        let edges = 2 + 2 * self.indent;
        let room = |columns: usize| terminal_width.saturating_sub(edges + columns * PADDING);
        let narrowed = fit::narrowed(&self.widths, room(self.widths.len()));
        let is_cut = |(new, old): (&usize, &usize)| new < old && *new < NARROW;
        let rows = std::mem::take(&mut self.rows);
        if rows.len() > 1
            && !self.header.is_empty()
            && narrowed.iter().zip(&self.widths).any(is_cut)
        {
            let alone = rows.into_iter().map(|row| {
                let mut alone = Self::new(self.title, self.indent);
                alone.header.clone_from(&self.header);
                alone.rows = vec![row];
                alone.turn();
                alone
            });
            return alone.flat_map(|section| section.fitted(terminal_width)).collect();
        }
        let header: Row<'a> = self.header.iter().map(|name| Cow::Borrowed(*name)).collect();
        let mut header = wrapped(&header, &narrowed).into_iter();
        let first = header.next().unwrap_or_default();
        let name = |cell| if let Cow::Borrowed(name) = cell { name } else { "" };
        self.header = first.into_iter().map(name).collect();
        self.header_below = header.collect();
        self.rows = rows.iter().flat_map(|row| wrapped(row, &narrowed)).collect();
        self.widths = narrowed;
        vec![self]
    }

    /// The width that the section asks the outermost box to have.
    fn total_width(&self) -> usize {
        // If there is no title, AWS measures the word `None`.
        let title = width::of(self.title.unwrap_or("None"));
        let cells: usize = self.widths.iter().map(|width| width + PADDING).sum();
        title.max(cells) + 2 + 2 * self.indent
    }

    /// Spreads the columns over a width; what rounding leaves over goes to the last, and what it
    /// takes too much comes off the first.
    fn column_widths(&self, available: usize) -> Vec<usize> {
        let wanted: Vec<usize> = self.widths.iter().map(|width| width + PADDING).collect();
        let scale = float(available) / float(wanted.iter().sum());
        let mut spread: Vec<usize> =
            wanted.iter().map(|width| whole((scale * float(*width)).round_ties_even())).collect();
        if spread.is_empty() {
            return spread;
        }
        let count = spread.len();
        for column in (0..count).cycle() {
            let total: usize = spread.iter().sum();
            let (column, change): (usize, fn(usize) -> usize) = match total.cmp(&available) {
                std::cmp::Ordering::Equal => break,
                std::cmp::Ordering::Greater => (column, |width| width.saturating_sub(1)),
                std::cmp::Ordering::Less => (count - 1 - column, |width| width + 1),
            };
            if let Some(width) = spread.get_mut(column) {
                *width = change(*width);
            }
        }
        spread
    }
}

/// Cuts the cells of a row; what fits into its first line is the first row, and what is left is below.
fn wrapped<'a>(row: &Row<'a>, widths: &[usize]) -> Vec<Row<'a>> {
    let cells: Vec<Vec<Cow<'a, str>>> =
        row.iter().zip(widths).map(|(cell, width)| fit::wrapped(cell, *width)).collect();
    let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
    let line =
        |line: usize| cells.iter().map(move |cell| cell.get(line).cloned().unwrap_or_default());
    (0..lines).map(|number| line(number).collect()).collect()
}

/// Draws sections below each other, all as wide as the widest; rows are turned if that is too wide.
pub(super) fn draw(
    mut sections: Vec<Section<'_>>,
    (terminal_width, fit): (usize, Fit),
    out: &mut Vec<u8>,
) {
    let widest =
        |sections: &[Section<'_>]| sections.iter().map(Section::total_width).max().unwrap_or(0);
    let mut total = widest(&sections);
    if total > terminal_width {
        sections.iter_mut().for_each(Section::turn);
        total = widest(&sections);
    }
    if total > terminal_width && fit == Fit::Terminal {
        sections =
            sections.into_iter().flat_map(|section| section.fitted(terminal_width)).collect();
        total = widest(&sections);
    }
    repeat(b'-', total, out);
    out.push(b'\n');
    for section in &sections {
        let width = total - 2 * section.indent;
        let mut pen = Pen { indent: section.indent, out };
        pen.title(section, width);
        let widths = section.column_widths(width);
        if !section.header.is_empty() {
            pen.rule(&widths);
            pen.cells(&widths, &section.header, center);
            for line in &section.header_below {
                pen.cells(&widths, line, center);
            }
        }
        if !section.rows.is_empty() && !widths.is_empty() {
            pen.rule(&widths);
            for row in &section.rows {
                pen.cells(&widths, row, align_left);
            }
            pen.rule(&widths);
        }
    }
}

/// Writes lines between the edges of the boxes around.
struct Pen<'o> {
    indent: usize,
    out: &'o mut Vec<u8>,
}

impl Pen<'_> {
    fn title(&mut self, section: &Section<'_>, width: usize) {
        let Some(title) = section.title.filter(|title| !title.is_empty()) else { return };
        self.line(|out| center(title, width, "|", out));
        if section.header.is_empty() && section.rows.is_empty() {
            self.line(|out| {
                out.push(b'+');
                repeat(b'-', width.saturating_sub(2), out);
                out.push(b'+');
            });
        }
    }

    fn rule(&mut self, widths: &[usize]) {
        self.line(|out| {
            for (index, width) in widths.iter().enumerate() {
                if index == 0 {
                    out.push(b'+');
                }
                repeat(b'-', width.saturating_sub(if index == 0 { 2 } else { 1 }), out);
                out.push(b'+');
            }
        });
    }

    fn cells<T: AsRef<str>>(
        &mut self,
        widths: &[usize],
        cells: &[T],
        place: fn(&str, usize, &str, &mut Vec<u8>),
    ) {
        self.line(|out| {
            // Only the first cell has a left edge of its own.
            let edges = iter::once("|").chain(iter::repeat(""));
            for ((cell, width), edge) in cells.iter().zip(widths).zip(edges) {
                place(cell.as_ref(), *width, edge, out);
            }
        });
    }

    fn line(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        repeat(b'|', self.indent, self.out);
        fill(self.out);
        repeat(b'|', self.indent, self.out);
        self.out.push(b'\n');
    }
}

fn center(text: &str, width: usize, left_edge: &str, out: &mut Vec<u8>) {
    let text_width = width::of(text);
    out.extend_from_slice(left_edge.as_bytes());
    let before = (width / 2).checked_sub(text_width / 2 + 1);
    repeat(b' ', before.unwrap_or(0), out);
    out.extend_from_slice(text.as_bytes());
    // The space after it counts the blanks before it even if there was no room for them.
    let missing = (text_width / 2 + 1).saturating_sub(width / 2);
    let taken = left_edge.len() + before.unwrap_or(0) + text_width + 1;
    repeat(b' ', (width + missing).saturating_sub(taken), out);
    out.push(b'|');
}

fn align_left(text: &str, width: usize, left_edge: &str, out: &mut Vec<u8>) {
    let text_width = width::of(text);
    let edges = left_edge.len() + 1;
    let padding = if width >= text_width + 2 + edges { 2 } else { 0 };
    out.extend_from_slice(left_edge.as_bytes());
    repeat(b' ', padding, out);
    out.extend_from_slice(text.as_bytes());
    repeat(b' ', width.saturating_sub(edges + padding + text_width), out);
    out.push(b'|');
}

fn repeat(byte: u8, times: usize, out: &mut Vec<u8>) {
    out.resize(out.len().saturating_add(times), byte);
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "widths are far below 2^53")]
fn float(width: usize) -> f64 {
    width as f64
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rounded share of a width: whole, not negative, and no larger than it"
)]
fn whole(width: f64) -> usize {
    width as usize
}
