//! Tables of comma-separated values (RFC 4180), as programs really write them: line ends of any kind,
//! also inside of cells, and the first row names the columns.

use csv_core::{ReadRecordResult, Reader};

use super::reading::Error;

/// The most cells of a row: more is no table of passwords.
const MAX_CELLS: usize = 4096;

/// How a quote is written within quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// As two.
    Doubled,
    /// With a backslash before it, as before a backslash.
    Escaped,
}

/// A table, taken apart.
pub(crate) struct Table {
    /// The first row, without space around the names.
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

/// A row below the first.
pub(crate) struct Row {
    /// The line of the file where it begins, from 1.
    pub(crate) line: usize,
    pub(crate) cells: Vec<String>,
}

impl Row {
    /// Returns a cell; one that is not there is empty.
    pub(crate) fn cell(&self, column: Option<usize>) -> &str {
        column.and_then(|column| self.cells.get(column)).map_or("", String::as_str)
    }
}

impl Table {
    /// Reads a table whose cells are separated by `separator`. Rows without any cell are passed over.
    ///
    /// # Errors
    /// A quoted cell that does not end, which would hide all that follows it.
    pub(crate) fn read(text: &str, separator: u8) -> Result<Self, Error> {
        Self::read_with(text, separator, Quotes::Doubled)
    }

    /// Reads one whose quotes are written as `quotes` says.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub(crate) fn read_with(text: &str, separator: u8, quotes: Quotes) -> Result<Self, Error> {
        let mut rows = rows(text, separator, quotes)?.into_iter();
        let header = rows.next().map(|row| row.cells).unwrap_or_default();
        let header = header.iter().map(|name| name.trim().to_owned()).collect();
        Ok(Self { header, rows: rows.collect() })
    }

    /// Finds a column by its name, in any case.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|header| header.eq_ignore_ascii_case(name))
    }

    /// Whether these are the columns, in any case: all of `required` and no other than `optional`.
    pub(crate) fn is_of(&self, required: &[&str], optional: &[&str]) -> bool {
        let is_known = |header: &String| {
            required.iter().chain(optional).any(|name| header.eq_ignore_ascii_case(name))
        };
        required.iter().all(|name| self.column(name).is_some()) && self.header.iter().all(is_known)
    }

    /// Refuses rows that have more cells than the header: their columns are anybody's guess, and a
    /// note that was torn apart becomes passwords.
    ///
    /// # Errors
    /// The first such row, by its line.
    pub(crate) fn require_even(&self) -> Result<(), Error> {
        self.rows.iter().try_for_each(|row| self.require_even_row(row))
    }

    /// Refuses a row that has another number of cells than the header.
    ///
    /// # Errors
    /// It has.
    pub(crate) fn require_even_row(&self, row: &Row) -> Result<(), Error> {
        let (has, wants) = (row.cells.len(), self.header.len());
        if has == wants {
            return Ok(());
        }
        let what = format!("has {has} cells where the header has {wants}");
        Err(Error::malformed(format_args!("line {}", row.line), what))
    }
}

/// Reads all rows.
fn rows(text: &str, separator: u8, quotes: Quotes) -> Result<Vec<Row>, Error> {
    check_quotes(text, separator, quotes)?;
    let mut reader = csv_core::ReaderBuilder::new();
    reader.delimiter(separator);
    if quotes == Quotes::Escaped {
        reader.double_quote(false).escape(Some(b'\\'));
    }
    let mut reader = reader.build();
    let mut rows = Vec::new();
    let mut rest = text.as_bytes();
    loop {
        let line = next_line(&reader, rest);
        match read_row(&mut reader, &mut rest, line)? {
            Some(row) if row.cells.iter().all(String::is_empty) => {}
            Some(row) => rows.push(row),
            None => return Ok(rows),
        }
    }
}

/// Says on which line the next row begins: the reader has not passed over empty lines yet.
fn next_line(reader: &Reader, rest: &[u8]) -> usize {
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let passed = ends.filter(|byte| **byte == b'\n').count();
    usize::try_from(reader.line()).unwrap_or(usize::MAX).saturating_add(passed)
}

/// Reads the next row; `None` at the end.
fn read_row(reader: &mut Reader, rest: &mut &[u8], line: usize) -> Result<Option<Row>, Error> {
    let mut bytes = vec![0; 1024];
    let mut ends = vec![0; 64];
    let (mut written, mut ended) = (0, 0);
    loop {
        let (output, cells) = (bytes.get_mut(written..), ends.get_mut(ended..));
        let (output, cells) = (output.unwrap_or_default(), cells.unwrap_or_default());
        let (result, read, wrote, cut) = reader.read_record(rest, output, cells);
        *rest = rest.get(read..).unwrap_or_default();
        written += wrote;
        ended += cut;
        match result {
            // What was handed over is the whole: nothing more comes, and the reader hears so by being
            // asked once more with nothing.
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull => bytes.resize(bytes.len().saturating_mul(2), 0),
            ReadRecordResult::OutputEndsFull if ends.len() >= MAX_CELLS => {
                let what = format!("has more than {MAX_CELLS} cells");
                return Err(Error::malformed(format_args!("line {line}"), what));
            }
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            ReadRecordResult::Record => break,
            ReadRecordResult::End => return Ok(None),
        }
    }
    let mut cells = Vec::with_capacity(ended);
    let mut from = 0;
    for end in ends.into_iter().take(ended) {
        let cell = bytes.get(from..end).unwrap_or_default();
        let cell = std::str::from_utf8(cell)
            .map_err(|_split| Error::malformed(format_args!("line {line}"), "is no text"))?;
        cells.push(cell.to_owned());
        from = end;
    }
    Ok(Some(Row { line, cells }))
}

/// Where in a cell the reading of it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Beginning,
    Bare,
    /// Within quotes that were opened on this line.
    Quoted(usize),
    /// After a backslash within them, where that means something.
    Escaping(usize),
    /// After a quote within quotes: they end, or the next one is meant as a quote.
    Ending(usize),
}

/// Refuses a quoted cell without an end: the reader would take the rest of the file for it.
fn check_quotes(text: &str, separator: u8, quotes: Quotes) -> Result<(), Error> {
    let escapes = quotes == Quotes::Escaped;
    let mut line = 1;
    let mut place = Place::Beginning;
    for byte in text.bytes() {
        place = match (place, byte) {
            (Place::Beginning, b'"') => Place::Quoted(line),
            (Place::Quoted(opened), b'"') => Place::Ending(opened),
            (Place::Quoted(opened), b'\\') if escapes => Place::Escaping(opened),
            (Place::Ending(opened), b'"') if !escapes => Place::Quoted(opened),
            (Place::Quoted(opened) | Place::Escaping(opened), _) => Place::Quoted(opened),
            (_, b'\n' | b'\r') => Place::Beginning,
            (_, byte) if byte == separator => Place::Beginning,
            _ => Place::Bare,
        };
        if byte == b'\n' {
            line += 1;
        }
    }
    match place {
        Place::Quoted(line) | Place::Escaping(line) => {
            Err(Error::malformed(format_args!("line {line}"), "a quoted cell does not end"))
        }
        Place::Beginning | Place::Bare | Place::Ending(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<(usize, Vec<String>)> {
        let table = Table::read(&format!("a,b\n{text}"), b',').ok().unwrap();
        table.rows.into_iter().map(|row| (row.line, row.cells)).collect()
    }

    #[test]
    fn cells_are_what_was_quoted() {
        assert_eq!(cells("1,2\n"), [(2, vec!["1".into(), "2".into()])]);
        assert_eq!(
            cells("1,\"2\r\n\"\"3\"\"\n\n\"\r\n4,"),
            [(2, vec!["1".into(), "2\r\n\"3\"\n\n".into()]), (6, vec!["4".into(), String::new()]),]
        );
        assert_eq!(cells("\n\r\n1,2"), [(4, vec!["1".into(), "2".into()])]);
        assert_eq!(cells("a\"b,c\0d"), [(2, vec!["a\"b".into(), "c\0d".into()])]);
        let long = "x".repeat(100_000);
        assert_eq!(cells(&format!("{long},é")), [(2, vec![long, "é".into()])]);
        assert_eq!(cells(""), []);
    }

    #[test]
    fn a_cell_without_an_end_is_refused() {
        for (text, line) in [("a,b\n1,\"2", 2), ("\"a", 1), ("a\n\"\"\"x\ny", 2), ("a\n\"x\"\"", 2)]
        {
            let error = Table::read(text, b',').err().unwrap().to_string();
            assert_eq!(error, format!("line {line}: a quoted cell does not end"), "{text}");
        }
        for text in ["a\n\"x\"\"\"\ny", "a\nb\"\"c\nd", "a\n\"\""] {
            assert!(Table::read(text, b',').is_ok(), "{text}");
        }
    }

    #[test]
    fn quotes_may_be_written_with_backslashes() {
        let read = |text: &str| Table::read_with(text, b',', Quotes::Escaped);
        let table = read("a,b\n\"1\\\"2,\",\"\\\\\"\n").ok().unwrap();
        assert_eq!(table.rows[0].cells, ["1\"2,", "\\"]);
        for text in ["a\n\"b\\\"", "a\n\"b\\"] {
            let error = read(text).err().unwrap().to_string();
            assert_eq!(error, "line 2: a quoted cell does not end");
        }
    }

    #[test]
    fn rows_of_another_length_are_refused_by_line() {
        let table = Table::read("a,b\n1,2\n\"3\n\",4,5\n", b',').ok().unwrap();
        let error = table.require_even().unwrap_err().to_string();
        assert_eq!(error, "line 3: has 3 cells where the header has 2");
    }
}
