"""Who calls: users, roles, sessions and accounts, with boto3 as it comes."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


def statement(**members):
    return json.dumps({"Version": "2012-10-17", "Statement": [members]})


def trust(principal, **members):
    return statement(Effect="Allow", Principal={"AWS": principal}, Action="sts:AssumeRole", **members)


def client_of(house, service, key):
    return boto3.client(
        service,
        endpoint_url=house.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
    )


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert error.value.response["Error"]["Code"] == code, error.value
    return error.value.response


def test_a_user_lives_from_its_making_to_its_end(house):
    iam = house.client("iam")
    user = iam.create_user(UserName="ursula", Path="/staff/", Tags=[{"Key": "team", "Value": "blue"}])["User"]
    assert user["Arn"] == f"arn:aws:iam::{house.account}:user/staff/ursula"
    assert user["UserId"].startswith("AIDA") and len(user["UserId"]) == 21
    refused("EntityAlreadyExists", iam.create_user, UserName="URSULA")
    assert iam.get_user(UserName="ursula")["User"]["Tags"] == [{"Key": "team", "Value": "blue"}]
    key = iam.create_access_key(UserName="ursula")["AccessKey"]
    own = client_of(house, "sts", key).get_caller_identity()
    assert (own["Arn"], own["UserId"]) == (user["Arn"], user["UserId"])
    denied = refused("AccessDenied", client_of(house, "iam", key).list_users)
    assert denied["ResponseMetadata"]["HTTPStatusCode"] == 403
    iam.put_user_policy(UserName="ursula", PolicyName="look", PolicyDocument=statement(Effect="Allow", Action="iam:List*", Resource="*"))
    assert "ursula" in [user["UserName"] for user in client_of(house, "iam", key).list_users()["Users"]]
    assert iam.get_user_policy(UserName="ursula", PolicyName="look")["PolicyDocument"]["Statement"][0]["Action"] == "iam:List*"
    refused("MalformedPolicyDocument", iam.put_user_policy, UserName="ursula", PolicyName="bad", PolicyDocument="{}")
    refused("DeleteConflict", iam.delete_user, UserName="ursula")
    iam.update_access_key(UserName="ursula", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    refused("InvalidClientTokenId", client_of(house, "sts", key).get_caller_identity)
    iam.delete_access_key(UserName="ursula", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="ursula", PolicyName="look")
    iam.delete_user(UserName="ursula")
    refused("NoSuchEntity", iam.get_user, UserName="ursula")


def test_managed_policies_have_versions_and_count_where_attached(house):
    iam = house.client("iam")
    iam.create_user(UserName="vera")
    key = iam.create_access_key(UserName="vera")["AccessKey"]
    policy = iam.create_policy(PolicyName="list", PolicyDocument=statement(Effect="Allow", Action="iam:ListRoles", Resource="*"))["Policy"]
    iam.attach_user_policy(UserName="vera", PolicyArn=policy["Arn"])
    assert iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["AttachmentCount"] == 1
    hers = client_of(house, "iam", key)
    hers.list_roles()
    refused("AccessDenied", hers.list_users)
    iam.create_policy_version(PolicyArn=policy["Arn"], PolicyDocument=EVERYTHING, SetAsDefault=True)
    hers.list_users()
    refused("DeleteConflict", iam.delete_policy_version, PolicyArn=policy["Arn"], VersionId="v2")
    iam.set_default_policy_version(PolicyArn=policy["Arn"], VersionId="v1")
    refused("AccessDenied", hers.list_users)
    assert [version["VersionId"] for version in iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]] == ["v2", "v1"]
    refused("DeleteConflict", iam.delete_policy, PolicyArn=policy["Arn"])
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 2})
    assert "AdministratorAccess" in [policy["PolicyName"] for page in pages for policy in page["Policies"]]
    assert iam.list_entities_for_policy(PolicyArn=policy["Arn"])["PolicyUsers"][0]["UserName"] == "vera"


def test_groups_lend_their_policies(house):
    iam = house.client("iam")
    iam.create_user(UserName="gina")
    key = iam.create_access_key(UserName="gina")["AccessKey"]
    iam.create_group(GroupName="readers")
    iam.attach_group_policy(GroupName="readers", PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess")
    iam.add_user_to_group(GroupName="readers", UserName="gina")
    assert [user["UserName"] for user in iam.get_group(GroupName="readers")["Users"]] == ["gina"]
    client_of(house, "iam", key).list_users()
    refused("DeleteConflict", iam.delete_group, GroupName="readers")
    iam.remove_user_from_group(GroupName="readers", UserName="gina")
    refused("AccessDenied", client_of(house, "iam", key).list_users)


def test_a_role_is_assumed_as_its_trust_policy_says(house):
    iam = house.client("iam")
    iam.create_user(UserName="rosa")
    key = iam.create_access_key(UserName="rosa")["AccessKey"]
    sts = client_of(house, "sts", key)
    arn = f"arn:aws:iam::{house.account}:role/auditor"
    condition = {"StringEquals": {"sts:ExternalId": "ticket-7"}}
    iam.create_role(
        RoleName="auditor",
        AssumeRolePolicyDocument=trust(f"arn:aws:iam::{house.account}:user/rosa", Condition=condition),
    )
    iam.attach_role_policy(RoleName="auditor", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    refused("AccessDenied", sts.assume_role, RoleArn=arn, RoleSessionName="s1")
    refused("AccessDenied", sts.assume_role, RoleArn=arn + "x", RoleSessionName="s1")
    refused("AccessDenied", house.client("sts").assume_role, RoleArn=arn, RoleSessionName="s1", ExternalId="ticket-7")
    answer = sts.assume_role(RoleArn=arn, RoleSessionName="s1", ExternalId="ticket-7")
    session = client_of(house, "sts", answer["Credentials"])
    own = session.get_caller_identity()
    assert own["Arn"] == f"arn:aws:sts::{house.account}:assumed-role/auditor/s1" == answer["AssumedRoleUser"]["Arn"]
    assert own["UserId"].startswith("AROA") and own["UserId"].endswith(":s1")
    assert session.get_access_key_info(AccessKeyId=answer["Credentials"]["AccessKeyId"])["Account"] == house.account
    client_of(house, "iam", answer["Credentials"]).list_users()
    only = statement(Effect="Allow", Action="iam:ListRoles", Resource="*")
    limited = sts.assume_role(RoleArn=arn, RoleSessionName="s2", ExternalId="ticket-7", Policy=only)["Credentials"]
    client_of(house, "iam", limited).list_roles()
    refused("AccessDenied", client_of(house, "iam", limited).list_users)
    refused("ValidationError", sts.assume_role, RoleArn=arn, RoleSessionName="s3", ExternalId="ticket-7", DurationSeconds=7200)
    forged = {**answer["Credentials"], "SessionToken": answer["Credentials"]["SessionToken"][:-8] + "AAAAAAA="}
    refused("InvalidClientTokenId", client_of(house, "sts", forged).get_caller_identity)
    document = iam.get_role(RoleName="auditor")["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Condition"] == condition


def test_a_session_of_ones_own_does_what_one_may(house):
    session = house.client("sts").get_session_token()["Credentials"]
    assert client_of(house, "sts", session).get_caller_identity()["Arn"] == f"arn:aws:iam::{house.account}:root"
    refused("AccessDenied", client_of(house, "sts", session).get_session_token)


def test_an_alias_names_the_root(house):
    iam = house.client("iam")
    iam.create_account_alias(AccountAlias="my-house")
    assert iam.list_account_aliases()["AccountAliases"] == ["my-house"]
    assert iam.get_user()["User"]["UserName"] == "my-house"
    iam.delete_account_alias(AccountAlias="my-house")
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_unsupported_and_unknown_calls_are_told_apart(house):
    refused("UnsupportedOperationException", house.client("iam").get_account_summary)
    refused("UnsupportedOperationException", house.client("sts").decode_authorization_message, EncodedMessage="x")
    refused("UnsupportedOperationException", house.client("organizations").list_roots)


def test_an_organization_has_accounts_that_its_management_account_enters(house):
    organizations = house.client("organizations")
    refused("AWSOrganizationsNotInUseException", organizations.describe_organization)
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]
    assert organization["Id"].startswith("o-") and organization["MasterAccountId"] == house.account
    refused("AlreadyInOrganizationException", organizations.create_organization)
    status = organizations.create_account(Email="two@example.com", AccountName="Two")["CreateAccountStatus"]
    assert status["State"] == "SUCCEEDED"
    again = organizations.describe_create_account_status(CreateAccountRequestId=status["Id"])["CreateAccountStatus"]
    assert again["AccountId"] == status["AccountId"]
    refused("InvalidInputException", organizations.create_account, Email="two@example.com", AccountName="Three")
    ids = [account["Id"] for account in organizations.list_accounts()["Accounts"]]
    assert sorted(ids) == sorted([house.account, status["AccountId"]])
    iam = house.client("iam")
    iam.create_user(UserName="olga")
    key = iam.create_access_key(UserName="olga")["AccessKey"]
    role = f"arn:aws:iam::{status['AccountId']}:role/OrganizationAccountAccessRole"
    refused("AccessDenied", client_of(house, "sts", key).assume_role, RoleArn=role, RoleSessionName="olga")
    iam.put_user_policy(UserName="olga", PolicyName="enter", PolicyDocument=statement(Effect="Allow", Action="sts:AssumeRole", Resource=role))
    inside = client_of(house, "sts", key).assume_role(RoleArn=role, RoleSessionName="olga")["Credentials"]
    assert client_of(house, "sts", inside).get_caller_identity()["Account"] == status["AccountId"]
    assert client_of(house, "iam", inside).list_users()["Users"] == []
    refused("AccessDeniedException", client_of(house, "organizations", inside).list_accounts)
