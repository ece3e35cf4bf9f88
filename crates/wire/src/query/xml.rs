//! The XML of Query answers, written by hand: elements and text, nothing else.

use crate::tree::Tree;

/// An XML document while it is written.
#[derive(Default)]
pub(super) struct Writer {
    out: String,
}

impl Writer {
    pub(super) fn open(&mut self, name: &str) {
        self.out.extend(["<", name, ">"]);
    }

    /// Opens the outermost element, in its namespace.
    pub(super) fn open_in(&mut self, name: &str, xmlns: &str) {
        self.out.extend(["<", name, " xmlns=\""]);
        escape(xmlns, &mut self.out);
        self.out.push_str("\">");
    }

    pub(super) fn close(&mut self, name: &str) {
        self.out.extend(["</", name, ">"]);
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.open(name);
        escape(text, &mut self.out);
        self.close(name);
    }

    /// A value as an element; nothing for what is absent.
    pub(super) fn element(&mut self, name: &str, tree: &Tree) {
        match tree {
            Tree::Absent => {}
            Tree::Text(text) | Tree::Blob(text) => self.text(name, text),
            Tree::Secret(secret) => self.text(name, &secret.0),
            Tree::List(items) => self.inside(name, |out| items.iter().for_each(|item| out.element("member", item))),
            Tree::Map(entries) => self.inside(name, |out| entries.iter().for_each(|(key, item)| out.entry(key, item))),
            Tree::Struct(members) => {
                self.inside(name, |out| members.iter().for_each(|(name, member)| out.element(name, member)));
            }
            scalar => self.text(name, &scalar.text().unwrap_or_default()),
        }
    }

    fn inside(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.open(name);
        content(self);
        self.close(name);
    }

    fn entry(&mut self, key: &str, item: &Tree) {
        if *item != Tree::Absent {
            self.inside("entry", |out| {
                out.text("key", key);
                out.element("value", item);
            });
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out.into_bytes()
    }
}

/// XML 1.0 has no way to write most control characters; they become U+FFFD.
fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\n' | '\t' => out.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
}
