//! Find, ask, send: three stages, each as far ahead of the next as its queue allows.

use super::events::Event;
use super::progress::Progress;
use super::source::{Found, Item, Source};
use super::tally::Tally;
use crate::client::Client;
use bytes::Bytes;
use cairn_intake::{File, Report};
use cairn_world::World;
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Files that are read and sent at a time.
const SENDERS: usize = 32;
/// Bytes of files in memory; a larger file goes alone.
const IN_FLIGHT_BYTES: u64 = 128 << 20;
const UNIT_BYTES: u64 = 4096;
/// Files that one question names: with the longest names, far below what a question may hold.
const ASK_FILES: usize = 250;
const FOUND_QUEUE: usize = 1000;
const DUE_QUEUE: usize = SENDERS;
/// How often a call is tried while the house cannot take events, each time after twice the wait.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// What SigV4 leaves as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub struct Pipeline<'a> {
    pub world: World,
    pub client: &'a Client,
    pub stop: CancellationToken,
    pub again: bool,
    pub dry_run: bool,
}

/// Why a call gave no answer that helps.
enum Refused {
    /// This file alone.
    File(String),
    /// Every other call would end the same way.
    All(String),
    /// Later it may succeed.
    Busy(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    complete: Vec<bool>,
    body_bytes_max: u64,
}

/// A file to be sent, or an event to be counted.
type Due = Result<(Item, u64), Event>;

impl Pipeline<'_> {
    /// Runs until everything is handled or the import is stopped.
    pub async fn run(&self, sources: Vec<Source>, tally: &mut Tally, progress: &Progress) -> Result<(), String> {
        let (found_to, found) = mpsc::channel(FOUND_QUEUE);
        let (due_to, due) = mpsc::channel(DUE_QUEUE);
        let listing = async move {
            for source in sources {
                source.list(self.world.clone(), found_to.clone()).await;
            }
        };
        let asking = self.ask(found, due_to);
        let room = Semaphore::new((IN_FLIGHT_BYTES / UNIT_BYTES) as usize);
        let counting = async {
            let files = futures::stream::unfold(due, |mut due| async { due.recv().await.map(|next| (next, due)) });
            let mut events = std::pin::pin!(files.map(|due| self.handle(due, &room)).buffer_unordered(SENDERS));
            let mut beat = std::pin::pin!(progress.beat());
            loop {
                tokio::select! {
                    event = events.next() => match event {
                        Some(event) => {
                            let stops = matches!(event, Event::Stopped { .. });
                            let counted = tally.count(event);
                            if stops || counted.is_err() {
                                self.stop.cancel();
                            }
                            counted?;
                            progress.show(tally);
                        }
                        None => return Ok(()),
                    },
                    () = &mut beat => {
                        progress.line(tally);
                        beat.set(progress.beat());
                    }
                }
            }
        };
        let ((), (), counted) = tokio::join!(listing, asking, counting);
        counted
    }

    /// Asks which files are complete, and passes the others on.
    async fn ask(&self, mut found: mpsc::Receiver<Found>, due: mpsc::Sender<Due>) {
        let mut batch = Vec::new();
        while found.recv_many(&mut batch, ASK_FILES).await > 0 {
            let mut items = Vec::new();
            for met in batch.drain(..) {
                match met {
                    Ok(item) => items.push(item),
                    Err(event) => _ = due.send(Err(event)).await,
                }
            }
            if items.is_empty() {
                continue;
            }
            for item in &items {
                let _ = due.send(Err(Event::Found { bytes: item.bytes })).await;
            }
            if self.stop.is_cancelled() {
                return;
            }
            match self.complete(&items).await {
                Ok(asked) => self.pass_on(items, &asked, &due).await,
                Err(Refused::All(reason) | Refused::Busy(reason) | Refused::File(reason)) => {
                    let _ = due.send(Err(Event::Stopped { reason })).await;
                    return;
                }
            }
        }
    }

    async fn pass_on(&self, items: Vec<Item>, asked: &Asked, due: &mpsc::Sender<Due>) {
        for (item, complete) in items.into_iter().zip(&asked.complete) {
            let bytes = item.bytes;
            let next = match complete {
                true if !self.again => Err(Event::Complete { bytes }),
                _ if self.dry_run => Err(Event::Due { bytes }),
                _ => Ok((item, asked.body_bytes_max)),
            };
            // Nobody listens any more only when the import has ended.
            let _ = due.send(next).await;
        }
    }

    async fn complete(&self, items: &[Item]) -> Result<Asked, Refused> {
        let files: Vec<File> =
            items.iter().map(|item| File { name: item.name.clone(), version: item.version.clone() }).collect();
        let body = Bytes::from(json!({"files": files}).to_string());
        let headers =
            HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let asked: Asked = self.call("/intake/cloudtrail/files", headers, body).await?;
        if asked.complete.len() == items.len() {
            Ok(asked)
        } else {
            Err(Refused::All("the house answered for other files than it was asked about".to_owned()))
        }
    }

    async fn handle(&self, due: Due, room: &Semaphore) -> Event {
        let (item, bytes_max) = match due {
            Ok(due) => due,
            Err(event) => return event,
        };
        if self.stop.is_cancelled() {
            return Event::Left;
        }
        if item.bytes > bytes_max {
            let reason = format!("it has {} bytes, and intake.body_bytes_max is {bytes_max}", item.bytes);
            return Event::Failed { item, reason };
        }
        let units = item.bytes.clamp(1, IN_FLIGHT_BYTES).div_ceil(UNIT_BYTES);
        let _held = room.acquire_many(units as u32).await.expect("the semaphore is never closed");
        let body = match item.read(&self.world).await {
            Ok(body) => body,
            Err(reason) => return Event::Failed { item, reason },
        };
        match self.send(&item, body).await {
            Ok(report) => Event::Taken { item, report: Box::new(report) },
            Err(Refused::File(reason)) => Event::Failed { item, reason },
            Err(Refused::All(reason) | Refused::Busy(reason)) => Event::Stopped { reason },
        }
    }

    async fn send(&self, item: &Item, body: Bytes) -> Result<Report, Refused> {
        let escaped = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
        let target = format!("/intake/cloudtrail?name={}&version={}", escaped(&item.name), escaped(&item.version));
        let headers =
            HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))]);
        match self.call(&target, headers, body).await {
            Err(Refused::File(reason)) => {
                let unnamed = reason.strip_prefix(&format!("{}: ", item.name)).map(str::to_owned);
                Err(Refused::File(unnamed.unwrap_or(reason)))
            }
            other => other,
        }
    }

    /// Calls, and calls again while the house is busy or just not there.
    async fn call<T: for<'de> Deserialize<'de>>(
        &self,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<T, Refused> {
        let mut wait = FIRST_WAIT;
        for _ in 1..TRIES {
            match self.call_once(target, headers.clone(), body.clone()).await {
                Err(Refused::Busy(reason)) if !self.stop.is_cancelled() => {
                    tracing::debug!(reason, "trying again");
                    self.world.clock.sleep(wait).await;
                    wait *= 2;
                }
                done => return done,
            }
        }
        self.call_once(target, headers, body).await
    }

    async fn call_once<T: for<'de> Deserialize<'de>>(
        &self,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<T, Refused> {
        let answer = self.client.call(Method::POST, target, headers, body).await;
        let (status, _, body) = answer.map_err(Refused::Busy)?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|error| Refused::All(format!("the house's answer cannot be read: {error}")));
        }
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        let message = answer["message"].as_str().filter(|text| !text.is_empty());
        let reason = message.map_or_else(|| format!("the house answered {status}"), str::to_owned);
        let of_the_file = [
            "InvalidLogFileException",
            "ValidationException",
            "RequestEntityTooLargeException",
            "UnsupportedMediaType",
        ];
        Err(match answer["__type"].as_str() {
            Some(code) if of_the_file.contains(&code) => Refused::File(reason),
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => Refused::Busy(reason),
            _ => Refused::All(reason),
        })
    }
}
