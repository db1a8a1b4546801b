//! Archives that are damaged, or that mean harm.

use proptest::prelude::*;

use super::archives::{tar, zip};
use super::*;

/// Small enough that bombs are cheap in a test.
const SMALL: Limits = Limits { depth: 4, unpacked: 8 << 20, ratio: 100, free: 1 << 20, held: 1 << 20 };

#[test]
fn a_wrong_sum_is_told_and_the_content_scanned() {
    let mut wrong = gzip(&text());
    let sum = wrong.len() - 8;
    wrong[sum] ^= 1;
    let told = told_of(&wrong);
    assert_eq!(told[0], "file:3");
    assert!(told.len() == 2 && told[1].starts_with("file is damaged: "), "{told:?}");

    let mut wrong = zip("a", &text(), true, true);
    let entry = memchr::memmem::find(&wrong, b"PK\x01\x02").unwrap();
    wrong[entry + 16] ^= 1;
    assert_eq!(
        told_of(&wrong),
        ["file!a:3", "file!a is damaged: its sum or its length is not what it should be"]
    );
}

#[test]
fn what_is_cut_off_is_scanned_as_far_as_it_goes() {
    // The id comes early, and what follows cannot be packed well.
    let mut content = text();
    content.extend((0..20_000u32).flat_map(|number| number.wrapping_mul(0x9E37_79B9).to_le_bytes()));
    for (whole, path) in [
        (gzip(&content), "file:3"),
        (zstd::encode_all(&content[..], 3).unwrap(), ""),
        (tar(&[("a", &content)]), "file!a:3"),
        (zip("a", &content, true, true), "file!a:3"),
        (gzip(&tar(&[("a", &gzip(&content)), ("b", b"x")])), "file!a:3"),
    ] {
        for bytes in [whole.len() - 2_000, whole.len() / 2] {
            let told = told_of(&whole[..bytes]);
            assert!(told.iter().any(|told| told.contains(" is damaged: ")), "{told:?}");
            assert!(path.is_empty() || told[0] == path, "{path} {told:?}");
        }
    }
}

#[test]
fn a_damaged_layer_ends_its_files_and_the_image_goes_on() {
    let mut layer = gzip(&tar(&[("x", &text()), ("y", &text().repeat(1_000))]));
    layer.truncate(layer.len() - 100);
    let told = told_of(&tar(&[("one", &layer), ("two", &text())]));
    assert_eq!(told[0], "file!one!x:3");
    assert!(told.contains(&"file!two:3".to_owned()), "{told:?}");
    assert_eq!(told.last().unwrap(), "file!one!y is damaged: it is cut off");
}

#[test]
fn sizes_that_lie_are_told() {
    let mut lying = tar(&[("a", &text()), ("b", &text())]);
    lying[124..135].copy_from_slice(b"77777777777");
    lying[148..156].fill(b' ');
    let sum: u32 = lying[..512].iter().map(|byte| u32::from(*byte)).sum();
    lying[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let told = told_of(&lying);
    assert_eq!(told, ["file!a:3", "file!a:6", "file!a is damaged: it is cut off"]);
}

#[test]
fn where_a_header_is_damaged_the_rest_is_scanned_as_it_is() {
    let mut damaged = tar(&[("a", &text()), ("b", &text())]);
    damaged[1024] ^= 1;
    let told = told_of(&damaged);
    assert_eq!(told.len(), 3);
    assert_eq!(&told[..2], ["file:3", "file!a:3"]);
    assert!(told[2].starts_with("file is damaged: what stands where a member should begin is none"));
}

#[test]
fn bombs_end_at_the_limit_and_what_came_before_is_scanned() {
    let mut zeros = text();
    zeros.resize(64 << 20, 0);
    let bomb = gzip(&zeros);
    for (bomb, path) in [
        (bomb.clone(), "file"),
        (zip("a", &zeros, true, true), "file!a"),
        (zip("b", &tar(&[("a", &bomb)]), true, true), "file!b!a"),
        (zstd::encode_all(&zeros[..], 1).unwrap(), "file"),
    ] {
        let report = scanned(&bomb, SMALL);
        let told = told(&report);
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], format!("{path}:3"));
        assert!(
            told[1].starts_with(&format!("{path} unpacks to more than the limit: more than ")),
            "{told:?}"
        );
        assert!(report.coverage.bytes <= SMALL.unpacked + (1 << 20));
    }
}

/// One kernel that all members share, as in David Fifield's zip bombs.
#[test]
fn members_that_overlap_are_bounded_together() {
    let zeros = vec![0; 1 << 20];
    let one = zip("a", &zeros, true, true);
    let entry_at = memchr::memmem::rfind(&one, b"PK\x01\x02").unwrap();
    let (entry, end) = (&one[entry_at..one.len() - 22], &one[one.len() - 22..]);
    let mut bomb = [&one[..entry_at], &entry.repeat(10_000), end].concat();
    let size_at = bomb.len() - 10;
    bomb[size_at..size_at + 4].copy_from_slice(&u32::try_from(entry.len() * 10_000).unwrap().to_le_bytes());
    let report = scanned(&bomb, Limits { ratio: 1 << 40, ..SMALL });
    let told = told(&report);
    assert_eq!(
        told,
        ["file!a unpacks to more than the limit: more than 8388608 bytes; the rest was not read"]
    );
    assert!(report.coverage.contents < 20);
}

#[test]
fn containers_in_too_many_containers_are_told() {
    let mut nested = text();
    for _ in 0..SMALL.depth {
        nested = tar(&[("a", &nested)]);
    }
    assert_eq!(told(&scanned(&nested, SMALL)), ["file!a!a!a!a:3"]);
    let deeper = told(&scanned(&gzip(&nested), SMALL));
    assert_eq!(deeper, ["file!a!a!a is packed in too many layers: more than 4"]);
}

#[test]
fn very_many_members_that_cannot_be_read_are_counted() {
    let mut one = zip("a", b"content", true, true);
    let entry_at = memchr::memmem::rfind(&one, b"PK\x01\x02").unwrap();
    one[entry_at + 8] |= 1;
    let (entry, end) = (&one[entry_at..one.len() - 22], &one[one.len() - 22..]);
    let mut many = [&one[..entry_at], &entry.repeat(5_000), end].concat();
    let size_at = many.len() - 10;
    many[size_at..size_at + 4].copy_from_slice(&u32::try_from(entry.len() * 5_000).unwrap().to_le_bytes());
    let report = scanned(&many, Limits::default());
    assert_eq!(report.coverage.unread.len(), 1_001);
    assert!(report.coverage.unread[0].detail.contains("4000 more"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever is changed in an archive: it is read to an end, in every way there is.
    #[test]
    fn damage_is_survived(
        kind in 0usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let content = text().repeat(20);
        let mut archive = match kind {
            0 => gzip(&content),
            1 => zstd::encode_all(&content[..], 1).unwrap(),
            2 => tar(&[("a", &content), ("b", &gzip(&content))]),
            3 => zip("a", &content, true, true),
            4 => zip("a", &tar(&[("b", &content)]), false, true),
            _ => zip("a", &zip("b", &content, true, false), true, false),
        };
        for (at, value) in changes {
            let at = at.index(archive.len());
            archive[at] = value;
        }
        if is_cut {
            archive.truncate(cut.index(archive.len()));
        }
        for content in [&archive[..], &archive[archive.len() / 2..]] {
            let scan = Scan::new(Options { limits: SMALL, ..Options::default() });
            scan.content(&Place::file(b"file"), content);
            scan.stream(&Place::file(b"file"), &mut &*content);
            let coverage = scan.finish().coverage;
            prop_assert!(coverage.bytes < 4 * SMALL.unpacked);
        }
    }
}
