-- Distributors, orders and what belongs to them. Amounts are minor units of the row's currency; quantities are
-- thousandths; ..._on is a date in the workspace's zone, ..._at an instant in milliseconds since 1970 UTC.

CREATE TABLE distributors(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  number TEXT NOT NULL UNIQUE,
  legal_name TEXT NOT NULL CHECK(legal_name <> ''),
  country TEXT NOT NULL DEFAULT '', region TEXT NOT NULL DEFAULT '', city TEXT NOT NULL DEFAULT '',
  street TEXT NOT NULL DEFAULT '', postal_code TEXT NOT NULL DEFAULT '',
  value_band TEXT NOT NULL DEFAULT 'C' CHECK(value_band IN ('A', 'B', 'C')),
  onboarding_state TEXT NOT NULL DEFAULT 'prospect'
    CHECK(onboarding_state IN ('prospect', 'documents', 'contract', 'active', 'suspended')),
  onboarding_since_at INTEGER NOT NULL,
  credit_limit_minor INTEGER CHECK(credit_limit_minor >= 0),
  currency TEXT NOT NULL CHECK(length(currency) = 3),
  language TEXT NOT NULL DEFAULT 'en',
  channel_preferences TEXT NOT NULL DEFAULT '[]' CHECK(json_valid(channel_preferences)),
  source TEXT NOT NULL DEFAULT '', external_ref TEXT,
  notes TEXT NOT NULL DEFAULT '',
  archived_at INTEGER) STRICT;
CREATE UNIQUE INDEX distributors_external ON distributors(source, external_ref) WHERE external_ref IS NOT NULL;
CREATE INDEX distributors_name ON distributors(legal_name);
CREATE INDEX distributors_onboarding ON distributors(onboarding_since_at);

CREATE TABLE contacts(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  distributor_id BLOB NOT NULL REFERENCES distributors(id),
  name TEXT NOT NULL, email TEXT, phone TEXT, role TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '', external_ref TEXT, archived_at INTEGER) STRICT;
CREATE INDEX contacts_distributor ON contacts(distributor_id);
CREATE UNIQUE INDEX contacts_external ON contacts(source, external_ref) WHERE external_ref IS NOT NULL;

CREATE TABLE products(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  sku TEXT NOT NULL UNIQUE, name TEXT NOT NULL, unit TEXT NOT NULL DEFAULT '',
  list_price_minor INTEGER, currency TEXT, stock_milli INTEGER,
  source TEXT NOT NULL DEFAULT '', external_ref TEXT, archived_at INTEGER) STRICT;
CREATE UNIQUE INDEX products_external ON products(source, external_ref) WHERE external_ref IS NOT NULL;

CREATE TABLE orders(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  number TEXT NOT NULL UNIQUE,
  distributor_id BLOB NOT NULL REFERENCES distributors(id),
  status TEXT NOT NULL DEFAULT 'draft'
    CHECK(status IN ('draft', 'confirmed', 'allocated', 'invoiced', 'shipped', 'delivered', 'closed', 'cancelled')),
  status_since_at INTEGER NOT NULL,
  ordered_on TEXT CHECK(ordered_on IS date(ordered_on)),
  required_on TEXT CHECK(required_on IS date(required_on)),
  total_minor INTEGER NOT NULL DEFAULT 0, currency TEXT NOT NULL CHECK(length(currency) = 3),
  lane_origin TEXT NOT NULL DEFAULT '', lane_destination TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '', external_ref TEXT,
  notes TEXT NOT NULL DEFAULT '',
  archived_at INTEGER) STRICT;
CREATE INDEX orders_distributor ON orders(distributor_id);
CREATE INDEX orders_status_since ON orders(status_since_at);
CREATE INDEX orders_required ON orders(required_on);
CREATE INDEX orders_ordered ON orders(ordered_on);
CREATE UNIQUE INDEX orders_external ON orders(source, external_ref) WHERE external_ref IS NOT NULL;

CREATE TABLE order_lines(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  order_id BLOB NOT NULL REFERENCES orders(id), position INTEGER NOT NULL,
  product_id BLOB REFERENCES products(id), sku TEXT NOT NULL,
  quantity_milli INTEGER NOT NULL CHECK(quantity_milli > 0), unit_price_minor INTEGER NOT NULL,
  discount_bp INTEGER NOT NULL DEFAULT 0 CHECK(discount_bp BETWEEN 0 AND 10000), total_minor INTEGER NOT NULL,
  source TEXT NOT NULL DEFAULT '', external_ref TEXT,
  UNIQUE(order_id, position)) STRICT;
CREATE INDEX order_lines_product ON order_lines(product_id);

CREATE TABLE invoices(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  number TEXT NOT NULL UNIQUE,
  order_id BLOB NOT NULL REFERENCES orders(id), distributor_id BLOB NOT NULL REFERENCES distributors(id),
  state TEXT NOT NULL DEFAULT 'draft' CHECK(state IN ('draft', 'issued', 'part_paid', 'paid', 'disputed', 'void')),
  amount_minor INTEGER NOT NULL, paid_minor INTEGER NOT NULL DEFAULT 0, currency TEXT NOT NULL CHECK(length(currency) = 3),
  issued_on TEXT CHECK(issued_on IS date(issued_on)), due_on TEXT CHECK(due_on IS date(due_on)),
  paid_on TEXT CHECK(paid_on IS date(paid_on)),
  source TEXT NOT NULL DEFAULT '', external_ref TEXT, archived_at INTEGER) STRICT;
CREATE INDEX invoices_order ON invoices(order_id);
CREATE INDEX invoices_distributor ON invoices(distributor_id, state);
CREATE INDEX invoices_due ON invoices(due_on);
CREATE UNIQUE INDEX invoices_external ON invoices(source, external_ref) WHERE external_ref IS NOT NULL;

CREATE TABLE shipments(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  number TEXT NOT NULL UNIQUE,
  order_id BLOB NOT NULL REFERENCES orders(id),
  carrier TEXT NOT NULL DEFAULT '', tracking_number TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'planned'
    CHECK(state IN ('planned', 'booked', 'pickup_failed', 'in_transit', 'delivered', 'cancelled')),
  promised_at INTEGER, eta_at INTEGER, shipped_at INTEGER, delivered_at INTEGER,
  pickup_attempts INTEGER NOT NULL DEFAULT 0, proof_of_delivery INTEGER NOT NULL DEFAULT 0 CHECK(proof_of_delivery IN (0, 1)),
  freight_minor INTEGER, currency TEXT, destination TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '', external_ref TEXT, archived_at INTEGER) STRICT;
CREATE INDEX shipments_order ON shipments(order_id);
CREATE INDEX shipments_delivered ON shipments(delivered_at) WHERE delivered_at IS NOT NULL;
CREATE INDEX shipments_tracking ON shipments(tracking_number) WHERE tracking_number <> '';
CREATE UNIQUE INDEX shipments_external ON shipments(source, external_ref) WHERE external_ref IS NOT NULL;

CREATE TABLE shipment_events(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  shipment_id BLOB NOT NULL REFERENCES shipments(id), kind TEXT NOT NULL, happened_at INTEGER NOT NULL,
  eta_at INTEGER, place TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '', external_ref TEXT) STRICT;
CREATE INDEX shipment_events_shipment ON shipment_events(shipment_id, happened_at);
CREATE UNIQUE INDEX shipment_events_external ON shipment_events(source, external_ref) WHERE external_ref IS NOT NULL;

CREATE TABLE files(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  sha256 BLOB NOT NULL UNIQUE CHECK(length(sha256) = 32), name TEXT NOT NULL, media_type TEXT NOT NULL, size INTEGER NOT NULL) STRICT;
CREATE TABLE documents(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  distributor_id BLOB NOT NULL REFERENCES distributors(id), order_id BLOB REFERENCES orders(id),
  kind TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'missing'
    CHECK(state IN ('missing', 'submitted', 'verified', 'rejected', 'expired')),
  expires_on TEXT CHECK(expires_on IS date(expires_on)), reason TEXT NOT NULL DEFAULT '',
  file_id BLOB REFERENCES files(id), source TEXT NOT NULL DEFAULT '', external_ref TEXT, archived_at INTEGER) STRICT;
CREATE INDEX documents_distributor ON documents(distributor_id);
CREATE INDEX documents_order ON documents(order_id) WHERE order_id IS NOT NULL;
CREATE INDEX documents_expires ON documents(expires_on) WHERE expires_on IS NOT NULL;
CREATE UNIQUE INDEX documents_external ON documents(source, external_ref) WHERE external_ref IS NOT NULL;

-- Which subjects a changed row may concern. ON CONFLICT DO NOTHING, not OR IGNORE: an upsert overrides the latter.
CREATE TRIGGER distributors_di AFTER INSERT ON distributors BEGIN
  INSERT INTO dirty VALUES('distributor', new.id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER distributors_du AFTER UPDATE ON distributors BEGIN
  INSERT INTO dirty VALUES('distributor', new.id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER distributors_dd AFTER DELETE ON distributors BEGIN
  INSERT INTO dirty VALUES('distributor', old.id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER orders_di AFTER INSERT ON orders BEGIN
  INSERT INTO dirty VALUES('order', new.id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER orders_du AFTER UPDATE ON orders BEGIN
  INSERT INTO dirty VALUES('order', new.id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER orders_dd AFTER DELETE ON orders BEGIN
  INSERT INTO dirty VALUES('order', old.id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER order_lines_di AFTER INSERT ON order_lines BEGIN
  INSERT INTO dirty VALUES('order', new.order_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER order_lines_du AFTER UPDATE ON order_lines BEGIN
  INSERT INTO dirty VALUES('order', new.order_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER order_lines_dd AFTER DELETE ON order_lines BEGIN
  INSERT INTO dirty VALUES('order', old.order_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER invoices_di AFTER INSERT ON invoices BEGIN
  INSERT INTO dirty VALUES('order', new.order_id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('invoice', new.id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('distributor', new.distributor_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER invoices_du AFTER UPDATE ON invoices BEGIN
  INSERT INTO dirty VALUES('order', new.order_id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('invoice', new.id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('distributor', new.distributor_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER invoices_dd AFTER DELETE ON invoices BEGIN
  INSERT INTO dirty VALUES('order', old.order_id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('invoice', old.id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('distributor', old.distributor_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER shipments_di AFTER INSERT ON shipments BEGIN
  INSERT INTO dirty VALUES('shipment', new.id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('order', new.order_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER shipments_du AFTER UPDATE ON shipments BEGIN
  INSERT INTO dirty VALUES('shipment', new.id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('order', new.order_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER shipments_dd AFTER DELETE ON shipments BEGIN
  INSERT INTO dirty VALUES('shipment', old.id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('order', old.order_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER shipment_events_di AFTER INSERT ON shipment_events BEGIN
  INSERT INTO dirty VALUES('shipment', new.shipment_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER documents_di AFTER INSERT ON documents BEGIN
  INSERT INTO dirty VALUES('document', new.id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty SELECT 'order', new.order_id WHERE new.order_id IS NOT NULL ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('distributor', new.distributor_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER documents_du AFTER UPDATE ON documents BEGIN
  INSERT INTO dirty VALUES('document', new.id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty SELECT 'order', new.order_id WHERE new.order_id IS NOT NULL ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('distributor', new.distributor_id) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER documents_dd AFTER DELETE ON documents BEGIN
  INSERT INTO dirty VALUES('document', old.id) ON CONFLICT DO NOTHING;
  INSERT INTO dirty SELECT 'order', old.order_id WHERE old.order_id IS NOT NULL ON CONFLICT DO NOTHING;
  INSERT INTO dirty VALUES('distributor', old.distributor_id) ON CONFLICT DO NOTHING; END;

-- Full-text search over what people type: names. Kept by triggers, never recorded.
CREATE VIRTUAL TABLE distributors_fts USING fts5(number, legal_name, country, city, content=distributors, content_rowid=n,
  tokenize="unicode61 remove_diacritics 2");
CREATE TRIGGER distributors_fi AFTER INSERT ON distributors BEGIN
  INSERT INTO distributors_fts(rowid, number, legal_name, country, city)
    VALUES(new.n, new.number, new.legal_name, new.country, new.city); END;
CREATE TRIGGER distributors_fd AFTER DELETE ON distributors BEGIN
  INSERT INTO distributors_fts(distributors_fts, rowid, number, legal_name, country, city)
    VALUES('delete', old.n, old.number, old.legal_name, old.country, old.city); END;
CREATE TRIGGER distributors_fu AFTER UPDATE OF n, number, legal_name, country, city ON distributors BEGIN
  INSERT INTO distributors_fts(distributors_fts, rowid, number, legal_name, country, city)
    VALUES('delete', old.n, old.number, old.legal_name, old.country, old.city);
  INSERT INTO distributors_fts(rowid, number, legal_name, country, city)
    VALUES(new.n, new.number, new.legal_name, new.country, new.city); END;
