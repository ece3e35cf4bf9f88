-- Encryption keys disabled or scheduled for deletion
-- KMS keys that were disabled or scheduled for deletion; data under them will be lost.
SELECT eventtime, useridentity.arn, eventname, element_at(requestparameters, 'keyId') AS key_id
FROM events
WHERE eventsource = 'kms.amazonaws.com' AND eventname IN ('DisableKey', 'ScheduleKeyDeletion', 'PutKeyPolicy')
ORDER BY eventtime DESC
LIMIT 100
