-- Console sign-ins without MFA
-- Successful console logins for which no second factor was asked.
SELECT eventtime, useridentity.arn, sourceipaddress, useragent
FROM events
WHERE eventname = 'ConsoleLogin'
  AND element_at(responseelements, 'ConsoleLogin') = 'Success'
  AND coalesce(element_at(additionaleventdata, 'MFAUsed'), 'No') <> 'Yes'
ORDER BY eventtime DESC
LIMIT 100
