-- Source addresses of each principal
-- From how many addresses each principal calls; a new address of a known principal is worth a look.
SELECT useridentity.arn, sourceipaddress, count(*) AS calls, min(eventtime) AS first_seen, max(eventtime) AS last_seen
FROM events
WHERE useridentity.arn IS NOT NULL
GROUP BY useridentity.arn, sourceipaddress
ORDER BY first_seen DESC
LIMIT 200
