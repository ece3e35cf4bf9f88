//! HTTP without TLS, straight to its host, for many small requests.
//!
//! For [`object_store`], which signs, pages and tries again, and for what does so itself. Each request has a kept
//! connection to itself, and the task that asks also moves that connection: no other task is woken,
//! no bytes change threads, and a small answer costs two system calls. What needs TLS or a proxy
//! goes the usual way.
//!
//! Limits: [`IDLE_MAX`] connections are kept for a host when nobody uses them, the others are closed;
//! a request has [`ANSWER_TIMEOUT`] until its answer, or all of a small one, is there, and nothing
//! of a large one may take longer than that to come.

use bytes::Bytes;
use cairn_world::World;
use http::header::{HOST, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Response, Uri};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use object_store::ClientOptions;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService, ReqwestConnector,
};
use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

const IDLE_MAX: usize = 64;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Answers up to this size are taken whole before anybody sees them, so that the request can be made again
/// as long as they are not.
const WHOLE_BYTES_MAX: u64 = 1 << 20;
/// Pieces of a larger answer that may wait for whoever reads it.
const PIECES_MAX: usize = 4;
pub(super) const AGENT: &str = concat!("cairn/", env!("CARGO_PKG_VERSION"));
const PROXIES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

/// Gives clients that share connections.
#[derive(Clone)]
pub struct Direct {
    lines: Arc<Lines>,
}

pub(super) struct Lines {
    world: World,
    idle: Mutex<HashMap<Authority, Vec<Line>>>,
}

/// A connection that nobody else uses.
struct Line {
    sender: SendRequest<HttpRequestBody>,
    /// None once it has ended.
    connection: Option<Pin<Box<Moving>>>,
}

type Moving = Connection<TokioIo<TcpStream>, HttpRequestBody>;

/// A client; what is not for a direct connection is for the usual one, made when it is needed.
struct Service {
    lines: Arc<Lines>,
    options: ClientOptions,
    usual: OnceLock<HttpClient>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("it cannot be reached: {0}")]
    Connect(std::io::Error),
    #[error("no connection within {} s", CONNECT_TIMEOUT.as_secs())]
    NoConnection,
    #[error("nothing came for {} s", ANSWER_TIMEOUT.as_secs())]
    Silence,
    #[error("the connection ended early")]
    Ended,
    #[error("it has more than the {0} bytes that are read")]
    TooLarge(u64),
    #[error("{}", with_cause(.0))]
    Http(hyper::Error),
    #[error("{0}")]
    Other(String),
}

fn with_cause(error: &hyper::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

impl Failure {
    fn kind(&self) -> HttpErrorKind {
        match self {
            Self::Connect(_) | Self::NoConnection => HttpErrorKind::Connect,
            Self::Silence => HttpErrorKind::Timeout,
            Self::Http(error) if error.is_parse() || error.is_user() => HttpErrorKind::Decode,
            Self::Ended | Self::Http(_) => HttpErrorKind::Interrupted,
            Self::Other(_) | Self::TooLarge(_) => HttpErrorKind::Unknown,
        }
    }

    /// Whether asking again may help.
    pub fn may_pass(&self) -> bool {
        !matches!(self.kind(), HttpErrorKind::Decode | HttpErrorKind::Unknown)
    }
}

impl From<Failure> for HttpError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind(), failure)
    }
}

impl Direct {
    pub fn new(world: &World) -> Self {
        Self { lines: Arc::new(Lines { world: world.clone(), idle: Mutex::default() }) }
    }

    pub(super) fn lines(&self) -> Arc<Lines> {
        self.lines.clone()
    }
}

impl std::fmt::Debug for Direct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Direct")
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Service")
    }
}

impl HttpConnector for Direct {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let may_be_plain = options.get_config_value(&ClientConfigKey::AllowHttp).as_deref() == Some("true");
        if options.get_config_value(&ClientConfigKey::ProxyUrl).is_some() || has_proxy() || !may_be_plain {
            return ReqwestConnector::default().connect(options);
        }
        let service = Service { lines: self.lines.clone(), options: options.clone(), usual: OnceLock::new() };
        Ok(HttpClient::new(service))
    }
}

/// Whether the environment names a proxy for plain HTTP.
pub(super) fn has_proxy() -> bool {
    PROXIES.into_iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

#[async_trait::async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_direct = request.uri().scheme() == Some(&Scheme::HTTP);
        match request.uri().authority().filter(|_| is_direct).cloned() {
            Some(host) => Ok(self.lines.clone().ask(host, request).await?),
            None => self.usual()?.execute(request).await,
        }
    }
}

impl Service {
    /// Reads the machine's certificates, which takes longer than many requests.
    fn usual(&self) -> Result<&HttpClient, Failure> {
        if let Some(client) = self.usual.get() {
            return Ok(client);
        }
        let client = ReqwestConnector::default().connect(&self.options);
        let client = client.map_err(|error| Failure::Other(error.to_string()))?;
        Ok(self.usual.get_or_init(|| client))
    }
}

impl Lines {
    async fn ask(self: Arc<Self>, host: Authority, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let (line, answer) = self.send(&host, to_host(request, &host)?).await?;
        self.finish(host, line, answer).await
    }

    /// The whole answer to a request that has its Host header. One of more than `bytes_max` fails.
    pub async fn read(
        &self,
        host: &Authority,
        request: HttpRequest,
        bytes_max: u64,
    ) -> Result<(http::response::Parts, Bytes), Failure> {
        let (mut line, answer) = self.send(host, request).await?;
        let (head, mut body) = answer.into_parts();
        if body.size_hint().lower() > bytes_max {
            return Err(Failure::TooLarge(bytes_max));
        }
        let (mut pieces, mut bytes) = (Vec::with_capacity(1), 0);
        while !body.is_end_stream() {
            let piece = self.in_time(async { drive(&mut line.connection, body.frame()).await }).await?;
            let Some(piece) = piece else { break };
            let Ok(data) = piece.map_err(Failure::Http)?.into_data() else { continue };
            bytes += data.len() as u64;
            if bytes > bytes_max {
                return Err(Failure::TooLarge(bytes_max));
            }
            pieces.push(data);
        }
        self.keep(host.clone(), line);
        let whole = if pieces.len() == 1 { pieces.swap_remove(0) } else { pieces.concat().into() };
        Ok((head, whole))
    }

    /// Asks on a connection of its own; gives the head of the answer.
    async fn send(&self, host: &Authority, request: HttpRequest) -> Result<(Line, Response<Incoming>), Failure> {
        // One that was kept may have been closed at the other end meanwhile, which says nothing of the host;
        // but only what changes nothing may be asked twice.
        while request.method().is_safe()
            && let Some(mut line) = self.kept(host)
        {
            match self.answer(&mut line, request.clone()).await {
                Ok(answer) => return Ok((line, answer)),
                Err(failure) if failure.kind() == HttpErrorKind::Interrupted => {}
                Err(failure) => return Err(failure),
            }
        }
        let mut line = self.connect(host).await?;
        let answer = self.answer(&mut line, request).await?;
        Ok((line, answer))
    }

    fn kept(&self, host: &Authority) -> Option<Line> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(host)?.pop()
    }

    fn keep(&self, host: Authority, line: Line) {
        if line.connection.is_none() || line.sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = idle.entry(host).or_default();
        if lines.len() < IDLE_MAX {
            lines.push(line);
        }
    }

    async fn connect(&self, host: &Authority) -> Result<Line, Failure> {
        let address = format!("{}:{}", host.host(), host.port_u16().unwrap_or(80));
        let stream = tokio::select! {
            stream = TcpStream::connect(address) => stream.map_err(Failure::Connect)?,
            () = self.world.clock.sleep(CONNECT_TIMEOUT) => return Err(Failure::NoConnection),
        };
        stream.set_nodelay(true).map_err(Failure::Connect)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Failure::Http)?;
        Ok(Line { sender, connection: Some(Box::pin(connection)) })
    }

    /// The head of the answer.
    async fn answer(&self, line: &mut Line, request: HttpRequest) -> Result<Response<Incoming>, Failure> {
        let asking = async {
            // What is left of the answer before it has to be taken first.
            drive(&mut line.connection, line.sender.ready()).await?.map_err(Failure::Http)?;
            drive(&mut line.connection, line.sender.send_request(request)).await?.map_err(Failure::Http)
        };
        self.in_time(asking).await
    }

    /// The answer with its body: here, or on its way.
    async fn finish(
        self: Arc<Self>,
        host: Authority,
        mut line: Line,
        answer: Response<Incoming>,
    ) -> Result<HttpResponse, Failure> {
        let (head, body) = answer.into_parts();
        if body.size_hint().exact().is_none_or(|bytes| bytes > WHOLE_BYTES_MAX) {
            return Ok(HttpResponse::from_parts(head, self.flow(host, line, body)));
        }
        let whole = async { drive(&mut line.connection, body.collect()).await?.map_err(Failure::Http) };
        let bytes = self.in_time(whole).await?.to_bytes();
        self.keep(host, line);
        Ok(HttpResponse::from_parts(head, bytes.into()))
    }

    /// A body that comes piece by piece, as it is read.
    fn flow(self: Arc<Self>, host: Authority, mut line: Line, mut body: Incoming) -> HttpResponseBody {
        let (to, mut pieces) = mpsc::channel(PIECES_MAX);
        tokio::spawn(async move {
            loop {
                let piece = self.in_time(async { drive(&mut line.connection, body.frame()).await }).await;
                let piece = match piece {
                    Ok(None) => return self.keep(host, line),
                    Ok(Some(piece)) => piece.map_err(Failure::Http),
                    Err(failure) => Err(failure),
                };
                let is_last = piece.is_err();
                if to.send(piece.map_err(HttpError::from)).await.is_err() || is_last {
                    return;
                }
            }
        });
        HttpResponseBody::new(StreamBody::new(futures::stream::poll_fn(move |context| pieces.poll_recv(context))))
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.world.clock.sleep(ANSWER_TIMEOUT) => Err(Failure::Silence),
        }
    }
}

/// Waits for work on a connection and moves the connection meanwhile.
async fn drive<C, T>(connection: &mut Option<Pin<Box<C>>>, work: impl Future<Output = T>) -> Result<T, Failure>
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Ok(done));
        }
        let ended = connection.as_mut().is_none_or(|connection| connection.as_mut().poll(context).is_ready());
        if ended {
            *connection = None;
        }
        // What just came may be all that it waited for.
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending if ended => Poll::Ready(Err(Failure::Ended)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// As HTTP/1.1 writes it: the path alone, and the host in a header; and who asks.
fn to_host(mut request: HttpRequest, host: &Authority) -> Result<HttpRequest, Failure> {
    if !request.headers().contains_key(HOST) {
        let value = HeaderValue::from_str(host.as_str()).map_err(|error| Failure::Other(error.to_string()))?;
        request.headers_mut().insert(HOST, value);
    }
    request.headers_mut().entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    Ok(request)
}

#[cfg(test)]
mod tests;
