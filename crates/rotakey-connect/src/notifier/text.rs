//! Texts that fit.

/// The beginning of a text, in at most so many characters, with a mark if something is missing. An entity (`&lt;`) is
/// kept whole.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut beginning: String = text.chars().take(most.saturating_sub(1)).collect();
    if let Some(entity) = beginning.rfind('&')
        && !beginning[entity..].contains(';')
    {
        beginning.truncate(entity);
    }
    beginning.push('…');
    beginning
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_entities() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüx", 3), "äö…");
        assert_eq!(cut("a&lt;b", 4), "a…");
        assert_eq!(cut("&amp;&lt;b", 8), "&amp;…");
        assert_eq!(cut("a & b; c", 7), "a & b;…");
    }
}
