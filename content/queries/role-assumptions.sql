-- Who assumes which role
-- Assumed roles, by whom and how often; the pairs that appear for the first time are the interesting ones.
SELECT coalesce(useridentity.arn, useridentity.invokedby) AS caller, element_at(requestparameters, 'roleArn') AS role,
       count(*) AS times, min(eventtime) AS first_seen, max(eventtime) AS last_seen
FROM events
WHERE eventname LIKE 'AssumeRole%'
GROUP BY coalesce(useridentity.arn, useridentity.invokedby), element_at(requestparameters, 'roleArn')
ORDER BY first_seen DESC
LIMIT 100
