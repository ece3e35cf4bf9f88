"""Imports: log files of a bucket come into an event data store, once each, and what fails can be repaired."""

import gzip
import json
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError
from conftest import eventually

ENDED = ("COMPLETED", "FAILED", "STOPPED")
TODAY = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)


def code(call, **arguments):
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    return failed.value.response["Error"]["Code"]


class Source:
    """A bucket with log files as AWS lays them out, and a role that may read it."""

    def __init__(self, house, name, policy=None):
        self.house, self.bucket, self.account = house, name, house.account
        self.s3, self.trail = house.client("s3"), house.client("cloudtrail")
        self.s3.create_bucket(Bucket=name)
        iam = house.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = lambda statement: json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        allowed = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}
        iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=document(policy or allowed))
        made = self.trail.create_event_data_store(Name=name, TerminationProtectionEnabled=False, StartIngestion=False)
        self.store = made["EventDataStoreArn"]

    def event(self, moment):
        return {
            "eventVersion": "1.08",
            "userIdentity": {"type": "IAMUser", "userName": "alice"},
            "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "ec2.amazonaws.com",
            "eventName": "RunInstances",
            "awsRegion": "eu-west-1",
            "eventID": str(uuid.uuid4()),
            "recipientAccountId": "999988887777",
            "eventCategory": "Management",
        }

    def key(self, moment, service="CloudTrail"):
        name = f"999988887777_CloudTrail_eu-west-1_{moment:%Y%m%dT%H%MZ}_{uuid.uuid4().hex[:16]}.json.gz"
        return f"AWSLogs/999988887777/{service}/eu-west-1/{moment:%Y/%m/%d}/{name}"

    def put(self, moment, count, key=None):
        """A log file of so many events; its key."""
        key = key or self.key(moment)
        body = json.dumps({"Records": [self.event(moment - timedelta(seconds=number)) for number in range(count)]})
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=gzip.compress(body.encode()))
        return key

    def start(self, uri=None, **more):
        place = {"S3LocationUri": uri or f"s3://{self.bucket}/", "S3BucketRegion": "us-east-1", "S3BucketAccessRoleArn": self.role}
        return self.trail.start_import(Destinations=[self.store], ImportSource={"S3": place}, **more)["ImportId"]

    def ended(self, id):
        get = lambda: self.trail.get_import(ImportId=id)
        return eventually(lambda: (found := get())["ImportStatus"] in ENDED and found)

    def count(self, what="count(*)"):
        """What the store holds, by SQL."""
        query = self.trail.start_query(QueryStatement=f"SELECT {what} AS n FROM {self.store.rsplit('/', 1)[1]}")["QueryId"]
        answer = eventually(lambda: (found := self.trail.get_query_results(QueryId=query))["QueryStatus"] == "FINISHED" and found)
        return int(answer["QueryResultRows"][0][0]["n"])


@pytest.fixture
def source(house, request):
    return Source(house, f"in-{uuid.uuid4().hex[:12]}")


def test_every_record_of_a_bucket_comes_in_once(source):
    for day in range(3):
        for number in range(4):
            source.put(TODAY - timedelta(days=day, minutes=5 * number), 10)
    id = source.start()
    done = source.ended(id)
    assert done["ImportStatus"] == "COMPLETED"
    counts = done["ImportStatistics"]
    # The first day's files reach back into the day before it.
    assert counts["EventsCompleted"] == 120 and counts["FilesCompleted"] == 12 and counts["FailedEntries"] == 0
    assert counts["PrefixesFound"] == counts["PrefixesCompleted"] == 4
    assert source.count() == 120 and source.count("count(DISTINCT eventid)") == 120
    assert done["Destinations"] == [source.store] and done["ImportSource"]["S3"]["S3LocationUri"] == f"s3://{source.bucket}/"
    listed = source.trail.list_imports(Destination=source.store)["Imports"]
    assert [item["ImportId"] for item in listed] == [id] and listed[0]["ImportStatus"] == "COMPLETED"
    assert code(source.trail.start_import, ImportId=id) == "InvalidParameterException"


def test_only_files_of_the_time_that_is_asked_for_come_in(source):
    noon = lambda days: TODAY - timedelta(days=days) + timedelta(hours=12)
    for days in range(1, 5):
        source.put(noon(days), days)
    done = source.ended(source.start(StartEventTime=noon(3), EndEventTime=noon(2)))
    assert done["ImportStatus"] == "COMPLETED" and done["ImportStatistics"]["EventsCompleted"] == 5
    assert source.count() == 5


def test_a_file_that_is_not_gzip_is_listed_and_taken_after_repair(source):
    good, bad = source.put(TODAY, 3), source.key(TODAY)
    cut = source.key(TODAY - timedelta(days=1))
    source.s3.put_object(Bucket=source.bucket, Key=bad, Body=b'{"Records":[]}')
    source.s3.put_object(Bucket=source.bucket, Key=cut, Body=gzip.compress(b'{"Records":[{"eventID":"a","eventN'))
    id = source.start()
    done = source.ended(id)
    assert done["ImportStatus"] == "FAILED"
    assert done["ImportStatistics"]["FailedEntries"] == 2 and done["ImportStatistics"]["EventsCompleted"] == 3
    failures = {item["Location"]: item for item in source.trail.list_import_failures(ImportId=id)["Failures"]}
    assert set(failures) == {f"s3://{source.bucket}/{key}" for key in (bad, cut)}
    assert {item["Status"] for item in failures.values()} == {"FAILED"}
    assert failures[f"s3://{source.bucket}/{bad}"]["ErrorType"] == "InvalidGzip"
    assert "cut off" in failures[f"s3://{source.bucket}/{cut}"]["ErrorMessage"]
    paged = source.trail.get_paginator("list_import_failures").paginate(ImportId=id, PaginationConfig={"PageSize": 1})
    assert [len(page["Failures"]) for page in paged] == [1, 1]

    source.put(TODAY, 4, bad)
    assert source.trail.start_import(ImportId=id)["ImportStatus"] == "INITIALIZING"
    again = source.ended(id)
    assert again["ImportStatus"] == "FAILED" and again["ImportStatistics"]["FailedEntries"] == 1
    source.put(TODAY, 5, cut)
    source.trail.start_import(ImportId=id)
    last = source.ended(id)
    assert last["ImportStatus"] == "COMPLETED" and last["ImportStatistics"]["EventsCompleted"] == 12
    assert {item["Status"] for item in source.trail.list_import_failures(ImportId=id)["Failures"]} == {"SUCCEEDED"}
    assert source.count() == 12


def test_only_cloudtrail_folders_are_read_unless_another_is_named(source):
    source.put(TODAY, 2)
    source.put(TODAY, 7, source.key(TODAY, "CloudTrail-Insight"))
    source.put(TODAY, 9, "elsewhere/x.json.gz")
    source.s3.put_object(Bucket=source.bucket, Key=source.key(TODAY, "CloudTrail-Digest"), Body=b"no gzip")
    assert source.ended(source.start())["ImportStatistics"]["EventsCompleted"] == 2
    named = source.ended(source.start(f"s3://{source.bucket}/elsewhere"))
    assert named["ImportStatistics"]["EventsCompleted"] == 9 and source.count() == 11


def test_events_past_the_retention_are_left_out(source):
    source.trail.update_event_data_store(EventDataStore=source.store, RetentionPeriod=7)
    source.put(TODAY, 2)
    source.put(TODAY - timedelta(days=9), 3)
    done = source.ended(source.start())
    assert done["ImportStatus"] == "COMPLETED" and done["ImportStatistics"]["EventsCompleted"] == 2
    assert source.count() == 2


def test_an_account_imports_one_thing_at_a_time_and_can_stop_it(new_house):
    house = new_house().start()
    source = Source(house, "busy-logs")
    for number in range(2000):
        source.put(TODAY - timedelta(minutes=number % 60), 1)
    id = source.start()
    assert code(source.start) == "AccountHasOngoingImportException"
    assert code(source.trail.start_import, ImportId=id) == "AccountHasOngoingImportException"
    stopped = source.trail.stop_import(ImportId=id)
    assert stopped["ImportStatus"] == "STOPPED"
    taken = source.trail.get_import(ImportId=id)["ImportStatistics"]["EventsCompleted"]
    assert source.count() == taken < 2000
    source.trail.start_import(ImportId=id)
    done = source.ended(id)
    assert done["ImportStatus"] == "COMPLETED" and done["ImportStatistics"]["EventsCompleted"] == 2000
    assert source.count() == 2000 and source.count("count(DISTINCT eventid)") == 2000


def test_an_import_goes_on_after_a_crash_without_loss_or_doubles(new_house):
    house = new_house().start()
    source = Source(house, "crash-logs")
    for number in range(1500):
        source.put(TODAY - timedelta(minutes=number % 60), 2)
    id = source.start()
    for _ in range(3):
        house.kill()
        house.start()
        source.trail, source.s3 = house.client("cloudtrail"), house.client("s3")
    done = source.ended(id)
    assert done["ImportStatus"] == "COMPLETED" and done["ImportStatistics"]["EventsCompleted"] == 3000
    assert source.count() == 3000 and source.count("count(DISTINCT eventid)") == 3000


def test_what_cannot_be_imported_from_or_into_is_refused_by_name(house, source):
    start = source.trail.start_import
    place = lambda **more: {"S3": {"S3LocationUri": f"s3://{source.bucket}", "S3BucketRegion": "us-east-1", "S3BucketAccessRoleArn": source.role, **more}}
    with_source = lambda **more: {"Destinations": [source.store], "ImportSource": place(**more)}
    refused = "InvalidImportSourceException"
    assert code(start, **with_source(S3LocationUri="s3://no-such-bucket-here")) == refused
    assert code(start, **with_source(S3LocationUri="https://x")) == refused
    assert code(start, **with_source(S3BucketAccessRoleArn=source.role + "x")) == refused
    stranger = source.role.rsplit("/", 1)[0] + "/stranger"
    house.client("iam").create_role(
        RoleName="stranger",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}),
    )
    assert code(start, **with_source(S3BucketAccessRoleArn=stranger)) == refused
    gone = source.store[:-12] + "0" * 12
    assert code(start, Destinations=[gone], ImportSource=place()) == "EventDataStoreNotFoundException"
    assert code(start, Destinations=[source.store] * 2, ImportSource=place()) == "InvalidParameterException"
    assert code(start, Destinations=[source.store]) == "InvalidParameterException"
    assert code(start, ImportId=str(uuid.uuid4())) == "ImportNotFoundException"
    assert code(source.trail.get_import, ImportId="x") == "ImportNotFoundException"
    assert code(source.trail.list_imports, NextToken="nonsense") == "InvalidNextTokenException"
    selector = [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["ActivityAuditLog"]}]}]
    other = source.trail.create_event_data_store(
        Name="not-for-logs", AdvancedEventSelectors=selector, MultiRegionEnabled=False, TerminationProtectionEnabled=False
    )["EventDataStoreArn"]
    assert code(start, Destinations=[other], ImportSource=place()) == "InvalidEventDataStoreCategoryException"
    source.trail.delete_event_data_store(EventDataStore=other)
    assert code(start, Destinations=[other], ImportSource=place()) == "InactiveEventDataStoreException"


def test_the_role_decides_what_is_read(house):
    name = f"half-{uuid.uuid4().hex[:12]}"
    source = Source(house, name, {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{name}"})
    source.put(TODAY, 1)
    id = source.start()
    assert source.ended(id)["ImportStatus"] == "FAILED"
    assert source.trail.list_import_failures(ImportId=id)["Failures"][0]["ErrorType"] == "AccessDenied"
    none = Source(house, f"none-{uuid.uuid4().hex[:12]}", {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"})
    with pytest.raises(ClientError) as failed:
        none.start()
    assert failed.value.response["Error"]["Code"] == "InvalidImportSourceException"
    assert "s3:ListBucket" in failed.value.response["Error"]["Message"]
    keys = house.user(f"u-{uuid.uuid4().hex[:8]}", {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"}]})
    source.trail = house.client("cloudtrail", keys=keys)
    with pytest.raises(ClientError) as failed:
        source.start()
    assert failed.value.response["Error"]["Code"] == "AccessDeniedException" and "iam:PassRole" in str(failed.value)


def test_a_bucket_outside_is_read_and_written_only_by_who_may(new_house, tmp_path):
    other = new_house("other").start()
    other.client("s3").create_bucket(Bucket="kept-elsewhere")
    keys = other.root_keys()
    config = tmp_path / "cairn.toml"
    config.write_text(
        f"""
        [outside.logs-outside]
        endpoint_url = "{other.url}"
        region = "us-east-1"
        bucket = "kept-elsewhere"
        access_key_id = "{keys['aws_access_key_id']}"
        secret_access_key = "{keys['aws_secret_access_key']}"
        allow_http = true
        """
    )
    house = new_house("data")
    house.start("--config", config)
    on = lambda path: f"arn:aws:s3:::logs-outside{path}"
    allow = lambda action, *resources: {"Effect": "Allow", "Action": action, "Resource": list(resources) or "*"}
    document = lambda *statements: {"Version": "2012-10-17", "Statement": list(statements)}
    source = Source(house, "inside-logs", document(allow("s3:ListBucket", on("")))["Statement"][0])
    key = source.key(TODAY)
    body = gzip.compress(json.dumps({"Records": [source.event(TODAY)]}).encode())
    other.client("s3").put_object(Bucket="kept-elsewhere", Key=f"team/{key}", Body=body)
    basis = allow(["cloudtrail:*", "iam:PassRole"])
    calls = lambda name, *more: house.client("cloudtrail", keys=house.user(name, document(basis, *more)))
    place = {"S3LocationUri": "s3://logs-outside/team", "S3BucketRegion": "us-east-1", "S3BucketAccessRoleArn": source.role}
    start = lambda trail: trail.start_import(Destinations=[source.store], ImportSource={"S3": place})
    list_it = allow("s3:ListBucket", on(""))
    for name, *more in (("none",), ("lists", list_it), ("elsewhere", list_it, allow("s3:GetObject", on("/other/*")))):
        assert code(start, trail=calls(name, *more)) == "AccessDeniedException"
    # The role is asked for each file too.
    trail = calls("reader", list_it, allow("s3:GetObject", on("/team/*")))
    id = start(trail)["ImportId"]
    assert source.ended(id)["ImportStatus"] == "FAILED"
    assert trail.list_import_failures(ImportId=id)["Failures"][0]["ErrorType"] == "AccessDenied"
    assert code(calls("retries").start_import, ImportId=id) == "AccessDeniedException"
    house.client("iam").put_role_policy(
        RoleName="inside-logs", PolicyName="get", PolicyDocument=json.dumps(document(allow("s3:GetObject", on("/team/*"))))
    )
    trail.start_import(ImportId=id)
    assert source.ended(id)["ImportStatistics"]["EventsCompleted"] == 1
    # Nor is it said how the import of another store goes.
    narrow = document(allow("cloudtrail:*", source.store.replace(source.store[-12:], "0" * 12)))
    stranger = house.client("cloudtrail", keys=house.user("narrow", narrow))
    for call in (stranger.get_import, stranger.stop_import, stranger.list_import_failures, stranger.start_import):
        assert code(call, ImportId=id) == "AccessDeniedException"

    def query(trail):
        return trail.start_query(
            QueryStatement=f"SELECT eventid FROM {source.store[-36:]}", DeliveryS3Uri="s3://logs-outside/results"
        )["QueryId"]

    assert code(query, trail=calls("writes-nothing")) == "AccessDeniedException"
    writer = calls("writer", allow("s3:PutObject", on("/results/*")))
    found = query(writer)
    assert eventually(lambda: writer.describe_query(QueryId=found)["DeliveryStatus"] == "SUCCESS")
    assert any(key.startswith("results/") for key in other.keys("kept-elsewhere"))
