//! XML documents, kept flat: one text and a list of elements, since most programs write an element for
//! each word. No document type, no entities but XML's own five, no text between elements.

use std::ops::Range;

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::reading::Error;
use crate::sys::secret::Secret;

/// How many elements may stand within each other; more is no export.
const MAX_DEPTH: usize = 128;

/// How many names elements may have; more is no export either, and each is compared with all.
const MAX_NAMES: usize = 1024;

/// A document that was read.
pub(crate) struct Document {
    /// The texts of all elements and attributes.
    text: Secret<String>,
    /// The names of elements, each once.
    names: Vec<String>,
    /// In the order of their beginnings; the first is the root.
    elements: Vec<Node>,
    attributes: Vec<Attribute>,
}

struct Node {
    /// Its place among the names.
    name: u32,
    /// Where it begins, from 1.
    line: u32,
    /// The place of the first element behind all that are within it.
    end: u32,
    text: Range<u32>,
    attributes: Range<u32>,
}

struct Attribute {
    name: String,
    value: Range<u32>,
}

/// An element of a document.
#[derive(Clone, Copy)]
pub(crate) struct Element<'d> {
    document: &'d Document,
    node: &'d Node,
    place: u32,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// What is no XML, by its line, and what no export has: a document type, entities, text between
    /// elements.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        let mut building = Building::of(text)?;
        let mut reader = Reader::from_str(text);
        loop {
            let event = reader.read_event();
            let position = match &event {
                Ok(_) => reader.buffer_position(),
                Err(_) => reader.error_position(),
            };
            building.pass(usize::try_from(position).unwrap_or(usize::MAX));
            // Its own message may quote what it found.
            let event = event.map_err(|_quoting| building.wrong("is no XML from here on"))?;
            match event {
                Event::Start(start) => building.begin(&start)?,
                Event::Empty(start) => {
                    building.begin(&start)?;
                    building.end()?;
                }
                Event::End(_) => building.end()?,
                Event::Text(text) => building.add(&text.xml10_content())?,
                Event::CData(text) => building.add(&text.xml10_content())?,
                Event::GeneralRef(reference) => building.refer(&reference)?,
                Event::DocType(_) => {
                    return Err(building.wrong("has a document type, which no export needs"));
                }
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof => return building.finish(),
            }
        }
    }

    /// Returns the element that all others are in.
    pub(crate) fn root(&self) -> Option<Element<'_>> {
        self.element(0)
    }

    fn element(&self, place: u32) -> Option<Element<'_>> {
        let node = self.elements.get(index(place))?;
        Some(Element { document: self, node, place })
    }

    fn slice(&self, range: &Range<u32>) -> &str {
        self.text.expose().get(index(range.start)..index(range.end)).unwrap_or_default()
    }
}

impl<'d> Element<'d> {
    /// Returns its name, with the prefix if it has one.
    pub(crate) fn name(self) -> &'d str {
        self.document.names.get(index(self.node.name)).map_or("", String::as_str)
    }

    /// Returns the line that it begins on.
    pub(crate) fn line(self) -> u32 {
        self.node.line
    }

    /// Returns its text; one that has elements has none.
    pub(crate) fn text(self) -> &'d str {
        self.document.slice(&self.node.text)
    }

    /// Returns an attribute's value.
    pub(crate) fn attribute(self, name: &str) -> Option<&'d str> {
        self.attributes().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Returns its attributes, name and value.
    pub(crate) fn attributes(self) -> impl Iterator<Item = (&'d str, &'d str)> {
        let range = index(self.node.attributes.start)..index(self.node.attributes.end);
        let attributes = self.document.attributes.get(range).unwrap_or_default();
        attributes
            .iter()
            .map(move |attribute| (attribute.name.as_str(), self.document.slice(&attribute.value)))
    }

    /// Returns the elements that are directly within it.
    pub(crate) fn children(self) -> impl Iterator<Item = Element<'d>> {
        let mut place = self.place.saturating_add(1);
        std::iter::from_fn(move || {
            let child = self.document.element(place).filter(|_| place < self.node.end)?;
            place = child.node.end;
            Some(child)
        })
    }

    /// Returns those of one name.
    pub(crate) fn all(self, name: &'static str) -> impl Iterator<Item = Element<'d>> {
        self.children().filter(move |child| child.name() == name)
    }

    /// Returns the first of a name.
    pub(crate) fn child(self, name: &'static str) -> Option<Element<'d>> {
        self.all(name).next()
    }

    /// Returns the text of the first of a name; empty where there is none.
    pub(crate) fn text_of(self, name: &'static str) -> &'d str {
        self.child(name).map_or("", Element::text)
    }
}

/// A document that is being read.
struct Building<'t> {
    source: &'t [u8],
    /// How far the source was read, and the line that this is on.
    position: usize,
    line: u32,
    document: Document,
    /// The elements that have not ended, by their places.
    open: Vec<u32>,
    /// Where the text of the innermost begins.
    from: usize,
}

impl<'t> Building<'t> {
    fn of(text: &'t str) -> Result<Self, Error> {
        if u32::try_from(text.len()).is_err() {
            return Err(Error::TooMuch("the document has more than 4 GiB".to_owned()));
        }
        Ok(Self {
            source: text.as_bytes(),
            position: 0,
            line: 1,
            document: Document {
                text: Secret::new(String::with_capacity(text.len() / 2)),
                names: Vec::new(),
                elements: Vec::new(),
                attributes: Vec::new(),
            },
            open: Vec::new(),
            from: 0,
        })
    }

    /// Counts the lines up to a position.
    fn pass(&mut self, position: usize) {
        let position = position.min(self.source.len());
        let passed = self.source.get(self.position..position).unwrap_or_default();
        for _end in passed.iter().filter(|byte| **byte == b'\n') {
            self.line = self.line.saturating_add(1);
        }
        self.position = position.max(self.position);
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), Error> {
        if self.open.len() >= MAX_DEPTH {
            let what = format!("elements within each other, more than {MAX_DEPTH}");
            return Err(self.wrong(what));
        }
        if self.open.is_empty() && !self.document.elements.is_empty() {
            return Err(self.wrong("has a second root"));
        }
        self.refuse_mixture()?;
        let first = self.document.attributes.len();
        for attribute in start.attributes() {
            let broken = "has an attribute that is none";
            let attribute = attribute.map_err(|_quoting| self.wrong(broken))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|_quoting| self.wrong(broken))?;
            let value = self.keep(&value);
            let name = AsRef::<str>::as_ref(&attribute.key).to_owned();
            self.document.attributes.push(Attribute { name, value });
        }
        self.from = self.document.text.expose().len();
        let name = self.name(AsRef::<str>::as_ref(&start.name()))?;
        let attributes = place(first)..place(self.document.attributes.len());
        self.open.push(place(self.document.elements.len()));
        let node = Node { name, line: self.line, end: u32::MAX, text: 0..0, attributes };
        self.document.elements.push(node);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        let count = place(self.document.elements.len());
        let end = self.document.text.expose().len();
        let Some(open) = self.open.pop() else { return Err(self.wrong("ends what did not begin")) };
        let is_leaf = open.checked_add(1) == Some(count);
        if !is_leaf {
            self.refuse_mixture()?;
        }
        let from = self.from;
        if let Some(node) = self.document.elements.get_mut(index(open)) {
            node.end = count;
            if is_leaf {
                node.text = place(from)..place(end);
            }
        }
        self.from = self.document.text.expose().len();
        Ok(())
    }

    /// Forgets the space between elements, and refuses anything else there: it would be lost.
    fn refuse_mixture(&mut self) -> Result<(), Error> {
        let between = self.document.text.expose().get(self.from..).unwrap_or_default();
        if !between.trim().is_empty() {
            return Err(self.wrong("has text between elements"));
        }
        self.document.text.expose_mut().truncate(self.from);
        Ok(())
    }

    fn add(&mut self, text: &str) -> Result<(), Error> {
        if self.open.is_empty() && !text.trim().is_empty() {
            return Err(self.wrong("has text outside of the root"));
        }
        if !self.open.is_empty() {
            self.document.text.expose_mut().push_str(text);
        }
        Ok(())
    }

    /// Adds what a reference stands for.
    fn refer(&mut self, reference: &BytesRef<'_>) -> Result<(), Error> {
        let number = reference.resolve_char_ref();
        let number = number.map_err(|_quoting| self.wrong("refers to no character"))?;
        if let Some(character) = number {
            return self.add(character.encode_utf8(&mut [0; 4]));
        }
        match resolve_xml_entity(reference) {
            Some(text) => self.add(text),
            None => Err(self.wrong("refers to an entity that XML does not have")),
        }
    }

    fn finish(self) -> Result<Document, Error> {
        if !self.open.is_empty() || self.document.elements.is_empty() {
            return Err(self.wrong("ends too early"));
        }
        Ok(self.document)
    }

    fn keep(&mut self, text: &str) -> Range<u32> {
        let from = self.document.text.expose().len();
        self.document.text.expose_mut().push_str(text);
        place(from)..place(self.document.text.expose().len())
    }

    fn name(&mut self, name: &str) -> Result<u32, Error> {
        let count = self.document.names.len();
        let known = self.document.names.iter().position(|known| known == name);
        if known.is_none() {
            if count >= MAX_NAMES {
                return Err(self.wrong(format!("has names of elements, more than {MAX_NAMES}")));
            }
            self.document.names.push(name.to_owned());
        }
        Ok(place(known.unwrap_or(count)))
    }

    fn wrong(&self, what: impl Into<String>) -> Error {
        Error::malformed(format_args!("line {}", self.line), what)
    }
}

/// Sizes fit: the source is no larger than that.
fn place(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Document::read(text).err().unwrap().to_string()
    }

    #[test]
    fn elements_have_names_texts_attributes_and_children() {
        let text = "<?xml version=\"1.0\"?>\n<a x='1 &amp; \"2\"'>\n  <b>one</b><c/>\n\
                    <!-- no --><b> &lt;t&#119;o&gt;\r\n<![CDATA[<&amp;>]]></b></a>\n";
        let document = Document::read(text).ok().unwrap();
        let root = document.root().unwrap();
        assert_eq!((root.name(), root.text(), root.line()), ("a", "", 2));
        assert_eq!(root.attribute("x"), Some("1 & \"2\""));
        assert_eq!(root.attribute("y"), None);
        let texts: Vec<&str> = root.all("b").map(Element::text).collect();
        assert_eq!(texts, ["one", " <two>\n<&amp;>"]);
        let names: Vec<&str> = root.children().map(Element::name).collect();
        assert_eq!(names, ["b", "c", "b"]);
        assert_eq!(root.child("c").unwrap().children().count(), 0);
        assert_eq!(root.text_of("b"), "one");
        assert_eq!(root.text_of("z"), "");
    }

    #[test]
    fn what_would_be_lost_or_looked_up_is_refused() {
        for (text, what) in [
            ("<!DOCTYPE a>\n<a/>", "line 1: has a document type, which no export needs"),
            (
                "<!DOCTYPE a [<!ENTITY x \"hunter2\">]><a>&x;</a>",
                "line 1: has a document type, which no export needs",
            ),
            ("<a>\n&x;</a>", "line 2: refers to an entity that XML does not have"),
            ("<a>&#xD800;</a>", "line 1: refers to no character"),
            ("<a>\nhunter2<b/></a>", "line 2: has text between elements"),
            ("<a><b/>\nhunter2</a>", "line 2: has text between elements"),
            ("<a/>hunter2", "line 1: has text outside of the root"),
            ("<a/><b/>", "line 1: has a second root"),
            ("<a>\n<b></a>", "line 2: is no XML from here on"),
            ("<a><b>", "line 1: ends too early"),
            ("", "line 1: ends too early"),
            ("<a>\n<b x=1/></a>", "line 2: has an attribute that is none"),
        ] {
            assert_eq!(error(text), what, "{text}");
        }
        let names: Vec<String> = (0..=MAX_NAMES).map(|name| format!("<a{name}/>")).collect();
        assert_eq!(
            error(&format!("<a>{}", names.concat())),
            "line 1: has names of elements, more than 1024"
        );
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        assert_eq!(error(&deep), "line 1: elements within each other, more than 128");
        let deep = ["<a>".repeat(MAX_DEPTH), "</a>".repeat(MAX_DEPTH)].concat();
        assert!(Document::read(&deep).is_ok());
    }
}
