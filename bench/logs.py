"""Makes a tree of CloudTrail log files as AWS lays them out: many kinds of events, realistic names and numbers.

The same seed gives the same records. The times are fixed, so that queries can name them:

    python logs.py DIR --records 1000000 --files 2000
"""

import argparse
import functools
import gzip
import json
import os
import random
import uuid
import zlib
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

START = datetime(2026, 1, 5, tzinfo=timezone.utc)
DAYS = 30
ACCOUNTS = ["111122223333", "222233334444", "333344445555", "444455556666"]
REGIONS = ["us-east-1", "us-east-1", "us-east-1", "eu-west-1", "us-west-2", "ap-southeast-2"]
NEEDLE = {
    "group": "sg-0badc0ffee0badc0f",
    "key": "AKIANEEDLE00EXAMPLE0",
    "ip": "203.0.113.77",
    "bucket": "arn:aws:s3:::needle-evidence",
    "user": "mallory",
}
AGENTS = [
    "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/{service}#1.58.2",
    "Boto3/1.34.144 md/Botocore#1.34.144 ua/2.0 os/linux#5.10.220 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython",
    "aws-cli/2.17.20 md/awscrt#0.20.11 ua/2.0 os/macos#23.5.0 md/arch#arm64 lang/python#3.11.9 cfg/retry-mode#standard",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.2 (+https://www.terraform.io) terraform-provider-aws/5.58.0 aws-sdk-go-v2/1.30.3",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "{service}.amazonaws.com",
]


def kinds():
    """(weight, service, name, read only, category, how its parameters and resources are made)."""
    table = [
        (190, "sts", "AssumeRole", True, "Management", "role"),
        (60, "sts", "GetCallerIdentity", True, "Management", "none"),
        (110, "ec2", "DescribeInstances", True, "Management", "instances"),
        (45, "ec2", "DescribeSecurityGroups", True, "Management", "group_read"),
        (40, "ec2", "DescribeNetworkInterfaces", True, "Management", "instances"),
        (12, "ec2", "RunInstances", False, "Management", "run"),
        (10, "ec2", "TerminateInstances", False, "Management", "instances"),
        (8, "ec2", "AuthorizeSecurityGroupIngress", False, "Management", "group"),
        (4, "ec2", "RevokeSecurityGroupIngress", False, "Management", "group"),
        (12, "ec2", "CreateTags", False, "Management", "instances"),
        (70, "kms", "Decrypt", True, "Management", "key"),
        (35, "kms", "GenerateDataKey", True, "Management", "key"),
        (90, "s3", "GetObject", True, "Data", "object"),
        (45, "s3", "PutObject", False, "Data", "object"),
        (8, "s3", "DeleteObject", False, "Data", "object"),
        (25, "s3", "GetBucketAcl", True, "Management", "bucket"),
        (20, "s3", "ListBuckets", True, "Management", "none"),
        (3, "s3", "PutBucketPolicy", False, "Management", "bucket_policy"),
        (2, "s3", "PutBucketPublicAccessBlock", False, "Management", "bucket"),
        (30, "lambda", "Invoke", False, "Data", "function"),
        (12, "lambda", "GetFunction20150331v2", True, "Management", "function"),
        (3, "lambda", "UpdateFunctionCode20150331v2", False, "Management", "function"),
        (30, "logs", "CreateLogStream", False, "Management", "log"),
        (18, "logs", "DescribeLogGroups", True, "Management", "log"),
        (35, "monitoring", "DescribeAlarms", True, "Management", "none"),
        (16, "iam", "GetRole", True, "Management", "iam"),
        (14, "iam", "ListRolePolicies", True, "Management", "iam"),
        (3, "iam", "CreateUser", False, "Management", "iam"),
        (3, "iam", "CreateAccessKey", False, "Management", "iam"),
        (4, "iam", "AttachRolePolicy", False, "Management", "iam_policy"),
        (3, "iam", "PutRolePolicy", False, "Management", "iam_policy"),
        (2, "iam", "DeleteRolePolicy", False, "Management", "iam"),
        (22, "dynamodb", "DescribeTable", True, "Management", "table"),
        (30, "dynamodb", "GetItem", True, "Data", "table"),
        (14, "rds", "DescribeDBInstances", True, "Management", "none"),
        (20, "ssm", "UpdateInstanceInformation", False, "Management", "instances"),
        (16, "secretsmanager", "GetSecretValue", True, "Management", "secret"),
        (24, "ecr", "BatchGetImage", True, "Management", "table"),
        (8, "cloudtrail", "LookupEvents", True, "Management", "none"),
        (1, "cloudtrail", "StopLogging", False, "Management", "trail"),
        (6, "signin", "ConsoleLogin", False, "Management", "login"),
    ]
    return table


class World:
    """The names that all files share."""

    def __init__(self, seed):
        dice = random.Random(seed)
        draw = lambda count, make: [make() for _ in range(count)]
        some_ip = lambda: f"{dice.choice([10, 52, 54, 18, 3])}.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
        self.users = [f"{word}-{index}" for index in range(40) for word in ("dev", "ops", "svc", "data")]
        self.roles = [f"{word}-role-{index}" for index in range(45) for word in ("app", "deploy", "node", "audit", "etl")]
        self.keys = draw(2000, lambda: "ASIA" + "".join(dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16)))
        self.ips = draw(4000, some_ip)
        self.instances = draw(1500, lambda: f"i-0{dice.getrandbits(64):016x}")
        self.groups = draw(300, lambda: f"sg-0{dice.getrandbits(64):016x}")
        self.buckets = [f"{word}-{index:03}" for index in range(60) for word in ("prod-logs", "assets", "backup", "lake")]
        self.kms = draw(80, lambda: str(uuid.UUID(int=dice.getrandbits(128), version=4)))
        self.kinds = kinds()
        self.weights = [kind[0] for kind in self.kinds]


# Made once in a process: many files are small.
world_of = functools.cache(World)


class Maker:
    """Records of one file."""

    def __init__(self, seed, number, account, region, start):
        self.dice = random.Random(seed * 1_000_003 + number)
        self.account, self.region, self.start, self.span = account, region, start, 900
        vars(self).update(vars(world_of(seed)))

    def uuid(self):
        return str(uuid.UUID(int=self.dice.getrandbits(128), version=4))

    def some(self, values):
        """Few of them often, most of them seldom."""
        return values[min(int(self.dice.paretovariate(0.7)) - 1, self.dice.randrange(len(values)))]

    def identity(self, kind, moment):
        account, dice = self.account, self.dice
        draw = dice.random()
        if kind == "ConsoleLogin" and draw < 0.1 or draw < 0.002:
            return {"type": "Root", "principalId": account, "arn": f"arn:aws:iam::{account}:root", "accountId": account}
        if draw < 0.05:
            return {"type": "AWSService", "invokedBy": self.some(["ec2", "lambda", "config", "autoscaling"]) + ".amazonaws.com"}
        if draw < 0.2:
            needle = dice.random() < 0.0006
            name = NEEDLE["user"] if needle else self.some(self.users)
            return {
                "type": "IAMUser",
                "principalId": principal("AIDA", name),
                "arn": f"arn:aws:iam::{account}:user/{name}",
                "accountId": account,
                "accessKeyId": NEEDLE["key"] if needle else "AKIA" + self.some(self.keys)[4:],
                "userName": name,
            }
        role, session = self.some(self.roles), self.some(self.instances)
        issuer = principal("AROA", role)
        created = (moment - timedelta(seconds=dice.randrange(3600))).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "type": "AssumedRole",
            "principalId": f"{issuer}:{session}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
            "accountId": account,
            "accessKeyId": self.some(self.keys),
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": issuer,
                    "arn": f"arn:aws:iam::{account}:role/{role}",
                    "accountId": account,
                    "userName": role,
                },
                "attributes": {"creationDate": created, "mfaAuthenticated": dice.choice(["false", "false", "true"])},
            },
        }

    def details(self, how):
        """(request parameters, response elements, resources, additional data)."""
        dice, account, region = self.dice, self.account, self.region
        own = lambda kind, arn: {"accountId": account, "type": kind, "ARN": arn}
        if how == "role":
            arn, session = f"arn:aws:iam::{account}:role/{self.some(self.roles)}", self.some(self.instances)
            answer = {
                "credentials": {"accessKeyId": self.some(self.keys), "sessionToken": f"{dice.getrandbits(1600):0400x}", "expiration": "Jan 10, 2026, 9:12:15 PM"},
                "assumedRoleUser": {"assumedRoleId": f"AROA{dice.getrandbits(60):016X}:{session}", "arn": f"arn:aws:sts::{account}:assumed-role/x/{session}"},
            }
            return {"roleArn": arn, "roleSessionName": session, "durationSeconds": 3600}, answer, [own("AWS::IAM::Role", arn)], None
        if how in ("group", "group_read"):
            group = NEEDLE["group"] if how == "group" and dice.random() < 0.01 else self.some(self.groups)
            ranges = {"items": [{"ipProtocol": "tcp", "fromPort": port, "toPort": port, "groups": {}, "ipRanges": {"items": [{"cidrIp": dice.choice(["0.0.0.0/0", "10.0.0.0/8"])}]}} for port in dice.sample([22, 80, 443, 3389, 5432], 2)]}
            return {"groupId": group, "ipPermissions": ranges if how == "group" else {}}, {"requestId": self.uuid(), "_return": True} if how == "group" else None, None, None
        if how == "run":
            tags = {"items": [{"resourceType": "instance", "tags": [{"key": "team", "value": dice.choice(["core", "web", "ml"])}]}]}
            found = {"items": [{"instanceId": self.some(self.instances), "imageId": "ami-0abcdef1234567890", "currentState": {"code": 0, "name": "pending"}, "privateDnsName": "ip-10-0-1-23.ec2.internal", "subnetId": "subnet-0a1b2c3d4e5f6a7b8", "vpcId": "vpc-0a1b2c3d4e5f6a7b8", "instanceType": "m6i.large"}]}
            return {"instancesSet": {"items": [{"imageId": "ami-0abcdef1234567890", "minCount": 1, "maxCount": 1}]}, "instanceType": "m6i.large", "tagSpecificationSet": tags}, {"requestId": self.uuid(), "reservationId": f"r-0{dice.getrandbits(64):016x}", "instancesSet": found}, None, None
        if how == "instances":
            count = dice.randrange(1, 6)
            return {"instancesSet": {"items": [{"instanceId": self.some(self.instances)} for _ in range(count)]}, "filterSet": {}}, None, None, None
        if how == "key":
            arn = f"arn:aws:kms:{region}:{account}:key/{self.some(self.kms)}"
            return {"encryptionContext": {"aws:s3:arn": f"arn:aws:s3:::{self.some(self.buckets)}/part-{dice.randrange(10**6)}"}, "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "keyId": arn}, None, [own("AWS::KMS::Key", arn)], None
        if how in ("object", "bucket", "bucket_policy"):
            bucket = self.some(self.buckets)
            arn = NEEDLE["bucket"] if dice.random() < 0.0002 else f"arn:aws:s3:::{bucket}"
            asked = {"bucketName": arn.rsplit(":", 1)[1], "Host": f"{bucket}.s3.{region}.amazonaws.com"}
            more = {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesTransferredIn": 0, "bytesTransferredOut": dice.randrange(10**6), "AuthenticationMethod": "AuthHeader", "x-amz-id-2": f"{dice.getrandbits(300):076x}"}
            if how == "object":
                key = f"year=2026/month=01/day={dice.randrange(1, 31):02}/part-{dice.randrange(10**7):08}.parquet"
                return {**asked, "key": key}, None, [own("AWS::S3::Object", f"{arn}/{key}"), own("AWS::S3::Bucket", arn)], more
            if how == "bucket_policy":
                who = dice.choice(["*", f"arn:aws:iam::{account}:root"])
                asked["bucketPolicy"] = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": who, "Action": "s3:GetObject", "Resource": f"{arn}/*"}]}
            return asked, None, [own("AWS::S3::Bucket", arn)], more
        if how == "function":
            arn = f"arn:aws:lambda:{region}:{account}:function:{self.some(self.roles)}"
            return {"functionName": arn}, None, [own("AWS::Lambda::Function", arn)], None
        if how == "log":
            return {"logGroupName": f"/aws/lambda/{self.some(self.roles)}", "logStreamName": f"2026/01/{dice.randrange(1, 31):02}/[$LATEST]{dice.getrandbits(128):032x}"}, None, None, None
        if how in ("iam", "iam_policy"):
            asked = {"roleName": self.some(self.roles)}
            if how == "iam_policy":
                action = dice.choice(["s3:Get*", "*", "ec2:Describe*", "iam:PassRole", "sts:AssumeRole"])
                asked["policyDocument"] = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
                asked["policyName"] = f"inline-{dice.randrange(100)}"
            return asked, None, None, None
        if how == "table":
            name = self.some(self.buckets)
            return {"tableName": name, "key": {"id": "HIDDEN_DUE_TO_SECURITY_REASONS"}}, None, [own("AWS::DynamoDB::Table", f"arn:aws:dynamodb:{region}:{account}:table/{name}")], None
        if how == "secret":
            return {"secretId": f"prod/{self.some(self.roles)}/db", "versionStage": "AWSCURRENT"}, None, None, None
        if how == "trail":
            return {"name": f"arn:aws:cloudtrail:{region}:{account}:trail/main"}, None, None, None
        if how == "login":
            mfa = dice.choice(["Yes", "Yes", "Yes", "No"])
            return None, {"ConsoleLogin": dice.choice(["Success", "Success", "Success", "Failure"])}, None, {"LoginTo": "https://console.aws.amazon.com/console/home?state=hashArgs", "MobileVersion": "No", "MFAUsed": mfa}
        return None, None, None, None

    def record(self, offset):
        dice = self.dice
        _, service, name, read_only, category, how = dice.choices(self.kinds, self.weights)[0]
        moment = self.start + timedelta(seconds=offset)
        identity = self.identity(name, moment)
        asked, answered, resources, more = self.details(how)
        by_service = identity["type"] == "AWSService"
        ip = identity["invokedBy"] if by_service else NEEDLE["ip"] if dice.random() < 0.00005 else self.some(self.ips)
        record = {
            "eventVersion": "1.10",
            "userIdentity": identity,
            "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": self.region,
            "sourceIPAddress": ip,
            "userAgent": identity["invokedBy"] if by_service else self.some(AGENTS).format(service=service),
        }
        if dice.random() < 0.04:
            code = self.some(["AccessDenied", "Client.UnauthorizedOperation", "ThrottlingException", "NoSuchEntityException", "ValidationException"])
            who = identity.get("arn", ip)
            record["errorCode"] = code
            record["errorMessage"] = f"User: {who} is not authorized to perform: {service}:{name} because no identity-based policy allows the {service}:{name} action"
            answered = None
        record["requestParameters"], record["responseElements"] = asked, answered
        if more:
            record["additionalEventData"] = more
        record["requestID"], record["eventID"], record["readOnly"] = self.uuid(), self.uuid(), read_only
        if resources:
            record["resources"] = resources
        record["eventType"] = "AwsConsoleSignIn" if service == "signin" else "AwsServiceEvent" if by_service else "AwsApiCall"
        record["managementEvent"], record["recipientAccountId"] = category == "Management", self.account
        if by_service:
            record["sharedEventID"] = self.uuid()
        record["eventCategory"] = category
        if not by_service:
            record["tlsDetails"] = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": f"{service}.{self.region}.amazonaws.com"}
        if dice.random() < 0.02:
            record["sessionCredentialFromConsole"] = "true"
        return record


def principal(prefix, name):
    return f"{prefix}{zlib.crc32(name.encode()) * 7919 + 10**16:017d}"


def make_file(job):
    folder, seed, number, count, files = job
    account, region = ACCOUNTS[number % len(ACCOUNTS)], REGIONS[number // len(ACCOUNTS) % len(REGIONS)]
    start = START + timedelta(seconds=int(DAYS * 86_400 * number / files))
    maker = Maker(seed, number, account, region, start)
    offsets = sorted(maker.dice.randrange(maker.span) for _ in range(count))
    text = json.dumps({"Records": [maker.record(offset) for offset in offsets]}, separators=(",", ":")).encode()
    end = start + timedelta(seconds=maker.span)
    name = "".join(maker.dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", k=16))
    path = Path(folder) / f"AWSLogs/{account}/CloudTrail/{region}/{end:%Y/%m/%d}"
    path.mkdir(parents=True, exist_ok=True)
    (path / f"{account}_CloudTrail_{region}_{end:%Y%m%dT%H%MZ}_{name}.json.gz").write_bytes(gzip.compress(text, 6, mtime=0))
    return len(text)


def make(folder, records, files, seed=7):
    """The tree; bytes of JSON in it."""
    jobs = [(str(folder), seed, number, records // files, files) for number in range(files)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(make_file, jobs, chunksize=8))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    made = make(options.folder, options.records, options.files, options.seed)
    print(f"{options.records:,} records, {made:,} bytes of JSON in {options.files:,} files")
