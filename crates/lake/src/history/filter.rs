//! Which rows a look-up is about.

use super::{Attribute, Look, Scope};
use arrow::array::{Array, BooleanArray, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use cairn_event::{Origin, Time};

const MICROS: i64 = 1000;

/// The conditions of a look-up.
pub(super) struct Filter {
    account: Option<String>,
    region: Option<String>,
    scope: Scope,
    attributes: Vec<(Attribute, String)>,
    /// Both inclusive, in microseconds.
    pub from: i64,
    pub to: i64,
}

impl Attribute {
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::EventId => "eventid",
            Self::EventName => "eventname",
            Self::ReadOnly => "readonly",
            Self::Username => "username",
            Self::ResourceType => "resourcetypes",
            Self::ResourceName => "resourcenames",
            Self::EventSource => "eventsource",
            Self::AccessKeyId => "useridentity_accesskeyid",
            Self::SourceIp => "sourceipaddress",
            Self::ErrorCode => "errorcode",
        }
    }
}

/// One attribute against one batch.
enum Test<'a> {
    Text(&'a StringArray, &'a str),
    Flag(&'a BooleanArray, Option<bool>),
    Member(&'a ListArray, &'a StringArray, &'a str),
    /// The file does not have the column.
    Never,
}

impl Test<'_> {
    fn holds(&self, row: usize) -> bool {
        match self {
            Self::Text(texts, wanted) => texts.is_valid(row) && texts.value(row) == *wanted,
            Self::Flag(flags, wanted) => flags.is_valid(row) && Some(flags.value(row)) == *wanted,
            Self::Member(lists, texts, wanted) => {
                let offsets = lists.value_offsets();
                let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                lists.is_valid(row) && (start..end).any(|at| texts.is_valid(at) && texts.value(at) == *wanted)
            }
            Self::Never => false,
        }
    }
}

impl Filter {
    /// `oldest`: nothing older is shown.
    pub fn new(look: &Look, oldest: Time) -> Self {
        let from = look.from.map_or(oldest, |from| from.max(oldest));
        let before = look.after.as_ref().map_or(i64::MAX, |place| place.time);
        // An instant that is given in milliseconds covers the microseconds within.
        let to = look.to.map_or(i64::MAX, |to| to.0.saturating_mul(MICROS).saturating_add(MICROS - 1));
        Self {
            account: look.account.clone(),
            region: look.region.clone(),
            scope: look.scope,
            attributes: look.attributes.clone(),
            from: from.0.saturating_mul(MICROS),
            to: to.min(before),
        }
    }

    /// The columns that it asks for.
    pub fn columns(&self) -> Vec<&'static str> {
        let mut names = vec!["eventtime", "eventcategory", "managementevent", "origin"];
        if self.account.is_some() {
            names.extend(["recipientaccountid", "useridentity_accountid"]);
        }
        if self.region.is_some() {
            names.push("awsregion");
        }
        names.extend(self.attributes.iter().map(|(attribute, _)| attribute.column()));
        names
    }

    /// Values that a row group must hold, by column, as far as text is asked for.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let texts = self.attributes.iter().filter(|(attribute, _)| *attribute != Attribute::ReadOnly);
        texts.map(|(attribute, value)| (attribute.column(), value.as_str()))
    }

    /// The rows of a batch that match, with their times.
    pub fn matching(&self, batch: &RecordBatch) -> Vec<(usize, i64)> {
        let Some(times) = column::<TimestampMicrosecondArray>(batch, "eventtime") else { return Vec::new() };
        let tests: Vec<Test<'_>> =
            self.attributes.iter().map(|(attribute, value)| test(batch, *attribute, value)).collect();
        let recorded = Recorded {
            account: column(batch, "recipientaccountid"),
            identity: column(batch, "useridentity_accountid"),
            region: column(batch, "awsregion"),
            category: column(batch, "eventcategory"),
            management: column(batch, "managementevent"),
            origin: column(batch, "origin"),
        };
        let matches = |row: usize| {
            let time = times.is_valid(row).then(|| times.value(row))?;
            let holds = (self.from..=self.to).contains(&time)
                && tests.iter().all(|test| test.holds(row))
                && recorded.account(self.account.as_deref(), row)
                && self.region.as_deref().is_none_or(|region| value(recorded.region, row) == Some(region))
                && recorded.scope(self.scope, row);
            holds.then_some((row, time))
        };
        (0..batch.num_rows()).filter_map(matches).collect()
    }
}

/// The columns that say what an event is and whose.
struct Recorded<'a> {
    account: Option<&'a StringArray>,
    identity: Option<&'a StringArray>,
    region: Option<&'a StringArray>,
    category: Option<&'a StringArray>,
    management: Option<&'a BooleanArray>,
    origin: Option<&'a StringArray>,
}

impl Recorded<'_> {
    /// Older records do not say for whom they are; those of the caller's own account are meant then.
    fn account(&self, account: Option<&str>, row: usize) -> bool {
        let Some(account) = account else { return true };
        match value(self.account, row) {
            Some(recipient) => recipient == account,
            None => value(self.identity, row) == Some(account),
        }
    }

    fn scope(&self, scope: Scope, row: usize) -> bool {
        if value(self.origin, row) == Some(Origin::Channel.name()) {
            return false;
        }
        let data = || self.management.is_some_and(|flags| flags.is_valid(row) && !flags.value(row));
        match (scope, value(self.category, row)) {
            (Scope::Insight, category) => category == Some("Insight"),
            (Scope::Management, Some(category)) => category == "Management",
            (Scope::Management, None) => !data(),
            (Scope::Activity, category) => !matches!(category, Some("Insight" | "ActivityAuditLog" | "Aggregated")),
        }
    }
}

fn test<'a>(batch: &'a RecordBatch, attribute: Attribute, value: &'a str) -> Test<'a> {
    let name = attribute.column();
    let test = match attribute {
        Attribute::ReadOnly => column(batch, name).map(|flags| Test::Flag(flags, value.parse().ok())),
        Attribute::ResourceName | Attribute::ResourceType => {
            column::<ListArray>(batch, name).and_then(|lists| Some(Test::Member(lists, members(lists)?, value)))
        }
        _ => column(batch, name).map(|texts| Test::Text(texts, value)),
    };
    test.unwrap_or(Test::Never)
}

fn members(lists: &ListArray) -> Option<&StringArray> {
    lists.values().as_any().downcast_ref()
}

fn column<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Option<&'a A> {
    batch.column_by_name(name)?.as_any().downcast_ref()
}

fn value(texts: Option<&StringArray>, row: usize) -> Option<&str> {
    texts.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row))
}

pub(super) fn text<'a>(batch: &'a RecordBatch, name: &str, row: usize) -> Option<&'a str> {
    value(column(batch, name), row)
}

pub(super) fn flag(batch: &RecordBatch, name: &str, row: usize) -> Option<bool> {
    column::<BooleanArray>(batch, name).filter(|flags| flags.is_valid(row)).map(|flags| flags.value(row))
}

/// Microseconds since 1970.
pub(super) fn time(batch: &RecordBatch, name: &str, row: usize) -> Option<i64> {
    let times = column::<TimestampMicrosecondArray>(batch, name)?;
    times.is_valid(row).then(|| times.value(row))
}

pub(super) fn texts(batch: &RecordBatch, name: &str, row: usize) -> Vec<String> {
    let Some(lists) = column::<ListArray>(batch, name).filter(|lists| lists.is_valid(row)) else { return Vec::new() };
    let Some(texts) = members(lists) else { return Vec::new() };
    let offsets = lists.value_offsets();
    let range = offsets[row] as usize..offsets[row + 1] as usize;
    range.filter_map(|at| value(Some(texts), at)).map(str::to_owned).collect()
}
