use proptest::prelude::*;

use super::*;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn set(text: &str, name: &str, value: &str) -> Result<String, Problem> {
    let mut document = Document::parse(text.as_bytes())?;
    document.set(name, &secret(value))?;
    assert_eq!(document.value(name)?, Some(value), "what was set is read");
    let rendered = String::from_utf8(document.render().to_vec()).unwrap();
    let again = Document::parse(rendered.as_bytes()).unwrap();
    assert_eq!(again.value(name)?, Some(value), "what was written is read");
    Ok(rendered)
}

fn value(text: &str, name: &str) -> Result<Option<String>, Problem> {
    let document = Document::parse(text.as_bytes())?;
    document.value(name).map(|value| value.map(str::to_owned))
}

#[test]
fn a_value_is_replaced_and_every_other_byte_stays() {
    for (before, after) in [
        ("", "A=n/+w=\n"),
        ("A=old", "A=n/+w="),
        ("A=old\r\nB=x\r\n", "A=n/+w=\r\nB=x\r\n"),
        ("B=x\r\n", "B=x\r\nA=n/+w=\r\n"),
        ("B=x", "B=x\nA=n/+w=\n"),
        ("# A=no\nA = 'old'  # why\n\nB=\"x # y\"\n", "# A=no\nA = 'n/+w='  # why\n\nB=\"x # y\"\n"),
        ("export A=\"old\"\t\n", "export A=\"n/+w=\"\t\n"),
        ("export B=1\n", "export B=1\nexport A=n/+w=\n"),
        ("export B=1\nC=2\n", "export B=1\nC=2\nA=n/+w=\n"),
        ("A=\n", "A=n/+w=\n"),
        ("A=old # c\n", "A=n/+w= # c\n"),
        ("AA=1\nA.B=2\nXA=3\n", "AA=1\nA.B=2\nXA=3\nA=n/+w=\n"),
        ("KEY=\"-----BEGIN\nx=y\n-----END\"\nA=old\n", "KEY=\"-----BEGIN\nx=y\n-----END\"\nA=n/+w=\n"),
        ("Q=it's\nA=old\n", "Q=it's\nA=n/+w=\n"),
    ] {
        assert_eq!(set(before, "A", "n/+w=").unwrap(), after, "{before:?}");
    }
}

#[test]
fn a_value_gets_the_quotes_that_it_needs() {
    assert_eq!(set("", "A", r#"{"x":"y"}"#).unwrap(), "A='{\"x\":\"y\"}'\n");
    assert_eq!(set("A=\"old\"\n", "A", r#"{"x":"y"}"#).unwrap(), "A='{\"x\":\"y\"}'\n");
    assert_eq!(set("", "A", "it's here").unwrap(), "A=\"it's here\"\n");
    assert_eq!(set("", "A", "a b").unwrap(), "A='a b'\n");
    assert_eq!(set("", "A", "$x").unwrap(), "A='$x'\n");
    for impossible in ["it's $x", "a\nb", "a\\b", "'\""] {
        assert_eq!(set("", "A", impossible), Err(Problem::Unwritable("A".to_owned())), "{impossible:?}");
    }
}

#[test]
fn what_programs_read_differently_is_refused() {
    let unclear = |line| Problem::Unclear { name: "A".to_owned(), line };
    for text in ["A=$B\n", "A=a b\n", "A=x#y\n", "A=\"x$y\"\n", "A='x'y\n", "A=`x`\n", "A='x\\'\n", "A=x;\n"]
    {
        assert_eq!(value(text, "A"), Err(unclear(1)), "{text:?}");
    }
    assert_eq!(
        value("A=1\nB=2\nexport A=3\n", "A"),
        Err(Problem::Twice { name: "A".to_owned(), first: 1, second: 3 })
    );
    let inside = |line| Err(Problem::Inside { name: "A".to_owned(), line });
    assert_eq!(value("B='x\nA=1\n'\n", "A"), inside(2));
    assert_eq!(value("B=x\\\nA=1\n", "A"), inside(2));
    assert_eq!(value("B='x\nA=1\n", "A"), Err(Problem::Unclosed(1)));
    assert_eq!(set("B=x\\\n", "A", "1"), Err(Problem::OpenEnd));
    assert_eq!(value("\u{feff}A=1\n", "A"), Err(Problem::ByteOrderMark));
    assert_eq!(Document::parse(b"B=1\nA=\xff\n").unwrap_err(), Problem::NotText(2));
}

#[test]
fn a_comment_is_no_assignment_whatever_it_holds() {
    assert_eq!(value("# it's \"A=1\\\n  #A=2\nA=3\n", "A"), Ok(Some("3".to_owned())));
}

#[test]
fn a_name_is_one_that_every_program_takes() {
    for name in ["A", "_a1", "AWS_ACCESS_KEY_ID"] {
        assert_eq!(check_name(name), Ok(()));
    }
    for name in ["", "1A", "A-B", "A B", "A=B", "Ä", "A.B"] {
        assert_eq!(check_name(name), Err(Problem::NoName(name.to_owned())));
    }
}

proptest! {
    #[test]
    fn setting_a_value_changes_that_value_and_nothing_else(
        lines in prop::collection::vec(
            prop_oneof![
                "[#;A-C= '\"a-z\\\\$\t]{0,12}",
                "(export )?[A-D]=('[a-z ]{0,4}'|\"[a-z ]{0,4}\"|[a-z]{0,4})( # [a-z]{0,3})?",
            ],
            0..6,
        ),
        ending in prop_oneof![Just("\n"), Just("\r\n")],
        new in "[A-Za-z0-9/+=]{1,40}",
    ) {
        let text = lines.iter().map(|line| format!("{line}{ending}")).collect::<String>();
        let Ok(mut document) = Document::parse(text.as_bytes()) else { return Ok(()) };
        prop_assert_eq!(&document.render()[..], text.as_bytes());
        let others = ["B", "C", "D"].map(|name| document.value(name).map(|value| value.map(str::to_owned)));
        if document.value("A").is_ok() && document.set("A", &secret(&new)).is_ok() {
            let written = document.render();
            let again = Document::parse(&written).unwrap();
            prop_assert_eq!(again.value("A").unwrap(), Some(&new[..]));
            let after = ["B", "C", "D"].map(|name| again.value(name).map(|value| value.map(str::to_owned)));
            prop_assert_eq!(others, after);
        }
    }
}
