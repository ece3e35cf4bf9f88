//! Which key of an event belongs to which column: one small table for each object that has columns inside.

use crate::schema::COLUMNS;

/// What stands at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A value that has a column, by its index.
    Column(usize),
    /// An object with columns inside, by its index in [`Keys`].
    Object(usize),
}

/// Every object of an event that has columns inside; the event itself is the first.
#[derive(Debug)]
pub(super) struct Keys {
    objects: Vec<(Words, Vec<Place>)>,
}

impl Keys {
    pub(super) fn new() -> Self {
        let mut paths: Vec<&[&str]> = vec![&[]];
        for column in COLUMNS {
            for length in 1..column.path.len() {
                if !paths.contains(&&column.path[..length]) {
                    paths.push(&column.path[..length]);
                }
            }
        }
        let objects = paths.iter().map(|path| object(path, &paths)).collect();
        Self { objects }
    }

    #[inline]
    pub(super) fn find(&self, object: usize, key: &[u8]) -> Option<Place> {
        let (words, places) = &self.objects[object];
        words.find(key).map(|index| places[index])
    }
}

fn object(path: &[&'static str], paths: &[&[&'static str]]) -> (Words, Vec<Place>) {
    let inside = |other: &[&'static str]| other.len() == path.len() + 1 && other.starts_with(path);
    let columns = COLUMNS.iter().enumerate().filter(|(_, column)| inside(column.path));
    let objects = paths.iter().enumerate().filter(|(_, other)| inside(other));
    let (words, places): (Vec<&str>, Vec<Place>) = columns
        .map(|(index, column)| (column.path[path.len()], Place::Column(index)))
        .chain(objects.map(|(index, other)| (other[path.len()], Place::Object(index))))
        .unzip();
    (Words::new(&words), places)
}

/// A fixed set of words that is asked for very often.
#[derive(Debug)]
pub(super) struct Words {
    all: Vec<&'static [u8]>,
    /// For each hash the first word that has it, counted from one; zero where there is none.
    first: Vec<u8>,
    /// For each word the next one that has the same hash.
    next: Vec<u8>,
}

impl Words {
    /// At most 255 words.
    pub(super) fn new(words: &[&'static str]) -> Self {
        let slots = (words.len() * 8).next_power_of_two().max(16);
        let mut made = Self { all: Vec::new(), first: vec![0; slots], next: Vec::new() };
        for word in words {
            made.all.push(word.as_bytes());
            let slot = made.slot(word.as_bytes());
            made.next.push(made.first[slot]);
            made.first[slot] = u8::try_from(made.all.len()).expect("a table of words has at most 255");
        }
        made
    }

    /// Length, ends and one byte between tell words of this kind apart nearly always.
    #[inline]
    fn slot(&self, word: &[u8]) -> usize {
        let length = word.len();
        if length < 3 {
            return length;
        }
        let some = u32::from_le_bytes([word[0], word[length - 3], word[length - 1], length as u8]);
        (some.wrapping_mul(0x9E37_79B1) >> 16) as usize & (self.first.len() - 1)
    }

    #[inline]
    pub(super) fn find(&self, word: &[u8]) -> Option<usize> {
        let mut at = usize::from(self.first[self.slot(word)]);
        while at != 0 {
            if self.all[at - 1] == word {
                return Some(at - 1);
            }
            at = usize::from(self.next[at - 1]);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_found_at_its_path_and_nothing_else_is() {
        let keys = Keys::new();
        for (index, column) in COLUMNS.iter().enumerate().filter(|(_, column)| !column.path.is_empty()) {
            let mut object = 0;
            for (depth, key) in column.path.iter().enumerate() {
                match keys.find(object, key.as_bytes()) {
                    Some(Place::Object(inner)) => object = inner,
                    Some(Place::Column(found)) => assert_eq!((found, depth + 1), (index, column.path.len())),
                    None => panic!("{:?}", column.path),
                }
            }
        }
        for key in ["", "e", "ev", "eventname", "eventNames", "userIdentity.arn", "arn", "form", "origin"] {
            assert_eq!(keys.find(0, key.as_bytes()), None, "{key}");
        }
        assert_eq!(keys.objects.len(), 6);
    }
}
