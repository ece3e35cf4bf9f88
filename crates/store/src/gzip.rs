//! Whole gzip files into memory, within a limit.
//!
//! A file of one member, as AWS writes it, is decompressed in one step into a buffer of
//! the size that its trailer tells. Nothing is believed: a size that deflate cannot
//! reach or that exceeds the limit is not allocated, and whatever is not certainly one
//! whole member goes through a streaming decoder, which knows members and finds errors.
//!
//! The limit is on inflated bytes, whatever the ratio. At the limit the file is refused.

use flate2::bufread::{GzDecoder, MultiGzDecoder};
use libdeflater::Decompressor;
use std::io::{self, ErrorKind, Read};

const MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];
/// Header and trailer of the smallest member.
const MEMBER_BYTES_MIN: usize = 18;
/// Deflate makes at most 258 bytes out of two bits; the rest is margin.
const RATIO_MAX: u64 = 1040;

/// Why bytes are not the gzip file that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("it has more than {bytes_max} bytes after decompression")]
    TooLarge { bytes_max: u64 },
    #[error("the gzip file is cut off: it ends after {inflated} bytes of content")]
    CutOff { offset: u64, inflated: u64 },
    #[error("damaged gzip file, after {inflated} bytes of content: {reason}")]
    Damaged { offset: u64, inflated: u64, reason: String },
    /// Only where one member alone was asked for.
    #[error("{count} bytes follow the end of the compressed stream")]
    Trailing { offset: u64, count: u64 },
}

/// Whether these bytes begin as a gzip file does.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC[..2])
}

/// The inflated size that the trailer claims, if deflate could reach it from so few bytes.
pub fn claimed_bytes(bytes: &[u8]) -> Option<u64> {
    if bytes.len() < MEMBER_BYTES_MIN || !bytes.starts_with(&MAGIC) {
        return None;
    }
    let trailer = bytes.last_chunk::<4>()?;
    let claimed = u64::from(u32::from_le_bytes(*trailer));
    (claimed <= (bytes.len() as u64).saturating_mul(RATIO_MAX)).then_some(claimed)
}

/// Decompresses a file of one or more members.
pub fn inflate(bytes: &[u8], bytes_max: u64) -> Result<Vec<u8>, Error> {
    let mut inflater = Inflater::default();
    if inflater.whole(bytes, bytes_max) {
        return Ok(inflater.content);
    }
    read(MultiGzDecoder::new(bytes), bytes, bytes_max, |decoder| decoder.get_ref().len()).map(|(all, _)| all)
}

/// Decompresses a file that is one member and nothing else.
pub fn inflate_one(bytes: &[u8], bytes_max: u64) -> Result<Vec<u8>, Error> {
    let mut inflater = Inflater::default();
    inflater.one(bytes, bytes_max)?;
    Ok(inflater.content)
}

/// Decompresses one file after the other in memory that it keeps, as much as the largest takes.
pub struct Inflater {
    decompressor: Decompressor,
    content: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { decompressor: Decompressor::new(), content: Vec::new() }
    }
}

impl Inflater {
    /// The content of a file that is one member and nothing else.
    pub fn one(&mut self, bytes: &[u8], bytes_max: u64) -> Result<&[u8], Error> {
        if self.whole(bytes, bytes_max) {
            return Ok(&self.content);
        }
        match read(GzDecoder::new(bytes), bytes, bytes_max, |decoder| decoder.get_ref().len())? {
            (content, 0) => self.content = content,
            (_, left) => return Err(Error::Trailing { offset: (bytes.len() - left) as u64, count: left as u64 }),
        }
        Ok(&self.content)
    }

    /// Decompresses in one step; false if this is not certainly one whole member within the limit.
    fn whole(&mut self, bytes: &[u8], bytes_max: u64) -> bool {
        let Some(claimed) = claimed_bytes(bytes).filter(|claimed| *claimed <= bytes_max) else { return false };
        self.content.resize(claimed as usize, 0);
        let written = self.decompressor.gzip_decompress(bytes, &mut self.content);
        written.is_ok_and(|written| written as u64 == claimed) && ends_only_at_the_end(bytes, claimed as u32)
    }
}

/// Whether the member cannot have ended before the file does. The decoder stops after the
/// first member without a word; but it has checked that this member's trailer tells its
/// size, so where the size stands nowhere else, that trailer is the file's last bytes.
/// A chance match elsewhere only costs time.
fn ends_only_at_the_end(bytes: &[u8], size: u32) -> bool {
    let size = size.to_le_bytes();
    let before_last = &bytes[MEMBER_BYTES_MIN - size.len()..bytes.len() - 1];
    !before_last.windows(size.len()).any(|four| four == size)
}

fn read<D: Read>(
    decoder: D,
    bytes: &[u8],
    bytes_max: u64,
    left_in: impl Fn(&D) -> usize,
) -> Result<(Vec<u8>, usize), Error> {
    let mut decoder = decoder.take(bytes_max.saturating_add(1));
    let mut content = Vec::new();
    let result = decoder.read_to_end(&mut content);
    let inflated = content.len() as u64;
    if inflated > bytes_max {
        return Err(Error::TooLarge { bytes_max });
    }
    let left = left_in(decoder.get_ref());
    let offset = (bytes.len() - left) as u64;
    match result {
        Ok(_) => Ok((content, left)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(Error::CutOff { offset, inflated }),
        Err(error) => Err(damaged(offset, inflated, &error)),
    }
}

fn damaged(offset: u64, inflated: u64, error: &io::Error) -> Error {
    Error::Damaged { offset, inflated, reason: error.to_string() }
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
            Err(error @ (Error::CutOff { offset, .. } | Error::Damaged { offset, .. })) => (offset, error.to_string()),
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
    fn kept_memory_shows_nothing_of_the_file_before() {
        let mut inflater = Inflater::default();
        for content in [b"a long content to begin with".as_slice(), b"short", b"", b"longer again"] {
            assert_eq!(inflater.one(&gzip(content), LIMIT).unwrap(), content);
        }
        assert!(inflater.one(b"no gzip", LIMIT).is_err());
        assert_eq!(inflater.one(&gzip(b"after"), LIMIT).unwrap(), b"after");
    }

    #[test]
    fn one_member_alone_is_told_from_one_with_a_tail() {
        let one = gzip(b"some content");
        assert_eq!(inflate_one(&one, LIMIT).unwrap(), b"some content");
        assert_eq!(inflate_one(&gzip(b""), LIMIT).unwrap(), b"");
        // The last tail ends as the member itself does, so that the file's last bytes tell nothing.
        let forged = [b"evil".as_slice(), &one[one.len() - 8..]].concat();
        for tail in [b"x".as_slice(), &one, &gzip(b"other"), &[0; 20], &forged] {
            let file = [one.as_slice(), tail].concat();
            match inflate_one(&file, LIMIT) {
                Err(Error::Trailing { offset, count }) => {
                    assert_eq!((offset, count), (one.len() as u64, tail.len() as u64));
                }
                other => panic!("{tail:?}: {other:?}"),
            }
        }
        assert!(inflate(&[one.as_slice(), &forged].concat(), LIMIT).is_err());
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
            let _ = (inflate(&bytes, 1000), inflate_one(&bytes, 1000));
        }

        #[test]
        fn members_join(members in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..4)) {
            let file: Vec<u8> = members.iter().flat_map(|member| gzip(member)).collect();
            prop_assert_eq!(inflate(&file, LIMIT).unwrap(), members.concat());
        }
    }
}
