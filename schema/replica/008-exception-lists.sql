-- The Exceptions page sorts and filters a million rows without touching them: each order's index carries what the page
-- filters by. An order without an index of its own is sorted from one of these.
DROP INDEX exceptions_state_score;
DROP INDEX exceptions_state_opened;
DROP INDEX exceptions_state_value;
DROP INDEX exceptions_owner;
CREATE INDEX exceptions_state_score ON exceptions(state, score DESC, n, owner, blocker, severity, country);
CREATE INDEX exceptions_state_opened ON exceptions(state, opened_at DESC, n, owner, blocker, severity, country);
CREATE INDEX exceptions_state_value ON exceptions(state, value_at_risk_minor DESC, n, owner, blocker, severity, country);
CREATE INDEX exceptions_state_owner ON exceptions(state, owner, score DESC, n, blocker, severity, country);
CREATE INDEX exceptions_state_number ON exceptions(state, number, n, owner, blocker, severity, country);
