//! What is concluded from an event: who acted, and on which resources.

use super::keys::Words;
use std::ops::Range;

/// Longer names are not to be looked up: `LookupEvents` takes 2,000 characters.
const NAME_BYTES_MAX: usize = 2048;
/// Beyond so many names of one event, another one is not compared with them before it is added.
const COMPARED_MAX: usize = 64;

/// A request parameter that names a resource.
struct Parameter {
    key: &'static str,
    /// The event source, up to its first dot; empty where the key means the same everywhere.
    source: &'static str,
    kind: &'static str,
}

const fn parameter(key: &'static str, source: &'static str, kind: &'static str) -> Parameter {
    Parameter { key, source, kind }
}

/// Keys of AWS's own services, found at any level of requests and answers. A key may stand here several
/// times, for several sources.
const PARAMETERS: &[Parameter] = &[
    parameter("bucketName", "", "AWS::S3::Bucket"),
    parameter("roleName", "", "AWS::IAM::Role"),
    parameter("roleArn", "", "AWS::IAM::Role"),
    parameter("userName", "", "AWS::IAM::User"),
    parameter("groupName", "iam", "AWS::IAM::Group"),
    parameter("groupName", "ec2", "AWS::EC2::SecurityGroup"),
    parameter("policyArn", "", "AWS::IAM::Policy"),
    parameter("policyName", "iam", "AWS::IAM::Policy"),
    parameter("instanceProfileName", "", "AWS::IAM::InstanceProfile"),
    parameter("accessKeyId", "", "AWS::IAM::AccessKey"),
    parameter("serialNumber", "iam", "AWS::IAM::MfaDevice"),
    parameter("functionName", "", "AWS::Lambda::Function"),
    parameter("layerName", "lambda", "AWS::Lambda::LayerVersion"),
    parameter("instanceId", "", "AWS::EC2::Instance"),
    parameter("groupId", "ec2", "AWS::EC2::SecurityGroup"),
    parameter("volumeId", "", "AWS::EC2::Volume"),
    parameter("snapshotId", "ec2", "AWS::EC2::Snapshot"),
    parameter("imageId", "ec2", "AWS::EC2::Ami"),
    parameter("vpcId", "", "AWS::EC2::VPC"),
    parameter("subnetId", "", "AWS::EC2::Subnet"),
    parameter("keyName", "ec2", "AWS::EC2::KeyPair"),
    parameter("networkInterfaceId", "", "AWS::EC2::NetworkInterface"),
    parameter("networkAclId", "", "AWS::EC2::NetworkAcl"),
    parameter("routeTableId", "", "AWS::EC2::RouteTable"),
    parameter("internetGatewayId", "", "AWS::EC2::InternetGateway"),
    parameter("natGatewayId", "", "AWS::EC2::NatGateway"),
    parameter("vpcEndpointId", "ec2", "AWS::EC2::VPCEndpoint"),
    parameter("allocationId", "ec2", "AWS::EC2::EIP"),
    parameter("keyId", "", "AWS::KMS::Key"),
    parameter("aliasName", "kms", "AWS::KMS::Alias"),
    parameter("trailName", "", "AWS::CloudTrail::Trail"),
    parameter("trailARN", "", "AWS::CloudTrail::Trail"),
    parameter("name", "cloudtrail", "AWS::CloudTrail::Trail"),
    parameter("name", "secretsmanager", "AWS::SecretsManager::Secret"),
    parameter("name", "ssm", "AWS::SSM::Parameter"),
    parameter("name", "eks", "AWS::EKS::Cluster"),
    parameter("name", "events", "AWS::Events::Rule"),
    parameter("eventDataStore", "", "AWS::CloudTrail::EventDataStore"),
    parameter("secretId", "", "AWS::SecretsManager::Secret"),
    parameter("tableName", "", "AWS::DynamoDB::Table"),
    parameter("dBInstanceIdentifier", "", "AWS::RDS::DBInstance"),
    parameter("dBClusterIdentifier", "", "AWS::RDS::DBCluster"),
    parameter("dBSnapshotIdentifier", "", "AWS::RDS::DBSnapshot"),
    parameter("topicArn", "", "AWS::SNS::Topic"),
    parameter("queueUrl", "", "AWS::SQS::Queue"),
    parameter("queueName", "", "AWS::SQS::Queue"),
    parameter("stackName", "", "AWS::CloudFormation::Stack"),
    parameter("clusterName", "", "AWS::ECS::Cluster"),
    parameter("repositoryName", "ecr", "AWS::ECR::Repository"),
    parameter("logGroupName", "", "AWS::Logs::LogGroup"),
    parameter("streamName", "kinesis", "AWS::Kinesis::Stream"),
    parameter("deliveryStreamName", "", "AWS::KinesisFirehose::DeliveryStream"),
    parameter("loadBalancerArn", "", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    parameter("loadBalancerName", "", "AWS::ElasticLoadBalancing::LoadBalancer"),
    parameter("targetGroupArn", "", "AWS::ElasticLoadBalancingV2::TargetGroup"),
    parameter("autoScalingGroupName", "", "AWS::AutoScaling::AutoScalingGroup"),
    parameter("launchConfigurationName", "", "AWS::AutoScaling::LaunchConfiguration"),
    parameter("certificateArn", "acm", "AWS::ACM::Certificate"),
    parameter("hostedZoneId", "", "AWS::Route53::HostedZone"),
    parameter("fileSystemId", "", "AWS::EFS::FileSystem"),
    parameter("stateMachineArn", "", "AWS::StepFunctions::StateMachine"),
    parameter("domainName", "es", "AWS::Elasticsearch::Domain"),
    parameter("detectorId", "guardduty", "AWS::GuardDuty::Detector"),
];

/// The keys of [`PARAMETERS`], each once.
#[derive(Debug)]
pub(super) struct Parameters {
    keys: Words,
    /// For each key its places in the table.
    places: Vec<Vec<usize>>,
}

impl Parameters {
    pub(super) fn new() -> Self {
        let mut keys: Vec<&'static str> = PARAMETERS.iter().map(|parameter| parameter.key).collect();
        keys.sort_unstable();
        keys.dedup();
        let at = |key: &&str| (0..PARAMETERS.len()).filter(|index| PARAMETERS[*index].key == *key).collect();
        Self { places: keys.iter().map(at).collect(), keys: Words::new(&keys) }
    }

    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<usize> {
        self.keys.find(key)
    }

    /// The type of what a key names in an event of this source; None when it names nothing there.
    fn kind(&self, key: usize, source: &str) -> Option<&'static str> {
        let service = source.split('.').next().unwrap_or("");
        let mut of = self.places[key].iter().map(|index| &PARAMETERS[*index]);
        of.find(|parameter| parameter.source.is_empty() || parameter.source == service).map(|parameter| parameter.kind)
    }
}

/// Names and types of resources that one event has shown so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    text: String,
    names: Vec<Range<usize>>,
    types: Vec<Range<usize>>,
    /// Parameters whose meaning hangs on the event source, which may come later.
    pending: Vec<(usize, Range<usize>)>,
}

impl Found {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.names.clear();
        self.types.clear();
        self.pending.clear();
    }

    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    fn add(&mut self, text: Range<usize>, types: bool) {
        let list = if types { &self.types } else { &self.names };
        let known = |other: &Range<usize>| self.text[other.clone()] == self.text[text.clone()];
        let skipped = text.is_empty() || text.len() > NAME_BYTES_MAX || &self.text[text.clone()] == "*";
        if skipped || list.iter().take(COMPARED_MAX).any(known) {
            return;
        }
        if types { self.types.push(text) } else { self.names.push(text) }
    }

    /// A resource's ARN or name: found by itself, and an ARN also by the bare name at its end.
    fn named(&mut self, name: Range<usize>) {
        self.add(name.clone(), false);
        let text = &self.text[name.clone()];
        if !text.starts_with("arn:") {
            return;
        }
        let end = name.start + text.strip_suffix(":*").unwrap_or(text).len();
        let whole = &self.text[name.start..end];
        let bare = name.start + whole.rfind(':').map_or(0, |colon| colon + 1)..end;
        let last = self.text[bare.clone()].rfind('/').map(|slash| bare.start + slash + 1..end);
        self.add(bare, false);
        if let Some(last) = last {
            self.add(last, false);
        }
    }

    pub(super) fn resource_name(&mut self, name: &str) {
        let name = self.keep(name);
        self.named(name);
    }

    pub(super) fn resource_type(&mut self, kind: &str) {
        let kind = self.keep(kind);
        self.add(kind, true);
    }

    pub(super) fn parameter(&mut self, key: usize, value: &str) {
        if value.len() <= NAME_BYTES_MAX {
            let value = self.keep(value);
            self.pending.push((key, value));
        }
    }

    /// Decides what parameters mean, now that the event source is known.
    pub(super) fn settle(&mut self, parameters: &Parameters, source: &str) {
        let mut pending = std::mem::take(&mut self.pending);
        for (key, value) in pending.drain(..) {
            if let Some(kind) = parameters.kind(key, source)
                && !value.is_empty()
            {
                self.named(value);
                self.resource_type(kind);
            }
        }
        self.pending = pending;
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|range| &self.text[range.clone()])
    }

    pub(super) fn types(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|range| &self.text[range.clone()])
    }
}

/// What an event says about who acted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identity<'a> {
    pub kind: Option<&'a str>,
    pub user_name: Option<&'a str>,
    pub arn: Option<&'a str>,
    pub principal_id: Option<&'a str>,
    pub invoked_by: Option<&'a str>,
}

impl<'a> Identity<'a> {
    /// The name by which `LookupEvents` knows who acted: the user's or the role session's.
    pub(super) fn username(&self) -> Option<&'a str> {
        let name = match self.kind {
            Some("Root") => Some("root"),
            Some("AWSService") => self.user_name.or(self.invoked_by),
            Some("AssumedRole" | "FederatedUser") => self.user_name.or_else(|| self.session()),
            _ => self.user_name,
        };
        name.filter(|name| !name.is_empty())
    }

    fn session(&self) -> Option<&'a str> {
        let of_arn = self.arn.and_then(|arn| arn.rsplit_once('/'));
        of_arn.or_else(|| self.principal_id?.split_once(':')).map(|(_, name)| name)
    }
}
