//! Log files out of gzip, and how much memory that may take.

use crate::Error;
use cairn_store::gzip;

/// What the members of a file of many usually make of its size; a single member says what it makes.
const USUAL_RATIO: u64 = 24;

/// How much memory to set aside for a file, to be tried in this order: what its trailer
/// claims, what is usual, and all that is allowed.
pub fn allowances(bytes: &[u8], bytes_max: u64) -> Vec<u64> {
    let usual = (bytes.len() as u64).saturating_mul(USUAL_RATIO);
    let claimed = gzip::claimed_bytes(bytes);
    let mut steps: Vec<u64> = claimed.into_iter().chain([usual]).filter(|step| *step < bytes_max).collect();
    steps.sort_unstable();
    steps.push(bytes_max);
    steps
}

/// Decompresses a file of one or more members.
pub fn inflate(bytes: &[u8], bytes_max: u64) -> Result<Vec<u8>, Error> {
    gzip::inflate(bytes, bytes_max).map_err(|error| match error {
        gzip::Error::TooLarge { bytes_max } => Error::TooLarge { what: "the log file after decompression", bytes_max },
        gzip::Error::CutOff { offset, .. }
        | gzip::Error::Damaged { offset, .. }
        | gzip::Error::Trailing { offset, .. } => Error::Invalid { offset, reason: error.to_string() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_file_first_gets_what_it_claims_and_in_the_end_what_is_allowed() {
        let one = sample::gzip(vec![b' '; 5000]);
        assert_eq!(allowances(&one, 1 << 20), [one.len() as u64 * USUAL_RATIO, 5000, 1 << 20]);
        assert_eq!(allowances(&one, 4000), [one.len() as u64 * USUAL_RATIO, 4000]);
        assert_eq!(allowances(&one, 100), [100]);
        assert_eq!(allowances(b"\x1f\x8b", 100), [48, 100]);
    }

    #[test]
    fn damage_is_told_with_its_place_in_the_file() {
        let file = sample::gzip(sample::file(&[sample::event(1), sample::event(2)]));
        let error = inflate(&file[..100], 1 << 20).unwrap_err();
        assert!(matches!(&error, Error::Invalid { offset: 100, reason } if reason.contains("cut off")), "{error}");
        assert!(matches!(inflate(&file, 100), Err(Error::TooLarge { bytes_max: 100, .. })));
    }
}
