"""Event history: what was recorded is looked up with unmodified clients."""

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError
from conftest import eventually

OPEN = {"CAIRN_HISTORY_OPEN": "true"}


def now():
    return datetime.now(timezone.utc)


def event(account, **fields):
    """An event as AWS records it; what is None is left out."""
    made = {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "accessKeyId": "AKIAHISTORY", "accountId": account},
        "eventTime": now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "s3.amazonaws.com",
        "eventName": "CreateBucket",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        **fields,
    }
    return {name: value for name, value in made.items() if value is not None}


def bring_in(house, folder, events, name="events.json"):
    """Imports events; every one is new."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(json.dumps({"Records": events}))
    report = json.loads(house.cli("import", path, "--json").stdout)
    return report


def code(call, **arguments):
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    return failed.value.response["Error"]["Code"]


def by(key, value):
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


@pytest.fixture(scope="module")
def open_house(tmp_path_factory):
    """A house without the cap on the rate of look-ups."""
    from conftest import House

    house = House(tmp_path_factory.mktemp("open") / "data", **OPEN).start()
    yield house
    house.stop()


def test_the_call_just_made_is_found_without_a_trail(new_house):
    house = new_house().start()
    house.client("s3").create_bucket(Bucket="just-made")
    found = eventually(
        lambda: house.aws_json("cloudtrail", "lookup-events", "--lookup-attributes", "AttributeKey=EventName,AttributeValue=CreateBucket")["Events"],
        pause=1,
    )
    assert [item["EventName"] for item in found] == ["CreateBucket"]
    item = found[0]
    record = json.loads(item["CloudTrailEvent"])
    assert record["eventID"] == item["EventId"] and item["EventSource"] == "s3.amazonaws.com"
    assert item["ReadOnly"] == "false" and item["Username"] == "root"
    assert item["AccessKeyId"] == record["userIdentity"]["accessKeyId"]
    assert {"ResourceType": "AWS::S3::Bucket", "ResourceName": "just-made"} in item["Resources"]


def test_two_look_ups_in_a_second_are_answered_and_more_are_throttled(new_house):
    house = new_house().start()
    trail, elsewhere = house.client("cloudtrail"), house.client("cloudtrail", region="eu-west-1")

    def look_up(_):
        try:
            trail.lookup_events()
            return None
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
            return error.response["Error"]["Code"]

    # So many that they are too many however long they take.
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(look_up, range(60)))
    assert codes.count(None) >= 2 and codes.count("ThrottlingException") >= 2
    assert set(codes) == {None, "ThrottlingException"}
    elsewhere.lookup_events()
    time.sleep(1.1)
    trail.lookup_events()


def test_every_attribute_finds_exactly_what_has_it(open_house, tmp_path):
    house, account = open_house, open_house.account
    bucket = {"accountId": account, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::attribute-bucket"}
    role = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{account}:assumed-role/r/session-7",
        "accountId": account,
        "accessKeyId": "ASIAOTHER",
        "principalId": "AROA:session-7",
    }
    one = event(account, eventName="AttrOne", resources=[bucket])
    two = event(account, eventName="AttrTwo", userIdentity=role, readOnly=True, eventSource="attr.amazonaws.com")
    bring_in(house, tmp_path / "in", [one, two])
    trail = house.client("cloudtrail")
    ids = lambda **arguments: {item["EventId"] for item in trail.lookup_events(**arguments)["Events"]}
    eventually(lambda: ids(**by("EventId", two["eventID"])))
    for key, value, expected in [
        ("EventId", one["eventID"], {one["eventID"]}),
        ("EventName", "AttrOne", {one["eventID"]}),
        ("EventSource", "attr.amazonaws.com", {two["eventID"]}),
        ("AccessKeyId", "ASIAOTHER", {two["eventID"]}),
        ("Username", "session-7", {two["eventID"]}),
        ("ResourceName", "attribute-bucket", {one["eventID"]}),
        ("ResourceName", "arn:aws:s3:::attribute-bucket", {one["eventID"]}),
        ("Username", "session", set()),
        ("EventName", "attrone", set()),
    ]:
        assert ids(**by(key, value)) == expected, (key, value)
    assert one["eventID"] in ids(**by("ResourceType", "AWS::S3::Bucket"))
    assert two["eventID"] in ids(**by("ReadOnly", "true")) and one["eventID"] not in ids(**by("ReadOnly", "true"))
    assert one["eventID"] in ids(**by("ReadOnly", "false")) and two["eventID"] not in ids(**by("ReadOnly", "false"))
    both = [{"AttributeKey": "EventName", "AttributeValue": "AttrOne"}, {"AttributeKey": "Username", "AttributeValue": "alice"}]
    assert ids(LookupAttributes=both) == {one["eventID"]}
    both[1]["AttributeValue"] = "session-7"
    assert ids(LookupAttributes=both) == set()


def test_only_one_attribute_is_taken_unless_the_history_is_open(new_house):
    trail = new_house().start().client("cloudtrail")
    both = [{"AttributeKey": "EventName", "AttributeValue": "A"}, {"AttributeKey": "Username", "AttributeValue": "b"}]
    assert code(trail.lookup_events, LookupAttributes=both) == "InvalidLookupAttributesException"


def test_what_is_not_allowed_has_the_name_that_aws_gives_it(open_house):
    look = open_house.client("cloudtrail").lookup_events
    early, late = now() - timedelta(hours=1), now()
    for arguments, expected in [
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"MaxResults": 0}, "InvalidMaxResultsException"),
        ({"StartTime": late, "EndTime": early}, "InvalidTimeRangeException"),
        ({"EventCategory": "data"}, "InvalidEventCategoryException"),
        (by("Nothing", "x"), "InvalidLookupAttributesException"),
        (by("Username", ""), "InvalidLookupAttributesException"),
        ({"EventCategory": "insight", **by("Username", "x")}, "InvalidLookupAttributesException"),
        ({"NextToken": "nonsense"}, "InvalidNextTokenException"),
    ]:
        assert code(look, **arguments) == expected, arguments


def test_data_events_other_accounts_regions_and_old_events_are_not_shown(open_house, tmp_path):
    house, account = open_house, open_house.account
    days_ago = lambda days: (now() - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    shown = event(account, eventName="ShownCall")
    older = event(account, eventName="ShownCall", eventCategory=None, eventTime=days_ago(89))
    hidden = [
        event(account, eventName="ShownCall", eventCategory="Data", managementEvent=False),
        event(account, eventName="ShownCall", eventCategory=None, managementEvent=False),
        event("999988887777", eventName="ShownCall"),
        event(account, eventName="ShownCall", awsRegion="eu-west-1"),
        event(account, eventName="ShownCall", eventTime=days_ago(91)),
        event(account, eventName="ShownCall", eventCategory="Insight"),
    ]
    bring_in(house, tmp_path / "in", [shown, older, *hidden])
    trail = house.client("cloudtrail")
    found = eventually(lambda: trail.lookup_events(**by("EventName", "ShownCall"))["Events"])
    assert [item["EventId"] for item in found] == [shown["eventID"], older["eventID"]]
    abroad = house.client("cloudtrail", region="eu-west-1").lookup_events(**by("EventName", "ShownCall"))["Events"]
    assert [item["EventId"] for item in abroad] == [hidden[3]["eventID"]]
    insight = trail.lookup_events(EventCategory="insight", **by("EventName", "ShownCall"))["Events"]
    assert [item["EventId"] for item in insight] == [hidden[5]["eventID"]]


def test_bounds_are_inclusive(open_house, tmp_path):
    moment = now().replace(microsecond=0) - timedelta(hours=3)
    at = lambda seconds: moment + timedelta(seconds=seconds)
    events = [event(open_house.account, eventName="Bounded", eventTime=at(second).strftime("%Y-%m-%dT%H:%M:%SZ")) for second in range(3)]
    bring_in(open_house, tmp_path / "in", events)
    trail = open_house.client("cloudtrail")
    ids = lambda **span: [item["EventId"] for item in trail.lookup_events(**by("EventName", "Bounded"), **span)["Events"]]
    eventually(lambda: len(ids()) == 3)
    expected = [item["eventID"] for item in reversed(events)]
    assert ids() == expected
    assert ids(StartTime=at(1)) == expected[:2]
    assert ids(EndTime=at(1)) == expected[1:]
    assert ids(StartTime=at(1), EndTime=at(1)) == expected[1:2]


def test_a_thousand_events_are_paged_each_once_while_others_come_in(open_house, tmp_path):
    house = open_house
    start = now().replace(microsecond=0) - timedelta(hours=1)
    # Many share a second, so that pages end among equal times.
    moment = lambda number: (start - timedelta(seconds=number // 130)).strftime("%Y-%m-%dT%H:%M:%SZ")
    events = [event(house.account, eventName="Paged", eventTime=moment(number)) for number in range(1000)]
    bring_in(house, tmp_path / "in", events)
    trail = house.client("cloudtrail")
    eventually(lambda: trail.lookup_events(**by("EventId", events[-1]["eventID"]))["Events"])
    found, times = [], []
    for number, page in enumerate(trail.get_paginator("lookup_events").paginate(**by("EventName", "Paged"))):
        assert len(page["Events"]) <= 50
        found += [item["EventId"] for item in page["Events"]]
        times += [item["EventTime"] for item in page["Events"]]
        if number % 5 == 1:
            bring_in(house, tmp_path / "in", [event(house.account, eventName="Paged")], f"more-{number}.json")
    assert len(found) == 1000 and set(found) == {item["eventID"] for item in events}
    assert times == sorted(times, reverse=True)


def test_a_token_is_good_for_the_same_parameters_only(open_house, tmp_path):
    events = [event(open_house.account, eventName="Token") for _ in range(3)]
    bring_in(open_house, tmp_path / "in", events)
    trail = open_house.client("cloudtrail")
    eventually(lambda: len(trail.lookup_events(**by("EventName", "Token"))["Events"]) == 3)
    first = trail.lookup_events(MaxResults=2, **by("EventName", "Token"))
    token = first["NextToken"]
    rest = trail.lookup_events(MaxResults=2, NextToken=token, **by("EventName", "Token"))
    assert len(rest["Events"]) == 1 and "NextToken" not in rest
    assert code(trail.lookup_events, NextToken=token, **by("EventName", "Other")) == "InvalidNextTokenException"
    assert code(trail.lookup_events, NextToken=token) == "InvalidNextTokenException"
    user = open_house.client("cloudtrail", region="eu-west-1")
    assert code(user.lookup_events, NextToken=token, **by("EventName", "Token")) == "InvalidNextTokenException"


def test_an_event_is_given_back_byte_for_byte(open_house, tmp_path):
    text = json.dumps(event(open_house.account, eventName="Exact", requestParameters={"é": [1.50, "\u2028"]}), indent=1)
    text = text.replace('"readOnly": false', '"readOnly" :\tfalse')
    (tmp_path / "exact.json").write_text('{"Records":[' + text + "]}")
    open_house.cli("import", tmp_path / "exact.json")
    trail = open_house.client("cloudtrail")
    found = eventually(lambda: trail.lookup_events(**by("EventName", "Exact"))["Events"])
    assert found[0]["CloudTrailEvent"] == text


def test_events_are_found_after_a_restart_and_after_a_crash(new_house, tmp_path):
    house = new_house(**OPEN, CAIRN_LAKE_FLUSH_INTERVAL="1s").start()
    first, second = (event(house.account, eventName="Kept") for _ in range(2))
    bring_in(house, tmp_path / "in", [first], "1.json")
    house.stop()
    house.start()
    bring_in(house, tmp_path / "in", [second], "2.json")
    house.kill()
    house.start()
    trail = house.client("cloudtrail")
    ids = lambda: sorted(item["EventId"] for item in trail.lookup_events(**by("EventName", "Kept"))["Events"])
    eventually(lambda: len(ids()) == 2)
    assert ids() == sorted([first["eventID"], second["eventID"]])


def test_cairn_lookup_shows_and_prints_what_matches(open_house, tmp_path):
    made = event(open_house.account, eventName="CliCall", awsRegion="ap-south-1", errorCode="AccessDenied")
    other = event("999988887777", eventName="CliCall", eventCategory="Data", managementEvent=False)
    bring_in(open_house, tmp_path / "in", [made, other])
    found = lambda *arguments: open_house.cli("lookup", "event=CliCall", *arguments).stdout.splitlines()
    lines = eventually(lambda: found("user=alice"))
    assert len(lines) == 1
    for word in ("alice", "s3:CreateBucket".replace("CreateBucket", "CliCall"), "192.0.2.1", "ap-south-1", "AccessDenied"):
        assert word in lines[0], lines
    assert json.loads(found("--json")[0]) == made
    assert len(found("--all", "--since", "1h")) == 2 and len(found("--all", "--max", "1")) == 1
    assert found("region=eu-west-1") == [] and found("account=999988887777") == []
    wrong = open_house.cli("lookup", "colour=red", check=False)
    assert wrong.returncode == 2 and "there is no key colour" in wrong.stderr


def test_cairn_lookup_needs_no_server(new_house, tmp_path):
    house = new_house().start()
    made = event(house.account, eventName="Offline")
    bring_in(house, tmp_path / "in", [made])
    house.stop()
    assert eventually(lambda: house.cli("lookup", "event=Offline", "--json").stdout.splitlines(), pause=1) == [json.dumps(made)]
