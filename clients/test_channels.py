"""Rows L9 and L10: channels and the events that applications send, by awscli and boto3."""

import base64
import hashlib
import json

import pytest
from botocore.exceptions import ClientError
from conftest import eventually
from test_stores import other_account, refused, rows, selectors


@pytest.fixture(scope="module")
def cloudtrail(house):
    return house.client("cloudtrail")


@pytest.fixture(scope="module")
def data(house):
    return house.client("cloudtrail-data")


def audit_store(client, name, **more):
    more = {"MultiRegionEnabled": False, "TerminationProtectionEnabled": False, **more}
    made = client.create_event_data_store(Name=name, AdvancedEventSelectors=selectors("ActivityAuditLog"), **more)
    return made["EventDataStoreArn"]


def to(*stores):
    return [{"Type": "EVENT_DATA_STORE", "Location": store} for store in stores]


@pytest.fixture(scope="module")
def store(cloudtrail):
    return audit_store(cloudtrail, "audit-1")


@pytest.fixture(scope="module")
def channel(cloudtrail, store):
    return cloudtrail.create_channel(Name="channel-1", Source="Custom", Destinations=to(store))["ChannelArn"]


def event(house, **more):
    said = {
        "version": "1",
        "userIdentity": {"type": "app", "principalId": "p-1"},
        "eventSource": "door.example.com",
        "eventName": "Opened",
        "eventTime": "2026-11-25T08:00:00Z",
        "UID": "u-1",
        "recipientAccountId": house.account,
        **more,
    }
    return json.dumps({name: value for name, value in said.items() if value is not None})


def test_l9_a_channel_fills_a_store(house, cloudtrail):
    region = "eu-central-1"
    client = house.client("cloudtrail", region=region)
    store = audit_store(client, "audit-1")
    make = lambda **more: client.create_channel(
        **{"Name": "channel-1", "Source": "Custom", "Destinations": to(store), **more}
    )
    refused(lambda: make(Source="Nobody"), "InvalidSourceException")
    refused(
        lambda: make(Destinations=to(store[:-36] + "00000000-0000-4000-8000-000000000000")),
        "EventDataStoreNotFoundException",
    )
    refused(lambda: make(Destinations=to("what")), "EventDataStoreARNInvalidException")
    refused(lambda: make(Destinations=[]), "InvalidParameterException")
    refused(lambda: make(Destinations=[{"Type": "AWS_SERVICE", "Location": "s3"}]), "InvalidParameterException")
    other = client.create_event_data_store(Name="trail-events")["EventDataStoreArn"]
    refused(lambda: make(Destinations=to(other)), "InvalidEventDataStoreCategoryException")
    wide = audit_store(client, "audit-2", MultiRegionEnabled=True)
    refused(lambda: make(Destinations=to(wide)), "InvalidParameterException")
    made = house.aws_json(
        "cloudtrail",
        "create-channel",
        "--name",
        "channel-1",
        "--source",
        "Custom",
        "--destinations",
        json.dumps(to(store)),
        "--tags",
        "Key=team,Value=blue",
        region=region,
    )
    arn = made["ChannelArn"]
    assert arn.startswith(f"arn:aws:cloudtrail:{region}:{house.account}:channel/")
    assert (made["Destinations"], made["Tags"]) == (to(store), [{"Key": "team", "Value": "blue"}])
    refused(lambda: make(Name="channel-2"), "ChannelAlreadyExistsException")
    refused(lambda: make(Source="GitHub"), "ChannelAlreadyExistsException")
    refused(client.delete_event_data_store, "ChannelExistsForEDSException", EventDataStore=store)
    got = client.get_channel(Channel=arn.split("/")[1])
    assert (got["ChannelArn"], got["Name"], got["Source"], got["IngestionStatus"]) == (arn, "channel-1", "Custom", {})
    assert client.list_channels()["Channels"] == [{"ChannelArn": arn, "Name": "channel-1"}]
    second = audit_store(client, "audit-3")
    moved = client.update_channel(Channel=arn, Destinations=to(second), Name="renamed")
    assert (moved["Name"], moved["Destinations"]) == ("renamed", to(second))
    client.delete_event_data_store(EventDataStore=store)
    client.add_tags(ResourceId=arn, TagsList=[{"Key": "team", "Value": "red"}])
    assert client.list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"] == [{"Key": "team", "Value": "red"}]
    house.aws("cloudtrail", "delete-channel", "--channel", arn, region=region)
    refused(client.get_channel, "ChannelNotFoundException", Channel=arn)
    refused(client.get_channel, "ChannelARNInvalidException", Channel="renamed")
    client.delete_event_data_store(EventDataStore=second)


def test_l9_channels_are_counted(new_house):
    house = new_house().start()
    sources = [
        "Custom",
        "GitHub",
        "Clumio",
        "CrowdStrike",
        "CyberArk",
        "Snyk",
        "OneLogin",
        "Shoreline",
        "MontyCloud",
        "WizAuditLogs",
    ]
    made = 0
    for region in ("eu-west-1", "eu-west-2", "eu-west-3"):
        client = house.client("cloudtrail", region=region)
        store = audit_store(client, "audit-1")
        for source in sources:
            make = lambda: client.create_channel(Name=f"of-{source}", Source=source, Destinations=to(store))
            if made == 25:
                refused(make, "ChannelMaxLimitExceededException")
                return
            make()
            made += 1


def test_l10_each_event_is_taken_or_told_why_not(house, cloudtrail, data, channel):
    good, bad = event(house), event(house, UID="u-2")
    sum_of = lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    events = [
        {"id": "good", "eventData": good, "eventDataChecksum": sum_of(good)},
        {"id": "sum", "eventData": bad, "eventDataChecksum": sum_of(good)},
        {"id": "uid", "eventData": event(house, UID=None)},
        {"id": "long", "eventData": event(house, eventName="x" * 1025)},
        {"id": "json", "eventData": "{"},
        {"id": "to", "eventData": event(house, recipientAccountId="444455556666")},
        {"id": "from", "eventData": event(house, eventSource="s3.amazonaws.com")},
    ]
    answer = data.put_audit_events(channelArn=channel, auditEvents=events)
    assert [entry["id"] for entry in answer["successful"]] == ["good"]
    failed = {entry["id"]: entry["errorCode"] for entry in answer["failed"]}
    assert failed == {
        "sum": "InvalidChecksum",
        "uid": "FieldNotFound",
        "long": "FieldTooLong",
        "json": "InvalidData",
        "to": "InvalidRecipient",
        "from": "InvalidEventSource",
    }
    assert all(entry["errorMessage"] for entry in answer["failed"])
    status = cloudtrail.get_channel(Channel=channel)["IngestionStatus"]
    assert status["LatestIngestionSuccessEventID"] == answer["successful"][0]["eventID"]
    assert status["LatestIngestionErrorCode"] == "InvalidEventSource"
    assert status["LatestIngestionSuccessTime"] == status["LatestIngestionAttemptTime"]


def test_l10_what_is_taken_is_queried(house, cloudtrail, data, store, channel):
    said = event(house, UID="to be found", requestParameters={"door": "front"})
    answer = data.put_audit_events(channelArn=channel, auditEvents=[{"id": "e-1", "eventData": said}])
    where = "WHERE eventData.UID = 'to be found'"
    statement = f"SELECT eventID, eventData.eventName AS name, metadata.channelARN AS channel FROM {store.split('/')[1]} {where}"
    found = eventually(lambda: rows(cloudtrail, statement))
    assert len(found) == 1
    assert {name.lower(): value for name, value in found[0].items()} == {
        "eventid": answer["successful"][0]["eventID"],
        "name": "Opened",
        "channel": channel,
    }


def test_l10_the_cli_sends_events(house, channel):
    events = [{"id": "e-1", "eventData": event(house, UID="cli")}]
    answer = house.aws_json(
        "cloudtrail-data", "put-audit-events", "--channel-arn", channel, "--audit-events", json.dumps(events)
    )
    assert [entry["id"] for entry in answer["successful"]] == ["e-1"] and answer["failed"] == []


def test_l10_a_call_is_refused_as_a_whole(house, data, channel):
    put = lambda arn, *ids: data.put_audit_events(
        channelArn=arn, auditEvents=[{"id": id, "eventData": event(house)} for id in ids]
    )
    refused(lambda: put(channel, "a", "b", "a"), "DuplicatedAuditEventId")
    refused(lambda: put(channel, *map(str, range(101))), "ValidationException")
    refused(lambda: put(channel), "ValidationException")
    refused(lambda: put(channel, "what is this"), "ValidationException")
    refused(lambda: put(channel[:-36] + "00000000-0000-4000-8000-000000000000", "a"), "ChannelNotFound")
    refused(lambda: put("arn:aws:s3:::b-1", "a"), "InvalidChannelARN")
    large = [
        {"id": str(number), "eventData": event(house, userAgent="x" * 1000, requestParameters={"k": "x" * 50_000})}
        for number in range(25)
    ]
    refused(lambda: data.put_audit_events(channelArn=channel, auditEvents=large), "ValidationException")
    assert len(put(channel, *map(str, range(100)))["successful"]) == 100


def test_l10_another_account_needs_the_leave_of_the_channel(house, cloudtrail, channel):
    account, keys = other_account(house, "sender")
    sender = house.client("cloudtrail-data", keys=keys)
    send = lambda **more: sender.put_audit_events(
        channelArn=channel, auditEvents=[{"id": "e-1", "eventData": event(house)}], **more
    )
    refused(send, "ChannelInsufficientPermission")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": account},
        "Action": "cloudtrail-data:PutAuditEvents",
        "Resource": channel,
        "Condition": {"StringEquals": {"cloudtrail:ExternalId": "the-secret"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloudtrail.put_resource_policy(ResourceArn=channel, ResourcePolicy=policy)
    refused(send, "ChannelInsufficientPermission")
    refused(lambda: send(externalId="another"), "ChannelInsufficientPermission")
    assert send(externalId="the-secret")["failed"] == []
    cloudtrail.delete_resource_policy(ResourceArn=channel)
    refused(lambda: send(externalId="the-secret"), "ChannelInsufficientPermission")


def test_l10_a_user_needs_leave_in_the_own_account_too(house, channel):
    keys = house.user("no-sender")
    client = house.client("cloudtrail-data", keys=keys)
    send = lambda: client.put_audit_events(channelArn=channel, auditEvents=[{"id": "e-1", "eventData": event(house)}])
    refused(send, "AccessDeniedException")


def test_l10_the_call_is_recorded_as_a_data_event_of_the_channel(house, cloudtrail, data, channel):
    bucket = house.trail_bucket("channel-logs")
    house.trail("channel-trail", bucket)
    fields = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::CloudTrail::Channel"]},
    ]
    cloudtrail.put_event_selectors(TrailName="channel-trail", AdvancedEventSelectors=[{"FieldSelectors": fields}])
    data.put_audit_events(
        channelArn=channel, auditEvents=[{"id": "recorded", "eventData": event(house, UID="not to be told")}]
    )
    record = house.wait_for_record(bucket, eventName="PutAuditEvents")
    assert (record["eventSource"], record["eventCategory"]) == ("cloudtrail-data.amazonaws.com", "Data")
    assert (record["managementEvent"], record["readOnly"]) == (False, False)
    assert record["resources"] == [{"accountId": house.account, "type": "AWS::CloudTrail::Channel", "ARN": channel}]
    assert record["requestParameters"] == {"channelArn": channel, "auditEvents": [{"id": "recorded"}]}
    assert record["responseElements"]["successful"][0]["id"] == "recorded"
    # What came over the channel is delivered to no trail.
    assert not any("eventData" in record for record in house.records(bucket))
