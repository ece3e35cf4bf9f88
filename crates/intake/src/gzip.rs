//! Whole gzip files into memory, within a limit.
//!
//! A file of one member, as AWS writes it, is decompressed in one step into a buffer of
//! the size that its trailer tells. Nothing is believed: a size that deflate cannot
//! reach or that exceeds the limit is not allocated, and whatever is not certainly one
//! whole member goes through a streaming decoder, which knows members and finds errors.
//!
//! The limit is on inflated bytes, whatever the ratio. At the limit the file is refused.

use crate::Error;
use flate2::bufread::MultiGzDecoder;
use libdeflater::Decompressor;
use std::io::{ErrorKind, Read};

const MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];
/// Header and trailer of the smallest member.
const MEMBER_BYTES_MIN: usize = 18;
/// Deflate makes at most 258 bytes out of two bits; the rest is margin.
const RATIO_MAX: u64 = 1040;

/// Whether these bytes begin as a gzip file does.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC[..2])
}

/// How much memory to set aside for a file, to be tried in this order: what its trailer
/// claims, what the members of a file of many usually make, and all that is allowed.
pub fn allowances(bytes: &[u8], bytes_max: u64) -> Vec<u64> {
    const USUAL_RATIO: u64 = 24;
    let usual = (bytes.len() as u64).saturating_mul(USUAL_RATIO);
    let mut steps: Vec<u64> =
        claimed_bytes(bytes).into_iter().chain([usual]).filter(|step| *step < bytes_max).collect();
    steps.sort_unstable();
    steps.push(bytes_max);
    steps
}

/// The inflated size that the trailer claims, if deflate could reach it from so few bytes.
fn claimed_bytes(bytes: &[u8]) -> Option<u64> {
    if bytes.len() < MEMBER_BYTES_MIN || !bytes.starts_with(&MAGIC) {
        return None;
    }
    let trailer = bytes.last_chunk::<4>()?;
    let claimed = u64::from(u32::from_le_bytes(*trailer));
    (claimed <= (bytes.len() as u64).saturating_mul(RATIO_MAX)).then_some(claimed)
}

/// Decompresses a file of one or more members.
pub fn inflate(bytes: &[u8], bytes_max: u64) -> Result<Vec<u8>, Error> {
    match claimed_bytes(bytes) {
        Some(claimed) if claimed <= bytes_max => {
            if let Some(inflated) = inflate_one(bytes, claimed as usize) {
                return Ok(inflated);
            }
        }
        _ => {}
    }
    inflate_any(bytes, bytes_max)
}

/// One step, or nothing if this is not certainly one whole member.
fn inflate_one(bytes: &[u8], claimed: usize) -> Option<Vec<u8>> {
    let mut inflated = vec![0; claimed];
    let written = Decompressor::new().gzip_decompress(bytes, &mut inflated).ok()?;
    // The decoder stops after the first member without a word, so that a later one must be excluded.
    (written == claimed && !has_later_member(bytes, claimed as u32)).then_some(inflated)
}

/// Whether a second member may begin somewhere: its magic, after a trailer that tells
/// the first one's size. Never overlooks one; a chance match only costs time.
fn has_later_member(bytes: &[u8], first_bytes: u32) -> bool {
    let size = first_bytes.to_le_bytes();
    let mut from = MEMBER_BYTES_MIN;
    while let Some(rest) = bytes.get(from..) {
        let Some(found) = find_magic(rest) else { return false };
        let start = from + found;
        if bytes[start - 4..start] == size {
            return true;
        }
        from = start + 1;
    }
    false
}

fn find_magic(bytes: &[u8]) -> Option<usize> {
    const STEP: usize = 64;
    let mut from = 0;
    while from < bytes.len() {
        let block = &bytes[from..bytes.len().min(from + STEP)];
        // Compares a whole block before looking for places: nearly all blocks lack the pair.
        if block.iter().fold(0, |any, byte| any | u8::from(*byte == MAGIC[0])) != 0 {
            let end = bytes.len().min(from + STEP + MAGIC.len() - 1);
            if let Some(found) = bytes[from..end].windows(MAGIC.len()).position(|three| three == MAGIC) {
                return Some(from + found);
            }
        }
        from += STEP;
    }
    None
}

fn inflate_any(bytes: &[u8], bytes_max: u64) -> Result<Vec<u8>, Error> {
    let mut decoder = MultiGzDecoder::new(bytes).take(bytes_max.saturating_add(1));
    let mut inflated = Vec::new();
    let result = decoder.read_to_end(&mut inflated);
    if inflated.len() as u64 > bytes_max {
        return Err(Error::TooLarge { what: "the log file after decompression", bytes_max });
    }
    let left = decoder.get_ref().get_ref().len();
    let offset = (bytes.len() - left) as u64;
    match result {
        Ok(_) => Ok(inflated),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(Error::Invalid {
            offset,
            reason: format!("the gzip file is cut off: it ends after {} bytes of JSON", inflated.len()),
        }),
        Err(error) => Err(Error::Invalid {
            offset,
            reason: format!("damaged gzip file, after {} bytes of JSON: {error}", inflated.len()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    const LIMIT: u64 = 1 << 20;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn reason(bytes: &[u8]) -> (u64, String) {
        match inflate(bytes, LIMIT) {
            Err(Error::Invalid { offset, reason }) => (offset, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_members_are_read_even_when_they_are_equal() {
        for members in [&[&b"one"[..]][..], &[b"one", b"two!"], &[b"same", b"same"], &[b"", b"x", b""], &[b""]] {
            let file: Vec<u8> = members.iter().flat_map(|member| gzip(member)).collect();
            assert_eq!(inflate(&file, LIMIT).unwrap(), members.concat(), "{members:?}");
        }
    }

    #[test]
    fn a_member_that_agrees_with_the_first_in_size_and_checksum_is_still_seen() {
        // The trailer of the last member equals the first one's, so sizes alone do not tell.
        let (one, two) = (gzip(b"AAAA"), gzip(b"BBBB"));
        let mut file = [one.clone(), two].concat();
        assert_eq!(inflate(&file, LIMIT).unwrap(), b"AAAABBBB");
        let trailer = one[one.len() - 8..].to_vec();
        let end = file.len();
        file[end - 8..].copy_from_slice(&trailer);
        let (_, reason) = reason(&file);
        assert!(reason.contains("damaged"), "{reason}");
    }

    #[test]
    fn a_cut_file_names_the_place_wherever_it_is_cut() {
        let text: Vec<u8> = (0..20_000_u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let file = gzip(&text);
        for cut in [10, 11, 100, file.len() / 2, file.len() - 8, file.len() - 1] {
            let (offset, reason) = reason(&file[..cut]);
            assert!(reason.contains("cut off"), "{cut}: {reason}");
            assert_eq!(offset, cut as u64);
        }
    }

    #[test]
    fn a_flipped_bit_is_found() {
        let mut file = gzip(&[7; 5000]);
        let end = file.len();
        file[end - 6] ^= 1;
        assert!(reason(&file).1.contains("damaged"));
    }

    #[test]
    fn what_follows_the_last_member_is_not_ignored() {
        let mut file = gzip(b"{}");
        file.extend_from_slice(b"and more that nobody reads");
        assert!(inflate(&file, LIMIT).is_err());
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit_whatever_its_trailer_claims() {
        let bomb = gzip(&vec![0; LIMIT as usize + 1]);
        assert!(bomb.len() < 2000);
        let mut liar = bomb.clone();
        let end = liar.len();
        liar[end - 4..].copy_from_slice(&10_u32.to_le_bytes());
        let many: Vec<u8> = std::iter::repeat_n(gzip(&vec![0; LIMIT as usize / 4]), 5).flatten().collect();
        for file in [bomb, liar, many] {
            assert!(matches!(inflate(&file, LIMIT), Err(Error::TooLarge { bytes_max: LIMIT, .. })));
        }
        assert_eq!(inflate(&gzip(&vec![0; LIMIT as usize]), LIMIT).unwrap().len() as u64, LIMIT);
    }

    #[test]
    fn a_claim_that_deflate_cannot_reach_is_not_believed() {
        let mut file = gzip(b"small");
        let end = file.len();
        file[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(claimed_bytes(&file), None);
        assert!(inflate(&file, u64::MAX).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..100), headed: bool) {
            if headed {
                bytes.splice(0..0, [0x1f, 0x8b, 8, 0]);
            }
            let _ = inflate(&bytes, 1000);
        }

        #[test]
        fn members_join(members in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..4)) {
            let file: Vec<u8> = members.iter().flat_map(|member| gzip(member)).collect();
            prop_assert_eq!(inflate(&file, LIMIT).unwrap(), members.concat());
        }
    }
}
