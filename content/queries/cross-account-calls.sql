-- Cross-account activity
-- Calls by principals of other accounts than the one that received them.
SELECT useridentity.accountid AS caller_account, recipientaccountid, eventsource, eventname, count(*) AS calls
FROM events
WHERE useridentity.accountid IS NOT NULL AND useridentity.accountid <> recipientaccountid
GROUP BY useridentity.accountid, recipientaccountid, eventsource, eventname
ORDER BY calls DESC
LIMIT 100
