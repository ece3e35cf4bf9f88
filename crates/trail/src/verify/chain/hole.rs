//! Digests that are not there.

use super::walk::Walk;
use crate::verify::finding::{Code, Finding};
use crate::verify::name;
use cairn_event::Time;
use std::time::Duration;

/// Missing digests of one hole that are named one by one; the rest is named as a span.
const NAMED_MAX: u64 = 1000;

/// Time between two digests that are there, which one or more missing ones covered.
#[derive(Debug)]
pub struct Hole {
    /// The key of the newest missing digest, or of any digest of the chain when not named.
    pub key: String,
    /// The end of the older digest, or the beginning of the span asked for.
    pub from: Time,
    /// The end of the newest missing digest; when not named, the end of a digest that cannot be believed.
    pub to: Time,
    /// Whether a digest names it.
    pub is_named: bool,
}

/// Names every digest that is missing: those that another names for certain, those
/// between by the chain's cadence.
pub fn report(walk: &mut Walk<'_>, cadence: Duration) {
    let asked_from = walk.job.settings.from.unwrap_or(Time(i64::MIN));
    for hole in std::mem::take(&mut walk.holes) {
        let mut end = if hole.is_named { hole.to } else { hole.to - cadence };
        let from = hole.from.max(asked_from);
        let mut named = 0;
        let mut is_certain = hole.is_named;
        // A remainder of less than half a digest is a digest that was cut short, not another one.
        while end > asked_from && (is_certain || end.since(from) > cadence / 2) && named < NAMED_MAX {
            let key = if is_certain { Some(hole.key.clone()) } else { name::sibling(&hole.key, end) };
            let message = if is_certain {
                "it is not there, though the digest after it names it"
            } else {
                "it is not there, though the chain's cadence calls for it"
            };
            let rest = end.since(from);
            let start = if rest > cadence + cadence / 2 { end - cadence } else { from.min(end) };
            miss(walk, &key.unwrap_or_default(), message.to_owned(), start, end, 1);
            // A backfill chain has no cadence.
            if walk.chain.backfill {
                break;
            }
            is_certain = false;
            named += 1;
            end = start;
        }
        if named == NAMED_MAX && end > from {
            let more = (end.since(from).as_secs_f64() / cadence.as_secs_f64()).round() as u64;
            let message = format!("by the chain's cadence {more} digests more are missing between {from} and {end}");
            miss(walk, "", message, from, end, more);
        }
    }
}

fn miss(walk: &mut Walk<'_>, key: &str, message: String, start: Time, end: Time, count: u64) {
    walk.chain.digests.missing += count;
    // Whoever reads the key looks for it in this tree.
    let key = walk.anchor.local(key).unwrap_or(key).to_owned();
    walk.findings.add(Finding::new(Code::DigestMissing, key, message).spanning(start, end));
}
