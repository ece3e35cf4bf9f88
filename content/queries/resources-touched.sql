-- Activity by resource
-- How often each resource was acted on, and by how many principals.
SELECT touched.arn, touched.kind, count(*) AS calls, approx_distinct(useridentity.arn) AS principals
FROM events CROSS JOIN UNNEST(resources) AS touched (owner, kind, arn, prefix)
GROUP BY touched.arn, touched.kind
ORDER BY calls DESC
LIMIT 100
