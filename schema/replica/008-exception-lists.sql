-- The Exceptions page sorts and filters a million rows without touching them: each order's index carries what the page
-- filters by, and the owners' index the numbers as well, so that every other order is sorted from an index too.
DROP INDEX exceptions_state_score;
DROP INDEX exceptions_state_opened;
DROP INDEX exceptions_state_value;
DROP INDEX exceptions_owner;
CREATE INDEX exceptions_state_score ON exceptions(state, score DESC, n, owner, blocker, severity, country);
CREATE INDEX exceptions_state_opened ON exceptions(state, opened_at DESC, n, owner, blocker, severity, country);
CREATE INDEX exceptions_state_value ON exceptions(state, value_at_risk_minor DESC, n, owner, blocker, severity, country);
CREATE INDEX exceptions_state_owner ON exceptions(state, owner, score DESC, n, blocker, severity, country, number);
