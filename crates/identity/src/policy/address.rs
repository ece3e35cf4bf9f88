//! Ranges of IP addresses: `203.0.113.0/24`, `2001:db8::/32`, or one address.

use std::net::IpAddr;

#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    base: IpAddr,
    bits: u32,
}

/// The address as a number from the left of 128 bits, and how many bits it has.
fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(four) => (u128::from(u32::from(four)) << 96, 32),
        IpAddr::V6(six) => (u128::from(six), 128),
    }
}

impl Range {
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let base: IpAddr = address.parse().ok()?;
        let (_, width) = number(base);
        let bits = bits.map_or(Some(width), |bits| bits.parse().ok())?;
        (bits <= width).then_some(Self { base, bits })
    }

    pub fn contains(self, address: IpAddr) -> bool {
        let ((base, width), (other, other_width)) = (number(self.base), number(address.to_canonical()));
        let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
        width == other_width && base & mask == other & mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_addresses() {
        let check = |range: &str, address: &str, expected: bool| {
            let held = Range::parse(range).unwrap().contains(address.parse().unwrap());
            assert_eq!(held, expected, "{address} in {range}");
        };
        check("203.0.113.0/24", "203.0.113.9", true);
        check("203.0.113.0/24", "::ffff:203.0.113.9", true);
        check("203.0.113.0/24", "203.0.114.9", false);
        check("203.0.113.9", "203.0.113.9", true);
        check("0.0.0.0/0", "9.9.9.9", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("::/0", "2001:db8:1::1", true);
    }

    #[test]
    fn other_texts_are_no_ranges() {
        for text in ["", "203.0.113.0/33", "203.0.113/24", "2001:db8::/129", "a/8", "1.2.3.4/"] {
            assert!(Range::parse(text).is_none(), "{text}");
        }
    }
}
