-- People and configuration as data: versioned by rev, editable at run time, audited like every business row.
-- Business tables: id is the UUID, n a local number for lists and full-text search, rev counts the edits.

CREATE TABLE people(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  login TEXT NOT NULL UNIQUE CHECK(login <> ''), name TEXT NOT NULL DEFAULT '', email TEXT, language TEXT,
  skills TEXT NOT NULL DEFAULT '[]', approval_limit_minor INTEGER, approval_currency TEXT, archived_at INTEGER) STRICT;
CREATE TABLE person_roles(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  person_id BLOB NOT NULL REFERENCES people(id), role TEXT NOT NULL
    CHECK(role IN ('viewer', 'sales', 'accounting', 'logistics', 'legal', 'partner', 'admin', 'agent')),
  UNIQUE(person_id, role)) STRICT;
CREATE TABLE absences(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  person_id BLOB NOT NULL REFERENCES people(id), starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL,
  CHECK(ends_at > starts_at)) STRICT;
CREATE INDEX absences_person ON absences(person_id);
CREATE TABLE delegations(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  person_id BLOB NOT NULL REFERENCES people(id), delegate_id BLOB NOT NULL REFERENCES people(id),
  starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, CHECK(ends_at > starts_at AND person_id <> delegate_id)) STRICT;
CREATE INDEX delegations_person ON delegations(person_id);
CREATE INDEX delegations_delegate ON delegations(delegate_id);

CREATE TABLE settings(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  key TEXT NOT NULL UNIQUE, value TEXT NOT NULL) STRICT;
-- Configuration documents that the domain layer parses: one row a document, JSON in body.
CREATE TABLE calendars(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE, body TEXT NOT NULL CHECK(json_valid(body)), archived_at INTEGER) STRICT;
CREATE TABLE sla_policies(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE, position INTEGER NOT NULL, body TEXT NOT NULL CHECK(json_valid(body)), archived_at INTEGER) STRICT;
CREATE TABLE rules(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1 CHECK(enabled IN (0, 1)), position INTEGER NOT NULL DEFAULT 0,
  body TEXT NOT NULL CHECK(json_valid(body)), archived_at INTEGER) STRICT;
CREATE TABLE agent_profiles(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE, body TEXT NOT NULL CHECK(json_valid(body)), archived_at INTEGER) STRICT;
CREATE TABLE routes(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE, position INTEGER NOT NULL, body TEXT NOT NULL CHECK(json_valid(body)), archived_at INTEGER) STRICT;
CREATE TABLE templates(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, blocker TEXT, language TEXT NOT NULL DEFAULT 'en', seller_id BLOB,
  body TEXT NOT NULL CHECK(json_valid(body)), archived_at INTEGER) STRICT;
CREATE INDEX templates_kind ON templates(kind, blocker, language);
CREATE TABLE guardrails(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE, channel TEXT NOT NULL DEFAULT '*', severity TEXT NOT NULL CHECK(severity IN ('error', 'warning')),
  body TEXT NOT NULL CHECK(json_valid(body)), seller_id BLOB, archived_at INTEGER) STRICT;
CREATE TABLE articles(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  title TEXT NOT NULL, body TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '[]', language TEXT NOT NULL DEFAULT 'en', archived_at INTEGER) STRICT;
CREATE TABLE experiments(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE, body TEXT NOT NULL CHECK(json_valid(body)), starts_at INTEGER, ends_at INTEGER, archived_at INTEGER) STRICT;
CREATE TABLE saved_views(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  person TEXT NOT NULL, page TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL CHECK(json_valid(body)), UNIQUE(person, page, name)) STRICT;

-- A channel is an account at a provider; destinations are what may be posted to.
CREATE TABLE channels(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  name TEXT NOT NULL UNIQUE CHECK(name <> '' AND instr(name, ':') = 0), kind TEXT NOT NULL, base_url TEXT NOT NULL,
  settings TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(settings)), archived_at INTEGER) STRICT;
CREATE TABLE channel_destinations(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  channel_id BLOB NOT NULL REFERENCES channels(id), destination TEXT NOT NULL CHECK(destination <> ''), archived_at INTEGER,
  UNIQUE(channel_id, destination)) STRICT;
CREATE TABLE exchange_rates(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  base TEXT NOT NULL, quote TEXT NOT NULL, rate_millionths INTEGER NOT NULL CHECK(rate_millionths > 0), dated_on TEXT NOT NULL,
  UNIQUE(base, quote, dated_on)) STRICT;
