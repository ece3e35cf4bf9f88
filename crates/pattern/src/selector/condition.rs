//! What one field must be: six operators over lists of texts.

use super::FieldSelector;

/// The operators of one field, their values sorted where that finds them faster.
///
/// Holds when a value that selects agrees (if there is any such value) and no value that
/// deselects does. A field that the event lacks agrees with no value.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    selects: Values,
    deselects: Values,
}

#[derive(Clone, Debug)]
struct Values {
    /// Sorted.
    equals: Vec<String>,
    starts: Vec<String>,
    ends: Vec<String>,
}

impl Values {
    fn of(equals: Option<&Vec<String>>, starts: Option<&Vec<String>>, ends: Option<&Vec<String>>) -> Self {
        let list = |values: Option<&Vec<String>>| values.cloned().unwrap_or_default();
        let mut equals = list(equals);
        equals.sort_unstable();
        Self { equals, starts: list(starts), ends: list(ends) }
    }

    const fn is_empty(&self) -> bool {
        self.equals.is_empty() && self.starts.is_empty() && self.ends.is_empty()
    }

    fn agree(&self, text: &str) -> bool {
        self.equals.binary_search_by(|value| value.as_str().cmp(text)).is_ok()
            || self.starts.iter().any(|value| text.starts_with(value))
            || self.ends.iter().any(|value| text.ends_with(value))
    }
}

impl Condition {
    pub fn of(field: &FieldSelector) -> Self {
        Self {
            selects: Values::of(field.equals.as_ref(), field.starts_with.as_ref(), field.ends_with.as_ref()),
            deselects: Values::of(
                field.not_equals.as_ref(),
                field.not_starts_with.as_ref(),
                field.not_ends_with.as_ref(),
            ),
        }
    }

    pub fn holds(&self, text: Option<&str>) -> bool {
        let Some(text) = text else { return self.selects.is_empty() };
        (self.selects.is_empty() || self.selects.agree(text)) && !self.deselects.agree(text)
    }
}
