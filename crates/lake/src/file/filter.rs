//! Bloom filters of whole files, which lie in the metadata database.
//!
//! A value has its bits in one block of 256. Hashes and the places of bits stand on disk and never change.

const BLOCK_BYTES: usize = 32;
/// One for each bit that a value has at most.
const TURNS: [u64; 8] = [
    0x9E37_79B9_7F4A_7C15,
    0xBF58_476D_1CE4_E5B9,
    0x94D0_49BB_1331_11EB,
    0xD6E8_FEB8_6659_FD93,
    0xA076_1D64_78BD_642F,
    0xE703_7ED1_A0B4_28DB,
    0x8EBC_6AF0_9C88_C6E3,
    0x5899_65CC_7537_4CC3,
];

/// Stirs a text into a hash.
pub(super) fn hash(seed: u64, text: &[u8]) -> u64 {
    let mut state = seed.wrapping_add(text.len() as u64).wrapping_mul(TURNS[0]);
    let mut eights = text.chunks_exact(8);
    for eight in &mut eights {
        let word = u64::from_le_bytes(eight.try_into().expect("chunks have eight bytes"));
        state = (state ^ word).wrapping_mul(TURNS[1]);
        state ^= state >> 29;
    }
    let mut last = [0; 8];
    last[..eights.remainder().len()].copy_from_slice(eights.remainder());
    state = (state ^ u64::from_le_bytes(last)).wrapping_mul(TURNS[2]);
    state ^= state >> 32;
    state = state.wrapping_mul(TURNS[3]);
    state ^ state >> 29
}

/// Which hashes may have been put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    bits: u8,
    blocks: Vec<u8>,
}

impl Filter {
    /// One of about `size` bytes that gives each hash so many bits.
    pub(super) fn of(hashes: &[u64], size: usize, bits: u8) -> Self {
        let blocks = size.div_ceil(BLOCK_BYTES).max(1);
        let mut made = Self { bits: bits.clamp(1, 8), blocks: vec![0; blocks * BLOCK_BYTES] };
        for hash in hashes {
            for place in made.places(*hash) {
                made.blocks[place / 8] |= 1 << (place % 8);
            }
        }
        made
    }

    pub(super) fn holds(&self, hash: u64) -> bool {
        self.places(hash).all(|place| self.blocks[place / 8] & 1 << (place % 8) != 0)
    }

    fn places(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let blocks = (self.blocks.len() / BLOCK_BYTES) as u64;
        let block = (((hash >> 32) * blocks) >> 32) as usize * BLOCK_BYTES * 8;
        let low = hash & 0xFFFF_FFFF;
        TURNS.into_iter().take(usize::from(self.bits)).map(move |turn| block + (low.wrapping_mul(turn) >> 56) as usize)
    }

    /// Bits of a value, number of blocks, blocks.
    pub(super) fn write(&self, into: &mut Vec<u8>) {
        into.push(self.bits);
        into.extend_from_slice(&((self.blocks.len() / BLOCK_BYTES) as u32).to_le_bytes());
        into.extend_from_slice(&self.blocks);
    }

    pub(super) fn read(from: &mut &[u8]) -> Option<Self> {
        let (&bits, rest) = from.split_first()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (blocks, rest) = rest.split_at_checked(u32::from_le_bytes(*count) as usize * BLOCK_BYTES)?;
        *from = rest;
        ((1..=8).contains(&bits) && !blocks.is_empty()).then(|| Self { bits, blocks: blocks.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_never_change() {
        assert_eq!(hash(2, b""), 0x1CA6_515D_4FE0_BD83);
        assert_eq!(hash(2, b"293ba626-3be5-4a26-ab1b-0f4c54f49959"), 0x64B9_FDF0_8379_22C5);
    }

    #[test]
    fn what_is_in_is_held_and_little_else_is() {
        let made = |range: std::ops::Range<u32>| range.map(|n| hash(7, format!("arn:aws:iam::1:user/{n}").as_bytes()));
        let hashes: Vec<u64> = made(0..20_000).collect();
        for (per_value, bits, mistakes_max) in [(10, 6, 0.03), (4, 3, 0.2)] {
            let filter = Filter::of(&hashes, hashes.len() * per_value / 8, bits);
            assert!(hashes.iter().all(|hash| filter.holds(*hash)));
            let mistakes = made(20_000..40_000).filter(|hash| filter.holds(*hash)).count();
            assert!((mistakes as f64) < mistakes_max * 20_000.0, "{mistakes}");
            let mut bytes = Vec::new();
            filter.write(&mut bytes);
            assert_eq!(Filter::read(&mut bytes.as_slice()), Some(filter));
            assert_eq!(Filter::read(&mut &bytes[..bytes.len() - 1]), None);
        }
    }
}
