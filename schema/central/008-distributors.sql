-- Distributors: seen by those who hold the scope of all or of their region.
SET LOCAL ROLE tower_owner;

CREATE TABLE app.distributors (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  number text NOT NULL UNIQUE,
  legal_name text NOT NULL CHECK (legal_name <> ''),
  country text NOT NULL DEFAULT '', region text NOT NULL DEFAULT '', city text NOT NULL DEFAULT '',
  street text NOT NULL DEFAULT '', postal_code text NOT NULL DEFAULT '',
  value_band text NOT NULL DEFAULT 'C' CHECK (value_band IN ('A', 'B', 'C')),
  onboarding_state text NOT NULL DEFAULT 'prospect'
    CHECK (onboarding_state IN ('prospect', 'documents', 'contract', 'active', 'suspended')),
  onboarding_since_at bigint NOT NULL,
  credit_limit_minor bigint CHECK (credit_limit_minor >= 0),
  currency text NOT NULL CHECK (length(currency) = 3),
  language text NOT NULL DEFAULT 'en',
  channel_preferences sync.json NOT NULL DEFAULT '[]',
  source text NOT NULL DEFAULT '', external_ref text,
  notes text NOT NULL DEFAULT '',
  archived_at bigint,
  scopes integer[] NOT NULL
);
CREATE UNIQUE INDEX distributors_external ON app.distributors (source, external_ref) WHERE external_ref IS NOT NULL;
CREATE INDEX distributors_scopes ON app.distributors USING gin (scopes);

CREATE FUNCTION app.distributors_scopes(d app.distributors) RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY['all', 'region:' || d.region];
$$;

SELECT sync.register(1::smallint, 'distributors', 'distributor', 'DIST',
  '{"number": "number", "archived_at": "stamp", "onboarding_since_at": "since onboarding_state"}', '{"notes": 100000}', true);
