-- What was deleted
-- Deletions by principal and operation, the busiest first.
SELECT useridentity.arn, eventsource, eventname, count(*) AS deletions, max(eventtime) AS latest
FROM events
WHERE regexp_like(eventname, '^(Delete|Remove|Terminate|Destroy)') AND errorcode IS NULL
GROUP BY useridentity.arn, eventsource, eventname
ORDER BY deletions DESC
LIMIT 100
