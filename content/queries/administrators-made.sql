-- Who was made an administrator
-- Policies that grant everything, attached to users, groups or roles: privilege escalation.
SELECT eventtime, useridentity.arn AS made_by, eventname, element_at(requestparameters, 'policyArn') AS policy,
       coalesce(element_at(requestparameters, 'userName'), element_at(requestparameters, 'roleName'),
                element_at(requestparameters, 'groupName')) AS made
FROM events
WHERE eventname IN ('AttachUserPolicy', 'AttachRolePolicy', 'AttachGroupPolicy')
  AND element_at(requestparameters, 'policyArn') LIKE '%AdministratorAccess%'
ORDER BY eventtime DESC
LIMIT 100
