"""PyIceberg and DuckDB read the lake through the REST catalog, and see what was recorded."""

from importlib.resources import files
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import duckdb
import pytest
from conftest import FAST, House, eventually
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import ForbiddenError

LAKE = {"CAIRN_LAKE_FLUSH_INTERVAL": "1s", "CAIRN_LAKE_PUBLISH_INTERVAL": "1s"}
EVENTS = "cairn.events"
CALLS = 25


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("house") / "data", **FAST, **LAKE).start()
    sts = house.client("sts")
    for _ in range(CALLS):
        sts.get_caller_identity()
    yield house
    house.stop()


def catalog(house, keys=None, **more):
    keys = keys or house.root_keys()
    credential = f"{keys['aws_access_key_id']}:{keys['aws_secret_access_key']}"
    tokens = f"{house.url}/iceberg/v1/oauth/tokens"
    return load_catalog(
        "cairn", type="rest", uri=f"{house.url}/iceberg", credential=credential, **{"oauth2-server-uri": tokens, **more}
    )


def calls(catalog):
    """How many of the calls made above PyIceberg sees."""
    table = catalog.load_table(EVENTS)
    return table.scan(row_filter="eventname == 'GetCallerIdentity'", selected_fields=("eventid",)).to_arrow().num_rows


def duck(house):
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    for name in ("avro", "httpfs", "iceberg"):
        path = files(f"duckdb_extension_{name}") / f"extensions/v{duckdb.__version__}/{name}.duckdb_extension"
        connection.execute(f"LOAD '{path}'")
    keys = house.root_keys()
    connection.execute(
        f"""CREATE SECRET cairn (TYPE iceberg, CLIENT_ID '{keys["aws_access_key_id"]}',
            CLIENT_SECRET '{keys["aws_secret_access_key"]}',
            OAUTH2_SERVER_URI '{house.url}/iceberg/v1/oauth/tokens')"""
    )
    connection.execute(f"ATTACH 'cairn' AS lake (TYPE iceberg, SECRET cairn, ENDPOINT '{house.url}/iceberg')")
    return connection


def test_pyiceberg_sees_every_call(house):
    assert eventually(lambda: calls(catalog(house)) == CALLS)


def test_duckdb_sees_what_pyiceberg_sees(house):
    assert eventually(lambda: calls(catalog(house)) == CALLS)
    found = duck(house).execute("SELECT count(*) FROM lake.cairn.events WHERE eventname = 'GetCallerIdentity'")
    assert found.fetchone() == (CALLS,)


def test_signed_calls_need_no_token(house):
    keys = house.root_keys()
    signed = load_catalog(
        "signed",
        type="rest",
        uri=f"{house.url}/iceberg",
        **{
            "rest.sigv4-enabled": "true",
            "rest.signing-region": "us-east-1",
            "client.region": "us-east-1",
            "client.access-key-id": keys["aws_access_key_id"],
            "client.secret-access-key": keys["aws_secret_access_key"],
        },
    )
    assert ("cairn", "events") in signed.list_tables("cairn")


def test_files_outside_the_time_asked_for_are_not_read(house):
    assert eventually(lambda: calls(catalog(house)) == CALLS)
    table = catalog(house).load_table(EVENTS)
    assert list(table.scan().plan_files())
    assert not list(table.scan(row_filter="eventtime < '2020-01-01T00:00:00+00:00'").plan_files())


def test_a_wrong_secret_gets_no_token(house):
    form = urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": house.root_keys()["aws_access_key_id"],
            "client_secret": "wrong",
        }
    )
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{house.url}/iceberg/v1/oauth/tokens", form.encode())
    assert refused.value.code == 401


def test_a_user_without_rights_is_refused(house):
    with pytest.raises(ForbiddenError):
        catalog(house, house.user("nobody")).list_namespaces()
