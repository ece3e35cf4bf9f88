//! The columns of every table: one list, from which files, SQL, Iceberg and the documentation come.

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use std::collections::HashMap;
use std::sync::Arc;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Bool,
    /// Microseconds since 1970, UTC.
    Time,
    /// A list of texts.
    Texts,
    /// A JSON value as it was written.
    Json,
}

/// One column of the files.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// As it stands in files and in Iceberg: lower case, nested names joined by `_`.
    pub name: &'static str,
    pub kind: Kind,
    /// Where the value stands in an event; empty where it is derived.
    pub path: &'static [&'static str],
    /// Never given twice, never changed: what Iceberg and older files know the column by.
    pub field: i32,
    /// Whether files carry a bloom filter for look-ups by equality.
    pub bloom: bool,
}

/// Every column, in the order of the files. A column is never taken away or given another meaning:
/// older files simply do not have the newer ones, which read as null.
pub const COLUMNS: &[Column] = &[
    column(1, "eventtime", Kind::Time, &["eventTime"], false),
    column(2, "eventid", Kind::Text, &["eventID"], true),
    column(3, "eventname", Kind::Text, &["eventName"], false),
    column(4, "eventsource", Kind::Text, &["eventSource"], false),
    column(5, "eventtype", Kind::Text, &["eventType"], false),
    column(6, "eventcategory", Kind::Text, &["eventCategory"], false),
    column(7, "eventversion", Kind::Text, &["eventVersion"], false),
    column(8, "awsregion", Kind::Text, &["awsRegion"], false),
    column(9, "sourceipaddress", Kind::Text, &["sourceIPAddress"], true),
    column(10, "useragent", Kind::Text, &["userAgent"], false),
    column(11, "errorcode", Kind::Text, &["errorCode"], false),
    column(12, "errormessage", Kind::Text, &["errorMessage"], false),
    column(13, "requestid", Kind::Text, &["requestID"], false),
    column(14, "readonly", Kind::Bool, &["readOnly"], false),
    column(15, "managementevent", Kind::Bool, &["managementEvent"], false),
    column(16, "apiversion", Kind::Text, &["apiVersion"], false),
    column(17, "recipientaccountid", Kind::Text, &["recipientAccountId"], false),
    column(18, "sharedeventid", Kind::Text, &["sharedEventID"], false),
    column(19, "vpcendpointid", Kind::Text, &["vpcEndpointId"], false),
    column(20, "vpcendpointaccountid", Kind::Text, &["vpcEndpointAccountId"], false),
    column(21, "sessioncredentialfromconsole", Kind::Text, &["sessionCredentialFromConsole"], false),
    column(22, "annotation", Kind::Text, &["annotation"], false),
    column(23, "useridentity_type", Kind::Text, &["userIdentity", "type"], false),
    column(24, "useridentity_principalid", Kind::Text, &["userIdentity", "principalId"], true),
    column(25, "useridentity_arn", Kind::Text, &["userIdentity", "arn"], true),
    column(26, "useridentity_accountid", Kind::Text, &["userIdentity", "accountId"], false),
    column(27, "useridentity_accesskeyid", Kind::Text, &["userIdentity", "accessKeyId"], true),
    column(28, "useridentity_username", Kind::Text, &["userIdentity", "userName"], false),
    column(29, "useridentity_invokedby", Kind::Text, &["userIdentity", "invokedBy"], false),
    column(30, "useridentity_identityprovider", Kind::Text, &["userIdentity", "identityProvider"], false),
    column(
        31,
        "useridentity_sessioncontext_attributes_creationdate",
        Kind::Text,
        &["userIdentity", "sessionContext", "attributes", "creationDate"],
        false,
    ),
    column(
        32,
        "useridentity_sessioncontext_attributes_mfaauthenticated",
        Kind::Text,
        &["userIdentity", "sessionContext", "attributes", "mfaAuthenticated"],
        false,
    ),
    column(
        33,
        "useridentity_sessioncontext_sessionissuer_type",
        Kind::Text,
        &["userIdentity", "sessionContext", "sessionIssuer", "type"],
        false,
    ),
    column(
        34,
        "useridentity_sessioncontext_sessionissuer_principalid",
        Kind::Text,
        &["userIdentity", "sessionContext", "sessionIssuer", "principalId"],
        false,
    ),
    column(
        35,
        "useridentity_sessioncontext_sessionissuer_arn",
        Kind::Text,
        &["userIdentity", "sessionContext", "sessionIssuer", "arn"],
        true,
    ),
    column(
        36,
        "useridentity_sessioncontext_sessionissuer_accountid",
        Kind::Text,
        &["userIdentity", "sessionContext", "sessionIssuer", "accountId"],
        false,
    ),
    column(
        37,
        "useridentity_sessioncontext_sessionissuer_username",
        Kind::Text,
        &["userIdentity", "sessionContext", "sessionIssuer", "userName"],
        false,
    ),
    column(
        38,
        "useridentity_sessioncontext_webidfederationdata",
        Kind::Json,
        &["userIdentity", "sessionContext", "webIdFederationData"],
        false,
    ),
    column(
        39,
        "useridentity_sessioncontext_sourceidentity",
        Kind::Text,
        &["userIdentity", "sessionContext", "sourceIdentity"],
        false,
    ),
    column(
        40,
        "useridentity_sessioncontext_ec2roledelivery",
        Kind::Text,
        &["userIdentity", "sessionContext", "ec2RoleDelivery"],
        false,
    ),
    column(
        41,
        "useridentity_sessioncontext_ec2issuedinvpc",
        Kind::Text,
        &["userIdentity", "sessionContext", "ec2IssuedInVpc"],
        false,
    ),
    column(42, "useridentity_onbehalfof", Kind::Json, &["userIdentity", "onBehalfOf"], false),
    column(43, "useridentity_inscopeof", Kind::Json, &["userIdentity", "inScopeOf"], false),
    column(44, "requestparameters", Kind::Json, &["requestParameters"], false),
    column(45, "responseelements", Kind::Json, &["responseElements"], false),
    column(46, "additionaleventdata", Kind::Json, &["additionalEventData"], false),
    column(47, "serviceeventdetails", Kind::Json, &["serviceEventDetails"], false),
    column(48, "addendum", Kind::Json, &["addendum"], false),
    column(49, "edgedevicedetails", Kind::Json, &["edgeDeviceDetails"], false),
    column(50, "insightdetails", Kind::Json, &["insightDetails"], false),
    column(51, "tlsdetails_tlsversion", Kind::Text, &["tlsDetails", "tlsVersion"], false),
    column(52, "tlsdetails_ciphersuite", Kind::Text, &["tlsDetails", "cipherSuite"], false),
    column(53, "tlsdetails_clientprovidedhostheader", Kind::Text, &["tlsDetails", "clientProvidedHostHeader"], false),
    column(54, "resources", Kind::Json, &["resources"], false),
    column(55, "eventdata", Kind::Json, &["eventData"], false),
    column(56, "metadata", Kind::Json, &["metadata"], false),
    // who acted, as LookupEvents names them: the user's or role session's name
    column(57, "username", Kind::Text, &[], true),
    // every resource's ARN and bare name, as LookupEvents finds it
    column(58, "resourcenames", Kind::Texts, &[], true),
    // every resource's type
    column(59, "resourcetypes", Kind::Texts, &[], false),
    // how it came into the house: door, import, channel …
    column(60, "origin", Kind::Text, &[], false),
    // when it came into the house
    column(61, "received", Kind::Time, &[], false),
    // the event's JSON with each value that stands in a column replaced by the column's mark
    column(62, "form", Kind::Text, &[], false),
];

const fn column(field: i32, name: &'static str, kind: Kind, path: &'static [&'static str], bloom: bool) -> Column {
    Column { name, kind, path, field, bloom }
}

/// The place of a column in [`COLUMNS`], for names that are known when this is compiled.
pub const fn index(name: &str) -> usize {
    let mut index = 0;
    while index < COLUMNS.len() {
        if same(COLUMNS[index].name.as_bytes(), name.as_bytes()) {
            return index;
        }
        index += 1;
    }
    panic!("no column has this name")
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The type of a column in batches of rows.
pub fn data_type(column: &Column) -> DataType {
    match column.kind {
        Kind::Text | Kind::Json => DataType::Utf8,
        Kind::Bool => DataType::Boolean,
        Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Texts => DataType::List(element(column)),
    }
}

/// The schema of every batch of rows; each field carries its id as `PARQUET:field_id`.
pub fn arrow() -> SchemaRef {
    let field =
        |column: &Column| Field::new(column.name, data_type(column), true).with_metadata(known_as(column.field));
    Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()))
}

/// The field of one text in a list. Iceberg's readers find it by an id of its own, as they do its column.
pub fn element(column: &Column) -> FieldRef {
    Arc::new(Field::new("element", DataType::Utf8, false).with_metadata(known_as(column.element())))
}

fn known_as(field: i32) -> HashMap<String, String> {
    [("PARQUET:field_id".to_owned(), field.to_string())].into()
}

impl Column {
    /// What the texts of a list are known by: columns themselves have smaller numbers.
    pub const fn element(&self) -> i32 {
        1000 + self.field
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_paths_and_ids_are_given_once() {
        let names: BTreeSet<_> = COLUMNS.iter().map(|column| column.name).collect();
        let fields: BTreeSet<_> = COLUMNS.iter().map(|column| column.field).collect();
        let paths: BTreeSet<_> = COLUMNS.iter().map(|column| column.path).filter(|path| !path.is_empty()).collect();
        let derived = COLUMNS.iter().filter(|column| column.path.is_empty()).count();
        assert_eq!((names.len(), fields.len(), paths.len() + derived), (COLUMNS.len(), COLUMNS.len(), COLUMNS.len()));
        assert_eq!(COLUMNS[index("eventid")].name, "eventid");
    }
}
