//! Writing XML, as much as the answers of AWS need.

use std::collections::BTreeMap;

use crate::api::Tree;

/// A document in the making.
#[derive(Debug)]
pub(super) struct Xml {
    text: String,
    /// The name of the elements that the items of a list become.
    item: &'static str,
}

impl Xml {
    /// An empty document, in which the items of lists are elements of the name `item`.
    pub(super) fn new(item: &'static str) -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), item }
    }

    /// A document whose root is in a namespace; `content` writes what is in it.
    pub(super) fn root(mut self, name: &str, namespace: &str, content: impl FnOnce(&mut Self)) -> String {
        self.text.push_str(&format!("<{name} xmlns=\"{namespace}\">"));
        content(&mut self);
        self.text.push_str(&format!("</{name}>"));
        self.text
    }

    /// A document whose root is in no namespace.
    pub(super) fn bare(mut self, name: &str, content: impl FnOnce(&mut Self)) -> String {
        self.element(name, content);
        self.text
    }

    /// An element; `content` writes what is in it.
    pub(super) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.text.push_str(&format!("<{name}>"));
        content(self);
        self.text.push_str(&format!("</{name}>"));
    }

    /// An element that holds text.
    pub(super) fn leaf(&mut self, name: &str, text: &str) {
        self.element(name, |xml| escape_into(&mut xml.text, text));
    }

    /// An element that holds a value.
    pub(super) fn value(&mut self, name: &str, value: &Tree) {
        match value {
            Tree::Text(text) => self.leaf(name, text),
            Tree::Integer(number) => self.leaf(name, &number.to_string()),
            Tree::Boolean(truth) => self.leaf(name, &truth.to_string()),
            Tree::Time(at) => self.leaf(name, &at.to_string()),
            Tree::List(items) => self.element(name, |xml| {
                for item in items {
                    xml.value(xml.item, item);
                }
            }),
            Tree::Map(members) => self.element(name, |xml| xml.members(members)),
            Tree::Dictionary(entries) => self.element(name, |xml| {
                for (key, value) in entries {
                    xml.element("entry", |xml| {
                        xml.leaf("key", key);
                        xml.value("value", value);
                    });
                }
            }),
        }
    }

    /// One element for each member.
    pub(super) fn members(&mut self, members: &BTreeMap<String, Tree>) {
        for (name, value) in members {
            self.value(name, value);
        }
    }
}

fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A bare carriage return would be read back as a line feed.
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => out.push(character),
            // XML 1.0 has no way to carry the rest.
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_its_element() {
        let mut xml = Xml::new("member");
        xml.leaf("Name", "</Name>&\"\r\n\u{0}é\u{1f511}");
        assert!(
            xml.text.ends_with("<Name>&lt;/Name&gt;&amp;&quot;&#xD;\n\u{fffd}é\u{1f511}</Name>"),
            "{}",
            xml.text
        );
    }

    #[test]
    fn lists_structures_and_dictionaries_are_written_as_the_query_protocol_wants_them() {
        let at = "2026-11-23T10:00:00Z".parse().unwrap();
        let key = Tree::map([("Status", "Active".into()), ("CreateDate", Tree::Time(at))]);
        let mut xml = Xml::new("member");
        xml.value("Keys", &Tree::List(vec![key]));
        xml.value("SummaryMap", &Tree::Dictionary(BTreeMap::from([("Users".to_owned(), Tree::Integer(4))])));
        xml.value("IsTruncated", &Tree::Boolean(false));
        assert!(
            xml.text.ends_with(
                "<Keys><member><CreateDate>2026-11-23T10:00:00Z</CreateDate><Status>Active</Status></member></Keys>\
                 <SummaryMap><entry><key>Users</key><value>4</value></entry></SummaryMap>\
                 <IsTruncated>false</IsTruncated>"
            ),
            "{}",
            xml.text
        );
    }
}
