//! Basic event selectors: reads or writes, management events, and data events of three kinds of resources.

use super::invalid;
use super::look::{Category, Look, Resource};
use crate::Error;
use cairn_event::Head;
use serde::{Deserialize, Serialize};

const SELECTORS_MAX: usize = 5;
/// Over all selectors of a trail; those that mean every resource of a kind do not count.
const RESOURCES_MAX: usize = 250;
const EXCLUDABLE_SOURCES: [&str; 2] = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];

/// One basic event selector as AWS writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BasicSelector {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_write_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_management_events: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_resources: Option<Vec<DataResource>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_management_event_sources: Option<Vec<String>>,
}

/// Resources of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DataResource {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
}

#[derive(Clone, Debug)]
pub(super) struct Matcher {
    access: ReadWrite,
    management: bool,
    excluded: Vec<String>,
    data: Vec<(Kind, Vec<String>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadWrite {
    All,
    ReadOnly,
    WriteOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Object,
    Function,
    Table,
}

impl ReadWrite {
    fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "All" => Ok(Self::All),
            "ReadOnly" => Ok(Self::ReadOnly),
            "WriteOnly" => Ok(Self::WriteOnly),
            _ => Err(invalid(format!("ReadWriteType {text:?} is not one of ReadOnly, WriteOnly, All."))),
        }
    }

    /// An event that does not say that it only reads counts as a write.
    fn takes(self, event: &Head<'_>) -> bool {
        match self {
            Self::All => true,
            Self::ReadOnly => event.read_only == Some(true),
            Self::WriteOnly => event.read_only != Some(true),
        }
    }
}

impl Kind {
    const ALL: [Self; 3] = [Self::Object, Self::Function, Self::Table];

    const fn name(self) -> &'static str {
        match self {
            Self::Object => "AWS::S3::Object",
            Self::Function => "AWS::Lambda::Function",
            Self::Table => "AWS::DynamoDB::Table",
        }
    }

    /// The value that means every resource of the kind.
    const fn all(self) -> &'static str {
        match self {
            Self::Object => "arn:aws:s3",
            Self::Function => "arn:aws:lambda",
            Self::Table => "arn:aws:dynamodb",
        }
    }

    fn is_all(self, value: &str) -> bool {
        value == self.all() || (self == Self::Object && value == "arn:aws:s3:::")
    }

    fn check(self, value: &str) -> Result<(), Error> {
        let rest = value.strip_prefix(self.all()).unwrap_or("?");
        let well_formed = match self {
            Self::Object => {
                rest.strip_prefix(":::").and_then(|rest| rest.split_once('/')).is_some_and(|(bucket, _)| {
                    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
                    !bucket.is_empty() && bucket.bytes().all(plain)
                })
            }
            Self::Function => rest.starts_with(':') && rest.contains(":function:"),
            Self::Table => rest.starts_with(':') && rest.contains(":table/"),
        };
        if well_formed || self.is_all(value) {
            return Ok(());
        }
        Err(invalid(format!("Value {value} for DataResources.Values is invalid for {}.", self.name())))
    }

    fn takes(self, value: &str, arn: &str) -> bool {
        if self.is_all(value) {
            return true;
        }
        match self {
            Self::Object => arn.starts_with(value),
            // A version or an alias of the function stands behind a colon.
            Self::Function => arn.strip_prefix(value).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')),
            Self::Table => arn == value,
        }
    }
}

/// The selectors with their missing members filled in, and how they match.
pub(super) fn check(selectors: Vec<BasicSelector>) -> Result<(Vec<BasicSelector>, Vec<Matcher>), Error> {
    if selectors.is_empty() || selectors.len() > SELECTORS_MAX {
        let found = selectors.len();
        return Err(invalid(format!("A trail has 1 to {SELECTORS_MAX} event selectors, {found} were given.")));
    }
    let given: Vec<BasicSelector> = selectors.into_iter().map(BasicSelector::filled).collect();
    let matchers = given.iter().map(Matcher::of).collect::<Result<Vec<_>, _>>()?;
    let resources: usize = matchers.iter().map(Matcher::count).sum();
    if resources > RESOURCES_MAX {
        return Err(invalid(format!("A trail has at most {RESOURCES_MAX} data resources, {resources} were given.")));
    }
    Ok((given, matchers))
}

impl BasicSelector {
    fn filled(self) -> Self {
        Self {
            read_write_type: Some(self.read_write_type.unwrap_or_else(|| "All".to_owned())),
            include_management_events: Some(self.include_management_events.unwrap_or(true)),
            data_resources: Some(self.data_resources.unwrap_or_default()),
            exclude_management_event_sources: Some(self.exclude_management_event_sources.unwrap_or_default()),
        }
    }
}

impl Matcher {
    fn of(selector: &BasicSelector) -> Result<Self, Error> {
        let management = selector.include_management_events == Some(true);
        let excluded = selector.exclude_management_event_sources.clone().unwrap_or_default();
        for source in &excluded {
            if !EXCLUDABLE_SOURCES.contains(&source.as_str()) {
                let known = EXCLUDABLE_SOURCES.join(", ");
                return Err(invalid(format!("ExcludeManagementEventSources {source:?} is not one of {known}.")));
            }
        }
        if !management && !excluded.is_empty() {
            let message = "ExcludeManagementEventSources needs IncludeManagementEvents to be true.";
            return Err(invalid(message));
        }
        let data = selector.data_resources.iter().flatten().map(data).collect::<Result<Vec<_>, _>>()?;
        let access = ReadWrite::parse(selector.read_write_type.as_deref().unwrap_or("All"))?;
        Ok(Self { access, management, excluded, data })
    }

    fn count(&self) -> usize {
        self.data.iter().map(|(kind, values)| values.iter().filter(|value| !kind.is_all(value)).count()).sum()
    }

    fn takes_management(&self, event: &Head<'_>) -> bool {
        let source = event.event_source.as_deref().unwrap_or_default();
        self.management && !self.excluded.iter().any(|excluded| excluded == source)
    }

    fn takes_data(&self, resources: &[Resource<'_>]) -> bool {
        let named = |kind: Kind, value: &String| {
            let of_kind = resources.iter().filter(|resource| resource.kind() == Some(kind.name()));
            of_kind.filter_map(Resource::arn).any(|arn| kind.takes(value, arn))
        };
        self.data.iter().any(|(kind, values)| values.iter().any(|value| named(*kind, value)))
    }
}

fn data(resource: &DataResource) -> Result<(Kind, Vec<String>), Error> {
    let name = resource.r#type.as_deref().unwrap_or_default();
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let known = Kind::ALL.map(Kind::name).join(", ");
        invalid(format!("DataResources.Type {name:?} is not one of {known}."))
    })?;
    let values = resource.values.clone().unwrap_or_default();
    values.iter().try_for_each(|value| kind.check(value))?;
    Ok((kind, values))
}

pub(super) fn matches(matchers: &[Matcher], look: &Look<'_, '_>) -> bool {
    let mut of_access = matchers.iter().filter(|matcher| matcher.access.takes(look.event));
    match look.category {
        Category::Management => of_access.any(|matcher| matcher.takes_management(look.event)),
        Category::Data => of_access.any(|matcher| !matcher.data.is_empty() && matcher.takes_data(look.resources())),
        _ => false,
    }
}
