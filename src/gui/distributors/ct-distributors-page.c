#include "ct-distributors-page.h"
#include "records/ct-record-labels.h"
#include "ct-vocabulary.h"

enum {
  DISTRIBUTOR_ID,
  DISTRIBUTOR_NUMBER,
  DISTRIBUTOR_NAME,
  DISTRIBUTOR_COUNTRY,
  DISTRIBUTOR_CITY,
  DISTRIBUTOR_BAND,
  DISTRIBUTOR_STATE,
  DISTRIBUTOR_SINCE,
  DISTRIBUTOR_CREDIT,
  DISTRIBUTOR_CURRENCY,
  DISTRIBUTOR_ORDERS,
  DISTRIBUTOR_EXCEPTIONS,
};

static const char *const columns[] = {
  [DISTRIBUTOR_ID] = "d.id",
  [DISTRIBUTOR_NUMBER] = "d.number",
  [DISTRIBUTOR_NAME] = "d.legal_name",
  [DISTRIBUTOR_COUNTRY] = "d.country",
  [DISTRIBUTOR_CITY] = "d.city",
  [DISTRIBUTOR_BAND] = "d.value_band",
  [DISTRIBUTOR_STATE] = "d.onboarding_state",
  [DISTRIBUTOR_SINCE] = "d.onboarding_since_at",
  [DISTRIBUTOR_CREDIT] = "d.credit_limit_minor",
  [DISTRIBUTOR_CURRENCY] = "d.currency",
  [DISTRIBUTOR_ORDERS] = "(SELECT count(*) FROM orders o WHERE o.distributor_id = d.id)",
  [DISTRIBUTOR_EXCEPTIONS] =
      "(SELECT nullif(count(*), 0) FROM exceptions e WHERE e.distributor_id = d.id AND "
      "e.state = 'open')",
  NULL,
};

static const char *const tables[] = { "distributors", "orders", "exceptions", NULL };

static const CtListSource source = {
  .from = "distributors d",
  .key = "d.n",
  .columns = columns,
  .tables = tables,
};

static void
show_state (CtRow *row, guint column, CtCell *cell)
{
  cell->text = ct_state_label (ct_row_text (row, column));
}

static const CtListColumn list_columns[] = {
  { "number", N_ ("Number"), ct_cell_text, DISTRIBUTOR_NUMBER, 110, 0, "d.number" },
  { "name", N_ ("Legal name"), ct_cell_text, DISTRIBUTOR_NAME, 200, CT_COLUMN_EXPAND, "d.legal_name" },
  { "country", N_ ("Country"), ct_cell_text, DISTRIBUTOR_COUNTRY, 80, 0, "d.country" },
  { "city", N_ ("City"), ct_cell_text, DISTRIBUTOR_CITY, 120, 0, "d.city" },
  { "band", N_ ("Value band"), ct_cell_text, DISTRIBUTOR_BAND, 96, 0, "d.value_band" },
  { "state", N_ ("Onboarding"), show_state, DISTRIBUTOR_STATE, 140, 0, "d.onboarding_state" },
  { "orders", N_ ("Orders"), ct_cell_number, DISTRIBUTOR_ORDERS, 80, CT_COLUMN_RIGHT, NULL },
  { "exceptions", N_ ("Open exceptions"), ct_cell_number, DISTRIBUTOR_EXCEPTIONS, 120, CT_COLUMN_RIGHT,
    NULL },
  { "credit", N_ ("Credit limit"), ct_cell_money, DISTRIBUTOR_CREDIT, 140,
    CT_COLUMN_RIGHT | CT_COLUMN_DESCENDING | CT_COLUMN_NULLABLE | CT_COLUMN_HIDDEN, "d.credit_limit_minor" },
  { "since", N_ ("In this state for"), ct_cell_age, DISTRIBUTOR_SINCE, 130,
    CT_COLUMN_TIMED | CT_COLUMN_HIDDEN, "d.onboarding_since_at" },
  { NULL, NULL, NULL, 0, 0, 0, NULL },
};

static const CtFilterChoice kept[] = {
  { "current", N_ ("Current"), "d.archived_at IS NULL" },
  { "archived", N_ ("Archived"), "d.archived_at IS NOT NULL" },
  { NULL, NULL, NULL },
};

static const CtListFilter filters[] = {
  { "kept", N_ ("Archive"), NULL, kept, NULL, NULL, "current" },
  { "state", N_ ("Onboarding"), "d.onboarding_state", NULL,
    "SELECT column1 FROM (VALUES ('prospect'), ('documents'), ('contract'), ('active'), ('suspended'))",
    ct_state_label, NULL },
  { "country", N_ ("Country"), "d.country", NULL,
    "SELECT DISTINCT country FROM distributors WHERE country <> '' ORDER BY 1", NULL, NULL },
  { "band", N_ ("Value band"), "d.value_band", NULL, "SELECT column1 FROM (VALUES ('A'), ('B'), ('C'))", NULL,
    NULL },
  { NULL, NULL, NULL, NULL, NULL, NULL, NULL },
};

static const CtListBuiltInView views[] = {
  { N_ ("All current"),
    "{\"filters\": {\"kept\": [\"current\"]}, \"sort\": \"name\", \"descending\": false}" },
  { N_ ("Still onboarding"),
    "{\"filters\": {\"kept\": [\"current\"], \"state\": [\"prospect\", \"documents\", "
    "\"contract\"]}, \"sort\": \"since\", \"descending\": false}" },
  { N_ ("Archived"), "{\"filters\": {\"kept\": [\"archived\"]}, \"sort\": \"name\", \"descending\": false}" },
  { NULL, NULL },
};

static const char *const search[] = { "d.number", "d.legal_name", "d.city", NULL };

static const char *
count (gint64 n)
{
  static char text[64];
  g_autofree char *number = ct_format_count (n);

  g_snprintf (text, sizeof text,
              g_dngettext (GETTEXT_PACKAGE, "%s distributor", "%s distributors", (gulong) n), number);
  return text;
}

static const CtListDef list = {
  .name = "distributors",
  .source = &source,
  .columns = list_columns,
  .filters = filters,
  .views = views,
  .search = search,
  .sort = "name",
  .title_column = DISTRIBUTOR_NAME,
  .id_column = DISTRIBUTOR_ID,
  .empty_icon = "system-users-symbolic",
  .empty_title = N_ ("No distributors yet"),
  .empty_text = N_ ("Import them from CSV files, or make the first one with Ctrl+N."),
  .count = count,
};

#define THIS "(SELECT id FROM distributors WHERE n = ?1)"

static const CtRecordSection sections[] = {
  { N_ ("Open exceptions"),
    "SELECT 'exception' AS link_kind, uuid_text(id) AS link_id, blocker AS label, number AS text FROM "
    "exceptions WHERE distributor_id = " THIS " AND state = 'open' ORDER BY score DESC" },
  { N_ ("Follow-up tasks"),
    "SELECT 'task' AS link_kind, uuid_text(id) AS link_id, iif(title = '', assigned_agent, title) AS label, "
    "number AS text FROM follow_up_tasks WHERE distributor_id = " THIS " ORDER BY n DESC" },
  { N_ ("Contacts"), "SELECT name AS label, email AS text, role AS place, phone AS note FROM contacts WHERE "
                     "distributor_id = " THIS " AND archived_at IS NULL ORDER BY name" },
  { N_ ("Orders"), "SELECT 'order' AS link_kind, uuid_text(id) AS link_id, number AS label, total_minor AS "
                   "money, currency, status AS state FROM orders WHERE distributor_id = " THIS
                   " ORDER BY ordered_on DESC, n DESC" },
  { N_ ("Invoices not paid"),
    "SELECT number AS label, state, amount_minor - paid_minor AS money, currency, issued_on, due_on FROM "
    "invoices WHERE distributor_id = " THIS
    " AND state IN ('issued', 'part_paid', 'disputed') ORDER BY due_on" },
  { N_ ("Documents"), "SELECT kind AS label, state, expires_on, reason AS note FROM documents WHERE "
                      "distributor_id = " THIS " AND archived_at IS NULL ORDER BY kind" },
  { N_ ("Notes of people"), "SELECT text AS label, author AS text, created_at AS happened_at FROM task_notes "
                            "WHERE subject_id = " THIS " ORDER BY created_at DESC" },
  { NULL, NULL },
};

static const CtRecordDetail detail = {
  .kind = "distributor",
  .title = "r.legal_name",
  .joins = "",
  .sections = sections,
  .story =
      "SELECT id FROM distributors WHERE n = ?1 UNION ALL SELECT id FROM orders WHERE distributor_id = " THIS
      " UNION ALL SELECT id FROM exceptions WHERE distributor_id = " THIS
      " UNION ALL SELECT id FROM follow_up_tasks WHERE distributor_id = " THIS,
};

const CtPageAction ct_distributors_page_actions[] = {
  { "edit", N_ ("Edit…"), "document-edit-symbolic", 'e', "distributor.edit", ct_records_page_edit },
  { "note", N_ ("Add a note…"), "document-new-symbolic", 'n', "note.add", ct_records_page_note },
  { "archive", N_ ("Archive"), "folder-symbolic", 'd', "distributor.archive", ct_records_page_archive },
  { "restore", N_ ("Restore"), "edit-undo-symbolic", 'u', "distributor.restore", ct_records_page_restore },
  { NULL, NULL, NULL, 0, NULL, NULL },
};

static const CtListPageDef def = {
  .list = &list,
  .actions = ct_distributors_page_actions,
  .pane_width = 380,
  .find = "SELECT n FROM distributors WHERE id = ?1 OR id = (SELECT distributor_id FROM documents WHERE id = "
          "?1)",
  .not_found = N_ ("The record cannot be shown"),
};

static const CtRecordsDef records = {
  .detail = &detail,
  .new_label = N_ ("New Distributor…"),
};

struct _CtDistributorsPage {
  CtRecordsPage parent_instance;
};

G_DEFINE_FINAL_TYPE (CtDistributorsPage, ct_distributors_page, CT_TYPE_RECORDS_PAGE)

static void
ct_distributors_page_class_init (CtDistributorsPageClass *klass)
{
  CT_LIST_PAGE_CLASS (klass)->def = &def;
  CT_RECORDS_PAGE_CLASS (klass)->def = &records;
}

static void
ct_distributors_page_init (CtDistributorsPage *self)
{
}
