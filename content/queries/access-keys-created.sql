-- Access keys created
-- New access keys: by whom and for which user.
SELECT eventtime, useridentity.arn AS created_by, element_at(requestparameters, 'userName') AS for_user, sourceipaddress
FROM events
WHERE eventsource = 'iam.amazonaws.com' AND eventname = 'CreateAccessKey' AND errorcode IS NULL
ORDER BY eventtime DESC
LIMIT 100
