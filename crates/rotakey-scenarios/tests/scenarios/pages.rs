//! Pages, in a form that can be compared.

/// The sizes of the pages of a listing, such as `2+2+1`: follows the markers until there is none.
///
/// `page` takes a marker and gives the number of items on the page and the next marker.
pub(crate) async fn sizes(mut page: impl AsyncFnMut(Option<String>) -> (usize, Option<String>)) -> String {
    let mut sizes = Vec::new();
    let mut marker = None;
    loop {
        let (size, next) = page(marker).await;
        sizes.push(size.to_string());
        assert!(sizes.len() <= 100, "the pages do not end");
        match next {
            Some(next) => marker = Some(next),
            None => return sizes.join("+"),
        }
    }
}
