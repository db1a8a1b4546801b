//! The names of files in a baseline.

use std::borrow::Cow;

/// A path as a baseline has it: relative to the folder that the baseline is for, with `/` between its parts and no `.` among
/// them. A path outside that folder stays absolute.
///
/// Backslashes become slashes, as detect-secrets reads them on every system but Windows.
pub fn normal<'p>(path: &'p str, root: Option<&str>) -> Cow<'p, str> {
    let path = if path.contains('\\') { Cow::Owned(path.replace('\\', "/")) } else { Cow::Borrowed(path) };
    let path = match root.and_then(|root| below(&path, root)) {
        Some(relative) => Cow::Owned(relative),
        None => path,
    };
    let plain = |path: &str| {
        let absolute = path.starts_with('/');
        let mut parts = path.split('/').skip(usize::from(absolute));
        parts.all(|part| !part.is_empty() && part != ".")
    };
    if plain(&path) {
        return path;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let start = if path.starts_with('/') { "/" } else { "" };
    Cow::Owned(format!("{start}{}", parts.join("/")))
}

/// What follows the root in an absolute path.
fn below(path: &str, root: &str) -> Option<String> {
    let root = root.replace('\\', "/");
    let rest = path.strip_prefix(root.trim_end_matches('/'))?.strip_prefix('/')?;
    Some(rest.trim_start_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_write_a_path_are_one() {
        for path in [
            "src/a.py",
            "./src/a.py",
            "src//./a.py",
            "src\\a.py",
            ".\\src\\a.py",
            "/repo/src/a.py",
            "/repo//src/a.py",
        ] {
            assert_eq!(normal(path, Some("/repo/")), "src/a.py", "{path}");
        }
        assert_eq!(normal("C:\\repo\\src\\a.py", Some("C:\\repo")), "src/a.py");
    }

    #[test]
    fn what_is_elsewhere_keeps_its_name() {
        assert_eq!(normal("/repository/a", Some("/repo")), "/repository/a");
        assert_eq!(normal("/other/./a", Some("/repo")), "/other/a");
        assert_eq!(normal("../a", None), "../a");
        assert_eq!(normal("a.zip!b/c", None), "a.zip!b/c");
        assert_eq!(normal("", None), "");
    }
}
