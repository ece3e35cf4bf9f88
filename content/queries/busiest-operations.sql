-- Busiest operations
-- Which operations are called most, and how many of the calls fail.
SELECT eventsource, eventname, count(*) AS calls, count(errorcode) AS failures
FROM events
GROUP BY eventsource, eventname
ORDER BY calls DESC
LIMIT 100
