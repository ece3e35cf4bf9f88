"""What an investigation asks: sixteen questions, each as the lake is asked (Trino's words over CloudTrail's
columns) and as DuckDB is asked over the lake's Parquet files (their columns are flat).

Answers are texts and whole numbers, so that they can be compared as they are.
"""

from logs import NEEDLE

# name, whether it looks for a needle, the lake's words, DuckDB's words
QUESTIONS = [
    (
        "errors by principal",
        False,
        "SELECT useridentity.arn AS who, errorcode, count(*) AS n FROM events WHERE errorcode IS NOT NULL"
        " GROUP BY useridentity.arn, errorcode ORDER BY n DESC, who, errorcode LIMIT 50",
        "SELECT useridentity_arn AS who, errorcode, count(*) AS n FROM files WHERE errorcode IS NOT NULL"
        " GROUP BY useridentity_arn, errorcode ORDER BY n DESC, who NULLS LAST, errorcode LIMIT 50",
    ),
    (
        "sign-ins without MFA",
        False,
        "SELECT useridentity.arn AS who, sourceipaddress, count(*) AS n FROM events WHERE eventname = 'ConsoleLogin'"
        " AND element_at(additionaleventdata, 'MFAUsed') = 'No' GROUP BY useridentity.arn, sourceipaddress"
        " ORDER BY n DESC, who, sourceipaddress LIMIT 50",
        "SELECT useridentity_arn AS who, sourceipaddress, count(*) AS n FROM files WHERE eventname = 'ConsoleLogin'"
        " AND json_extract_string(additionaleventdata, '$.MFAUsed') = 'No' GROUP BY useridentity_arn, sourceipaddress"
        " ORDER BY n DESC, who NULLS LAST, sourceipaddress LIMIT 50",
    ),
    (
        "who changed this security group",
        False,
        "SELECT useridentity.arn AS who, eventname, eventid FROM events WHERE eventname IN"
        " ('AuthorizeSecurityGroupIngress', 'RevokeSecurityGroupIngress')"
        " AND element_at(requestparameters, 'groupId') = '{group}' ORDER BY eventid",
        "SELECT useridentity_arn AS who, eventname, eventid FROM files WHERE eventname IN"
        " ('AuthorizeSecurityGroupIngress', 'RevokeSecurityGroupIngress')"
        " AND json_extract_string(requestparameters, '$.groupId') = '{group}' ORDER BY eventid",
    ),
    (
        "role chains",
        False,
        "SELECT useridentity.sessioncontext.sessionissuer.arn AS first, element_at(requestparameters, 'roleArn') AS then,"
        " count(*) AS n FROM events WHERE eventname = 'AssumeRole' AND useridentity.type = 'AssumedRole'"
        " GROUP BY 1, 2 ORDER BY n DESC, first, then LIMIT 50".replace(" then", " next_role"),
        "SELECT useridentity_sessioncontext_sessionissuer_arn AS first, json_extract_string(requestparameters, '$.roleArn')"
        " AS next_role, count(*) AS n FROM files WHERE eventname = 'AssumeRole' AND useridentity_type = 'AssumedRole'"
        " GROUP BY 1, 2 ORDER BY n DESC, first, next_role LIMIT 50",
    ),
    (
        "newest 50 writes in an hour",
        False,
        "SELECT eventid, eventname FROM events WHERE readonly = false AND eventtime >= timestamp '2026-01-20 10:00:00'"
        " AND eventtime < timestamp '2026-01-20 11:00:00' ORDER BY eventtime DESC, eventid LIMIT 50",
        "SELECT eventid, eventname FROM files WHERE readonly = false AND eventtime >= TIMESTAMPTZ '2026-01-20 10:00:00+00'"
        " AND eventtime < TIMESTAMPTZ '2026-01-20 11:00:00+00' ORDER BY eventtime DESC, eventid LIMIT 50",
    ),
    (
        "what root did",
        False,
        "SELECT recipientaccountid, eventname, sourceipaddress, count(*) AS n FROM events WHERE useridentity.type = 'Root'"
        " GROUP BY 1, 2, 3 ORDER BY n DESC, 1, 2, 3 LIMIT 50",
        "SELECT recipientaccountid, eventname, sourceipaddress, count(*) AS n FROM files WHERE useridentity_type = 'Root'"
        " GROUP BY 1, 2, 3 ORDER BY n DESC, 1, 2, 3 LIMIT 50",
    ),
    (
        "changes to IAM",
        False,
        "SELECT eventname, useridentity.arn AS who, count(*) AS n FROM events WHERE eventsource = 'iam.amazonaws.com'"
        " AND readonly = false GROUP BY eventname, useridentity.arn ORDER BY n DESC, eventname, who LIMIT 50",
        "SELECT eventname, useridentity_arn AS who, count(*) AS n FROM files WHERE eventsource = 'iam.amazonaws.com'"
        " AND readonly = false GROUP BY eventname, useridentity_arn ORDER BY n DESC, eventname, who NULLS LAST LIMIT 50",
    ),
    (
        "denied calls by service",
        False,
        "SELECT eventsource, eventname, count(*) AS n FROM events WHERE errorcode IN"
        " ('AccessDenied', 'Client.UnauthorizedOperation') GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 50",
        "SELECT eventsource, eventname, count(*) AS n FROM files WHERE errorcode IN"
        " ('AccessDenied', 'Client.UnauthorizedOperation') GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 50",
    ),
    (
        "addresses of each principal",
        False,
        "SELECT useridentity.arn AS who, count(DISTINCT sourceipaddress) AS n FROM events"
        " WHERE useridentity.arn IS NOT NULL GROUP BY useridentity.arn ORDER BY n DESC, who LIMIT 20",
        "SELECT useridentity_arn AS who, count(DISTINCT sourceipaddress) AS n FROM files"
        " WHERE useridentity_arn IS NOT NULL GROUP BY useridentity_arn ORDER BY n DESC, who LIMIT 20",
    ),
    (
        "calls by hour of a day",
        False,
        "SELECT hour(eventtime) AS h, count(*) AS n FROM events WHERE eventtime >= timestamp '2026-01-20 00:00:00'"
        " AND eventtime < timestamp '2026-01-21 00:00:00' GROUP BY hour(eventtime) ORDER BY h",
        "SELECT hour(eventtime AT TIME ZONE 'UTC') AS h, count(*) AS n FROM files"
        " WHERE eventtime >= TIMESTAMPTZ '2026-01-20 00:00:00+00' AND eventtime < TIMESTAMPTZ '2026-01-21 00:00:00+00'"
        " GROUP BY 1 ORDER BY h",
    ),
    (
        "text in request parameters",
        False,
        "SELECT eventid, element_at(requestparameters, 'roleName') AS role FROM events WHERE eventname = 'PutRolePolicy'"
        " AND element_at(requestparameters, 'policyDocument') LIKE '%iam:PassRole%' ORDER BY eventid LIMIT 100",
        "SELECT eventid, json_extract_string(requestparameters, '$.roleName') AS role FROM files"
        " WHERE eventname = 'PutRolePolicy' AND json_extract_string(requestparameters, '$.policyDocument')"
        " LIKE '%iam:PassRole%' ORDER BY eventid LIMIT 100",
    ),
    (
        "event by id",
        True,
        "SELECT eventname, eventsource, sourceipaddress FROM events WHERE eventid = '{id}'",
        "SELECT eventname, eventsource, sourceipaddress FROM files WHERE eventid = '{id}'",
    ),
    (
        "activity of an access key",
        True,
        "SELECT eventsource, eventname, count(*) AS n FROM events WHERE useridentity.accesskeyid = '{key}'"
        " GROUP BY 1, 2 ORDER BY n DESC, 1, 2",
        "SELECT eventsource, eventname, count(*) AS n FROM files WHERE useridentity_accesskeyid = '{key}'"
        " GROUP BY 1, 2 ORDER BY n DESC, 1, 2",
    ),
    (
        "activity from an address",
        True,
        "SELECT eventid, eventname FROM events WHERE sourceipaddress = '{ip}' ORDER BY eventid",
        "SELECT eventid, eventname FROM files WHERE sourceipaddress = '{ip}' ORDER BY eventid",
    ),
    (
        "what happened to a resource",
        True,
        "SELECT eventname, count(*) AS n FROM events WHERE contains(resourcenames, '{bucket}')"
        " GROUP BY eventname ORDER BY n DESC, eventname",
        "SELECT eventname, count(*) AS n FROM files WHERE list_contains(resourcenames, '{bucket}')"
        " GROUP BY eventname ORDER BY n DESC, eventname",
    ),
    (
        "what a user did",
        True,
        "SELECT eventsource, eventname, count(*) AS n FROM events"
        " WHERE useridentity.arn = 'arn:aws:iam::111122223333:user/{user}' GROUP BY 1, 2 ORDER BY n DESC, 1, 2",
        "SELECT eventsource, eventname, count(*) AS n FROM files"
        " WHERE useridentity_arn = 'arn:aws:iam::111122223333:user/{user}' GROUP BY 1, 2 ORDER BY n DESC, 1, 2",
    ),
]


def questions(event_id):
    """The questions with their needles: (name, is a needle, the lake's words, DuckDB's words)."""
    found = []
    for name, is_needle, ours, theirs in QUESTIONS:
        # Asking is recorded too: those calls are left out, on both sides.
        ours = ours.replace(" FROM events WHERE ", " FROM events WHERE origin = 'import' AND ")
        theirs = theirs.replace(" FROM files WHERE ", " FROM files WHERE origin = 'import' AND ")
        for word, needle in {**NEEDLE, "id": event_id}.items():
            ours, theirs = (text.replace("{" + word + "}", needle) for text in (ours, theirs))
        found.append((name, is_needle, ours, theirs))
    return found
