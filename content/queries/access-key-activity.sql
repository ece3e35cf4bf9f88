-- Activity of access keys
-- What each access key was used for, from how many addresses, first and last time: start here when a key leaked.
SELECT useridentity.accesskeyid, useridentity.arn, count(*) AS calls, approx_distinct(sourceipaddress) AS addresses,
       min(eventtime) AS first_seen, max(eventtime) AS last_seen
FROM events
WHERE useridentity.accesskeyid IS NOT NULL
GROUP BY useridentity.accesskeyid, useridentity.arn
ORDER BY calls DESC
LIMIT 100
