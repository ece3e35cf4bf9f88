//! Randomness.

/// Fills memory with random bytes.
pub trait Dice: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Dice {
    /// An array of random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// `length` characters drawn evenly from `alphabet`, which has at most 256.
    pub fn text(&self, alphabet: &[u8], length: usize) -> String {
        let fair = 256 - 256 % alphabet.len();
        let mut text = String::with_capacity(length);
        while text.len() < length {
            for byte in self.bytes::<32>() {
                if usize::from(byte) < fair && text.len() < length {
                    text.push(char::from(alphabet[usize::from(byte) % alphabet.len()]));
                }
            }
        }
        text
    }
}

/// The cryptographic generator of aws-lc.
#[derive(Debug)]
pub struct SystemDice;

impl Dice for SystemDice {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the system has randomness to give");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_text_has_its_length_and_alphabet() {
        let dice: &dyn Dice = &SystemDice;
        let text = dice.text(b"ABC", 100);
        assert_eq!(text.len(), 100);
        assert!(text.bytes().all(|byte| b"ABC".contains(&byte)));
        assert_ne!(dice.bytes::<16>(), dice.bytes::<16>());
    }
}
