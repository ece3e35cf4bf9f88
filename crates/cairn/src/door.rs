//! The door: sockets in, calls through, records out.
//!
//! Every request that can be read as HTTP becomes an answer and a record, whatever is
//! wrong with it. Limits, and what happens at them:
//!
//! * connections: `connections_max`; further ones wait to be accepted;
//! * a connection that moves no byte for `idle_timeout` is closed; while a call is being
//!   answered on it, after [`BUSY_FACTOR`] times that;
//! * headers: 64 KiB and [`HEADER_TIMEOUT`], after which hyper closes the connection;
//! * a body ([`body`]): 4 MiB, for log files `intake.body_bytes_max`, and 64 KiB for whoever
//!   shows no access key that is known; objects are streamed and have S3's own limits.

use crate::record;
use crate::recorder::Recorder;
use body::Bodies;
use bytes::Bytes;
use cairn_services::{Answer, Arrival, Outcome, Route, Service, Services, s3};
use cairn_wire::{Fault, Protocol, json, sigv4};
use cairn_world::World;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
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

mod body;
mod watch;

const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const HEADER_BYTES_MAX: usize = 64 << 10;
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
    bodies: Bodies,
    calls: TaskTracker,
}

impl Door {
    pub fn new(services: Services, recorder: Arc<Recorder>, limits: Limits) -> Self {
        Self {
            world: services.engines().world.clone(),
            s3: s3::Service::new(services.clone()),
            recorder,
            connections: Arc::new(Semaphore::new(limits.connections_max)),
            bodies: Bodies::new(&services.engines().world),
            calls: TaskTracker::new(),
            limits,
            services,
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
                // What these calls do is still recorded, if they end before the recorder does.
                tokio::select! {
                    () = self.calls.wait() => {}
                    () = self.world.clock.sleep(drain) => {}
                }
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
                reply.inspect_err(|error| {
                    tracing::error!(%error, "a call died; it counts as lost");
                    door.recorder.lose_call();
                })
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
        let (mut parts, body) = request.into_parts();
        settle_host(&mut parts);
        let arrival = self.arrival(&parts.headers, peer);
        match Route::of(&parts) {
            Route::Service(service) => {
                let answer = match self.read_body(service, &parts, body).await {
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

    fn arrival(&self, headers: &HeaderMap, peer: IpAddr) -> Arrival {
        let uuid = || self.services.engines().uuid();
        let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Arrival {
            request_id: uuid(),
            event_id: uuid(),
            received: self.world.now(),
            source_ip: peer.to_canonical(),
            user_agent: text(header::USER_AGENT),
            host: text(header::HOST),
            tls: None,
        }
    }

    /// Reads a body that fits its service's limit.
    async fn read_body(
        &self,
        service: &Service,
        parts: &Parts,
        body: Incoming,
    ) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Fault> {
        let identity = &self.services.engines().identity;
        let shown = sigv4::find(&parts.method, &parts.uri, &parts.headers).ok().flatten();
        let known = shown.is_some_and(|shown| identity.credential(&shown.access_key, shown.token.as_deref()).is_ok());
        let bytes_max = match (service.name, service.protocol) {
            _ if !known => body::STRANGER_BYTES_MAX,
            ("cairn", Protocol::RestJson) => self.limits.intake_body_bytes_max,
            _ => json::BODY_BYTES_MAX,
        };
        self.bodies.read(body, bytes_max).await
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
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = headers;
        response
    }

    async fn record(&self, arrival: &Arrival, outcome: &Outcome) -> Result<(), Fault> {
        let house = &self.services.engines().account;
        let records = record::records(arrival, outcome, self.world.now(), house);
        self.recorder.record(arrival.event_id, records).await
    }
}

/// Brings the two ways of naming the host into one: the authority of the request's target,
/// which wins where there is one, becomes the Host header. Whoever looks later sees one host.
fn settle_host(parts: &mut Parts) {
    let Some(authority) = parts.uri.authority() else { return };
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        parts.headers.insert(header::HOST, host);
    }
    let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    if let Ok(uri) = path.parse::<Uri>() {
        parts.uri = uri;
    }
}
