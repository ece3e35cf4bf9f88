//! A body on its way into a blob: measured, encrypted and made durable as it comes.

use crate::change::{Flight, Flights, blocking};
use crate::checksum::{Digests, Sums};
use crate::cipher::Sealer;
use crate::object::Body;
use crate::{Algorithm, Buckets, Error, Expected, Trailer, limit};
use bytes::Bytes;
use cairn_store::{Blobs, Writer};
use cairn_world::World;
use futures::TryStreamExt;
use std::io;
use zeroize::Zeroizing;

/// Bytes gathered before they are hashed, encrypted and written: the memory that one writer takes, twice.
const BATCH_BYTES: usize = 1024 * 1024;

/// A body that has arrived whole, is what it was said to be and is durable; no row names it yet.
pub(crate) struct Received {
    pub flight: Flight,
    pub size: u64,
    pub sums: Sums,
}

struct Receiver {
    writer: Writer,
    sealer: Sealer,
    digests: Digests,
    size: u64,
    out: Vec<u8>,
}

impl Receiver {
    fn begin(world: &World, blobs: &Blobs, data_key: &[u8], algorithm: Algorithm) -> io::Result<Self> {
        let mut out = Vec::new();
        let sealer = Sealer::new(&*world.dice, data_key, &mut out);
        Ok(Self { writer: blobs.create()?, sealer, digests: Digests::new(algorithm), size: 0, out })
    }

    fn absorb(&mut self, batch: &[Bytes]) -> io::Result<()> {
        for bytes in batch {
            self.digests.update(bytes);
            self.sealer.feed(bytes, &mut self.out);
            self.size += bytes.len() as u64;
        }
        self.writer.write(&self.out)?;
        self.out.clear();
        Ok(())
    }

    fn finish(mut self, flights: &Flights) -> io::Result<(Flight, u64, Sums)> {
        self.sealer.finish(&mut self.out);
        self.writer.write(&self.out)?;
        let flight = flights.depart(self.writer.id());
        self.writer.finish()?;
        Ok((flight, self.size, self.digests.finish()))
    }
}

/// Some of a body, and whether that is the end of it.
async fn batch(body: &mut Body, limit_bytes: u64) -> Result<(Vec<Bytes>, bool), Error> {
    let (mut batch, mut len) = (Vec::new(), 0);
    while len < BATCH_BYTES {
        let Some(bytes) = body.try_next().await.map_err(Error::Body)? else { return Ok((batch, true)) };
        len += bytes.len();
        if len as u64 > limit_bytes {
            return Err(limit::too_large());
        }
        batch.push(bytes);
    }
    Ok((batch, false))
}

impl Buckets {
    /// Takes a body in. Errors: Body, TooLarge, BadDigest, InvalidDigest, Unavailable; nothing is left then.
    pub(crate) async fn receive(
        &self,
        mut body: Body,
        data_key: Zeroizing<Vec<u8>>,
        expected: &Expected,
        trailer: Option<Trailer>,
    ) -> Result<Received, Error> {
        expected.check()?;
        if expected.size.is_some_and(|size| size > limit::PUT_BYTES_MAX) {
            return Err(limit::too_large());
        }
        let unavailable = |error: io::Error| Error::Unavailable(format!("a new object: {error}"));
        let (world, blobs, flights) = (self.inner.world.clone(), self.inner.blobs.clone(), self.inner.flights.clone());
        let algorithm = expected.algorithm.unwrap_or(Algorithm::Crc64Nvme);
        let mut size = 0;
        let mut begun = None;
        let (flight, size, sums) = loop {
            let (batch, end) = batch(&mut body, limit::PUT_BYTES_MAX - size).await?;
            size += batch.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
            if end {
                expected.check_size(size)?;
            }
            let (world, blobs, data_key, flights) = (world.clone(), blobs.clone(), data_key.clone(), flights.clone());
            let step = blocking(move || {
                let mut receiver = match begun {
                    Some(receiver) => receiver,
                    None => Receiver::begin(&world, &blobs, &data_key, algorithm)?,
                };
                receiver.absorb(&batch)?;
                if end { receiver.finish(&flights).map(Ok) } else { Ok(Err(receiver)) }
            });
            match step.await.map_err(unavailable)? {
                Ok(received) => break received,
                Err(unfinished) => begun = Some(unfinished),
            }
        };
        let trailer = trailer.and_then(|trailer| trailer());
        let verified = sums.verify(expected, trailer.as_deref());
        let received = Received { flight, size, sums };
        match verified {
            Ok(()) => Ok(received),
            Err(error) => {
                self.give_up(received.flight).await;
                Err(error)
            }
        }
    }

    /// Removes a blob that will have no row.
    pub(crate) async fn give_up(&self, flight: Flight) {
        self.discard(vec![flight.blob.clone()]).await;
    }
}
