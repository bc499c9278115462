//! The paths that a file names within its crate, each as a whole, from the root.

use std::collections::BTreeMap;

use super::source::Token;

/// A path that begins at the crate, and the line it begins on.
pub(super) struct Named {
    pub(super) line: usize,
    /// Its names; empty for the crate itself.
    pub(super) path: Vec<String>,
}

/// Finds the paths in a file that is this module.
pub(super) fn named(tokens: &[Token], module: &[String]) -> Vec<Named> {
    let mut reader = Reader { tokens, known: BTreeMap::new(), out: Vec::new() };
    // An import may stand below what uses it.
    reader.read(module);
    reader.out.clear();
    reader.read(module);
    reader.out
}

struct Reader<'t> {
    tokens: &'t [Token],
    /// What a first name leads to: a child, or what was imported.
    known: BTreeMap<String, Vec<String>>,
    out: Vec<Named>,
}

impl<'t> Reader<'t> {
    fn text(&self, index: usize) -> &'t str {
        self.tokens.get(index).map_or("", |token| token.text.as_str())
    }

    fn read(&mut self, file: &[String]) {
        let mut module = file.to_vec();
        let mut depth = 0_usize;
        // The braces in which the inline modules around this token were opened.
        let mut inline = Vec::new();
        let mut imported_until = 0;
        for index in 0..self.tokens.len() {
            match self.text(index) {
                "mod" if self.text(index + 2) == ";" => {
                    let child = self.text(index + 1).to_owned();
                    let path = [&module[..], std::slice::from_ref(&child)].concat();
                    self.known.insert(child, path);
                }
                "{" => {
                    depth += 1;
                    if index >= 2 && self.text(index - 2) == "mod" {
                        inline.push(depth);
                        module.push(self.text(index - 1).to_owned());
                    }
                }
                "}" => {
                    if inline.pop_if(|opened| *opened == depth).is_some() {
                        module.pop();
                    }
                    depth = depth.saturating_sub(1);
                }
                // Not the captures of `impl Trait + use<'a>`.
                "use" if self.text(index + 1) != "<" => {
                    let line = self.tokens[index].line;
                    imported_until = self.import(index + 1, &module, None, line);
                }
                _ if index >= imported_until && self.begins_path(index) => {
                    if let Some(start) = self.start(index, &module) {
                        self.follow(index, start);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether a path begins here, other than one that says who may look.
    fn begins_path(&self, index: usize) -> bool {
        let before = |count| index.checked_sub(count).map_or("", |index| self.text(index));
        let is_visibility = before(1) == "in" && before(2) == "(" && before(3) == "pub";
        before(1) != "::" && !is_visibility && self.text(index + 1) == "::"
    }

    /// Where the first name of a path leads, if it is in this crate.
    fn start(&self, index: usize, module: &[String]) -> Option<Vec<String>> {
        match self.text(index) {
            "crate" => Some(Vec::new()),
            "self" => Some(module.to_vec()),
            "super" => Some(module[..module.len().saturating_sub(1)].to_vec()),
            name => self.known.get(name).cloned(),
        }
    }

    /// Follows a path that is no import.
    fn follow(&mut self, mut index: usize, mut path: Vec<String>) {
        let line = self.tokens[index].line;
        while self.text(index + 1) == "::" && !["<", ""].contains(&self.text(index + 2)) {
            index += 2;
            step(&mut path, self.text(index));
        }
        let is_macro = self.text(index + 1) == "!";
        if !(is_macro && path.len() == 1) {
            self.out.push(Named { line, path });
        }
    }

    /// Reads a path of `use`, and each of its branches where it ends in braces; returns where it
    /// ended.
    fn import(
        &mut self,
        mut index: usize,
        module: &[String],
        above: Option<Vec<String>>,
        line: usize,
    ) -> usize {
        let line = self.tokens.get(index).map_or(line, |token| token.line);
        // In a macro it is `$crate`.
        index += usize::from(self.text(index) == "$");
        let mut path = above;
        loop {
            let name = self.text(index);
            if name == "{" {
                index += 1;
                while !["}", ";", ""].contains(&self.text(index)) {
                    index = self.import(index, module, path.clone(), line);
                    index += usize::from(self.text(index) == ",");
                }
                return index + 1;
            }
            let reached = match path {
                Some(mut above) => {
                    step(&mut above, name);
                    above
                }
                None => match self.start(index, module) {
                    Some(first) => first,
                    None => break,
                },
            };
            path = Some(reached);
            index += 1;
            if self.text(index) != "::" {
                return self.imported(index, path.unwrap_or_default(), line);
            }
            index += 1;
        }
        // Of another crate.
        while ![",", "}", ";", ""].contains(&self.text(index)) {
            index = if self.text(index) == "{" { self.group_end(index) } else { index + 1 };
        }
        index
    }

    /// Notes what was imported, under its new name if it has one; returns where the import ended.
    fn imported(&mut self, index: usize, path: Vec<String>, line: usize) -> usize {
        let is_renamed = self.text(index) == "as";
        let name =
            if is_renamed { Some(self.text(index + 1)) } else { path.last().map(String::as_str) };
        if let Some(name) = name {
            self.known.insert(name.to_owned(), path.clone());
        }
        self.out.push(Named { line, path });
        index + if is_renamed { 2 } else { 0 }
    }

    fn group_end(&self, start: usize) -> usize {
        let mut depth = 0_usize;
        for index in start..self.tokens.len() {
            match self.text(index) {
                "{" => depth += 1,
                "}" if depth == 1 => return index + 1,
                "}" => depth -= 1,
                _ => {}
            }
        }
        self.tokens.len()
    }
}

/// Goes on by one name.
fn step(path: &mut Vec<String>, name: &str) {
    match name {
        "self" => {}
        "super" => drop(path.pop()),
        _ => path.push(name.to_owned()),
    }
}
