//! Wildcards: `*` stands for any text, `?` for one character.

use std::str::Chars;

/// One step of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Atom {
    Letter(char),
    One,
    Any,
}

impl Atom {
    fn takes(self, letter: char, fold: bool) -> bool {
        match self {
            Self::One => true,
            Self::Any => false,
            Self::Letter(own) => own == letter || fold && own.to_lowercase().eq(letter.to_lowercase()),
        }
    }
}

/// The atoms of a text of which every character stands for itself.
pub(super) fn literal(text: &str) -> impl Iterator<Item = Atom> {
    text.chars().map(Atom::Letter)
}

/// The atoms of a text with wildcards.
pub(super) fn wild(text: &str) -> impl Iterator<Item = Atom> {
    text.chars().map(|letter| match letter {
        '*' => Atom::Any,
        '?' => Atom::One,
        letter => Atom::Letter(letter),
    })
}

/// Whether the whole text is as the pattern says; `fold` ignores case. Takes at most
/// the product of both lengths in steps.
pub(super) fn matches(pattern: &[Atom], text: &str, fold: bool) -> bool {
    let mut at = 0;
    let mut rest = text.chars();
    // Where the last `*` ends in the pattern and in the text, to let it take one more.
    let mut again: Option<(usize, Chars<'_>)> = None;
    loop {
        let mut ahead = rest.clone();
        match (pattern.get(at), ahead.next()) {
            (Some(Atom::Any), _) => {
                at += 1;
                again = Some((at, rest.clone()));
                continue;
            }
            (None, None) => return true,
            (Some(atom), Some(letter)) if atom.takes(letter, fold) => {
                at += 1;
                rest = ahead;
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = &mut again else { return false };
        if from.next().is_none() {
            return false;
        }
        at = *after;
        rest = from.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition itself, exponential and plain.
    fn naive(pattern: &[Atom], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((Atom::Any, rest)) => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            Some((Atom::One, rest)) => !text.is_empty() && naive(rest, &text[1..]),
            Some((Atom::Letter(letter), rest)) => text.first() == Some(letter) && naive(rest, &text[1..]),
        }
    }

    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(matches(&wild(pattern).collect::<Vec<_>>(), text, false), expected, "{pattern} on {text}");
    }

    #[test]
    fn wildcards_stand_for_whole_characters() {
        check("*", "", true);
        check("", "", true);
        check("", "a", false);
        check("?", "é", true);
        check("*??", "€", false);
        check("s3:Get*", "s3:GetObject", true);
        check("s3:Get*", "s3:PutObject", false);
        check("a*b*c", "a-b-b-c", true);
        check("a*b*c", "a-b-b-d", false);
    }

    #[test]
    fn case_is_ignored_only_when_asked() {
        let pattern: Vec<_> = wild("S3:get*").collect();
        assert!(matches(&pattern, "s3:GetObject", true));
        assert!(!matches(&pattern, "s3:GetObject", false));
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        let pattern: Vec<_> = wild(&"*a".repeat(500)).collect();
        assert!(!matches(&pattern, &"a".repeat(499), false));
        assert!(!matches(&pattern, &format!("{}b", "a".repeat(5000)), false));
    }

    proptest! {
        #[test]
        fn matching_agrees_with_the_definition(pattern in "[abé*?]{0,9}", text in "[abé]{0,9}") {
            let atoms: Vec<_> = wild(&pattern).collect();
            let letters: Vec<_> = text.chars().collect();
            prop_assert_eq!(matches(&atoms, &text, false), naive(&atoms, &letters));
        }

        #[test]
        fn a_literal_matches_itself_alone(one in "[a*?]{0,5}", other in "[a*?]{0,5}") {
            let atoms: Vec<_> = literal(&one).collect();
            prop_assert_eq!(matches(&atoms, &other, false), one == other);
        }
    }
}
