"""Rows L1, L2, L12, L14 and O4: event data stores, by awscli and boto3."""

import itertools
import json

import pytest
from botocore.exceptions import ClientError
from conftest import eventually

# A deleted store counts for seven days, so each test has a region of its own.
REGIONS = itertools.cycle(
    [
        *("eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"),
        *("ap-east-1", "ap-east-2", "ap-south-1", "ap-south-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
        *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6"),
        *("af-south-1", "ca-central-1", "ca-west-1", "il-central-1", "me-central-1", "me-south-1", "mx-central-1"),
        *("sa-east-1", "us-east-2", "us-west-1", "us-gov-west-1"),
    ]
)
MANAGEMENT = [{"Field": "eventCategory", "Equals": ["Management"]}]


def refused(call, code, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    assert error["Error"]["Code"] == code, error
    assert "no longer" not in error["Error"]["Message"]


def selectors(*categories):
    return [{"FieldSelectors": [{"Field": "eventCategory", "Equals": [category]}]} for category in categories]


def rows(client, statement):
    """What a query answers, one dictionary a row."""
    query = client.start_query(QueryStatement=statement)["QueryId"]
    ends = ("FINISHED", "FAILED", "CANCELLED", "TIMED_OUT")
    status = eventually(lambda: client.describe_query(QueryId=query)["QueryStatus"] in ends)
    assert status
    answer = client.get_query_results(QueryId=query)
    assert answer["QueryStatus"] == "FINISHED", answer
    return [{name: value for cell in row for name, value in cell.items()} for row in answer["QueryResultRows"]]


@pytest.fixture
def region():
    return next(REGIONS)


@pytest.fixture
def cloudtrail(house, region):
    return house.client("cloudtrail", region=region)


@pytest.fixture
def store(cloudtrail):
    return cloudtrail.create_event_data_store(Name="store-1", TerminationProtectionEnabled=False)["EventDataStoreArn"]


def other_account(house, name):
    """Keys of a new account of an organization that root manages."""
    organizations = house.client("organizations")
    try:
        organizations.create_organization(FeatureSet="ALL")
    except organizations.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AlreadyInOrganizationException"
    made = organizations.create_account(Email=f"{name}@example.com", AccountName=name)
    account = made["CreateAccountStatus"]["AccountId"]
    operator = house.user(
        f"operator-{name}",
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
    )
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    keys = house.client("sts", keys=operator).assume_role(RoleArn=role, RoleSessionName="s-1")["Credentials"]
    return account, {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def test_l1_a_store_is_made_with_the_defaults(house, region):
    made = house.aws_json("cloudtrail", "create-event-data-store", "--name", "store-1", region=region)
    expected = {
        "Name": "store-1",
        "Status": "ENABLED",
        "MultiRegionEnabled": True,
        "OrganizationEnabled": False,
        "RetentionPeriod": 366,
        "TerminationProtectionEnabled": True,
        "BillingMode": "EXTENDABLE_RETENTION_PRICING",
        "TagsList": [],
        "AdvancedEventSelectors": [{"Name": "Default management events", "FieldSelectors": MANAGEMENT}],
    }
    assert {name: made.get(name) for name in expected} == expected
    arn = made["EventDataStoreArn"]
    assert arn.startswith(f"arn:aws:cloudtrail:{region}:{house.account}:eventdatastore/")
    client = house.client("cloudtrail", region=region)
    for name in (arn, arn.split("/")[1]):
        got = client.get_event_data_store(EventDataStore=name)
        assert (got["EventDataStoreArn"], got["Status"], got["FederationStatus"]) == (arn, "ENABLED", "DISABLED")
        assert got["CreatedTimestamp"] == got["UpdatedTimestamp"]
    listed = client.list_event_data_stores()["EventDataStores"]
    assert listed == [{"EventDataStoreArn": arn, "Name": "store-1"}]


def test_l1_retention_and_billing_are_checked(cloudtrail):
    create = lambda **more: cloudtrail.create_event_data_store(Name="store-1", **more)
    for wrong in (6, 3654, -1, 0):
        refused(create, "InvalidParameterException", RetentionPeriod=wrong)
    fixed = "FIXED_RETENTION_PRICING"
    refused(create, "InvalidParameterException", RetentionPeriod=2558, BillingMode=fixed)
    refused(create, "InvalidParameterException", BillingMode="FREE")
    made = create(BillingMode=fixed)
    assert made["RetentionPeriod"] == 2557
    update = lambda **more: cloudtrail.update_event_data_store(EventDataStore=made["EventDataStoreArn"], **more)
    changed = update(BillingMode="EXTENDABLE_RETENTION_PRICING", RetentionPeriod=3653)
    assert (changed["BillingMode"], changed["RetentionPeriod"]) == ("EXTENDABLE_RETENTION_PRICING", 3653)
    refused(update, "InvalidParameterException", BillingMode=fixed, RetentionPeriod=100)
    assert update(RetentionPeriod=7)["RetentionPeriod"] == 7


def test_l1_a_store_is_deleted_and_restored(house, region, cloudtrail):
    arn = cloudtrail.create_event_data_store(Name="store-1")["EventDataStoreArn"]
    refused(cloudtrail.delete_event_data_store, "EventDataStoreTerminationProtectedException", EventDataStore=arn)
    house.aws(
        "cloudtrail",
        "update-event-data-store",
        "--event-data-store",
        arn,
        "--no-termination-protection-enabled",
        region=region,
    )
    house.aws("cloudtrail", "delete-event-data-store", "--event-data-store", arn, region=region)
    status = lambda: cloudtrail.get_event_data_store(EventDataStore=arn)["Status"]
    assert status() == "PENDING_DELETION"
    refused(cloudtrail.update_event_data_store, "InactiveEventDataStoreException", EventDataStore=arn, Name="other")
    refused(cloudtrail.delete_event_data_store, "InactiveEventDataStoreException", EventDataStore=arn)
    # The name is taken until the store is gone for good.
    refused(cloudtrail.create_event_data_store, "EventDataStoreAlreadyExistsException", Name="store-1")
    restored = house.aws_json("cloudtrail", "restore-event-data-store", "--event-data-store", arn, region=region)
    assert restored["Status"] == status() == "ENABLED"
    refused(cloudtrail.restore_event_data_store, "InvalidEventDataStoreStatusException", EventDataStore=arn)


def test_l1_names_are_unique_and_stores_are_counted(cloudtrail):
    create = cloudtrail.create_event_data_store
    for wrong in ("ab", "a" * 129, "a b", "a/b"):
        refused(create, "InvalidParameterException", Name=wrong)
    arns = [create(Name=f"store-{number}")["EventDataStoreArn"] for number in range(10)]
    refused(create, "EventDataStoreAlreadyExistsException", Name="store-3")
    refused(create, "EventDataStoreMaxLimitExceededException", Name="store-10")
    listed, token = [], {}
    while token is not None:
        page = cloudtrail.list_event_data_stores(MaxResults=4, **token)
        listed += [entry["EventDataStoreArn"] for entry in page["EventDataStores"]]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
    assert listed == sorted(arns)
    refused(cloudtrail.list_event_data_stores, "InvalidMaxResultsException", MaxResults=1001)
    refused(cloudtrail.list_event_data_stores, "InvalidNextTokenException", NextToken="what")


def test_l1_what_is_not_there_is_told_apart(house, cloudtrail, store):
    get = cloudtrail.get_event_data_store
    missing = "00000000-0000-4000-8000-000000000000"
    refused(get, "EventDataStoreNotFoundException", EventDataStore=missing)
    refused(get, "EventDataStoreARNInvalidException", EventDataStore="store-1")
    refused(get, "EventDataStoreARNInvalidException", EventDataStore=store.replace("eventdatastore", "channel"))
    elsewhere = house.client("cloudtrail", region="us-west-2")
    refused(elsewhere.update_event_data_store, "EventDataStoreNotFoundException", EventDataStore=store, Name="other")


def test_l1_selectors_are_of_one_kind_that_stays(cloudtrail, store):
    create = lambda *categories: cloudtrail.create_event_data_store(
        Name="store-2", AdvancedEventSelectors=selectors(*categories)
    )
    for wrong in (("Management", "Insight"), ("Nonsense",), ("Data",)):
        refused(lambda: create(*wrong), "InvalidEventSelectorsException")
    update = cloudtrail.update_event_data_store
    refused(
        update,
        "InvalidEventSelectorsException",
        EventDataStore=store,
        AdvancedEventSelectors=selectors("ActivityAuditLog"),
    )
    writes = [{"Name": "Writes", "FieldSelectors": [*MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]}]}]
    assert update(EventDataStore=store, AdvancedEventSelectors=writes)["AdvancedEventSelectors"] == writes


def test_l2_ingestion_is_switched(cloudtrail, store):
    status = lambda: cloudtrail.get_event_data_store(EventDataStore=store)["Status"]
    refused(cloudtrail.start_event_data_store_ingestion, "InvalidEventDataStoreStatusException", EventDataStore=store)
    cloudtrail.stop_event_data_store_ingestion(EventDataStore=store)
    assert status() == "STOPPED_INGESTION"
    refused(cloudtrail.stop_event_data_store_ingestion, "InvalidEventDataStoreStatusException", EventDataStore=store)
    cloudtrail.start_event_data_store_ingestion(EventDataStore=store)
    assert status() == "ENABLED"
    stopped = cloudtrail.create_event_data_store(Name="store-2", StartIngestion=False)
    assert stopped["Status"] == "STOPPED_INGESTION"
    audit = cloudtrail.create_event_data_store(Name="store-3", AdvancedEventSelectors=selectors("ActivityAuditLog"))
    stop = cloudtrail.stop_event_data_store_ingestion
    refused(stop, "InvalidEventDataStoreCategoryException", EventDataStore=audit["EventDataStoreArn"])


def test_l2_a_stopped_store_takes_nothing_and_is_still_queried(cloudtrail, store):
    names = lambda: {row["eventname"] for row in rows(cloudtrail, f"SELECT eventname FROM {store.split('/')[1]}")}
    cloudtrail.list_channels()
    eventually(lambda: "ListChannels" in names())
    cloudtrail.stop_event_data_store_ingestion(EventDataStore=store)
    cloudtrail.list_trails()
    cloudtrail.start_event_data_store_ingestion(EventDataStore=store)
    cloudtrail.describe_trails()
    eventually(lambda: "DescribeTrails" in names())
    assert "ListTrails" not in names()


def test_l12_a_federated_store_is_not_deleted(house, region, cloudtrail, store):
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": house.account}, "Action": "sts:AssumeRole"}],
    }
    name = f"engines-{region}"
    role = house.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    enable = cloudtrail.enable_federation
    refused(enable, "InvalidParameterException", EventDataStore=store, FederationRoleArn=role + "-not")
    enabled = house.aws_json(
        "cloudtrail", "enable-federation", "--event-data-store", store, "--federation-role-arn", role, region=region
    )
    assert enabled == {"EventDataStoreArn": store, "FederationStatus": "ENABLED", "FederationRoleArn": role}
    got = cloudtrail.get_event_data_store(EventDataStore=store)
    assert (got["FederationStatus"], got["FederationRoleArn"]) == ("ENABLED", role)
    refused(enable, "EventDataStoreFederationEnabledException", EventDataStore=store, FederationRoleArn=role)
    refused(cloudtrail.delete_event_data_store, "EventDataStoreFederationEnabledException", EventDataStore=store)
    assert cloudtrail.disable_federation(EventDataStore=store)["FederationStatus"] == "DISABLED"
    only = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"}]}
    keys = house.user(f"no-pass-{region}", only)
    passes_no_role = house.client("cloudtrail", region=region, keys=keys).enable_federation
    refused(passes_no_role, "AccessDeniedException", EventDataStore=store, FederationRoleArn=role)
    cloudtrail.delete_event_data_store(EventDataStore=store)


def test_a_region_that_nobody_has_is_refused(house):
    made_up = house.client("cloudtrail", region="us-east-99")
    refused(made_up.list_event_data_stores, "InvalidSignatureException")
    refused(made_up.create_trail, "InvalidSignatureException", Name="t-1", S3BucketName="b-1")
    data = house.client("cloudtrail-data", region="us-east-99")
    refused(data.put_audit_events, "InvalidSignatureException", auditEvents=[], channelArn="x")


def test_a_key_is_checked_and_refused_rather_than_ignored(house, region, cloudtrail):
    create = lambda key: cloudtrail.create_event_data_store(Name="store-1", KmsKeyId=key)
    refused(lambda: create("00000000-0000-4000-8000-000000000000"), "KmsKeyNotFoundException")
    refused(lambda: create("what is this"), "InvalidKmsKeyIdException")
    kms = house.client("kms", region=region)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    refused(lambda: create(key), "UnsupportedOperationException")
    kms.disable_key(KeyId=key)
    refused(lambda: create(key), "KmsException")


def test_stores_have_tags(cloudtrail):
    tags = [{"Key": "team", "Value": "blue"}]
    store = cloudtrail.create_event_data_store(Name="store-1", TagsList=tags)
    assert store["TagsList"] == tags
    arn = store["EventDataStoreArn"]
    cloudtrail.add_tags(ResourceId=arn, TagsList=[{"Key": "team", "Value": "red"}, {"Key": "k", "Value": "v"}])
    cloudtrail.remove_tags(ResourceId=arn, TagsList=[{"Key": "k"}])
    listed = cloudtrail.list_tags(ResourceIdList=[arn])["ResourceTagList"]
    assert listed == [{"ResourceId": arn, "TagsList": [{"Key": "team", "Value": "red"}]}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    refused(cloudtrail.add_tags, "TagsLimitExceededException", ResourceId=arn, TagsList=many)
    missing = arn[:-36] + "00000000-0000-4000-8000-000000000000"
    refused(cloudtrail.add_tags, "EventDataStoreNotFoundException", ResourceId=missing, TagsList=tags)


def test_the_size_of_events_is_configured(cloudtrail, store):
    put = lambda **more: cloudtrail.put_event_configuration(EventDataStore=store, **more)
    got = cloudtrail.get_event_configuration(EventDataStore=store)
    assert (got["EventDataStoreArn"], got["MaxEventSize"], got["ContextKeySelectors"]) == (store, "Standard", [])
    assert put(MaxEventSize="Large", ContextKeySelectors=[])["MaxEventSize"] == "Large"
    assert cloudtrail.get_event_configuration(EventDataStore=store)["MaxEventSize"] == "Large"
    keys = [{"Type": "RequestContext", "Equals": ["aws:PrincipalArn"]}]
    refused(put, "UnsupportedOperationException", MaxEventSize="Large", ContextKeySelectors=keys)
    refused(put, "InvalidParameterException", MaxEventSize="Standard", ContextKeySelectors=keys)
    refused(put, "InvalidParameterException", MaxEventSize="Huge", ContextKeySelectors=[])
    refused(cloudtrail.get_event_configuration, "InvalidParameterCombinationException")


def test_the_data_events_of_trails_are_not_aggregated(house):
    house.trail("aggregated", start=False)
    cloudtrail = house.client("cloudtrail")
    assert cloudtrail.get_event_configuration(TrailName="aggregated")["AggregationConfigurations"] == []
    wanted = [{"EventCategory": "Data", "Templates": ["API_ACTIVITY"]}]
    put = cloudtrail.put_event_configuration
    refused(put, "UnsupportedOperationException", TrailName="aggregated", AggregationConfigurations=wanted)
    assert put(TrailName="aggregated", AggregationConfigurations=[])["AggregationConfigurations"] == []


def policy_for(arn, account, *actions):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": list(actions),
        "Resource": arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_o4_a_policy_is_put_got_and_deleted(house, region, cloudtrail, store):
    policy = policy_for(store, "444455556666", "cloudtrail:StartQuery", "cloudtrail:GetQueryResults")
    got = cloudtrail.get_resource_policy
    refused(got, "ResourcePolicyNotFoundException", ResourceArn=store)
    put = house.aws_json(
        "cloudtrail", "put-resource-policy", "--resource-arn", store, "--resource-policy", policy, region=region
    )
    assert put == {"ResourceArn": store, "ResourcePolicy": policy}
    assert got(ResourceArn=store)["ResourcePolicy"] == policy
    put = lambda policy, arn=store: cloudtrail.put_resource_policy(ResourceArn=arn, ResourcePolicy=policy)
    refused(
        lambda: put(policy_for(store, "444455556666", "cloudtrail:DeleteEventDataStore")),
        "ResourcePolicyNotValidException",
    )
    refused(lambda: put(policy + " " * 8192), "ResourcePolicyNotValidException")
    refused(lambda: put("{}"), "ResourcePolicyNotValidException")
    trail = f"arn:aws:cloudtrail:{region}:{house.account}:trail/t-1"
    refused(lambda: put(policy, trail), "ResourceTypeNotSupportedException")
    refused(lambda: put(policy, "what"), "ResourceARNNotValidException")
    refused(lambda: put(policy, store[:-36] + "00000000-0000-4000-8000-000000000000"), "ResourceNotFoundException")
    house.aws("cloudtrail", "delete-resource-policy", "--resource-arn", store, region=region)
    refused(got, "ResourcePolicyNotFoundException", ResourceArn=store)
    refused(cloudtrail.delete_resource_policy, "ResourcePolicyNotFoundException", ResourceArn=store)


def test_o4_a_policy_lets_another_account_in_and_no_further(house, region, cloudtrail, store):
    account, keys = other_account(house, "guest")
    guest = house.client("cloudtrail", region=region, keys=keys)
    refused(guest.get_event_data_store, "AccessDeniedException", EventDataStore=store)
    policy = policy_for(store, account, "cloudtrail:GetEventDataStore")
    cloudtrail.put_resource_policy(ResourceArn=store, ResourcePolicy=policy)
    assert guest.get_event_data_store(EventDataStore=store)["Name"] == "store-1"
    refused(guest.delete_event_data_store, "AccessDeniedException", EventDataStore=store)
    refused(guest.get_resource_policy, "AccessDeniedException", ResourceArn=store)
    cloudtrail.delete_resource_policy(ResourceArn=store)
    refused(guest.get_event_data_store, "AccessDeniedException", EventDataStore=store)


def test_o4_a_dashboard_has_tags_and_a_policy(house, region, cloudtrail):
    made = cloudtrail.create_dashboard(Name="board-1", TagsList=[{"Key": "team", "Value": "blue"}])
    arn = made["DashboardArn"]
    cloudtrail.add_tags(ResourceId=arn, TagsList=[{"Key": "k", "Value": "v"}])
    cloudtrail.remove_tags(ResourceId=arn, TagsList=[{"Key": "team"}])
    assert cloudtrail.list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"] == [{"Key": "k", "Value": "v"}]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "cloudtrail:StartDashboardRefresh",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    put = cloudtrail.put_resource_policy
    assert put(ResourceArn=arn, ResourcePolicy=policy)["ResourcePolicy"] == policy
    wrong = policy_for(arn, house.account, "cloudtrail:StartDashboardRefresh")
    refused(put, "ResourcePolicyNotValidException", ResourceArn=arn, ResourcePolicy=wrong)
    refused(put, "ResourceNotFoundException", ResourceArn=arn + "-not", ResourcePolicy=policy)
    cloudtrail.delete_dashboard(DashboardId=arn)
    cloudtrail.create_dashboard(Name="board-1")
    refused(cloudtrail.get_resource_policy, "ResourcePolicyNotFoundException", ResourceArn=arn)


def test_an_organization_has_stores_of_its_management_account(new_house, region):
    house = new_house().start()
    cloudtrail = house.client("cloudtrail", region=region)
    create = lambda client, **more: client.create_event_data_store(Name="store-1", OrganizationEnabled=True, **more)
    refused(lambda: create(cloudtrail), "OrganizationsNotInUseException")
    _, keys = other_account(house, "member")
    member = house.client("cloudtrail", region=region, keys=keys)
    refused(lambda: create(member), "NotOrganizationMasterAccountException")
    store = create(cloudtrail)
    assert store["OrganizationEnabled"] is True
    assert member.list_event_data_stores()["EventDataStores"] == []
    policies = cloudtrail.get_resource_policy(ResourceArn=store["EventDataStoreArn"])
    assert "ResourcePolicy" not in policies
    assert json.loads(policies["DelegatedAdminResourcePolicy"])["Statement"]
    changed = cloudtrail.update_event_data_store(EventDataStore=store["EventDataStoreArn"], OrganizationEnabled=False)
    assert changed["OrganizationEnabled"] is False


def test_stores_survive_a_restart(new_house):
    house = new_house().start()
    made = house.client("cloudtrail").create_event_data_store(Name="store-1", RetentionPeriod=30)
    house.kill()
    house.start()
    got = house.client("cloudtrail").get_event_data_store(EventDataStore=made["EventDataStoreArn"])
    for name in ("Name", "RetentionPeriod", "Status", "AdvancedEventSelectors", "CreatedTimestamp"):
        assert got[name] == made[name], name
