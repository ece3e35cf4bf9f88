"""The lake's peers, each in a process of its own: log files in, a table that can be queried out.

    python peers.py duckdb LOGS DIR      Parquet with zstd, as DuckDB writes it
    python peers.py clickhouse LOGS DIR  a MergeTree table of chdb

Both get the columns that people filter by, and nested parts as JSON text, as the lake has them; neither is asked
to give the original bytes back. Prints one JSON object: CPU seconds of the work alone, and what was stored.
"""

import json
import sys
import time
from pathlib import Path

TEXTS = [
    "eventID", "eventName", "eventSource", "eventType", "eventCategory", "eventVersion", "awsRegion", "sourceIPAddress",
    "userAgent", "errorCode", "errorMessage", "requestID", "recipientAccountId", "sharedEventID",
]
IDENTITY = ["type", "principalId", "arn", "accountId", "accessKeyId", "userName", "invokedBy"]
ISSUER = ["type", "principalId", "arn", "accountId", "userName"]
JSONS = ["requestParameters", "responseElements", "additionalEventData", "resources", "tlsDetails"]


def size(folder):
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def duckdb_(logs, folder):
    import duckdb

    text = lambda path: f"r->>'$.{path}'"
    columns = ["CAST(r->>'$.eventTime' AS TIMESTAMP) AS eventtime"]
    columns += [f"{text(name)} AS {name.lower()}" for name in TEXTS]
    columns += [f"{text('userIdentity.' + name)} AS useridentity_{name.lower()}" for name in IDENTITY]
    issuer = "userIdentity.sessionContext.sessionIssuer."
    columns += [f"{text(issuer + name)} AS issuer_{name.lower()}" for name in ISSUER]
    columns += [f"CAST(r->>'$.{name}' AS BOOLEAN) AS {name.lower()}" for name in ("readOnly", "managementEvent")]
    columns += [f"CAST(r->'$.{name}' AS VARCHAR) AS {name.lower()}" for name in JSONS]
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("SET memory_limit = '4GB'")
    connection.execute(
        f"COPY (SELECT {', '.join(columns)} FROM (SELECT unnest(Records) AS r FROM read_json('{logs}/**/*.json.gz',"
        " columns = {'Records': 'JSON[]'}, maximum_object_size = 536870912)))"
        f" TO '{folder}/events.parquet' (FORMAT parquet, COMPRESSION zstd)"
    )
    return connection.execute(f"SELECT count(*) FROM '{folder}/events.parquet'").fetchone()[0]


def clickhouse(logs, folder):
    from chdb import session

    text = lambda *path: "JSONExtractString(r, " + ", ".join(f"'{part}'" for part in path) + ")"
    columns = [("eventtime", "DateTime", f"parseDateTimeBestEffort({text('eventTime')})")]
    columns += [(name.lower(), "String", text(name)) for name in TEXTS]
    columns += [(f"useridentity_{name.lower()}", "String", text("userIdentity", name)) for name in IDENTITY]
    issuer = ("userIdentity", "sessionContext", "sessionIssuer")
    columns += [(f"issuer_{name.lower()}", "String", text(*issuer, name)) for name in ISSUER]
    columns += [(name.lower(), "Bool", f"JSONExtractBool(r, '{name}')") for name in ("readOnly", "managementEvent")]
    columns += [(name.lower(), "String", f"JSONExtractRaw(r, '{name}')") for name in JSONS]
    base = session.Session(str(folder))
    base.query("SET max_threads = 1")
    base.query("CREATE DATABASE IF NOT EXISTS lake ENGINE = Atomic")
    declared = ", ".join(f"{name} {kind} CODEC(ZSTD(1))" for name, kind, _ in columns)
    base.query(f"CREATE TABLE lake.events ({declared}) ENGINE = MergeTree ORDER BY eventtime")
    values = ", ".join(f"{value} AS {name}" for name, _, value in columns)
    base.query(
        f"INSERT INTO lake.events SELECT {values} FROM (SELECT arrayJoin(JSONExtractArrayRaw(json, 'Records')) AS r"
        f" FROM file('{logs}/**/*.json.gz', 'JSONAsString', 'json String'))"
        " SETTINGS max_insert_threads = 1, input_format_parallel_parsing = 0"
    )
    return int(str(base.query("SELECT count() FROM lake.events", "CSV")).strip())


def main():
    name, logs, folder = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    wall, cpu = time.monotonic(), time.process_time()
    rows = {"duckdb": duckdb_, "clickhouse": clickhouse}[name](Path(logs).resolve(), Path(folder).resolve())
    done = {"rows": rows, "cpu": time.process_time() - cpu, "wall": time.monotonic() - wall, "bytes": size(folder)}
    print(json.dumps(done))


if __name__ == "__main__":
    main()
