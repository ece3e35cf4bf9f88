-- Unusual clients
-- User agents by how rarely they appear: tools that nobody here uses.
SELECT useragent, count(*) AS calls, approx_distinct(useridentity.arn) AS principals, max(eventtime) AS latest
FROM events
WHERE useragent IS NOT NULL
GROUP BY useragent
ORDER BY calls
LIMIT 100
