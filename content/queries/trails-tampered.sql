-- Logging switched off or changed
-- Trails stopped, changed or deleted, selectors and event data stores changed: covering tracks.
SELECT eventtime, useridentity.arn, eventname, element_at(requestparameters, 'name') AS trail, sourceipaddress, errorcode
FROM events
WHERE eventsource = 'cloudtrail.amazonaws.com'
  AND eventname IN ('StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors', 'DeleteEventDataStore',
                    'UpdateEventDataStore', 'StopEventDataStoreIngestion')
ORDER BY eventtime DESC
LIMIT 100
