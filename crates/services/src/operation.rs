//! What one file of an operation implements, and how the dispatcher runs it.

use crate::call::Call;
use bytes::Bytes;
use cairn_event::{Category, Resource};
use cairn_identity::Policy;
use cairn_wire::{Fault, Protocol, json, query};
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

/// Whether a call changes anything; `readOnly` in its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// Something that a call acts on: it is authorized on each, and its record names each.
#[derive(Clone, Debug, Default)]
pub struct Target {
    pub arn: String,
    /// `AWS::KMS::Key` and the like; without it the record does not name the target.
    pub kind: Option<&'static str>,
    /// The account that owns it.
    pub account: String,
    /// The policy on the resource itself, if it has one.
    pub policy: Option<Arc<Policy>>,
    /// Whether that policy must allow (KMS keys, role trust), rather than may.
    pub policy_required: bool,
    /// The action that must be allowed on it, where that is not the operation's own name.
    pub action: Option<&'static str>,
    /// The fault by which a caller is refused, where that is not `AccessDeniedException`.
    pub refused_as: Option<&'static str>,
    /// Condition keys that this target adds to those of the call.
    pub context: Vec<(String, String)>,
}

impl Target {
    /// A resource of the caller's own account that carries no policy.
    pub fn own(arn: impl Into<String>, kind: &'static str, account: &str) -> Self {
        Self { arn: arn.into(), kind: Some(kind), account: account.to_owned(), ..Self::default() }
    }

    pub(crate) fn resource(&self) -> Option<Resource> {
        let kind = self.kind?.to_owned();
        Some(Resource { account_id: Some(self.account.clone()), kind, arn: self.arn.clone() })
    }
}

/// One API operation.
pub trait Operation: Send + Sync + 'static {
    const NAME: &'static str;
    const ACCESS: Access;
    const CATEGORY: Category = Category::Management;
    /// False only where AWS needs no permission, as for `sts:GetCallerIdentity`.
    const AUTHORIZED: bool = true;
    /// Whether its record shows what it answered; for reads only where AWS's do, as for `sts:AssumeRole`.
    const ANSWER_RECORDED: bool = matches!(Self::ACCESS, Access::Write);
    type Input: DeserializeOwned + Serialize + Send + Sync;
    type Output: Serialize + Send;

    /// What the call acts on. None means that it is authorized on `*`.
    fn targets(call: &Call<'_>, input: &Self::Input) -> impl Future<Output = Result<Vec<Target>, Fault>> + Send {
        let _ = (call, input);
        async { Ok(Vec::new()) }
    }

    fn call(call: &Call<'_>, input: Self::Input) -> impl Future<Output = Result<Self::Output, Fault>> + Send;
}

/// A request body, taken apart as far as its protocol goes without knowing the operation.
pub enum Body<'a> {
    Json(&'a [u8]),
    Form(&'a query::Form),
    /// As it came: a REST operation may take bytes, headers and the query.
    Raw(&'a Parts, &'a Bytes),
}

/// A decoded input, ready to be authorized and then called.
pub struct Prepared<'a> {
    pub(crate) targets: Vec<Target>,
    pub(crate) parameters: Value,
    pub(crate) run: Run<'a>,
}

type Run<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Done, Fault>> + Send + 'a>>;

/// What an operation gave back, encoded for the client and for the record.
pub struct Done {
    pub(crate) bytes: Vec<u8>,
    pub(crate) response: Value,
}

/// An operation without its types, as the lists of the services hold it.
#[async_trait::async_trait]
pub trait Erased: Send + Sync {
    fn name(&self) -> &'static str;
    fn access(&self) -> Access;
    fn category(&self) -> Category;
    fn authorized(&self) -> bool;
    #[doc(hidden)]
    async fn prepare<'a>(
        &self,
        call: &'a Call<'a>,
        protocol: &'a Protocol,
        body: Body<'a>,
    ) -> Result<Prepared<'a>, Fault>;
}

struct Of<O>(PhantomData<O>);

/// A row in a service's list of operations.
pub(crate) const fn row<O: Operation>() -> &'static dyn Erased {
    &Of::<O>(PhantomData)
}

#[async_trait::async_trait]
impl<O: Operation> Erased for Of<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn access(&self) -> Access {
        O::ACCESS
    }

    fn category(&self) -> Category {
        O::CATEGORY
    }

    fn authorized(&self) -> bool {
        O::AUTHORIZED
    }

    async fn prepare<'a>(
        &self,
        call: &'a Call<'a>,
        protocol: &'a Protocol,
        body: Body<'a>,
    ) -> Result<Prepared<'a>, Fault> {
        let input: O::Input = match body {
            Body::Json(bytes) => json::decode(bytes)?,
            Body::Form(form) => query::decode(form)?,
            Body::Raw(_, bytes) => json::decode(bytes)?,
        };
        let parameters = cairn_wire::record::value(&input);
        let targets = O::targets(call, &input).await?;
        let run = Box::pin(async move {
            let output = O::call(call, input).await?;
            let response = if O::ANSWER_RECORDED { cairn_wire::record::value(&output) } else { Value::Null };
            let bytes = protocol.encode(O::NAME, &call.arrival.request_id.to_string(), &output);
            Ok(Done { bytes, response })
        });
        Ok(Prepared { targets, parameters, run })
    }
}
