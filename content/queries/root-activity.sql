-- What root did
-- Every call made as the root user of an account; there should be none in daily work.
SELECT eventtime, eventsource, eventname, awsregion, sourceipaddress, errorcode
FROM events
WHERE useridentity.type = 'Root' AND useridentity.invokedby IS NULL
ORDER BY eventtime DESC
LIMIT 100
