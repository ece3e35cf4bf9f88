-- Failed console sign-ins
-- Console logins that failed, by user and address: somebody guesses passwords.
SELECT useridentity.username, sourceipaddress, errormessage, count(*) AS attempts, max(eventtime) AS latest
FROM events
WHERE eventname = 'ConsoleLogin' AND element_at(responseelements, 'ConsoleLogin') = 'Failure'
GROUP BY useridentity.username, sourceipaddress, errormessage
ORDER BY attempts DESC
LIMIT 100
