//! Claims: events on their way into the journal belong to whoever came first.
//!
//! Files are taken in side by side and may hold the same event. The first to claim it
//! appends it; the others wait and hear whether it became durable before they call it a
//! duplicate. If it did not, they claim it themselves.

use super::shard::Known;
use super::{Fingerprint, Inner, Seen};
use crate::sketch::{Id, Shard};
use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::Arc;
use tokio::sync::watch;

pub type Ticket = u64;

/// One event to be claimed.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    pub id: Id,
    pub fingerprint: Fingerprint,
    pub shard: Shard,
}

/// What is to be done with an event.
#[derive(Debug)]
pub enum Verdict {
    /// Append it.
    New,
    /// Append it, although its id is known: its bytes are not.
    Conflict,
    /// It is in the journal, or earlier in this claim.
    Duplicate,
    /// Somebody else is appending it; true once it is durable.
    Awaited(watch::Receiver<Option<bool>>),
}

pub struct UnderWay {
    /// Where the journal ended when the claim was made: its records come at or behind it.
    pub start: u64,
    done: watch::Sender<Option<bool>>,
}

/// Who is appending events of one id, with what bytes: nearly always one, who takes no
/// memory beside the id.
pub struct Owners {
    first: (Fingerprint, Ticket),
    more: Vec<(Fingerprint, Ticket)>,
}

impl Owners {
    fn of(&self, fingerprint: Fingerprint) -> Option<Ticket> {
        let mut all = std::iter::once(&self.first).chain(&self.more);
        all.find(|(theirs, _)| *theirs == fingerprint).map(|(_, owner)| *owner)
    }

    /// Takes out what one of them claimed; false when nobody is left.
    fn leave(&mut self, ticket: Ticket) -> bool {
        self.more.retain(|(_, owner)| *owner != ticket);
        if self.first.1 != ticket {
            return true;
        }
        self.more.pop().map(|next| self.first = next).is_some()
    }
}

/// Events that are being appended. Dropped, it gives them back.
pub struct Claim {
    seen: Arc<Seen>,
    ticket: Ticket,
    items: Vec<Item>,
    shards: BTreeSet<Shard>,
    pub verdicts: Vec<Verdict>,
}

impl Seen {
    /// Claims what is not known yet; one verdict an item. `start` is asked, while nothing
    /// moves, for the durable end of the journal.
    pub fn claim(self: &Arc<Self>, start: impl FnOnce() -> u64, items: &[Item]) -> io::Result<Claim> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let shards: BTreeSet<Shard> = items.iter().map(|item| item.shard).collect();
        for shard in &shards {
            self.load(inner, *shard)?;
        }
        for shard in &shards {
            inner.shard_mut(*shard).claims += 1;
        }
        let ticket = inner.next_ticket;
        inner.next_ticket += 1;
        inner.under_way.insert(ticket, UnderWay { start: start(), done: watch::Sender::new(None) });
        let mut claim = Claim {
            seen: Arc::clone(self),
            ticket,
            items: Vec::with_capacity(items.len()),
            shards,
            verdicts: Vec::with_capacity(items.len()),
        };
        for item in items {
            let verdict = inner.judge(item, ticket);
            if matches!(verdict, Verdict::New | Verdict::Conflict) {
                let own = (item.fingerprint, ticket);
                let owners = inner.pending.entry(item.id);
                owners
                    .and_modify(|owners| owners.more.push(own))
                    .or_insert_with(|| Owners { first: own, more: Vec::new() });
                claim.items.push(*item);
            }
            claim.verdicts.push(verdict);
        }
        self.evict(inner);
        Ok(claim)
    }
}

impl Inner {
    fn judge(&self, item: &Item, ticket: Ticket) -> Verdict {
        let known = self.shards.get(&item.shard).map_or(Known::No, |entries| entries.known(&item.id, item.fingerprint));
        if known == Known::Same {
            return Verdict::Duplicate;
        }
        let pending = self.pending.get(&item.id);
        match pending.and_then(|owners| owners.of(item.fingerprint)) {
            Some(owner) if owner == ticket => Verdict::Duplicate,
            Some(owner) => Verdict::Awaited(self.under_way[&owner].done.subscribe()),
            None if pending.is_none() && known == Known::No => Verdict::New,
            None => Verdict::Conflict,
        }
    }
}

impl Claim {
    /// The claimed events are durable in the journal.
    pub fn keep(mut self) {
        self.settle(true);
    }

    fn settle(&mut self, durable: bool) {
        let mut guard = self.seen.inner();
        let inner = &mut *guard;
        let Some(under_way) = inner.under_way.remove(&self.ticket) else { return };
        for item in &self.items {
            if let Entry::Occupied(mut owners) = inner.pending.entry(item.id)
                && !owners.get_mut().leave(self.ticket)
            {
                owners.remove();
            }
            if durable && inner.shard_mut(item.shard).add(item.id, item.fingerprint) {
                inner.loaded += 1;
                inner.unsaved += 1;
            }
        }
        for shard in &self.shards {
            inner.shard_mut(*shard).claims -= 1;
        }
        under_way.done.send_replace(Some(durable));
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.settle(false);
    }
}
