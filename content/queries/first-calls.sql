-- First call of each principal
-- When each principal was seen first, and what it did then: new identities.
SELECT useridentity.arn, min(eventtime) AS first_seen, min_by(eventname, eventtime) AS first_call, count(*) AS calls
FROM events
WHERE useridentity.arn IS NOT NULL
GROUP BY useridentity.arn
ORDER BY first_seen DESC
LIMIT 100
