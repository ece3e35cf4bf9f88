"""Row L11: dashboards by a real client."""

import pytest
from botocore.exceptions import ClientError
from conftest import eventually

VIEW = {"View": "Table", "Title": "calls"}


def widget(statement="SELECT eventname, count(*) AS c FROM events GROUP BY eventname", **more):
    return {"QueryStatement": statement, "ViewProperties": VIEW, **more}


def code(caught):
    return caught.value.response["Error"]["Code"]


def test_l11_ten_widgets_are_taken_and_eleven_are_not(house):
    cloudtrail = house.client("cloudtrail")
    made = cloudtrail.create_dashboard(Name="l11-ten", Widgets=[widget()] * 10)
    assert (made["Type"], len(made["Widgets"])) == ("CUSTOM", 10)
    assert made["DashboardArn"].endswith(":dashboard/l11-ten")
    with pytest.raises(ClientError) as caught:
        cloudtrail.create_dashboard(Name="l11-eleven", Widgets=[widget()] * 11)
    assert code(caught) == "ServiceQuotaExceededException"
    with pytest.raises(ClientError) as caught:
        cloudtrail.create_dashboard(Name="l11-bad", Widgets=[widget("DELETE FROM events")])
    assert code(caught) == "InvalidQueryStatementException"
    with pytest.raises(ClientError) as caught:
        cloudtrail.create_dashboard(Name="l11-ten", Widgets=[])
    assert code(caught) == "ConflictException"
    listed = cloudtrail.list_dashboards(NamePrefix="l11-")["Dashboards"]
    assert [one["DashboardArn"] for one in listed] == [made["DashboardArn"]]


def test_l11_a_refresh_runs_the_widgets_and_each_is_found_by_its_alias(house):
    cloudtrail = house.client("cloudtrail")
    between = "SELECT date_trunc('?', eventtime) AS period, count(*) AS c FROM events WHERE eventtime > '?' AND eventtime <= '?'"
    parameters = ["$Period$", "$StartTime$", "$EndTime$"]
    timed = widget(f"{between} GROUP BY 1", QueryParameters=parameters)
    made = cloudtrail.create_dashboard(Name="l11-refresh", Widgets=[timed, widget()])
    refresh = cloudtrail.start_dashboard_refresh(DashboardId="l11-refresh")["RefreshId"]
    assert refresh.isdigit() and 10 <= len(refresh) <= 20
    for one in made["Widgets"]:
        ask = lambda: cloudtrail.describe_query(RefreshId=refresh, QueryAlias=one["QueryAlias"])
        found = eventually(lambda: (answer := ask())["QueryStatus"] not in ("QUEUED", "RUNNING") and answer)
        assert found["QueryStatus"] == "FINISHED", found
        rows = cloudtrail.get_query_results(QueryId=found["QueryId"])["QueryResultRows"]
        assert rows
    described = cloudtrail.get_dashboard(DashboardId=made["DashboardArn"])
    assert described["LastRefreshId"] == refresh and "LastRefreshFailureReason" not in described


def test_l11_a_schedule_has_the_intervals_of_aws_and_protection_holds(house):
    cloudtrail = house.client("cloudtrail")
    schedule = {"Frequency": {"Unit": "HOURS", "Value": 6}, "Status": "ENABLED"}
    made = cloudtrail.create_dashboard(
        Name="l11-schedule", Widgets=[widget()], RefreshSchedule=schedule, TerminationProtectionEnabled=True
    )
    assert made["RefreshSchedule"] == schedule
    with pytest.raises(ClientError) as caught:
        cloudtrail.update_dashboard(
            DashboardId="l11-schedule", RefreshSchedule={"Frequency": {"Unit": "HOURS", "Value": 5}, "Status": "ENABLED"}
        )
    assert code(caught) == "ValidationException"
    with pytest.raises(ClientError) as caught:
        cloudtrail.delete_dashboard(DashboardId="l11-schedule")
    assert code(caught) == "ConflictException"
    cloudtrail.update_dashboard(DashboardId="l11-schedule", TerminationProtectionEnabled=False)
    cloudtrail.delete_dashboard(DashboardId="l11-schedule")
    with pytest.raises(ClientError) as caught:
        cloudtrail.get_dashboard(DashboardId="l11-schedule")
    assert code(caught) == "ResourceNotFoundException"
