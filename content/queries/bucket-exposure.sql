-- Buckets opened
-- Bucket policies, access lists and public access blocks that were changed.
SELECT eventtime, useridentity.arn, eventname, element_at(requestparameters, 'bucketName') AS bucket, sourceipaddress
FROM events
WHERE eventsource = 's3.amazonaws.com'
  AND eventname IN ('PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutObjectAcl', 'PutBucketPublicAccessBlock',
                    'DeleteBucketPublicAccessBlock')
ORDER BY eventtime DESC
LIMIT 100
