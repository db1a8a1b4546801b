//! Pages: opaque markers that name the last item shown, so that a list that changes between two pages
//! neither skips nor repeats what stays in it.

use data_encoding::BASE64URL_NOPAD;

/// One page of a list.
pub(crate) struct Page<T> {
    /// Its items.
    pub(crate) items: Vec<T>,
    /// The marker of the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// A marker that was not given out by this operation.
#[derive(Debug)]
pub(crate) struct ForeignMarker;

/// The page of at most `size` items behind `marker`. The items come in the order of their keys, which are
/// unique. The marker is bound to the operation: another one's is refused.
pub(crate) fn page<T>(
    operation: &str,
    items: impl IntoIterator<Item = (String, T)>,
    marker: Option<&str>,
    size: usize,
) -> Result<Page<T>, ForeignMarker> {
    let after = marker.map(|marker| open(operation, marker)).transpose()?;
    let mut rest =
        items.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).peekable();
    let mut shown = Vec::new();
    let mut last = String::new();
    while shown.len() < size
        && let Some((key, item)) = rest.next()
    {
        last = key;
        shown.push(item);
    }
    let next =
        rest.peek().is_some().then(|| BASE64URL_NOPAD.encode(format!("{operation}\n{last}").as_bytes()));
    Ok(Page { items: shown, next })
}

fn open(operation: &str, marker: &str) -> Result<String, ForeignMarker> {
    let bytes = BASE64URL_NOPAD.decode(marker.as_bytes()).map_err(|_| ForeignMarker)?;
    let text = String::from_utf8(bytes).map_err(|_| ForeignMarker)?;
    match text.split_once('\n') {
        Some((named, key)) if named == operation => Ok(key.to_owned()),
        _ => Err(ForeignMarker),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> Vec<(String, char)> {
        text.chars().map(|letter| (letter.to_string(), letter)).collect()
    }

    #[test]
    fn pages_together_are_the_list_even_if_it_changes_between_them() {
        let first = page("List", letters("abcdef"), None, 3).ok().unwrap();
        assert_eq!(first.items, ['a', 'b', 'c']);
        let second = page("List", letters("bdefg"), first.next.as_deref(), 3).ok().unwrap();
        assert_eq!(second.items, ['d', 'e', 'f']);
        let third = page("List", letters("bdefg"), second.next.as_deref(), 3).ok().unwrap();
        assert_eq!((third.items, third.next), (vec!['g'], None));
    }

    #[test]
    fn the_last_page_has_no_marker_also_when_it_is_full() {
        assert!(page("List", letters("abc"), None, 3).ok().unwrap().next.is_none());
    }

    #[test]
    fn a_marker_of_another_operation_is_refused() {
        let marker = page("ListUsers", letters("abc"), None, 1).ok().unwrap().next;
        assert!(page("ListRoles", letters("abc"), marker.as_deref(), 1).is_err());
        assert!(page("ListUsers", letters("abc"), Some("AAAA"), 1).is_err());
        assert!(page("ListUsers", letters("abc"), Some("not a marker"), 1).is_err());
    }
}
