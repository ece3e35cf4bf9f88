//! One event as selectors look at it: what lies deep in its JSON is read once, when the first of them asks.

use cairn_event::Head;
use serde::Deserialize;
use std::borrow::Cow;
use std::cell::OnceCell;

pub(super) struct Look<'e, 'a> {
    pub category: Category,
    pub event: &'e Head<'a>,
    user_arn: OnceCell<Option<Cow<'a, str>>>,
    resources: OnceCell<Vec<Resource<'a>>>,
}

/// The categories that can be selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    Management,
    Data,
    NetworkActivity,
    Insight,
    ConfigurationItem,
    Evidence,
    ActivityAuditLog,
}

impl Category {
    pub const ALL: [Self; 7] = [
        Self::Management,
        Self::Data,
        Self::NetworkActivity,
        Self::Insight,
        Self::ConfigurationItem,
        Self::Evidence,
        Self::ActivityAuditLog,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Management => "Management",
            Self::Data => "Data",
            Self::NetworkActivity => "NetworkActivity",
            Self::Insight => "Insight",
            Self::ConfigurationItem => "ConfigurationItem",
            Self::Evidence => "Evidence",
            Self::ActivityAuditLog => "ActivityAuditLog",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }

    /// Events older than version 1.07 have no category but say whether they manage.
    fn of(event: &Head<'_>) -> Option<Self> {
        match event.event_category.as_deref() {
            Some(name) => Self::named(name),
            None if event.management_event == Some(false) => Some(Self::Data),
            None => Some(Self::Management),
        }
    }
}

impl<'e, 'a> Look<'e, 'a> {
    /// None when no selector could want it, whatever it says.
    pub fn at(event: &'e Head<'a>) -> Option<Self> {
        let category = Category::of(event)?;
        Some(Self { category, event, user_arn: OnceCell::new(), resources: OnceCell::new() })
    }

    pub fn user_arn(&self) -> Option<&str> {
        self.user_arn.get_or_init(|| self.event.string_at(&["userIdentity", "arn"])).as_deref()
    }

    pub fn resources(&self) -> &[Resource<'a>] {
        self.resources.get_or_init(|| resources(self.event))
    }
}

/// One of an event's `resources`.
#[derive(Deserialize)]
pub(super) struct Resource<'a> {
    #[serde(borrow, rename = "ARN", default)]
    arn: Option<Text<'a>>,
    #[serde(borrow, rename = "ARNPrefix", default)]
    arn_prefix: Option<Text<'a>>,
    #[serde(borrow, rename = "type", default)]
    kind: Option<Text<'a>>,
}

/// A text that is borrowed also inside of an `Option`.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Resource<'_> {
    pub fn kind(&self) -> Option<&str> {
        Some(&self.kind.as_ref()?.0)
    }

    /// Calls on many objects at once, as ListObjects, name what their ARNs begin with.
    pub fn arn(&self) -> Option<&str> {
        Some(&self.arn.as_ref().or(self.arn_prefix.as_ref())?.0)
    }
}

fn resources<'a>(event: &Head<'a>) -> Vec<Resource<'a>> {
    let Ok(value) = sonic_rs::get(event.raw(), &["resources"]) else { return Vec::new() };
    match value.as_raw_cow() {
        Cow::Borrowed(raw) => sonic_rs::from_str(raw).unwrap_or_default(),
        Cow::Owned(_) => Vec::new(),
    }
}
