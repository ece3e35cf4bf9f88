-- Newest changes
-- The newest calls that changed something.
SELECT eventtime, useridentity.arn, eventsource, eventname, awsregion, sourceipaddress, errorcode
FROM events
WHERE readonly = false
ORDER BY eventtime DESC
LIMIT 50
