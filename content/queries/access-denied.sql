-- Access denied
-- Calls that were not allowed, by principal and operation.
SELECT useridentity.arn, eventsource, eventname, count(*) AS denials, max(eventtime) AS latest
FROM events
WHERE errorcode IN ('AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation', 'Client.UnauthorizedOperation')
GROUP BY useridentity.arn, eventsource, eventname
ORDER BY denials DESC
LIMIT 100
