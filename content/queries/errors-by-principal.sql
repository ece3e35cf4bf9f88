-- Errors by principal
-- Who runs into errors, with which code and how often: broken automation, or somebody trying doors.
SELECT useridentity.arn, errorcode, count(*) AS errors, approx_distinct(eventname) AS operations
FROM events
WHERE errorcode IS NOT NULL
GROUP BY useridentity.arn, errorcode
ORDER BY errors DESC
LIMIT 100
