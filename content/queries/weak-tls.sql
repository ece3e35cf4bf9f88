-- Old TLS versions
-- Clients that still speak TLS before 1.2.
SELECT tlsdetails.tlsversion, useridentity.arn, useragent, count(*) AS calls
FROM events
WHERE tlsdetails.tlsversion IN ('TLSv1', 'TLSv1.1')
GROUP BY tlsdetails.tlsversion, useridentity.arn, useragent
ORDER BY calls DESC
LIMIT 100
