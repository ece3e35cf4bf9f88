//! Names that the house draws: ids, access keys, secrets.

use cairn_wire::Secret;
use cairn_world::World;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SMALL: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// Where the account's number begins in the 80 bits of an access key.
const ACCOUNT_SHIFT: u32 = 39;
const ACCOUNT_BITS: u128 = 0xFF_FFFF_FFFF;

/// `AIDA…` and the like: 21 characters.
pub(crate) fn id(world: &World, prefix: &str) -> String {
    format!("{prefix}{}", world.dice.text(BASE32, 17))
}

/// An access key of 20 characters. Like AWS's, it tells its account to whoever decodes it.
pub(crate) fn access_key(world: &World, prefix: &str, account: &str) -> String {
    let number: u128 = account.parse().unwrap_or_default();
    let random = u128::from(u64::from_be_bytes(world.dice.bytes())) & ((1 << ACCOUNT_SHIFT) - 1);
    let bits = 1 << 79 | (number & ACCOUNT_BITS) << ACCOUNT_SHIFT | random;
    let letter = |index: u32| char::from(BASE32[(bits >> (75 - 5 * index)) as usize & 31]);
    prefix.chars().chain((0..16).map(letter)).collect()
}

/// The account that an access key tells.
pub(crate) fn account_of(access_key: &str) -> Option<String> {
    let letters = access_key.get(4..).filter(|letters| letters.len() == 16)?;
    let bits = letters.bytes().try_fold(0_u128, |bits, letter| {
        let value = BASE32.iter().position(|other| *other == letter)?;
        Some(bits << 5 | value as u128)
    })?;
    Some(format!("{:012}", bits >> ACCOUNT_SHIFT & ACCOUNT_BITS))
}

/// 40 characters.
pub(crate) fn secret(world: &World) -> Secret {
    Secret(world.dice.text(SECRET, 40))
}

/// 12 digits, the first not a zero.
pub(crate) fn account(world: &World) -> String {
    format!("{}{}", world.dice.text(b"123456789", 1), world.dice.text(b"0123456789", 11))
}

/// `o-…` or `car-…`
pub(crate) fn small(world: &World, prefix: &str, length: usize) -> String {
    format!("{prefix}{}", world.dice.text(SMALL, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_event::Time;
    use cairn_world::sim::Sim;

    #[test]
    fn an_access_key_tells_its_account() {
        let world = Sim::at(Time(0)).world();
        for account in ["000000000000", "111122223333", "999999999999"] {
            let key = access_key(&world, "AKIA", account);
            assert_eq!((key.len(), account_of(&key).as_deref()), (20, Some(account)));
        }
        assert_eq!(account_of("AKIA"), None);
        assert_eq!(account_of("AKIAé000000000000000"), None);
    }
}
