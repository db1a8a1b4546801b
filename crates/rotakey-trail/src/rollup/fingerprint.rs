//! Sixty-four bits in place of a text, for counting distinct ones.

/// The fingerprint of a text: the same in every version of this program, for it is kept on disk.
///
/// Texts that were made for it can collide (it is no cryptographic hash): whoever does that is counted once for
/// two of his own user agents. By chance, a million distinct texts collide once in thirty million times.
pub fn fingerprint(text: &str) -> u64 {
    // FNV-1a, finished as MurmurHash3 is, for FNV alone leaves the high bits of short texts alike.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_on_disk_is_that_of_later_versions() {
        assert_eq!(fingerprint(""), 0xefd0_1f60_ba99_2926);
        assert_eq!(fingerprint("198.51.100.7"), fingerprint("198.51.100.7"));
        assert_ne!(fingerprint("198.51.100.7"), fingerprint("198.51.100.8"));
    }
}
