//! Texts with placeholders in braces, as all templates are written.

/// One part of such a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// Text that stands for itself. Never empty, and never followed by another one.
    Text(String),
    /// What stands between two braces.
    Placeholder(&'t str),
}

/// A brace without its other half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoneBrace;

/// The parts of a text, in order. `{{` and `}}` are a single brace each.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, LoneBrace> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(brace) = rest.find(['{', '}']) {
        literal.push_str(&rest[..brace]);
        let (found, tail) = rest[brace..].split_at(1);
        if let Some(tail) = tail.strip_prefix(found) {
            literal.push_str(found);
            rest = tail;
            continue;
        }
        let inside = if found == "{" { tail.split_once('}') } else { None };
        let (name, tail) = inside.ok_or(LoneBrace)?;
        if !literal.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Placeholder(name));
        rest = tail;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Ok(pieces)
}

/// The text with every brace written twice, so that it stands for itself.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
