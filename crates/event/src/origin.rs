//! Where an event came into the house.

use std::fmt;

/// The way by which an event reached the journal. The discriminants stand on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Origin {
    /// An API call through the door, or what the house itself did because of one.
    Door = 1,
    /// A call that passed a recording proxy.
    Gateway = 2,
    /// Log files that somebody else wrote earlier.
    Import = 3,
    /// Events that an application sent to be kept.
    Channel = 4,
    /// Flow records taken from an interface.
    Capture = 5,
    /// What a reader concluded from other events.
    Finding = 6,
}

impl Origin {
    pub const ALL: [Self; 6] = [Self::Door, Self::Gateway, Self::Import, Self::Channel, Self::Capture, Self::Finding];

    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| *origin as u8 == byte)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Gateway => "gateway",
            Self::Import => "import",
            Self::Channel => "channel",
            Self::Capture => "capture",
            Self::Finding => "finding",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of origins: which events a reader wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origins(u8);

impl Origins {
    pub const fn of(origins: &[Origin]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < origins.len() {
            bits |= 1 << (origins[index] as u8);
            index += 1;
        }
        Self(bits)
    }

    pub const fn contains(self, origin: Origin) -> bool {
        self.0 & (1 << (origin as u8)) != 0
    }

    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn is_disjoint(self, other: Self) -> bool {
        self.0 & other.0 == 0
    }

    /// One bit an origin, at the place of its discriminant. Stands on disk.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set of these bits; those of no origin are kept and contain nothing.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_survives_its_byte() {
        for origin in Origin::ALL {
            assert_eq!(Origin::from_byte(origin as u8), Some(origin));
        }
        assert_eq!(Origin::from_byte(0), None);
        assert_eq!(Origin::from_byte(7), None);
    }

    #[test]
    fn a_set_contains_what_it_was_made_of() {
        let set = Origins::of(&[Origin::Door, Origin::Finding]);
        assert!(set.contains(Origin::Door) && set.contains(Origin::Finding));
        assert!(!set.contains(Origin::Import));
        assert_eq!(Origins::from_bits(set.bits()), set);
        let import = Origins::of(&[Origin::Import]);
        assert!(set.is_disjoint(import) && !set.union(import).is_disjoint(import));
    }
}
