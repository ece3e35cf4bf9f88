-- Activity by resource
-- How often each resource was acted on, and by how many principals.
SELECT resource.arn, resource.type, count(*) AS calls, approx_distinct(useridentity.arn) AS principals
FROM events CROSS JOIN UNNEST(resources) AS touched (resource)
GROUP BY resource.arn, resource.type
ORDER BY calls DESC
LIMIT 100
