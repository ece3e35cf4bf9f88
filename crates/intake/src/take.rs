//! The path of one file.

use crate::gzip;
use crate::seen::{Claim, Item, Verdict};
use crate::sources::cloudtrail::{Decoded, Located, decode};
use crate::{Error, Inner, Report, blocking};
use bytes::Bytes;
use cairn_event::Origin;
use cairn_journal::{Entry, Kind};
use cairn_store::gzip::is_gzip;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::watch::Receiver;

/// Records are claimed and appended in pieces of about so many bytes, so that neither
/// the journal's queue nor others that wait for a record see a whole large file at once.
const PIECE_BYTES: usize = 8 << 20;

/// A file that is in memory, taken apart.
struct Opened {
    json: Bytes,
    decoded: Decoded,
    /// Lasts as long as the file is in memory.
    _held: OwnedSemaphorePermit,
}

/// Records that others are appending.
type Awaited = Vec<(Located, Receiver<Option<bool>>)>;

impl Inner {
    pub async fn take(self: &Arc<Self>, name: &str, body: Bytes) -> Result<Report, Error> {
        self.caught_up().await?;
        let mut opened = self.open_file(name, body).await?;
        let mut report = Report::of(&mut opened.decoded, opened.json.len() as u64);
        let mut records = std::mem::take(&mut opened.decoded.records);
        while !records.is_empty() {
            let rest = records.split_off(piece(&records));
            self.append(&opened.json, records, &mut report).await?;
            records = rest;
        }
        if self.seen.is_due() {
            let inner = Arc::clone(self);
            blocking(move || inner.save_seen()).await?;
        }
        Ok(report)
    }

    async fn open_file(self: &Arc<Self>, name: &str, body: Bytes) -> Result<Opened, Error> {
        let body_bytes_max = self.settings.body_bytes_max;
        if body.len() as u64 > body_bytes_max {
            return Err(Error::TooLarge { what: "the file as it was sent", bytes_max: body_bytes_max });
        }
        let bytes_max = self.settings.file_bytes_max.min(u64::from(u32::MAX));
        let allowances = if is_gzip(&body) { gzip::allowances(&body, bytes_max) } else { vec![body.len() as u64] };
        for allowance in allowances {
            let held = self.budget.hold(allowance).await;
            let (inner, name, body) = (Arc::clone(self), name.to_owned(), body.clone());
            let reading = move || {
                let json = read(body, allowance.min(bytes_max))?;
                let decoded = decode(&name, &json, &inner.limits)?;
                Ok(Opened { json, decoded, _held: held })
            };
            match self.on_a_core(reading).await {
                Err(Error::TooLarge { .. }) if allowance < bytes_max => {}
                done => return done,
            }
        }
        Err(Error::TooLarge { what: "the log file", bytes_max })
    }

    async fn on_a_core<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let _core = self.cores.acquire().await.expect("the semaphore is never closed");
        blocking(work).await
    }

    /// Appends what is new of these records and waits for what others are appending.
    async fn append(
        self: &Arc<Self>,
        json: &Bytes,
        mut records: Vec<Located>,
        report: &mut Report,
    ) -> Result<(), Error> {
        while !records.is_empty() {
            let (claimed, mut claim) = self.claim(json.clone(), records).await?;
            let (mut entries, mut awaited) = (Vec::new(), Awaited::new());
            let (mut conflicts, mut duplicates) = (0, 0);
            let time = self.world.now();
            for (record, verdict) in claimed.into_iter().zip(std::mem::take(&mut claim.verdicts)) {
                match verdict {
                    Verdict::Duplicate => duplicates += 1,
                    Verdict::Awaited(outcome) => awaited.push((record, outcome)),
                    Verdict::New | Verdict::Conflict => {
                        conflicts += u64::from(matches!(verdict, Verdict::Conflict));
                        let body = json.slice(record.range());
                        entries.push(Entry { origin: Origin::Import, kind: Kind::Event, time, body });
                    }
                }
            }
            report.new += entries.len() as u64;
            report.conflicts += conflicts;
            report.duplicates += duplicates;
            if !entries.is_empty() {
                self.journal.append(entries).await?;
            }
            claim.keep();
            let waiting = awaited.len() as u64;
            records = left(awaited).await;
            report.duplicates += waiting - records.len() as u64;
        }
        Ok(())
    }

    async fn claim(self: &Arc<Self>, json: Bytes, records: Vec<Located>) -> Result<(Vec<Located>, Claim), Error> {
        let inner = Arc::clone(self);
        let claiming = move || {
            let item = |record: &Located| Item {
                id: record.id,
                fingerprint: inner.seen.fingerprint(&json[record.range()]),
                shard: record.shard,
            };
            let items: Vec<Item> = records.iter().map(item).collect();
            let claim = inner.seen.claim(|| inner.journal.end().0, &items)?;
            Ok((records, claim))
        };
        self.on_a_core(claiming).await
    }
}

/// Those that did not become durable where they were awaited.
async fn left(awaited: Awaited) -> Vec<Located> {
    let mut left = Vec::new();
    for (record, mut outcome) in awaited {
        let durable = outcome.wait_for(Option::is_some).await.is_ok_and(|outcome| *outcome == Some(true));
        if !durable {
            left.push(record);
        }
    }
    left
}

/// How many records make the next piece.
fn piece(records: &[Located]) -> usize {
    let mut bytes = 0;
    let whole = records.iter().position(|record| {
        bytes += record.range().len();
        bytes >= PIECE_BYTES
    });
    whole.map_or(records.len(), |last| last + 1)
}

fn read(body: Bytes, bytes_max: u64) -> Result<Bytes, Error> {
    if is_gzip(&body) {
        return Ok(gzip::inflate(&body, bytes_max)?.into());
    }
    if body.len() as u64 > bytes_max {
        return Err(Error::TooLarge { what: "the log file", bytes_max });
    }
    Ok(body)
}

#[cfg(test)]
mod tests;
