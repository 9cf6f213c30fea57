-- What belongs to distributors and orders, and is seen where they are.
SET LOCAL ROLE tower_owner;

CREATE TABLE app.contacts (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  distributor_id uuid NOT NULL REFERENCES app.distributors DEFERRABLE INITIALLY DEFERRED,
  name text NOT NULL, email text, phone text, role text NOT NULL DEFAULT '',
  source text NOT NULL DEFAULT '', external_ref text, archived_at bigint,
  scopes integer[] NOT NULL
);
CREATE INDEX contacts_distributor ON app.contacts (distributor_id);
CREATE UNIQUE INDEX contacts_external ON app.contacts (source, external_ref) WHERE external_ref IS NOT NULL;
SELECT sync.register(5::smallint, 'contacts', 'contact', NULL,
  '{"distributor_id": "parent distributors", "archived_at": "stamp"}');

CREATE TABLE app.invoices (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  number text NOT NULL UNIQUE,
  order_id uuid NOT NULL REFERENCES app.orders DEFERRABLE INITIALLY DEFERRED,
  distributor_id uuid NOT NULL REFERENCES app.distributors DEFERRABLE INITIALLY DEFERRED,
  state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'issued', 'part_paid', 'paid', 'disputed', 'void')),
  amount_minor bigint NOT NULL, paid_minor bigint NOT NULL DEFAULT 0, currency text NOT NULL CHECK (length(currency) = 3),
  issued_on sync.day, due_on sync.day, paid_on sync.day,
  source text NOT NULL DEFAULT '', external_ref text, archived_at bigint,
  scopes integer[] NOT NULL
);
CREATE INDEX invoices_order ON app.invoices (order_id);
CREATE INDEX invoices_distributor ON app.invoices (distributor_id);
CREATE UNIQUE INDEX invoices_external ON app.invoices (source, external_ref) WHERE external_ref IS NOT NULL;
SELECT sync.register(6::smallint, 'invoices', 'invoice', 'INV',
  '{"number": "number", "order_id": "parent orders", "distributor_id": "parent distributors", "archived_at": "stamp"}',
  by_year => true);

-- An invoice is its order's distributor's, whatever the command says: rules count it there. Files state whose it is.
CREATE FUNCTION sync.take_distributor() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.distributor_id := coalesce((SELECT o.distributor_id FROM app.orders o WHERE o.id = NEW.order_id), NEW.distributor_id);
  RETURN NEW;
END $$;
CREATE TRIGGER distributor BEFORE INSERT ON app.invoices   -- by its name before the stamps, which go by it
  FOR EACH ROW WHEN (current_setting('tower.command', true) = 'invoice.create') EXECUTE FUNCTION sync.take_distributor();

CREATE TABLE app.shipments (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  number text NOT NULL UNIQUE,
  order_id uuid NOT NULL REFERENCES app.orders DEFERRABLE INITIALLY DEFERRED,
  carrier text NOT NULL DEFAULT '', tracking_number text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'planned'
    CHECK (state IN ('planned', 'booked', 'pickup_failed', 'in_transit', 'delivered', 'cancelled')),
  promised_at bigint, eta_at bigint, shipped_at bigint, delivered_at bigint,
  pickup_attempts bigint NOT NULL DEFAULT 0, proof_of_delivery bigint NOT NULL DEFAULT 0 CHECK (proof_of_delivery IN (0, 1)),
  freight_minor bigint, currency text, destination text NOT NULL DEFAULT '',
  source text NOT NULL DEFAULT '', external_ref text, archived_at bigint,
  scopes integer[] NOT NULL
);
CREATE INDEX shipments_order ON app.shipments (order_id);
CREATE UNIQUE INDEX shipments_external ON app.shipments (source, external_ref) WHERE external_ref IS NOT NULL;
SELECT sync.register(7::smallint, 'shipments', 'shipment', 'SHP',
  '{"number": "number", "order_id": "parent orders", "archived_at": "stamp"}', by_year => true);

CREATE TABLE app.shipment_events (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  shipment_id uuid NOT NULL REFERENCES app.shipments DEFERRABLE INITIALLY DEFERRED,
  kind text NOT NULL, happened_at bigint NOT NULL,
  eta_at bigint, place text NOT NULL DEFAULT '', note text NOT NULL DEFAULT '',
  source text NOT NULL DEFAULT '', external_ref text,
  scopes integer[] NOT NULL
);
CREATE INDEX shipment_events_shipment ON app.shipment_events (shipment_id);
CREATE UNIQUE INDEX shipment_events_external ON app.shipment_events (source, external_ref) WHERE external_ref IS NOT NULL;
SELECT sync.register(8::smallint, 'shipment_events', 'shipment_event', NULL, '{"shipment_id": "parent shipments"}');

CREATE TABLE app.documents (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  distributor_id uuid NOT NULL REFERENCES app.distributors DEFERRABLE INITIALLY DEFERRED,
  order_id uuid REFERENCES app.orders DEFERRABLE INITIALLY DEFERRED,
  kind text NOT NULL, state text NOT NULL DEFAULT 'missing'
    CHECK (state IN ('missing', 'submitted', 'verified', 'rejected', 'expired')),
  expires_on sync.day, reason text NOT NULL DEFAULT '',
  file_id uuid CHECK (file_id IS NULL),           -- until there are files here
  source text NOT NULL DEFAULT '', external_ref text, archived_at bigint,
  scopes integer[] NOT NULL
);
CREATE INDEX documents_distributor ON app.documents (distributor_id);
CREATE INDEX documents_order ON app.documents (order_id) WHERE order_id IS NOT NULL;
CREATE UNIQUE INDEX documents_external ON app.documents (source, external_ref) WHERE external_ref IS NOT NULL;
SELECT sync.register(9::smallint, 'documents', 'document', NULL,
  '{"distributor_id": "parent distributors", "order_id": "parent orders", "archived_at": "stamp"}');

-- Notes on whatever has a story; what is written about something that is not here, or not yet, only those see who see all.
CREATE TABLE app.task_notes (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  subject_type text NOT NULL, subject_id uuid NOT NULL, author text NOT NULL, text text NOT NULL,
  scopes integer[] NOT NULL
);
CREATE INDEX task_notes_subject ON app.task_notes (subject_id);

CREATE FUNCTION app.task_notes_scopes(n app.task_notes) RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY['all'];
$$;
SELECT sync.register(60::smallint, 'task_notes', 'note', NULL,
  '{"subject_id": "subject subject_type", "author": "actor"}', '{"text": 20000}');
