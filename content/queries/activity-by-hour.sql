-- Activity by hour
-- Calls and failures in each hour: where the peaks are.
SELECT date_trunc('hour', eventtime) AS hour, count(*) AS calls, count(errorcode) AS failures,
       approx_distinct(useridentity.arn) AS principals
FROM events
GROUP BY date_trunc('hour', eventtime)
ORDER BY hour DESC
LIMIT 168
