//! The door: sockets in, calls through, records out.
//!
//! Every request that can be read as HTTP becomes an answer and a record, whatever is
//! wrong with it. Limits, and what happens at them:
//!
//! * connections: `connections_max`; further ones wait to be accepted;
//! * a connection that moves no byte for `idle_timeout` is closed; while a call is being
//!   answered on it, after [`BUSY_FACTOR`] times that;
//! * headers: 64 KiB and [`HEADER_TIMEOUT`], after which hyper closes the connection;
//! * a body: 4 MiB, for log files `intake.body_bytes_max`; a longer one is refused by its
//!   service's error, and thrown away as it comes, up to [`DISCARD_BYTES_MAX`], so that
//!   its sender hears why; objects are streamed and have S3's own limits;
//! * all bodies that are being read together: [`BODIES_BYTES_MAX`]; further ones wait.

use crate::record;
use crate::recorder::Recorder;
use bytes::{Bytes, BytesMut};
use cairn_services::{Answer, Arrival, Outcome, Route, Service, Services, s3};
use cairn_wire::{Fault, json};
use cairn_world::World;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use watch::{Activity, Watched};

mod watch;

const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const HEADER_BYTES_MAX: usize = 64 << 10;
const BODIES_BYTES_MAX: usize = 1 << 30;
const DISCARD_BYTES_MAX: u64 = 64 << 20;
/// Bodies are counted in units, so that a semaphore can count a gibibyte.
const BODY_UNIT: usize = 4 << 10;
const BUSY_FACTOR: u32 = 10;
/// How long an accept that failed (out of file descriptors, for one) waits before the next.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

type Reply = Response<Either<Full<Bytes>, s3::Body>>;

/// What the door allows.
#[derive(Clone, Debug)]
pub struct Limits {
    pub connections_max: usize,
    pub idle_timeout: Duration,
    pub intake_body_bytes_max: usize,
}

/// Answers connections.
pub struct Door {
    world: World,
    services: Services,
    s3: s3::Service,
    recorder: Arc<Recorder>,
    limits: Limits,
    connections: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    calls: TaskTracker,
}

impl Door {
    pub fn new(services: Services, recorder: Arc<Recorder>, limits: Limits) -> Self {
        Self {
            world: services.engines().world.clone(),
            s3: s3::Service::new(services.clone()),
            services,
            recorder,
            connections: Arc::new(Semaphore::new(limits.connections_max)),
            bodies: Arc::new(Semaphore::new(BODIES_BYTES_MAX / BODY_UNIT)),
            calls: TaskTracker::new(),
            limits,
        }
    }

    /// Accepts until `shutdown`, then lets calls end for at most `drain`.
    pub async fn run(self: Arc<Self>, listener: TcpListener, shutdown: CancellationToken, drain: Duration) {
        let tracker = TaskTracker::new();
        let end = CancellationToken::new();
        loop {
            let permit = tokio::select! {
                permit = self.connections.clone().acquire_owned() => permit,
                () = shutdown.cancelled() => break,
            };
            let Ok(permit) = permit else { break };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = self.clone().connection(stream, peer.ip(), permit, shutdown.clone(), end.clone());
                    tracker.spawn(connection);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    self.world.clock.sleep(ACCEPT_RETRY).await;
                }
            }
        }
        drop(listener);
        tracker.close();
        self.calls.close();
        tokio::select! {
            () = async { tracker.wait().await; self.calls.wait().await } => {}
            () = self.world.clock.sleep(drain) => {
                tracing::warn!("calls that did not end in time are cut off");
                end.cancel();
                tracker.wait().await;
            }
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: IpAddr,
        _permit: OwnedSemaphorePermit,
        shutdown: CancellationToken,
        end: CancellationToken,
    ) {
        // Small answers leave at once; a failure to say so costs time only.
        let _ = stream.set_nodelay(true);
        let activity = Arc::new(Activity::default());
        let io = TokioIo::new(Watched::new(stream, self.world.clone(), activity.clone()));
        let answer = hyper::service::service_fn(|request| {
            let (door, activity) = (self.clone(), activity.clone());
            async move {
                activity.in_flight.fetch_add(1, Ordering::AcqRel);
                // A task of its own: what a call has begun is finished and recorded, also
                // when its client has gone.
                let call = door.calls.spawn({
                    let door = door.clone();
                    async move { door.answer(request, peer).await }
                });
                let reply = call.await;
                activity.in_flight.fetch_sub(1, Ordering::AcqRel);
                reply
            }
        });
        let builder = &mut auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEADER_BYTES_MAX);
        builder.http2().timer(TokioTimer::new()).max_header_list_size(HEADER_BYTES_MAX as u32);
        let mut connection = std::pin::pin!(builder.serve_connection(io, answer));
        let mut idle = std::pin::pin!(activity.idle(&self.world, self.limits.idle_timeout, BUSY_FACTOR));
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = idle.as_mut() => return,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    result = connection.as_mut() => result,
                    () = idle.as_mut() => return,
                    () = end.cancelled() => return,
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, %peer, "a connection ended early");
        }
    }

    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Reply {
        let arrival = self.arrival(request.headers(), request.uri().host(), peer);
        let (parts, body) = request.into_parts();
        match Route::of(&parts) {
            Route::Service(service) => {
                let answer = match self.read_body(service, body).await {
                    Ok((body, _held)) => self.services.answer(service, &arrival, &parts, body).await,
                    Err(fault) => self.services.refuse(service, &arrival, &parts, &fault),
                };
                self.finish(service, &arrival, answer).await
            }
            Route::S3 => {
                let (response, outcome) = self.s3.answer(&arrival, Request::from_parts(parts, body)).await;
                match self.record(&arrival, &outcome).await {
                    Ok(()) => response.map(Either::Right),
                    Err(fault) => s3::unrecorded(&fault).map(Either::Right),
                }
            }
        }
    }

    fn arrival(&self, headers: &HeaderMap, uri_host: Option<&str>, peer: IpAddr) -> Arrival {
        let uuid = || self.services.engines().uuid();
        let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Arrival {
            request_id: uuid(),
            event_id: uuid(),
            received: self.world.now(),
            source_ip: peer.to_canonical(),
            user_agent: text(header::USER_AGENT),
            host: text(header::HOST).or_else(|| uri_host.map(str::to_owned)),
            tls: None,
        }
    }

    /// Reads a body that fits its service's limit, and what it counts among all bodies.
    async fn read_body(&self, service: &Service, mut body: Incoming) -> Result<(Bytes, OwnedSemaphorePermit), Fault> {
        let bytes_max = if service.name == "cairn" { self.limits.intake_body_bytes_max } else { json::BODY_BYTES_MAX };
        let too_large = || Fault::too_large(format!("the body is longer than {bytes_max} bytes"));
        let announced = body.size_hint().exact();
        if announced.is_some_and(|bytes| bytes > bytes_max as u64) {
            discard(body).await;
            return Err(too_large());
        }
        let expected = announced.map_or(bytes_max, |bytes| bytes as usize);
        let units = expected.min(BODIES_BYTES_MAX).div_ceil(BODY_UNIT) as u32;
        let held = self.bodies.clone().acquire_many_owned(units).await.map_err(Fault::internal)?;
        let mut bytes = BytesMut::with_capacity(announced.map_or(0, |bytes| bytes as usize));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                Fault::new("IncompleteBody", 400, "the body could not be read to its end").because(error)
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > bytes_max {
                discard(body).await;
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
        }
        Ok((bytes.freeze(), held))
    }

    async fn finish(&self, service: &Service, arrival: &Arrival, answer: Answer) -> Reply {
        let Answer { status, headers, body, outcome } = answer;
        let (status, headers, body) = match self.record(arrival, &outcome).await {
            Ok(()) => (status, headers, body),
            Err(fault) => {
                let reply = service.protocol.refuse(&fault, &arrival.request_id.to_string());
                (reply.status, reply.headers, reply.body)
            }
        };
        let mut response = Response::new(Either::Left(Full::new(Bytes::from(body))));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = headers;
        response
    }

    async fn record(&self, arrival: &Arrival, outcome: &Outcome) -> Result<(), Fault> {
        let house = &self.services.engines().account;
        let records = record::records(arrival, outcome, self.world.now(), house);
        self.recorder.record(arrival.event_id, records).await
    }
}

/// Throws a body away. A sender that writes on and does not read would not hear the answer.
async fn discard(mut body: Incoming) {
    let mut left = DISCARD_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => break,
        }
    }
}
