#include "ct-orders-page.h"
#include "records/ct-record-labels.h"
#include "ct-vocabulary.h"

enum {
  ORDER_ID,
  ORDER_NUMBER,
  ORDER_DISTRIBUTOR,
  ORDER_STATUS,
  ORDER_ORDERED,
  ORDER_REQUIRED,
  ORDER_TOTAL,
  ORDER_CURRENCY,
  ORDER_SINCE,
  ORDER_COUNTRY,
  ORDER_EXCEPTIONS,
  ORDER_REFERENCE,
};

static const char *const columns[] = {
  [ORDER_ID] = "o.id",
  [ORDER_NUMBER] = "o.number",
  [ORDER_DISTRIBUTOR] = "d.legal_name",
  [ORDER_STATUS] = "o.status",
  [ORDER_ORDERED] = "o.ordered_on",
  [ORDER_REQUIRED] = "o.required_on",
  [ORDER_TOTAL] = "o.total_minor",
  [ORDER_CURRENCY] = "o.currency",
  [ORDER_SINCE] = "o.status_since_at",
  [ORDER_COUNTRY] = "d.country",
  [ORDER_EXCEPTIONS] =
      "(SELECT nullif(count(*), 0) FROM exceptions e WHERE e.order_id = o.id AND e.state = 'open')",
  [ORDER_REFERENCE] = "o.external_ref",
  NULL,
};

static const char *const tables[] = { "orders", "distributors", "exceptions", NULL };

static const CtListSource source = {
  .from = "orders o JOIN distributors d ON d.id = o.distributor_id",
  .key = "o.n",
  .columns = columns,
  .tables = tables,
};

static void
show_status (CtRow *row, guint column, CtCell *cell)
{
  cell->text = ct_state_label (ct_row_text (row, column));
}

static const CtListColumn list_columns[] = {
  { "number", N_ ("Number"), ct_cell_text, ORDER_NUMBER, 136, 0, "o.number" },
  { "distributor", N_ ("Distributor"), ct_cell_text, ORDER_DISTRIBUTOR, 180, CT_COLUMN_EXPAND,
    "d.legal_name" },
  { "status", N_ ("Status"), show_status, ORDER_STATUS, 110, 0, "o.status" },
  { "ordered", N_ ("Ordered on"), ct_cell_date, ORDER_ORDERED, 110, CT_COLUMN_DESCENDING | CT_COLUMN_NULLABLE,
    "o.ordered_on" },
  { "required", N_ ("Required on"), ct_cell_date, ORDER_REQUIRED, 110, CT_COLUMN_NULLABLE, "o.required_on" },
  { "total", N_ ("Total"), ct_cell_money, ORDER_TOTAL, 140, CT_COLUMN_RIGHT | CT_COLUMN_DESCENDING,
    "o.total_minor" },
  { "exceptions", N_ ("Open exceptions"), ct_cell_number, ORDER_EXCEPTIONS, 120, CT_COLUMN_RIGHT, NULL },
  { "since", N_ ("In this status for"), ct_cell_age, ORDER_SINCE, 130, CT_COLUMN_TIMED | CT_COLUMN_HIDDEN,
    "o.status_since_at" },
  { "country", N_ ("Country"), ct_cell_text, ORDER_COUNTRY, 90, CT_COLUMN_HIDDEN, "d.country" },
  { "reference", N_ ("Reference in the source"), ct_cell_text, ORDER_REFERENCE, 140,
    CT_COLUMN_HIDDEN | CT_COLUMN_NULLABLE, "o.external_ref" },
  { NULL, NULL, NULL, 0, 0, 0, NULL },
};

static const CtFilterChoice kept[] = {
  { "current", N_ ("Current"), "o.archived_at IS NULL" },
  { "archived", N_ ("Archived"), "o.archived_at IS NOT NULL" },
  { NULL, NULL, NULL },
};

static const CtFilterChoice blocked[] = {
  { "blocked", N_ ("Has open exceptions"),
    "EXISTS (SELECT 1 FROM exceptions e WHERE e.order_id = o.id AND e.state = 'open')" },
  { "free", N_ ("Has none"),
    "NOT EXISTS (SELECT 1 FROM exceptions e WHERE e.order_id = o.id AND e.state = 'open')" },
  { NULL, NULL, NULL },
};

static const CtListFilter filters[] = {
  { "kept", N_ ("Archive"), NULL, kept, NULL, NULL, "current" },
  { "status", N_ ("Status"), "o.status", NULL,
    "SELECT column1 FROM (VALUES ('draft'), ('confirmed'), ('allocated'), ('invoiced'), ('shipped'), "
    "('delivered'), ('closed'), ('cancelled'))",
    ct_state_label, NULL },
  { "country", N_ ("Country"), "d.country", NULL,
    "SELECT DISTINCT country FROM distributors WHERE country <> '' ORDER BY 1", NULL, NULL },
  { "blocked", N_ ("Exceptions"), NULL, blocked, NULL, NULL, NULL },
  { NULL, NULL, NULL, NULL, NULL, NULL, NULL },
};

static const CtListBuiltInView views[] = {
  { N_ ("Newest first"),
    "{\"filters\": {\"kept\": [\"current\"]}, \"sort\": \"ordered\", \"descending\": true}" },
  { N_ ("Required soonest"), "{\"filters\": {\"kept\": [\"current\"], \"status\": [\"confirmed\", "
                             "\"allocated\", \"invoiced\", \"shipped\"]}, \"sort\": \"required\", "
                             "\"descending\": false}" },
  { N_ ("Blocked, largest first"), "{\"filters\": {\"kept\": [\"current\"], \"blocked\": [\"blocked\"]}, "
                                   "\"sort\": \"total\", \"descending\": true}" },
  { N_ ("Archived"),
    "{\"filters\": {\"kept\": [\"archived\"]}, \"sort\": \"ordered\", \"descending\": true}" },
  { NULL, NULL },
};

static const char *const search[] = { "o.number", "d.legal_name", "o.external_ref", NULL };

static const char *
count (gint64 n)
{
  static char text[64];
  g_autofree char *number = ct_format_count (n);

  g_snprintf (text, sizeof text, g_dngettext (GETTEXT_PACKAGE, "%s order", "%s orders", (gulong) n), number);
  return text;
}

static const CtListDef list = {
  .name = "orders",
  .source = &source,
  .columns = list_columns,
  .filters = filters,
  .views = views,
  .search = search,
  .sort = "ordered",
  .title_column = ORDER_NUMBER,
  .id_column = ORDER_ID,
  .empty_icon = "package-x-generic-symbolic",
  .empty_title = N_ ("No orders yet"),
  .empty_text = N_ ("Import them from CSV files, or make the first one with Ctrl+N."),
  .count = count,
};

#define THIS "(SELECT id FROM orders WHERE n = ?1)"

static const CtRecordSection sections[] = {
  { N_ ("Belongs to"), "SELECT 'distributor' AS link_kind, uuid_text(d.id) AS link_id, d.number AS label, "
                       "d.legal_name AS text FROM orders o JOIN distributors d ON d.id = o.distributor_id "
                       "WHERE o.n = ?1" },
  { N_ ("Open exceptions"),
    "SELECT 'exception' AS link_kind, uuid_text(id) AS link_id, blocker AS label, number AS text FROM "
    "exceptions WHERE order_id = " THIS " AND state = 'open' ORDER BY score DESC" },
  { N_ ("Follow-up tasks"),
    "SELECT 'task' AS link_kind, uuid_text(id) AS link_id, iif(title = '', assigned_agent, title) AS label, "
    "number AS text FROM follow_up_tasks WHERE order_id = " THIS " ORDER BY n DESC" },
  { N_ ("Lines"),
    "SELECT l.sku AS label, trim(rtrim(rtrim(printf('%.3f', l.quantity_milli / 1000.0), '0'), '.') || ' × ' "
    "|| "
    "coalesce(p.name, l.sku)) AS quantity, l.total_minor AS money, o.currency FROM order_lines l JOIN orders "
    "o ON o.id = l.order_id LEFT JOIN products p ON p.id = l.product_id OR (l.product_id IS NULL AND p.sku = "
    "l.sku) WHERE l.order_id = " THIS " ORDER BY l.position" },
  { N_ ("Invoices"), "SELECT number AS label, state, amount_minor AS money, currency, issued_on, due_on, "
                     "paid_on FROM invoices "
                     "WHERE order_id = " THIS " ORDER BY issued_on, n" },
  { N_ ("Shipments"),
    "SELECT number AS label, state, carrier, tracking_number, promised_at, eta_at, delivered_at FROM "
    "shipments WHERE order_id = " THIS " ORDER BY n" },
  { N_ ("Shipment history"),
    "SELECT s.number AS label, e.kind AS text, e.happened_at, e.eta_at, e.place, e.note FROM shipment_events "
    "e JOIN shipments s ON s.id = e.shipment_id WHERE s.order_id = " THIS " ORDER BY e.happened_at DESC" },
  { N_ ("Documents"),
    "SELECT kind AS label, state, expires_on, reason AS note FROM documents WHERE order_id = " THIS
    " AND archived_at IS NULL ORDER BY kind" },
  { N_ ("Notes of people"), "SELECT text AS label, author AS text, created_at AS happened_at FROM task_notes "
                            "WHERE subject_id = " THIS " ORDER BY created_at DESC" },
  { NULL, NULL },
};

static const CtRecordDetail detail = {
  .kind = "order",
  .title = "d.legal_name",
  .joins = "JOIN distributors d ON d.id = r.distributor_id",
  .sections = sections,
  .story = "SELECT id FROM orders WHERE n = ?1 UNION ALL SELECT id FROM exceptions WHERE order_id = " THIS
           " UNION ALL SELECT id FROM follow_up_tasks WHERE order_id = " THIS
           " UNION ALL SELECT id FROM invoices WHERE order_id = " THIS
           " UNION ALL SELECT id FROM shipments WHERE order_id = " THIS,
};

const CtPageAction ct_orders_page_actions[] = {
  { "edit", N_ ("Edit…"), "document-edit-symbolic", 'e', "order.edit", ct_records_page_edit },
  { "note", N_ ("Add a note…"), "document-new-symbolic", 'n', "note.add", ct_records_page_note },
  { "archive", N_ ("Archive"), "folder-symbolic", 'd', "order.archive", ct_records_page_archive },
  { "restore", N_ ("Restore"), "edit-undo-symbolic", 'u', "order.restore", ct_records_page_restore },
  { NULL, NULL, NULL, 0, NULL, NULL },
};

static const CtListPageDef def = {
  .list = &list,
  .actions = ct_orders_page_actions,
  .pane_width = 380,
  .find = "SELECT n FROM orders WHERE id = ?1 OR id = (SELECT order_id FROM invoices WHERE id = ?1) OR id = "
          "(SELECT order_id FROM shipments WHERE id = ?1)",
  .not_found = N_ ("The record cannot be shown"),
};

static const CtRecordsDef records = {
  .detail = &detail,
  .new_label = N_ ("New Order…"),
};

struct _CtOrdersPage {
  CtRecordsPage parent_instance;
};

G_DEFINE_FINAL_TYPE (CtOrdersPage, ct_orders_page, CT_TYPE_RECORDS_PAGE)

static void
ct_orders_page_class_init (CtOrdersPageClass *klass)
{
  CT_LIST_PAGE_CLASS (klass)->def = &def;
  CT_RECORDS_PAGE_CLASS (klass)->def = &records;
}

static void
ct_orders_page_init (CtOrdersPage *self)
{
}
