"""Rows S1 to S9: what a trail selects."""

import pytest
from botocore.exceptions import ClientError

MANAGEMENT = [{"Field": "eventCategory", "Equals": ["Management"]}]
DATA = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]


@pytest.fixture(scope="module")
def bucket(house):
    return house.trail_bucket("selected-logs")


@pytest.fixture
def trail(house, bucket):
    """Puts selectors on a trail of its own and takes it away again."""
    cloudtrail = house.client("cloudtrail")
    cloudtrail.create_trail(Name="selected", S3BucketName=bucket)
    yield lambda **selectors: cloudtrail.put_event_selectors(TrailName="selected", **selectors)
    cloudtrail.delete_trail(Name="selected")


def advanced(*selectors):
    return {"AdvancedEventSelectors": [{"FieldSelectors": selector} for selector in selectors]}


def test_s1_a_new_trail_has_the_management_selector(house, trail):
    found = house.client("cloudtrail").get_event_selectors(TrailName="selected")
    assert "EventSelectors" not in found
    assert found["AdvancedEventSelectors"] == [{"Name": "Management events selector", "FieldSelectors": MANAGEMENT}]


@pytest.mark.parametrize(
    "selectors",
    [
        [{"ReadWriteType": "All"}] * 6,
        [{"DataResources": [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::b{n}/" for n in range(251)]}]}],
        [{"ReadWriteType": "Sometimes"}],
        [{"DataResources": [{"Type": "AWS::EC2::Instance", "Values": ["arn:aws:ec2"]}]}],
        [{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["not-an-arn"]}]}],
        [{"ExcludeManagementEventSources": ["iam.amazonaws.com"]}],
    ],
)
def test_s2_basic_selectors_have_limits(trail, selectors):
    with pytest.raises(ClientError) as caught:
        trail(EventSelectors=selectors)
    assert caught.value.response["Error"]["Code"] == "InvalidEventSelectorsException"


@pytest.mark.parametrize(
    "fields",
    [
        MANAGEMENT + [{"Field": "colour", "Equals": ["red"]}],
        [{"Field": "eventCategory", "Equals": ["Data"]}],
        [{"Field": "eventCategory", "NotEquals": ["Data"]}],
        [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "StartsWith": ["AWS::S3"]}],
        [{"Field": "eventCategory", "Equals": ["Insight"]}],
        DATA + [{"Field": "eventName", "Equals": [f"n{number}" for number in range(499)]}],
        DATA + [{"Field": "eventName"}],
        DATA + [{"Field": "readOnly", "Equals": ["maybe"]}],
        MANAGEMENT + [{"Field": "eventName", "Equals": ["CreateUser"]}],  # S9: on trails AWS takes none
        MANAGEMENT + [{"Field": "userIdentity.arn", "Equals": ["arn:aws:iam::111122223333:root"]}],
        MANAGEMENT + [{"Field": "eventSource", "NotEquals": ["iam.amazonaws.com"]}],
        [{"Field": "readOnly", "Equals": ["true"]}],
    ],
)
def test_s4_the_grammar_is_checked(trail, fields):
    with pytest.raises(ClientError) as caught:
        trail(**advanced(fields))
    assert caught.value.response["Error"]["Code"] == "InvalidEventSelectorsException"


def test_s4_five_hundred_values_pass(trail):
    names = [f"n{number}" for number in range(498)]
    trail(**advanced(DATA + [{"Field": "eventName", "Equals": names}]))


def test_s6_one_kind_of_selectors_replaces_the_other(house, trail):
    get = lambda: house.client("cloudtrail").get_event_selectors(TrailName="selected")
    trail(EventSelectors=[{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []}])
    assert get()["EventSelectors"][0]["ReadWriteType"] == "WriteOnly" and "AdvancedEventSelectors" not in get()
    trail(**advanced(MANAGEMENT))
    assert "EventSelectors" not in get() and get()["AdvancedEventSelectors"][0]["FieldSelectors"] == MANAGEMENT


def deliver(house, trail, bucket, selectors, calls, last):
    """Makes the calls under these selectors; what of them was delivered by the time that `last` was."""
    trail(**selectors)
    house.client("cloudtrail").start_logging(Name="selected")
    requests = {name: call()["ResponseMetadata"]["RequestId"] for name, call in calls.items()}
    end = last()["ResponseMetadata"]["RequestId"]
    house.wait_for_record(bucket, requestID=end)
    found = {record.get("requestID"): record for record in house.records(bucket)}
    return {name: found[request] for name, request in requests.items() if request in found}


def test_s2_basic_selectors_select(house, trail, bucket):
    s3, iam = house.client("s3"), house.client("iam")
    s3.create_bucket(Bucket="s2-data")
    put = lambda key: lambda: s3.put_object(Bucket="s2-data", Key=key, Body=b"x")
    put("p/there")()
    get = lambda key: lambda: s3.get_object(Bucket="s2-data", Key=key)
    values = ["arn:aws:s3:::s2-data/p"]
    selectors = [
        {
            "ReadWriteType": "ReadOnly",
            "IncludeManagementEvents": True,
            "DataResources": [{"Type": "AWS::S3::Object", "Values": values}],
        }
    ]
    put("other")()
    calls = {
        "read in the prefix": get("p/there"),
        "write in the prefix": put("p/new"),
        "read elsewhere": get("other"),
        "management write": lambda: iam.create_user(UserName="s2"),
        "management read": lambda: iam.get_user(UserName="s2"),
    }
    found = deliver(house, trail, bucket, {"EventSelectors": selectors}, calls, iam.list_users)
    assert set(found) == {"read in the prefix", "management read"}


def test_s3_fields_of_one_selector_are_joined_as_aws_says(house, trail, bucket):
    s3, iam = house.client("s3"), house.client("iam")
    s3.create_bucket(Bucket="s3-data")
    arn = "arn:aws:s3:::s3-data/"
    keys = ["in/a", "in/not/b", "in/exact", "out/c"]
    put = lambda key: lambda: s3.put_object(Bucket="s3-data", Key=key, Body=b"x")
    field = {"Field": "resources.ARN", "StartsWith": [arn + "in/", arn + "out/c"], "NotStartsWith": [arn + "in/not/"]}
    selectors = advanced(DATA + [field, {"Field": "readOnly", "Equals": ["false"]}], MANAGEMENT)
    calls = {key: put(key) for key in keys}
    calls["read"] = lambda: s3.get_object(Bucket="s3-data", Key="in/a")
    found = deliver(house, trail, bucket, selectors, calls, iam.list_users)
    assert set(found) == {"in/a", "in/exact", "out/c"}


def test_s5_key_events_can_be_left_out(house, trail, bucket):
    kms, iam = house.client("kms"), house.client("iam")
    selectors = advanced(MANAGEMENT + [{"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}])
    calls = {"kms": kms.list_keys, "iam": iam.list_roles}
    found = deliver(house, trail, bucket, selectors, calls, iam.list_users)
    assert set(found) == {"iam"}


def test_s7_data_events_come_only_when_selected(house, trail, bucket):
    s3, iam = house.client("s3"), house.client("iam")
    s3.create_bucket(Bucket="s7-data")
    put = {"put": lambda: s3.put_object(Bucket="s7-data", Key="k", Body=b"x")}
    assert deliver(house, trail, bucket, advanced(MANAGEMENT), put, iam.list_users) == {}
    found = deliver(house, trail, bucket, advanced(DATA, MANAGEMENT), put, iam.list_users)
    record = found["put"]
    assert (record["eventCategory"], record["managementEvent"]) == ("Data", False)
    assert "AWS::S3::Object" in [resource["type"] for resource in record["resources"]]
    assert "arn:aws:s3:::s7-data/k" in [resource["ARN"] for resource in record["resources"]]


def test_s8_network_activity_selectors_are_taken(house, trail):
    network = [
        {"Field": "eventCategory", "Equals": ["NetworkActivity"]},
        {"Field": "eventSource", "Equals": ["kms.amazonaws.com"]},
        {"Field": "errorCode", "Equals": ["VpceAccessDenied"]},
    ]
    trail(**advanced(network))
    found = house.client("cloudtrail").get_event_selectors(TrailName="selected")["AdvancedEventSelectors"]
    assert found[0]["FieldSelectors"] == network
    with pytest.raises(ClientError):
        trail(**advanced(network[:1]))
