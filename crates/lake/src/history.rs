//! Look-ups of recorded events, newest first.
//!
//! A look-up reads the table `events` past SQL, in three steps over as few columns and row groups as
//! can hold the answer: which rows match and how old they are (`scan`), in which order those stand that
//! may be in the page, and then every column of the page's rows alone. Files are taken newest first, so
//! that a page of what just happened touches the newest file only; a row group is passed over by its
//! times and by its bloom filters.
//!
//! The order is by `eventTime`, then `eventID`, then arrival, all descending. A [`Place`] names a row by
//! these, so that a list goes on where it was whatever came in, was merged or retired meanwhile.

mod filter;
mod footer;
mod rate;
mod scan;

use crate::{Error, Parts, Tables, shred, table};
use arrow::array::{Array, RecordBatch};
use cairn_event::{Head, Time};
use cairn_world::World;
use filter::Filter;
use footer::Footers;
use rate::Rates;
use scan::Scan;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Rows that one look-up gives at most.
pub const PAGE_MAX: usize = 1000;
/// How long a look-up waits for what was recorded just before it.
const CATCH_UP: Duration = Duration::from_secs(1);
/// How often it begins anew when a file that it reads turns out to be damaged and is set aside.
const DAMAGED_FILES_MAX: usize = 8;

/// What was recorded, to be looked up. Cheap to clone.
#[derive(Clone)]
pub struct History {
    inner: Arc<Inner>,
}

struct Inner {
    world: World,
    tables: Tables,
    span: Duration,
    open: bool,
    rates: Rates,
    footers: Footers,
}

/// What an event must have to be found. Texts must be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Attribute {
    EventId,
    EventName,
    /// `true` or `false`.
    ReadOnly,
    Username,
    ResourceType,
    ResourceName,
    EventSource,
    AccessKeyId,
    SourceIp,
    ErrorCode,
}

/// Which events are looked at. What applications send over channels never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    Management,
    /// Management, data and network activity.
    Activity,
    Insight,
}

/// One look-up.
#[derive(Clone, Debug)]
pub struct Look {
    /// The account that an event was recorded for; every account without.
    pub account: Option<String>,
    pub region: Option<String>,
    pub scope: Scope,
    /// All must hold.
    pub attributes: Vec<(Attribute, String)>,
    /// Both inclusive.
    pub from: Option<Time>,
    pub to: Option<Time>,
    /// Only what comes after this row.
    pub after: Option<Place>,
    /// At most [`PAGE_MAX`].
    pub max: usize,
}

/// A row's place in the order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Microseconds since 1970.
    time: i64,
    id: String,
    received: i64,
    /// How many rows of these very values have been given.
    given: u32,
}

/// Part of a list of events.
#[derive(Clone, Debug)]
pub struct Page {
    pub events: Vec<Found>,
    /// Where the next page begins, when there is one.
    pub next: Option<Place>,
}

/// One event as a look-up shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub time: Time,
    pub id: Option<String>,
    pub name: Option<String>,
    pub source: Option<String>,
    pub read_only: Option<bool>,
    pub username: Option<String>,
    pub access_key: Option<String>,
    pub source_ip: Option<String>,
    pub region: Option<String>,
    pub account: Option<String>,
    pub error_code: Option<String>,
    /// Type and name; a resource that has a name beside its ARN stands there under both.
    pub resources: Vec<(Option<String>, Option<String>)>,
    /// The event's JSON, byte for byte.
    pub event: String,
}

impl History {
    pub fn open(parts: &Parts, tables: &Tables) -> Self {
        let inner = Inner {
            world: parts.world.clone(),
            tables: tables.clone(),
            span: parts.settings.history,
            open: parts.settings.history_open,
            rates: Rates::default(),
            footers: Footers::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether several attributes may be asked for at once, and as often as one likes.
    pub fn is_open(&self) -> bool {
        self.inner.open
    }

    /// Counts a look-up of this account and region. False when there were too many.
    pub fn admit(&self, account: &str, region: &str) -> bool {
        self.inner.open || self.inner.rates.admit(self.inner.world.clock.monotonic(), account, region)
    }

    /// The newest events that match; none older than the history reaches back.
    pub async fn look(&self, look: &Look) -> Result<Page, Error> {
        self.inner.tables.catch_up(CATCH_UP).await;
        let mut damaged = 0;
        loop {
            match self.look_once(look).await {
                // The table has set the file aside by now: what the others hold is there.
                Err(Error::Corrupt(what)) if damaged < DAMAGED_FILES_MAX => {
                    tracing::error!(what, "a look-up goes on without a damaged file");
                    damaged += 1;
                }
                done => return done,
            }
        }
    }

    async fn look_once(&self, look: &Look) -> Result<Page, Error> {
        let max = look.max.min(PAGE_MAX);
        let oldest = self.inner.world.now() - self.inner.span;
        let filter = Filter::new(look, oldest);
        let snapshot = self.inner.tables.snapshot(table::EVENTS).await?;
        let scan = Scan { tables: &self.inner.tables, footers: &self.inner.footers, filter: &filter };
        let rows = scan.newest(&snapshot, look.after.as_ref(), max + 1).await?;
        let more = rows.len() > max;
        let shown = &rows[..rows.len().min(max)];
        let next = shown.last().filter(|_| more).map(|last| next(look.after.as_ref(), shown, last.place()));
        let batches = scan.whole(&snapshot, shown).await?;
        Ok(Page { events: batches.iter().map(found).collect::<Result<_, _>>()?, next })
    }
}

/// The place behind `last`, told apart from rows that have the same values.
fn next(after: Option<&Place>, shown: &[scan::Row], last: &Place) -> Place {
    let same = |place: &Place| (place.time, &place.id, place.received) == (last.time, &last.id, last.received);
    let before = after.filter(|after| same(after)).map_or(0, |after| after.given);
    let given = before + shown.iter().filter(|row| same(row.place())).count() as u32;
    Place { given, ..last.clone() }
}

/// The event in a batch of one row.
fn found(row: &RecordBatch) -> Result<Found, Error> {
    let originals = shred::originals(row);
    if originals.len() != 1 || originals.is_null(0) {
        return Err(Error::Unavailable("a row of the events cannot be made into an event again".to_owned()));
    }
    let event = originals.value(0).to_owned();
    let text = |name: &str| filter::text(row, name, 0).map(str::to_owned);
    Ok(Found {
        time: Time(filter::time(row, "eventtime", 0).unwrap_or_default().div_euclid(1000)),
        id: text("eventid"),
        name: text("eventname"),
        source: text("eventsource"),
        read_only: filter::flag(row, "readonly", 0),
        username: text("username"),
        access_key: text("useridentity_accesskeyid"),
        source_ip: text("sourceipaddress"),
        region: text("awsregion"),
        account: text("recipientaccountid").or_else(|| text("useridentity_accountid")),
        error_code: text("errorcode"),
        resources: resources(row, &event),
        event,
    })
}

/// The pairs of type and name, each name once: those of `resources`, and others by which the event is found.
fn resources(row: &RecordBatch, event: &str) -> Vec<(Option<String>, Option<String>)> {
    let mut names = filter::texts(row, "resourcenames", 0);
    let mut kinds = filter::texts(row, "resourcetypes", 0);
    let mut pairs = Vec::new();
    let own = Head::parse(event).map(|head| head.resources()).unwrap_or_default();
    for (arn, kind) in own {
        kinds.retain(|other| Some(other) != kind.as_ref());
        let belongs = |name: &String| arn.as_ref().is_some_and(|arn| name == arn || is_name_of(name, arn));
        let (mine, others): (Vec<_>, Vec<_>) = names.into_iter().partition(belongs);
        names = others;
        pairs.extend(mine.into_iter().map(|name| (kind.clone(), Some(name))));
    }
    // What parameters name has its type beside it, as far as it is clear which is whose.
    let kind = |index: usize| match kinds.as_slice() {
        [only] => Some(only.clone()),
        all if all.len() == names.len() => all.get(index).cloned(),
        _ => None,
    };
    pairs.extend(names.iter().enumerate().map(|(index, name)| (kind(index), Some(name.clone()))));
    pairs
}

/// Whether an ARN ends in this name.
fn is_name_of(name: &str, arn: &str) -> bool {
    let before = arn.strip_suffix(name);
    !name.is_empty() && before.is_some_and(|before| before.ends_with(['/', ':']))
}

#[cfg(test)]
mod tests;
