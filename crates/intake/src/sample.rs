//! Events and files for tests, shaped as AWS shapes them.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::Write as _;
use std::io::Write as _;

/// A management event as compact JSON; equal numbers give equal bytes.
pub fn event(number: u64) -> String {
    let id =
        format!("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", number, number % 7, number % 11, number % 13, number * 31);
    let (hour, minute, second) = (number / 3600 % 24, number / 60 % 60, number % 60);
    format!(
        r#"{{"eventVersion":"1.08","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:né \"{number}\"","arn":"arn:aws:sts::111122223333:assumed-role/r/{number}","accountId":"111122223333","sessionContext":{{"sessionIssuer":{{}},"attributes":{{"creationDate":"2023-07-10T09:00:00Z","mfaAuthenticated":"false"}}}}}},"eventTime":"2023-07-10T{hour:02}:{minute:02}:{second:02}Z","eventSource":"s3.amazonaws.com","eventName":"GetBucketAcl","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.{octet}","userAgent":"[aws-sdk/2.0 ({{]]\\]","requestParameters":{{"policy":"{{\"Statement\":[]}}","n":[-0.5e3,true,null,[]]}},"responseElements":null,"requestID":"R{number}","eventID":"{id}","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#,
        octet = number % 256,
    )
}

pub fn insight(number: u64) -> String {
    format!(
        r#"{{"eventVersion":"1.09","eventTime":"2024-12-11T16:52:00Z","awsRegion":"us-east-1","eventID":"{number:08x}-0000-4000-8000-00000000abcd","eventType":"AwsCloudTrailInsight","recipientAccountId":"888888888888","insightDetails":{{"state":"Start"}},"eventCategory":"Insight"}}"#
    )
}

pub fn aggregated(number: u64) -> String {
    format!(
        r#"{{"eventVersion":"1.0","accountId":"888888888888","eventId":"{number:08x}-1111-4000-8000-00000000abcd","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","awsRegion":"us-east-1","eventSource":"s3.amazonaws.com","timeWindow":{{"windowStart":"2026-01-01T00:00:00Z"}},"summary":{{}}}}"#
    )
}

/// A log file of these records.
pub fn file<R: AsRef<str>>(records: &[R]) -> String {
    let records: Vec<&str> = records.iter().map(AsRef::as_ref).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// A digest file that lists `files` log files.
pub fn digest(files: usize) -> String {
    let mut list = String::new();
    for number in 0..files {
        let comma = if number == 0 { "" } else { "," };
        write!(
            list,
            r#"{comma}{{"s3Bucket":"b","s3Object":"AWSLogs/f{number}.json.gz","hashValue":"{}","hashAlgorithm":"SHA-256","newestEventTime":"2015-08-17T14:52:27Z","oldestEventTime":"2015-08-17T14:42:27Z"}}"#,
            "9b".repeat(32)
        )
        .unwrap();
    }
    format!(
        r#"{{"awsAccountId":"111122223333","digestStartTime":"2015-08-17T14:01:31Z","digestEndTime":"2015-08-17T15:01:31Z","digestS3Bucket":"b","digestS3Object":"AWSLogs/d.json.gz","digestPublicKeyFingerprint":"31e8b5433410dfb61a9dc45cc65b22ff","digestSignatureAlgorithm":"SHA256withRSA","newestEventTime":null,"oldestEventTime":null,"previousDigestS3Bucket":null,"previousDigestS3Object":null,"previousDigestHashValue":null,"previousDigestHashAlgorithm":null,"previousDigestSignature":null,"logFiles":[{list}]}}"#
    )
}
