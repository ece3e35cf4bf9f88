//! The columns of CloudTrail Lake, in its order.

use super::part::Part;
use cairn_lake::schema::COLUMNS;
use cairn_lake::sql::Shape;

/// A column as SQL names it, and what it is.
#[derive(Clone, Copy)]
pub struct Shows {
    pub name: &'static str,
    pub part: Part,
}

/// Name in SQL, name as AWS shows it, what it is.
type Row = (&'static str, &'static str, Part);

const ATTRIBUTES: Part = Part::Row(&[
    ("creationdate", Part::Time("useridentity_sessioncontext_attributes_creationdate")),
    ("mfaauthenticated", Part::Flat("useridentity_sessioncontext_attributes_mfaauthenticated")),
]);
const ISSUER: Part = Part::Row(&[
    ("type", Part::Flat("useridentity_sessioncontext_sessionissuer_type")),
    ("principalid", Part::Flat("useridentity_sessioncontext_sessionissuer_principalid")),
    ("arn", Part::Flat("useridentity_sessioncontext_sessionissuer_arn")),
    ("accountid", Part::Flat("useridentity_sessioncontext_sessionissuer_accountid")),
    ("username", Part::Flat("useridentity_sessioncontext_sessionissuer_username")),
]);
const FEDERATION: &str = "useridentity_sessioncontext_webidfederationdata";
const SESSION: Part = Part::Row(&[
    ("attributes", ATTRIBUTES),
    ("sessionissuer", ISSUER),
    (
        "webidfederationdata",
        Part::Row(&[
            ("federatedprovider", Part::Within(FEDERATION, &["federatedProvider"])),
            ("attributes", Part::MapWithin(FEDERATION, &["attributes"])),
        ]),
    ),
    ("sourceidentity", Part::Flat("useridentity_sessioncontext_sourceidentity")),
    ("ec2roledelivery", Part::Flat("useridentity_sessioncontext_ec2roledelivery")),
    ("ec2issuedinvpc", Part::Flat("useridentity_sessioncontext_ec2issuedinvpc")),
]);
const IDENTITY: Part = Part::Row(&[
    ("type", Part::Flat("useridentity_type")),
    ("principalid", Part::Flat("useridentity_principalid")),
    ("arn", Part::Flat("useridentity_arn")),
    ("accountid", Part::Flat("useridentity_accountid")),
    ("accesskeyid", Part::Flat("useridentity_accesskeyid")),
    ("username", Part::Flat("useridentity_username")),
    ("sessioncontext", SESSION),
    ("invokedby", Part::Flat("useridentity_invokedby")),
    ("identityprovider", Part::Flat("useridentity_identityprovider")),
    (
        "onbehalfof",
        Part::Row(&[
            ("userid", Part::Within("useridentity_onbehalfof", &["userId"])),
            ("identitystorearn", Part::Within("useridentity_onbehalfof", &["identityStoreArn"])),
        ]),
    ),
    (
        "inscopeof",
        Part::Row(&[
            ("sourcearn", Part::Within("useridentity_inscopeof", &["sourceArn"])),
            ("sourceaccount", Part::Within("useridentity_inscopeof", &["sourceAccount"])),
            ("issuertype", Part::Within("useridentity_inscopeof", &["issuerType"])),
            ("credentialsissuedto", Part::Within("useridentity_inscopeof", &["credentialsIssuedTo"])),
        ]),
    ),
]);
const TLS: Part = Part::Row(&[
    ("tlsversion", Part::Flat("tlsdetails_tlsversion")),
    ("ciphersuite", Part::Flat("tlsdetails_ciphersuite")),
    ("clientprovidedhostheader", Part::Flat("tlsdetails_clientprovidedhostheader")),
]);
const DATA_IDENTITY: Part = Part::Row(&[
    ("type", Part::Within("eventdata", &["userIdentity", "type"])),
    ("principalid", Part::Within("eventdata", &["userIdentity", "principalId"])),
    ("details", Part::MapWithin("eventdata", &["userIdentity", "details"])),
]);
const DATA: Part = Part::Row(&[
    ("version", Part::Within("eventdata", &["version"])),
    ("useridentity", DATA_IDENTITY),
    ("useragent", Part::Within("eventdata", &["userAgent"])),
    ("eventsource", Part::Within("eventdata", &["eventSource"])),
    ("eventname", Part::Within("eventdata", &["eventName"])),
    ("eventtime", Part::TimeWithin("eventdata", &["eventTime"])),
    ("uid", Part::Within("eventdata", &["UID"])),
    ("requestparameters", Part::MapWithin("eventdata", &["requestParameters"])),
    ("responseelements", Part::MapWithin("eventdata", &["responseElements"])),
    ("errorcode", Part::Within("eventdata", &["errorCode"])),
    ("errormessage", Part::Within("eventdata", &["errorMessage"])),
    ("sourceipaddress", Part::Within("eventdata", &["sourceIPAddress"])),
    ("recipientaccountid", Part::Within("eventdata", &["recipientAccountId"])),
    ("additionaleventdata", Part::MapWithin("eventdata", &["additionalEventData"])),
]);
const METADATA: Part = Part::Row(&[
    ("ingestiontime", Part::TimeWithin("metadata", &["ingestionTime"])),
    ("channelarn", Part::Within("metadata", &["channelARN"])),
]);

const TRAIL: &[Row] = &[
    ("eventversion", "eventVersion", Part::Flat("eventversion")),
    ("useridentity", "userIdentity", IDENTITY),
    ("eventtime", "eventTime", Part::Flat("eventtime")),
    ("eventsource", "eventSource", Part::Flat("eventsource")),
    ("eventname", "eventName", Part::Flat("eventname")),
    ("awsregion", "awsRegion", Part::Flat("awsregion")),
    ("sourceipaddress", "sourceIPAddress", Part::Flat("sourceipaddress")),
    ("useragent", "userAgent", Part::Flat("useragent")),
    ("errorcode", "errorCode", Part::Flat("errorcode")),
    ("errormessage", "errorMessage", Part::Flat("errormessage")),
    ("requestparameters", "requestParameters", Part::Map("requestparameters")),
    ("responseelements", "responseElements", Part::Map("responseelements")),
    ("additionaleventdata", "additionalEventData", Part::Map("additionaleventdata")),
    ("requestid", "requestID", Part::Flat("requestid")),
    ("eventid", "eventID", Part::Flat("eventid")),
    ("readonly", "readOnly", Part::Flat("readonly")),
    ("resources", "resources", Part::Resources("resources")),
    ("eventtype", "eventType", Part::Flat("eventtype")),
    ("apiversion", "apiVersion", Part::Flat("apiversion")),
    ("managementevent", "managementEvent", Part::Flat("managementevent")),
    ("recipientaccountid", "recipientAccountId", Part::Flat("recipientaccountid")),
    ("sharedeventid", "sharedEventID", Part::Flat("sharedeventid")),
    ("annotation", "annotation", Part::Flat("annotation")),
    ("vpcendpointid", "vpcEndpointId", Part::Flat("vpcendpointid")),
    ("vpcendpointaccountid", "vpcEndpointAccountId", Part::Flat("vpcendpointaccountid")),
    ("serviceeventdetails", "serviceEventDetails", Part::Map("serviceeventdetails")),
    ("addendum", "addendum", Part::Map("addendum")),
    ("edgedevicedetails", "edgeDeviceDetails", Part::Map("edgedevicedetails")),
    ("insightdetails", "insightDetails", Part::Map("insightdetails")),
    ("eventcategory", "eventCategory", Part::Flat("eventcategory")),
    ("tlsdetails", "tlsDetails", TLS),
    ("sessioncredentialfromconsole", "sessionCredentialFromConsole", Part::Flat("sessioncredentialfromconsole")),
    ("eventjson", "eventJson", Part::Event),
    ("eventjsonchecksum", "eventJsonChecksum", Part::Checksum),
];

const MORE: &[Row] = &[
    ("eventdata", "eventData", DATA),
    ("metadata", "metadata", METADATA),
    ("origin", "origin", Part::Flat("origin")),
    ("received", "received", Part::Flat("received")),
    ("username", "userName", Part::Flat("username")),
    ("resourcenames", "resourceNames", Part::Flat("resourcenames")),
    ("resourcetypes", "resourceTypes", Part::Flat("resourcetypes")),
];

/// Those of the trail that activity has too.
const ACTIVITY: [&str; 10] = [
    "eventversion",
    "eventcategory",
    "eventtype",
    "eventid",
    "eventtime",
    "awsregion",
    "recipientaccountid",
    "addendum",
    "eventjson",
    "eventjsonchecksum",
];

/// The columns of a shape, in order.
pub fn shown(shape: Shape) -> Vec<Shows> {
    let shows = |(name, _, part): &Row| Shows { name, part: *part };
    match shape {
        Shape::Trail | Shape::Insight => TRAIL.iter().map(shows).collect(),
        Shape::Activity => {
            let of_trail = TRAIL.iter().filter(|(name, ..)| ACTIVITY.contains(name));
            of_trail.chain(&MORE[..2]).map(shows).collect()
        }
        Shape::Everything => {
            let mut all: Vec<_> = TRAIL.iter().chain(MORE).map(shows).collect();
            for column in COLUMNS.iter().filter(|column| column.name != "form") {
                if !all.iter().any(|shows| shows.name == column.name) {
                    all.push(Shows { name: column.name, part: Part::Flat(column.name) });
                }
            }
            all
        }
    }
}

/// A column's name as AWS shows it; any other name as it is.
pub fn written(name: &str) -> &str {
    TRAIL.iter().chain(MORE).find(|(lower, ..)| *lower == name).map_or(name, |(_, written, _)| written)
}
