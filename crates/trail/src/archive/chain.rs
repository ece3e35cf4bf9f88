//! The chains of digests: when the next one is due, what it lists, how it is committed.
//!
//! A trail with validation has a chain for its home region, opened when logging starts or
//! validation is switched on, and one for every other region and account from which it has
//! archived something. A chain's windows abut, one an interval, also when nothing was
//! delivered: from a window's start until before its end. A digest lists the log files whose
//! names, given when they were cut, lie in its window; for files that are still on their way
//! it waits a little. A window that passed while the house was shut gets its own digest, but
//! after a long time the first one spans all but the last [`CATCH_UP_MAX`].
//!
//! When logging stops, validation is switched off or the trail is deleted, the chain ends
//! with a digest that lists what is still delivered of the time before. Started again it
//! begins anew, with a digest that has no predecessor.
//!
//! Log files that reach their bucket after the digest of their window was made, or after
//! their chain ended, are listed by digests of a second chain, the backfill, whose windows
//! are when they did come.

use super::Archive;
use super::digest::{Digest, Link, Listed, SIGNATURE_ALGORITHM};
use super::layout::Slot;
use super::rows::{self, Chain, Contents, Kind, Staged, Tally};
use super::sign::SigningKey;
use super::stage::{self, Written};
use crate::Error;
use crate::history::LAG_MAX;
use crate::state::Entry;
use cairn_event::Time;
use cairn_journal::Position;
use cairn_store::Blobs;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Windows that get a digest each, however many have passed.
const CATCH_UP_MAX: u64 = 48;
/// After a stop the records of calls before it are on their way to the journal for so long, when it
/// can be written. Those that take longer are listed by the backfill.
const SETTLE: Duration = Duration::from_secs(2);
/// A digest waits for files of its window for so long at most, and for half an interval.
const GRACE_MAX: Duration = Duration::from_mins(5);
const SECOND: Duration = Duration::from_secs(1);
/// After a digest could not be made.
const RETRY: Duration = Duration::from_secs(10);

/// That a trail records no more, as it was first seen.
#[derive(Clone, Copy)]
pub(crate) struct Stop {
    at: Time,
    /// What it had to record is before.
    end: Position,
}

/// What is to be done about a chain.
enum Plan {
    Issue { end: Time, last: bool },
    Wait(Time),
}

impl Archive {
    /// Makes every digest that is due. Returns when to look again, unless something happens before.
    pub async fn digests(&self) -> Result<Option<Time>, Error> {
        self.open_chains().await?;
        let mut next: Option<Time> = None;
        let mut look = |at: Time| next = Some(next.map_or(at, |next| next.min(at)));
        for chain in rows::chains(self.db()).await?.into_iter().filter(|chain| chain.open && !chain.backfill) {
            let slot = chain.slot.clone();
            match self.advance(chain).await {
                Ok(at) => at.into_iter().for_each(&mut look),
                Err(error) => look(self.digest_failed(&slot, &error).await),
            }
        }
        for (slot, tally) in rows::tallies(self.db()).await? {
            match self.backfill(&slot, tally).await {
                Ok(at) => at.into_iter().for_each(&mut look),
                Err(error) => look(self.digest_failed(&slot, &error).await),
            }
        }
        // A trail that was stopped and started again begins anew at once.
        self.open_chains().await?;
        if let Some(at) = self.bury().await? {
            look(at);
        }
        Ok(next)
    }

    /// One chain's trouble holds no other up.
    async fn digest_failed(&self, slot: &Slot, error: &Error) -> Time {
        tracing::error!(trail = %slot.trail, region = slot.region, %error, "no digest could be made");
        self.show(slot.trail, Kind::Digest, &format!("InternalError: {error}")).await;
        self.now() + RETRY
    }

    /// Opens the home chain of every trail that is to have one.
    async fn open_chains(&self) -> Result<(), Error> {
        let state = self.register().state();
        let chains = rows::chains(self.db()).await?;
        let open: BTreeMap<&Slot, &Chain> =
            chains.iter().filter(|chain| chain.open && !chain.backfill).map(|chain| (&chain.slot, chain)).collect();
        // An earlier trail of the same name must have ended its chain: their digests have the same keys.
        let ending = |entry: &Entry| {
            let same_name = |other: &&Arc<Entry>| other.id != entry.id && other.trail.arn == entry.trail.arn;
            state.all().filter(same_name).any(|other| open.keys().any(|slot| slot.trail == other.id))
        };
        for entry in state.all_living().filter(|entry| entry.trail.logging && entry.trail.validation) {
            let slot = entry.home_slot();
            if !open.contains_key(&slot) && !ending(entry) {
                self.open_chain(slot).await?;
            }
        }
        Ok(())
    }

    async fn open_chain(&self, slot: Slot) -> Result<(), Error> {
        let _books = self.inner.books.lock().await;
        let now = self.now();
        let mut tx = self.db().write().await?;
        let before = rows::chain(&mut tx, &slot, false).await?.map_or(Time(0), |chain| chain.ends);
        let ends = now.to_second().max(before);
        rows::set_chain(&mut tx, &Chain { slot, backfill: false, open: true, opened: now, ends, head: None }).await?;
        Ok(tx.commit().await?)
    }

    /// Makes the digests of one chain that are due.
    async fn advance(&self, mut chain: Chain) -> Result<Option<Time>, Error> {
        let Some(entry) = self.register().state().by_id(chain.slot.trail).cloned() else { return Ok(None) };
        loop {
            match self.plan(&chain, &entry).await? {
                Plan::Wait(until) => return Ok(Some(until)),
                Plan::Issue { end, last } => {
                    chain = self.issue(&entry, chain, end, last).await?;
                    if last {
                        return Ok(None);
                    }
                }
            }
        }
    }

    async fn plan(&self, chain: &Chain, entry: &Entry) -> Result<Plan, Error> {
        let (now, interval) = (self.now(), self.digest_interval());
        let tally = rows::tallies(self.db()).await?.get(&chain.slot).copied().unwrap_or_default();
        let due = chain.ends + interval;
        let passed = now.since(chain.ends).as_secs() / interval.as_secs();
        let skipped = u32::try_from(passed.saturating_sub(CATCH_UP_MAX)).unwrap_or(u32::MAX);
        let next = || self.window(due + interval.saturating_mul(skipped), &tally);
        if self.continues(chain, entry) {
            return Ok(if passed > 0 { next() } else { Plan::Wait(due) });
        }
        if passed > 1 {
            return Ok(next());
        }
        if !self.is_complete(entry, &tally) {
            return Ok(if passed > 0 { next() } else { Plan::Wait(due.min(now + SETTLE)) });
        }
        let end = now.to_second();
        let whole = end > chain.ends && tally.newest.is_none_or(|cut| cut < end);
        Ok(if whole { Plan::Issue { end, last: true } } else { Plan::Wait(end + SECOND) })
    }

    /// The digest of a window that has passed, once its files are there or their time is up.
    fn window(&self, end: Time, tally: &Tally) -> Plan {
        let grace = GRACE_MAX.min(self.digest_interval() / 2);
        // A start publishes what it finds first.
        let patience = end.max(self.inner.opened) + grace;
        if self.now() < patience && tally.unpublished.is_some_and(|cut| cut < end) {
            return Plan::Wait(patience);
        }
        Plan::Issue { end, last: false }
    }

    /// Whether another digest is to follow in this chain.
    fn continues(&self, chain: &Chain, entry: &Entry) -> bool {
        let trail = &entry.trail;
        let wanted = entry.deleted.is_none()
            && trail.logging
            && trail.validation
            && trail.started.is_none_or(|started| started <= chain.opened)
            && (trail.multi_region || chain.slot.region == trail.home_region)
            && (trail.organization.is_some() || chain.slot.account == trail.account);
        if wanted {
            self.stops().remove(&entry.id);
        }
        wanted
    }

    /// Whether all that a stopped trail recorded is in its bucket, but for files that are late already.
    fn is_complete(&self, entry: &Entry, tally: &Tally) -> bool {
        let late = |cut: Time| self.now().since(cut) > self.digest_interval();
        self.is_cut(entry) && tally.unpublished_newest.is_none_or(late)
    }

    /// Whether all that a stopped trail recorded is in log files.
    fn is_cut(&self, entry: &Entry) -> bool {
        let now = self.now();
        let stop = *self.stops().entry(entry.id).or_insert_with(|| Stop { at: now, end: self.journal().end() });
        if now < stop.at + SETTLE {
            // The records of the last calls may not have reached the journal.
            self.stops().insert(entry.id, Stop { end: self.journal().end(), ..stop });
            return false;
        }
        self.durable() >= stop.end
    }

    /// Signs, stages and commits one digest; after a crash before the commit nothing of it is
    /// left, after it this very digest is published.
    async fn issue(&self, entry: &Entry, chain: Chain, end: Time, last: bool) -> Result<Chain, Error> {
        let now = self.now();
        let key = self.inner.signer.key(&chain.slot.region, if chain.backfill { now } else { end }).await?;
        let _books = self.inner.books.lock().await;
        let logs = rows::listed(self.db(), &chain.slot, chain.backfill, end).await?;
        let listed: Vec<i64> = logs.iter().map(|log| log.id).collect();
        let draft = Draft { entry: entry.clone(), chain, end, logs, key };
        let blobs = self.blobs().clone();
        let sealed = tokio::task::spawn_blocking(move || draft.seal(&blobs)).await;
        let (draft, link, written) = sealed.map_err(|error| Error::Unavailable(error.to_string()))??;
        let contents = Contents { sha256: written.sha256.clone(), oldest: None, newest: None };
        let mut tx = self.db().write().await?;
        rows::insert(&mut tx, &draft.staged(&link, written, now), &contents).await?;
        rows::forget(&mut tx, listed).await?;
        let chain = Chain { open: !last, ends: end, head: Some(link), ..draft.chain };
        rows::set_chain(&mut tx, &chain).await?;
        tx.commit().await?;
        self.inner.staged.notify_one();
        Ok(chain)
    }

    /// Lists what came too late, once nothing more of that time is on its way or an interval has passed.
    async fn backfill(&self, slot: &Slot, tally: Tally) -> Result<Option<Time>, Error> {
        let Some(late) = tally.late else { return Ok(None) };
        let Some(entry) = self.register().state().by_id(slot.trail).cloned() else { return Ok(None) };
        let (now, interval) = (self.now(), self.digest_interval());
        let chains = rows::chains(self.db()).await?.into_iter().filter(|chain| chain.slot == *slot);
        let (backfill, standard): (Vec<Chain>, Vec<Chain>) = chains.partition(|chain| chain.backfill);
        let closed = |cut: Time| standard.iter().all(|chain| !chain.open || cut < chain.ends);
        if tally.unpublished.is_some_and(closed) && now < late.first + interval {
            return Ok(Some(late.first + interval));
        }
        let chain = backfill.into_iter().next().unwrap_or_else(|| Chain {
            slot: slot.clone(),
            backfill: true,
            open: true,
            opened: now,
            ends: late.cut.to_second() - SECOND,
            head: None,
        });
        let end = now.to_second();
        if end <= chain.ends || late.last > end {
            return Ok(Some(end + SECOND));
        }
        self.issue(&entry, chain, end, false).await?;
        Ok(None)
    }

    /// Whether the record of every call that a deleted trail recorded is in log files. While the
    /// journal cannot be written such records wait elsewhere, however long; they are here once a
    /// later one is.
    fn has_heard_all(&self, deleted: Time) -> bool {
        self.heard().min(self.now()) >= deleted + LAG_MAX
    }

    /// Forgets deleted trails of which nothing is on its way.
    async fn bury(&self) -> Result<Option<Time>, Error> {
        let state = self.register().state();
        let heard_all = |entry: &&Arc<Entry>| entry.deleted.is_some_and(|deleted| self.has_heard_all(deleted));
        let deleted: Vec<&Arc<Entry>> = state.all().filter(heard_all).collect();
        if deleted.is_empty() {
            return Ok(None);
        }
        let staged = rows::staged(self.db()).await?;
        let tallies = rows::tallies(self.db()).await?;
        let chains = rows::chains(self.db()).await?;
        let mut waits = false;
        for entry in deleted {
            let busy = !self.is_cut(entry)
                || staged.iter().any(|file| file.slot.trail == entry.id)
                || tallies.keys().any(|slot| slot.trail == entry.id)
                || chains.iter().any(|chain| chain.slot.trail == entry.id && chain.open && !chain.backfill);
            if busy {
                waits = true;
                continue;
            }
            let mut tx = self.db().write().await?;
            rows::forget_trail(&mut tx, entry.id).await?;
            tx.commit().await?;
            self.register().bury(entry.id).await?;
            self.stops().remove(&entry.id);
        }
        Ok(waits.then(|| self.now() + SETTLE))
    }
}

/// A digest that is being made.
struct Draft {
    entry: Entry,
    chain: Chain,
    end: Time,
    logs: Vec<Listed>,
    key: Arc<SigningKey>,
}

impl Draft {
    /// Writes it down, signs it and makes its bytes durable. Blocks.
    fn seal(self, blobs: &Blobs) -> Result<(Self, Link, Written), Error> {
        let Entry { trail, .. } = &self.entry;
        let key = self.chain.slot.digest_key(trail, self.end, self.chain.backfill);
        let digest = Digest {
            account: &self.chain.slot.account,
            start: self.chain.ends,
            end: self.end,
            bucket: &trail.bucket,
            key: &key,
            fingerprint: &self.key.fingerprint,
            previous: self.chain.head.as_ref(),
            logs: &self.logs,
        };
        let json = digest.to_json();
        let sha256 = stage::sha256(&json);
        let signature = self.key.sign(&digest.signed_text(&sha256))?;
        let written = stage::write(blobs, &json).map_err(|error| Error::Unavailable(error.to_string()))?;
        let link = Link { bucket: trail.bucket.clone(), key, sha256, signature };
        Ok((self, link, written))
    }

    fn staged(&self, link: &Link, written: Written, now: Time) -> Staged {
        let mut metadata = BTreeMap::from([
            ("signature".to_owned(), link.signature.clone()),
            ("signature-algorithm".to_owned(), SIGNATURE_ALGORITHM.to_owned()),
        ]);
        if self.chain.backfill {
            metadata.insert("backfill-generation-timestamp".to_owned(), now.iso_millis());
        }
        Staged {
            id: 0,
            slot: self.chain.slot.clone(),
            arn: self.entry.trail.arn.clone(),
            kind: if self.chain.backfill { Kind::Backfill } else { Kind::Digest },
            bucket: link.bucket.clone(),
            key: link.key.clone(),
            kms_key: self.entry.trail.kms_key.clone(),
            metadata,
            blob: written.blob,
            cut: now,
            chained: false,
        }
    }
}
