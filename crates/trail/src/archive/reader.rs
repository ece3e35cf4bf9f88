//! The archive as a reader of the journal.

use super::Archive;
use super::layout::Slot;
use super::pending::Pending;
use super::rows::Kind;
use crate::state::{Choice, Entry};
use cairn_event::{Head, Origin, Origins, Time};
use cairn_journal::{Batch, Item, Kind as Recorded, Position, ReadError, Reader};
use std::sync::Arc;

/// What happened here or passed a proxy of ours, and what was concluded from it; not what
/// somebody else recorded earlier.
const ORIGINS: Origins = Origins::of(&[Origin::Door, Origin::Gateway, Origin::Finding]);
const REGION_BYTES_MAX: usize = 32;

#[async_trait::async_trait]
impl Reader for Archive {
    fn name(&self) -> &'static str {
        "archive"
    }

    fn origins(&self) -> Origins {
        ORIGINS
    }

    /// Everything before is in log files whose bytes are durable.
    fn position(&self) -> Position {
        self.durable()
    }

    async fn absorb(&self, batch: &Batch) -> Result<(), ReadError> {
        self.make_room().await.map_err(|error| ReadError(error.to_string()))?;
        self.register().pull_back(self.now()).await.map_err(|error| ReadError(error.to_string()))?;
        let mut choice = Choice::new(self.identity(), self.register());
        let mut pending = self.pending();
        // A batch that is offered again begins before what is already here.
        let known = pending.absorbed();
        let items: Vec<_> = batch.iter().filter(|item| item.position() >= known).collect();
        for item in &items {
            take(&mut pending, &mut choice, item);
        }
        if let Some(call) = items.iter().rev().find(|item| is_call(item)) {
            pending.heard(call.time());
        }
        pending.reached(batch.range().end);
        Ok(())
    }

    async fn skipped(&self, start: Position) -> Result<(), ReadError> {
        let known = self.pending().absorbed();
        let message = match start.0.checked_sub(known.0) {
            Some(lost) => format!("{lost} records were lost from the journal before they were archived"),
            None => "the journal ends before what was archived of it: it is not the journal it was".to_owned(),
        };
        tracing::error!(from = known.0, to = start.0, message);
        for entry in self.register().state().all_living().filter(|entry| entry.trail.logging) {
            self.show(entry.id, Kind::Log, &message).await;
        }
        self.pending().jump(start);
        Ok(())
    }
}

impl Archive {
    /// Back-pressure: where memory is full, files are cut early; where that fails, nothing more is taken.
    async fn make_room(&self) -> Result<(), crate::Error> {
        if self.waiting_bytes() < self.settings().memory_bytes_max {
            return Ok(());
        }
        self.cut().await
    }
}

/// Whether it is the record of a call. While the journal cannot be written these wait in the
/// order of their times, and what services tell of themselves, such as deliveries, overtakes them.
fn is_call(item: &Item<'_>) -> bool {
    item.kind() == Recorded::Event
        && item.origin() == Origin::Door
        && item.head().is_some_and(|head| head.string_at(&["userIdentity", "invokedBy"]).is_none())
}

fn take(pending: &mut Pending, choice: &mut Choice, item: &Item<'_>) {
    if item.kind() != Recorded::Event || !ORIGINS.contains(item.origin()) {
        return;
    }
    let Some(head) = item.head() else { return };
    let event_time = head.event_time.as_deref().and_then(|time| Time::parse(time).ok()).unwrap_or(item.time());
    for entry in choice.trails(&head, item.time()) {
        pending.push(slot(entry, &head), entry, item.raw(), event_time);
    }
}

/// Records that name no region that could be part of a key go where the trail lives.
fn slot(entry: &Entry, head: &Head<'_>) -> Slot {
    let well_formed = |region: &&str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=REGION_BYTES_MAX).contains(&region.len()) && region.bytes().all(plain)
    };
    let region = head.aws_region.as_deref().filter(well_formed).unwrap_or(&entry.trail.home_region);
    let account = head.recipient_account_id.as_deref().unwrap_or(&entry.trail.account);
    Slot { trail: entry.id, account: account.to_owned(), region: region.to_owned() }
}

impl Archive {
    /// As the journal's driver takes it.
    pub fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(self.clone())
    }
}
