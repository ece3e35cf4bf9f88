//! From an HTTP request to an operation and back: route, authenticate, authorize, call.

use crate::call::{Arrival, Call, SharedEngines};
use crate::operation::{Access, Body, Erased, Prepared, Target};
use crate::outcome::Outcome;
use crate::{SERVICES, Service};
use bytes::Bytes;
use cairn_identity::{Caller, Context, Decision, Request};
use cairn_wire::{Fault, Protocol, Reply, query, sigv4};
use http::request::Parts;
use http::{HeaderMap, Method, header};
use std::sync::Arc;

/// Where a request goes, told by its method, path and headers alone.
pub enum Route {
    /// An operation of a service in [`SERVICES`]; the body decides which, for Query.
    Service(&'static Service),
    /// Everything else: S3 owns the path space.
    S3,
}

/// A finished answer with what the door needs to record it.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub outcome: Outcome,
}

/// Runs after a call is authorized and before it has any effect. The fail-closed
/// recorder makes an intent durable here, or refuses the call.
#[async_trait::async_trait]
pub trait BeforeEffect: Send + Sync {
    async fn before_effect(&self, arrival: &Arrival, so_far: &Outcome) -> Result<(), Fault>;
}

/// Answers calls with the engines it is given.
#[derive(Clone)]
pub struct Services {
    engines: SharedEngines,
    before: Arc<dyn BeforeEffect>,
}

impl Route {
    /// JSON services by `X-Amz-Target`, Query services by content type or `Action`, the
    /// house's own paths unless the request is signed for S3, and S3 for what is left.
    pub fn of(parts: &Parts) -> Self {
        let found = if let Some(target) = parts.headers.get("x-amz-target") {
            by_target(target.to_str().unwrap_or_default(), scope(parts).as_deref())
        } else if crate::intake::owns(parts.uri.path()) && scope(parts).as_deref() != Some("s3") {
            Some(&crate::intake::SERVICE)
        } else if crate::cloudtrail_data::operation(parts).is_some() && scope(parts).as_deref() != Some("s3") {
            Some(&crate::cloudtrail_data::SERVICE)
        } else if parts.uri.path().starts_with(crate::lake::PATH) && scope(parts).as_deref() == Some("cairn") {
            Some(&crate::intake::SERVICE)
        } else if parts.uri.path().starts_with(crate::iceberg::PATH) && scope(parts).as_deref() != Some("s3") {
            Some(&crate::iceberg::SERVICE)
        } else if is_form(parts) || parts.uri.query().is_some_and(|text| text.contains("Action=")) {
            by_scope(scope(parts).as_deref().unwrap_or("sts"))
        } else {
            None
        };
        found.map_or(Self::S3, Self::Service)
    }
}

fn is_form(parts: &Parts) -> bool {
    parts.method == Method::POST
        && parts.uri.path() == "/"
        && parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
}

/// The service named in the signature's scope, whether or not the signature is good.
fn scope(parts: &Parts) -> Option<String> {
    let signature = sigv4::find(&parts.method, &parts.uri, &parts.headers).ok()??;
    Some(signature.service)
}

/// Clients write `Prefix.Operation`, botocore `com.amazonaws.….Prefix.Operation`.
fn by_target(target: &str, scope: Option<&str>) -> Option<&'static Service> {
    let prefix = target.rsplit('.').nth(1).unwrap_or_default();
    SERVICES.iter().copied().find(|service| !prefix.is_empty() && service.target == prefix).or_else(|| by_scope(scope?))
}

fn by_scope(name: &str) -> Option<&'static Service> {
    SERVICES.iter().copied().find(|service| service.name == name)
}

impl Services {
    pub fn new(engines: SharedEngines, before: Arc<dyn BeforeEffect>) -> Self {
        Self { engines, before }
    }

    pub fn engines(&self) -> &SharedEngines {
        &self.engines
    }

    pub fn before(&self) -> &Arc<dyn BeforeEffect> {
        &self.before
    }

    /// Answers one call to a service other than S3.
    pub async fn answer(&self, service: &'static Service, arrival: &Arrival, parts: &Parts, body: Bytes) -> Answer {
        let mut outcome = Outcome::of(Caller::anonymous(), service.source, "", &self.engines.region);
        outcome.api_version = Some(service.api_version);
        let result = self.run(service, arrival, parts, body, &mut outcome).await;
        if outcome.event_name.is_empty() {
            "Unknown".clone_into(&mut outcome.event_name);
        }
        match result {
            Ok(body) => {
                let headers = service.protocol.headers(&arrival.request_id.to_string());
                Answer { status: service.protocol.status(&body), headers, body, outcome }
            }
            Err(fault) => fail(service, arrival, &fault, outcome),
        }
    }

    /// Refuses a request of which the body could not be read, and says so for the record.
    pub fn refuse(&self, service: &'static Service, arrival: &Arrival, parts: &Parts, fault: &Fault) -> Answer {
        let name = target_operation(parts).unwrap_or_else(|| "Unknown".to_owned());
        let mut outcome = Outcome::of(Caller::anonymous(), service.source, &name, &self.engines.region);
        outcome.api_version = Some(service.api_version);
        fail(service, arrival, fault, outcome)
    }

    async fn run(
        &self,
        service: &'static Service,
        arrival: &Arrival,
        parts: &Parts,
        body: Bytes,
        outcome: &mut Outcome,
    ) -> Result<Vec<u8>, Fault> {
        let form = match service.protocol {
            Protocol::Query { .. } => Some(read_form(parts, &body)?),
            _ => None,
        };
        let name = match &form {
            Some(form) => form.get("Action").filter(|name| is_operation_name(name)).map(str::to_owned),
            None if service.protocol.is_rest() => rest_operation(parts).map(str::to_owned),
            None => target_operation(parts),
        };
        name.as_deref().unwrap_or("Unknown").clone_into(&mut outcome.event_name);
        let operation = name.as_deref().and_then(|name| service.operations.iter().find(|row| row.name() == name));
        if let Some(operation) = operation {
            outcome.read_only = operation.access() == Access::Read;
            outcome.category = operation.category();
        }

        let (caller, region) = match service.protocol {
            Protocol::Iceberg => self.authenticate_reader(arrival, parts, &body, outcome)?,
            _ => self.authenticate(arrival, parts, &body, outcome)?,
        };
        crate::region::check(service, &region, &self.engines.region)?;
        if !service.global {
            outcome.region.clone_from(&region);
        }
        let Some(operation) = operation.copied() else {
            let name = name.unwrap_or_default();
            self.authorize_one(service, &name, arrival, &caller, &region, None)?;
            return Err(unknown(service, &name));
        };

        let call = Call::new(&self.engines, arrival, &caller, &region);
        let asked = match service.protocol {
            Protocol::Iceberg => crate::iceberg::input(parts, &body)?,
            _ => Vec::new(),
        };
        let content = match (&form, service.protocol) {
            (Some(form), _) => Body::Form(form),
            (None, Protocol::RestJson) => Body::Raw(parts, &body),
            (None, Protocol::Iceberg) => Body::Json(&asked),
            (None, _) => Body::Json(&body),
        };
        let result = self.perform(service, operation, &call, content, outcome).await;
        let notes = call.take_notes();
        outcome.also.extend(notes.also);
        for resource in notes.resources {
            if !outcome.resources.contains(&resource) {
                outcome.resources.push(resource);
            }
        }
        result
    }

    async fn perform(
        &self,
        service: &'static Service,
        operation: &'static dyn Erased,
        call: &Call<'_>,
        content: Body<'_>,
        outcome: &mut Outcome,
    ) -> Result<Vec<u8>, Fault> {
        let prepared = operation.prepare(call, &service.protocol, content).await;
        let Prepared { targets, parameters, run } = match prepared {
            Ok(prepared) => prepared,
            Err(fault) => {
                // Whoever may not call at all learns nothing about the input.
                if operation.authorized() {
                    self.authorize_one(service, operation.name(), call.arrival, call.caller, call.region, None)?;
                }
                return Err(fault);
            }
        };
        outcome.parameters = parameters;
        outcome.resources = targets.iter().filter_map(Target::resource).collect();
        if operation.authorized() {
            self.authorize(service, operation.name(), call, &targets)?;
        }
        if operation.access() == Access::Write {
            self.before.before_effect(call.arrival, outcome).await?;
        }
        let done = run.await?;
        outcome.response = done.response;
        Ok(done.bytes)
    }

    /// Who calls, and in which region. What can be said of a caller whose signature is
    /// no good goes into the outcome all the same.
    fn authenticate(
        &self,
        arrival: &Arrival,
        parts: &Parts,
        body: &Bytes,
        outcome: &mut Outcome,
    ) -> Result<(Caller, String), Fault> {
        let Some(signature) = sigv4::find(&parts.method, &parts.uri, &parts.headers)? else {
            return Err(Fault::missing_authentication());
        };
        outcome.caller = Caller::unknown(&signature.access_key);
        let credential = self
            .engines
            .identity
            .credential(&signature.access_key, signature.token.as_deref())
            .map_err(credential_fault)?;
        signature.verify(&credential.secret.0, &parts.method, &parts.uri, &parts.headers, body, arrival.received)?;
        outcome.caller = credential.caller.clone();
        Ok((credential.caller, signature.region))
    }

    /// The same for readers of the lake, who may show a bearer token, or for one the secret itself.
    fn authenticate_reader(
        &self,
        arrival: &Arrival,
        parts: &Parts,
        body: &Bytes,
        outcome: &mut Outcome,
    ) -> Result<(Caller, String), Fault> {
        use crate::iceberg::Proof;
        let identity = &self.engines.identity;
        let caller = match crate::iceberg::proof(parts, body)? {
            Proof::Signature => return self.authenticate(arrival, parts, body, outcome),
            Proof::Bearer(token) => identity.of_bearer(token).map_err(credential_fault)?,
            Proof::Client { id, secret } => {
                // A client that mixes up its settings sends the secret as the id.
                if crate::iceberg::is_access_key(&id) {
                    outcome.caller = Caller::unknown(&id);
                }
                let refused = |_| Fault::new("invalid_client", 401, "the client's id or secret is wrong");
                identity.prove(&id, &secret).map_err(refused)?
            }
        };
        outcome.caller = caller.clone();
        Ok((caller, self.engines.region.clone()))
    }

    fn authorize(&self, service: &Service, name: &str, call: &Call<'_>, targets: &[Target]) -> Result<(), Fault> {
        if targets.is_empty() {
            return self.authorize_one(service, name, call.arrival, call.caller, call.region, None);
        }
        targets.iter().try_for_each(|target| {
            self.authorize_one(service, name, call.arrival, call.caller, call.region, Some(target))
        })
    }

    fn authorize_one(
        &self,
        service: &Service,
        name: &str,
        arrival: &Arrival,
        caller: &Caller,
        region: &str,
        target: Option<&Target>,
    ) -> Result<(), Fault> {
        let action = format!("{}:{}", service.name, target.and_then(|target| target.action).unwrap_or(name));
        let mut context = self.context(arrival, region);
        for (key, value) in target.iter().flat_map(|target| &target.context) {
            context.insert(key, value);
        }
        let resource = target.map_or("*", |target| &target.arn);
        let decision = self.engines.identity.decide(&Request {
            caller,
            action: &action,
            resource,
            resource_account: target.map_or(caller.account(), |target| &target.account),
            resource_policy: target.and_then(|target| target.policy.as_deref()),
            policy_required: target.is_some_and(|target| target.policy_required),
            context: &context,
        });
        match decision {
            Decision::Allowed => Ok(()),
            refused => {
                let message = denial(caller, &action, resource, refused);
                Err(match target.and_then(|target| target.refused_as) {
                    Some(code) => Fault::new(code, 403, message),
                    None => Fault::access_denied(message),
                })
            }
        }
    }

    /// The condition keys that every call has.
    pub fn context(&self, arrival: &Arrival, region: &str) -> Context {
        let mut context = Context::default();
        context.insert("aws:SourceIp", &arrival.source_ip.to_string());
        context.insert("aws:RequestedRegion", region);
        context.insert("aws:SecureTransport", if arrival.tls.is_some() { "true" } else { "false" });
        context.insert("aws:CurrentTime", &arrival.received.iso());
        context.insert("aws:EpochTime", &arrival.received.seconds().to_string());
        context.insert("aws:ViaAWSService", "false");
        if let Some(agent) = &arrival.user_agent {
            context.insert("aws:UserAgent", agent);
        }
        context
    }
}

/// A fault as the answer to a call, and as what its record says.
fn fail(service: &'static Service, arrival: &Arrival, fault: &Fault, mut outcome: Outcome) -> Answer {
    if let Some(cause) = &fault.cause {
        tracing::warn!(service = service.name, operation = outcome.event_name, code = %fault.code, cause, "call failed");
    }
    outcome.error = Some((recorded_code(&fault.code).to_owned(), fault.message.clone()));
    let Reply { status, headers, body } = service.protocol.refuse(fault, &arrival.request_id.to_string());
    Answer { status, headers, body, outcome }
}

/// The sentence that AWS answers to whoever is not allowed.
pub(crate) fn denial(caller: &Caller, action: &str, resource: &str, decision: Decision) -> String {
    let because = match decision {
        Decision::ExplicitDeny => "with an explicit deny in a policy".to_owned(),
        _ => format!("because no identity-based policy allows the {action} action"),
    };
    format!("User: {} is not authorized to perform: {action} on resource: {resource} {because}", caller.arn())
}

fn read_form(parts: &Parts, body: &Bytes) -> Result<query::Form, Fault> {
    if parts.method == Method::GET {
        query::Form::parse(parts.uri.query().unwrap_or_default().as_bytes())
    } else {
        query::Form::parse(body)
    }
}

/// Paths of REST operations are told apart by themselves.
fn rest_operation(parts: &Parts) -> Option<&'static str> {
    let ours = crate::intake::operation(parts).or_else(|| crate::iceberg::operation(parts));
    ours.or_else(|| crate::cloudtrail_data::operation(parts))
}

fn target_operation(parts: &Parts) -> Option<String> {
    let target = parts.headers.get("x-amz-target")?.to_str().ok()?;
    let name = target.rsplit('.').next()?;
    is_operation_name(name).then(|| name.to_owned())
}

/// Whether it could be the name of an operation; what cannot is not taken into records.
fn is_operation_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn unknown(service: &Service, name: &str) -> Fault {
    if service.unsupported.contains(&name) {
        let message = format!("{name} is not supported by this version of Cairn");
        return Fault::new("UnsupportedOperationException", 400, message);
    }
    match service.protocol {
        Protocol::Query { .. } => Fault::new(
            "InvalidAction",
            400,
            format!("Could not find operation {name} for version {}", service.api_version),
        ),
        _ => Fault::new("UnknownOperationException", 404, ""),
    }
}

fn credential_fault(error: cairn_identity::CredentialError) -> Fault {
    use cairn_identity::CredentialError as E;
    match error {
        E::ExpiredToken => {
            Fault::new("ExpiredTokenException", 403, "The security token included in the request is expired")
        }
        E::Unknown | E::Inactive | E::InvalidToken => {
            Fault::new("UnrecognizedClientException", 403, "The security token included in the request is invalid.")
        }
    }
}

/// Records show a denial as `AccessDenied` whatever the protocol calls it.
fn recorded_code(code: &str) -> &str {
    if code == "AccessDeniedException" { "AccessDenied" } else { code }
}
