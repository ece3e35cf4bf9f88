-- Role chains
-- Roles that were assumed from a session of another role.
SELECT eventtime, useridentity.sessioncontext.sessionissuer.arn AS from_role, element_at(requestparameters, 'roleArn') AS to_role,
       sourceipaddress
FROM events
WHERE eventname = 'AssumeRole' AND useridentity.type = 'AssumedRole'
ORDER BY eventtime DESC
LIMIT 100
