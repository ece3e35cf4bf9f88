-- Changes of users, roles and policies
-- Everything that changed in IAM: users, groups, roles, policies.
SELECT eventtime, useridentity.arn, eventname, element_at(requestparameters, 'userName') AS user_name,
       element_at(requestparameters, 'roleName') AS role_name, element_at(requestparameters, 'policyArn') AS policy
FROM events
WHERE eventsource = 'iam.amazonaws.com' AND readonly = false AND errorcode IS NULL
ORDER BY eventtime DESC
LIMIT 200
