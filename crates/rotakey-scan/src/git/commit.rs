//! Commits and annotated tags.

use std::borrow::Cow;

use super::objects::ObjectKind;
use crate::object_id::ObjectId;

/// A commit, as far as history needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its folder.
    pub tree: ObjectId,
    /// The commits before it.
    pub parents: Vec<ObjectId>,
    /// When it was made, in seconds since the beginning of 1970. 0 where the commit does not say.
    pub seconds: i64,
}

/// Who did something, and when.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// When, in seconds since the beginning of 1970. 0 where it does not say.
    pub seconds: i64,
}

/// A commit or tag is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it does not begin as a commit or a tag does")]
pub struct Damaged;

impl Commit {
    /// Reads the content of a commit. Only `tree` and `parent` must be right, as in git.
    pub fn parse(content: &[u8]) -> Result<Self, Damaged> {
        let mut lines = content.split(|byte| *byte == b'\n');
        let tree = lines.next().and_then(|line| id_after(line, b"tree ")).ok_or(Damaged)?;
        let mut parents = Vec::new();
        let mut seconds = 0;
        for line in lines {
            if let Some(parent) = id_after(line, b"parent ") {
                parents.push(parent);
            } else if line.starts_with(b"parent ") {
                return Err(Damaged);
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                seconds = when(committer);
                break;
            } else if line.is_empty() {
                break;
            }
        }
        Ok(Self { tree, parents, seconds })
    }
}

/// Who wrote a commit. Where it does not say, all is empty.
pub fn author(content: &[u8]) -> Signature {
    let mut author: Option<&[u8]> = None;
    let mut encoding: &[u8] = b"";
    // A header that goes on over several lines goes on with a space, so no line of a signature is mistaken.
    for line in content.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty()) {
        if let Some(line) = line.strip_prefix(b"author ") {
            author = author.or(Some(line));
        } else if let Some(line) = line.strip_prefix(b"encoding ") {
            encoding = line;
        }
    }
    let Some(author) = author else { return Signature::default() };
    let open = memchr::memchr(b'<', author);
    let close = memchr::memrchr(b'>', author);
    let name = &author[..open.unwrap_or(author.len())];
    let email = match (open, close) {
        (Some(open), Some(close)) if open < close => &author[open + 1..close],
        _ => b"",
    };
    let text = |bytes: &[u8]| decoded(bytes.trim_ascii(), encoding).into_owned();
    Signature { name: text(name), email: text(email), seconds: when(author) }
}

/// What an annotated tag points to.
pub fn tagged(content: &[u8]) -> Result<(ObjectId, ObjectKind), Damaged> {
    let mut lines = content.split(|byte| *byte == b'\n');
    let id = lines.next().and_then(|line| id_after(line, b"object ")).ok_or(Damaged)?;
    let kind = lines.next().and_then(|line| line.strip_prefix(b"type ")).and_then(ObjectKind::from_name);
    Ok((id, kind.ok_or(Damaged)?))
}

fn id_after(line: &[u8], prefix: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(line.strip_prefix(prefix)?)
}

/// The seconds behind the last `>`.
fn when(signature: &[u8]) -> i64 {
    let behind = memchr::memrchr(b'>', signature).map_or(signature, |close| &signature[close + 1..]);
    let word = behind.split(u8::is_ascii_whitespace).find(|word| !word.is_empty());
    word.and_then(|word| str::from_utf8(word).ok()).and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// The text of a name. Latin-1 is decoded, being the only other encoding that is common; of any other, what is not
/// ASCII becomes U+FFFD.
fn decoded<'a>(bytes: &'a [u8], encoding: &[u8]) -> Cow<'a, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => match encoding.to_ascii_lowercase().as_slice() {
            b"iso-8859-1" | b"iso8859-1" | b"latin1" | b"latin-1" | b"windows-1252" | b"cp1252" => {
                Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect())
            }
            _ => String::from_utf8_lossy(bytes),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::read::ReadObjects as _;
    use crate::git::testing::Sandbox;

    #[test]
    fn a_merge_with_signatures_and_foreign_letters_is_read_as_git_reads_it() {
        let sandbox = Sandbox::repository(&[]);
        let one = sandbox.commit("one");
        let tree = sandbox.id(&["rev-parse", "HEAD^{tree}"]);
        let mut raw = format!("tree {tree}\nparent {one}\nparent {one}\nauthor Andr").into_bytes();
        raw.extend(b"\xe9 <andre@example.com> 1234567890 -0330\n");
        raw.extend(b"committer C <c@example.com> 1700000123 +0000\nmergetag object 0000\n author No <no@no> 1 +0000\n");
        raw.extend(b"gpgsig -----BEGIN\n parent 123\n \n author X <x@x> 2 +0000\nencoding ISO-8859-1\n\nauthor Y <y@y> 3 +0000\n");
        let id = String::from_utf8(sandbox.git_with(&["hash-object", "-t", "commit", "-w", "--stdin"], &raw))
            .unwrap();
        let format = "--format=%T %P|%an|%ae|%at|%ct";
        let says = sandbox.line(&["show", "--no-patch", format, id.trim()]);
        let commit = Commit::parse(&raw).unwrap();
        let author = author(&raw);
        let parents: Vec<String> = commit.parents.iter().map(ToString::to_string).collect();
        let read = format!(
            "{} {}|{}|{}|{}|{}",
            commit.tree,
            parents.join(" "),
            author.name,
            author.email,
            author.seconds,
            commit.seconds
        );
        assert_eq!(read, says);
    }

    #[test]
    fn a_tag_leads_to_its_object() {
        let sandbox = Sandbox::repository(&[]);
        let one = sandbox.commit("one");
        sandbox.git(&["tag", "-a", "-m", "x", "v1"]);
        let id = sandbox.id(&["rev-parse", "v1"]);
        let mut objects = sandbox.objects();
        let object = objects.read(&id).unwrap().unwrap();
        assert_eq!(tagged(object.content), Ok((one, ObjectKind::Commit)));
    }

    #[test]
    fn what_is_no_commit_is_refused_and_odd_names_are_not() {
        assert_eq!(Commit::parse(b""), Err(Damaged));
        assert_eq!(Commit::parse(b"tree 123\n"), Err(Damaged));
        let tree = "1".repeat(40);
        assert_eq!(Commit::parse(format!("tree {tree}\nparent x\n\n").as_bytes()), Err(Damaged));
        assert_eq!(Commit::parse(format!("tree {tree}").as_bytes()).unwrap().parents, []);
        for (line, name, email, seconds) in [
            ("author A <a <b> c> 5 +0000", "A", "a <b> c", 5),
            ("author A 5", "A 5", "", 0),
            ("author > < 7", ">", "", 0),
            ("author <> 99999999999999999999 +0000", "", "", 0),
            ("author B <b> -3 +0000", "B", "b", -3),
        ] {
            let expected = Signature { name: name.into(), email: email.into(), seconds };
            assert_eq!(author(format!("tree {tree}\n{line}\n\n").as_bytes()), expected, "{line}");
        }
    }
}
