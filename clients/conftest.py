"""Drives the built binary: starts houses, hands out clients, reads archives back."""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("CAIRN_BIN", ROOT / "target/debug/cairn")).resolve()
AWS = shutil.which("aws", path=str(Path(sys.executable).parent)) or "aws"
LOG_KEY = re.compile(
    r"^([^/]+/)*AWSLogs/(o-[a-z0-9]{10,32}/)?\d{12}/CloudTrail/[a-z0-9-]+/\d{4}/\d\d/\d\d/"
    r"\d{12}_CloudTrail_[a-z0-9-]+_\d{8}T\d{4}Z_[A-Za-z0-9]{16}\.json\.gz$"
)


# How long a thing may take on a machine that has much else to do; a test that passes waits no longer than it must.
PATIENCE = 180


def eventually(check, seconds=PATIENCE, pause=0.1):
    """The first true value that `check` gives."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < end, f"nothing after {seconds} s; last answer: {found!r}"
        time.sleep(pause)


class House:
    """One data directory and the server that runs on it."""

    def __init__(self, data_dir, **options):
        self.data_dir = Path(data_dir)
        self.options = {"CAIRN_LISTEN": "127.0.0.1:0", "CAIRN_LOG_LEVEL": "warn", **options}
        self.process = None

    def environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CAIRN_"))}
        return {**kept, **self.options, "CAIRN_DATA_DIR": str(self.data_dir)}

    def start(self, *arguments):
        self.log = open(str(self.data_dir) + ".log", "ab")
        self.process = subprocess.Popen(
            [BINARY, "serve", *arguments], stdout=subprocess.PIPE, stderr=self.log, env=self.environment(), text=True
        )
        self.ready = self.process.stdout.readline()
        assert "ready at" in self.ready, Path(self.log.name).read_text()
        self.url = re.search(r"http://\S+", self.ready).group()
        self.account = re.search(r"account (\d{12})", self.ready).group(1)
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(60) == 0
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def cli(self, *arguments, check=True, **more):
        """Runs a cairn command on this data directory."""
        done = subprocess.run(
            [BINARY, *map(str, arguments)], capture_output=True, text=True, env=self.environment(), timeout=300, **more
        )
        assert not check or done.returncode == 0, done.stderr + done.stdout
        return done

    def shell_environment(self, region=None):
        """What `eval "$(cairn env)"` leaves in a shell."""
        script = f'eval "$("{BINARY}" env)" && env -0'
        printed = subprocess.run(["bash", "-c", script], capture_output=True, env=self.environment(), check=True).stdout
        pairs = dict(line.split("=", 1) for line in printed.decode().split("\0") if "=" in line)
        if region:
            pairs.update(AWS_REGION=region, AWS_DEFAULT_REGION=region)
        return pairs

    def aws(self, *arguments, check=True, region=None, **more):
        """Runs the AWS CLI as a user would, after `eval "$(cairn env)"`."""
        done = subprocess.run(
            [AWS, *map(str, arguments)],
            capture_output=True,
            text=True,
            env=self.shell_environment(region),
            timeout=PATIENCE,
            **more,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def aws_json(self, *arguments, **more):
        out = self.aws(*arguments, "--output", "json", **more).stdout
        return json.loads(out) if out.strip() else None

    def root_keys(self):
        text = (self.data_dir / "aws/credentials").read_text()
        return dict(re.findall(r"(aws_\w+) = (\S+)", text))

    def client(self, service, region="us-east-1", keys=None, **config):
        """A boto3 client, of root unless other keys are given."""
        return boto3.session.Session().client(
            service,
            region_name=region,
            endpoint_url=self.url,
            **(keys or self.root_keys()),
            config=Config(
                retries={"max_attempts": 0}, s3={"addressing_style": "path"}, parameter_validation=False, **config
            ),
        )

    def user(self, name, *policies):
        """A new IAM user with these policy documents, and its keys for `client`."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        for number, policy in enumerate(policies):
            iam.put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def trail_bucket(self, name, prefix=None, trail="*", accounts=None):
        """A bucket with the policy that AWS documents for trails."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name)
        path = f"{prefix}/" if prefix else ""
        service = {"Service": "cloudtrail.amazonaws.com"}
        folders = accounts or [self.account]
        statements = [
            {
                "Sid": "AWSCloudTrailAclCheck20150319",
                "Effect": "Allow",
                "Principal": service,
                "Action": "s3:GetBucketAcl",
                "Resource": f"arn:aws:s3:::{name}",
            },
            {
                "Sid": "AWSCloudTrailWrite20150319",
                "Effect": "Allow",
                "Principal": service,
                "Action": "s3:PutObject",
                "Resource": [f"arn:aws:s3:::{name}/{path}AWSLogs/{folder}/*" for folder in folders],
                "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
            },
        ]
        policy = {"Version": "2012-10-17", "Statement": statements}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
        return name

    def trail(self, name, bucket=None, start=True, **options):
        """A trail that logs, with its bucket."""
        bucket = bucket or self.trail_bucket(f"{name.lower()}-logs", options.get("S3KeyPrefix"))
        cloudtrail = self.client("cloudtrail")
        made = cloudtrail.create_trail(Name=name, S3BucketName=bucket, **options)
        if start:
            cloudtrail.start_logging(Name=name)
        return made

    def keys(self, bucket):
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def records(self, bucket):
        """Every record in the bucket's log files."""
        s3 = self.client("s3")
        found = []
        for key in self.keys(bucket):
            if LOG_KEY.match(key):
                body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                found += json.loads(gzip.decompress(body))["Records"]
        return found

    def wait_for_record(self, bucket, seconds=PATIENCE, **fields):
        """The first delivered record whose top-level fields are these."""
        matches = lambda record: all(record.get(name) == value for name, value in fields.items())
        return eventually(lambda: next(filter(matches, self.records(bucket)), None), seconds, 0.3)


FAST = {"CAIRN_TRAIL_DELIVERY_INTERVAL": "1s", "CAIRN_TRAIL_DIGEST_INTERVAL": "3s"}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A house that delivers every second, shared by the tests of a module."""
    house = House(tmp_path_factory.mktemp("house") / "data", **FAST).start()
    yield house
    house.stop()


@pytest.fixture
def new_house(tmp_path):
    """Makes houses of a test's own; all are ended with it."""
    made = []

    def make(name="data", **options):
        made.append(House(tmp_path / name, **{**FAST, **options}))
        return made[-1]

    yield make
    for house in made:
        if house.process and house.process.poll() is None:
            house.kill()
