#pragma once

#include "ct-cli.h"
#include "ct-rows.h"

G_BEGIN_DECLS

/* Rows on their way out, one after the other: a JSON array, or a table. */
typedef struct _CtRowPrinter CtRowPrinter;

CtRowPrinter *ct_row_printer_new (CtCli *cli, const CtColumn *columns);
void ct_row_printer_add (CtRowPrinter *self, JsonObject *row);
void ct_row_printer_finish (CtRowPrinter *self);

/* What people wrote beside a record: ? is whose. */
#define CT_CLI_NOTES_SQL                                                                                     \
  "SELECT created_at AS writtenAt, author, text FROM task_notes WHERE subject_id = ? ORDER BY created_at, n"
extern const CtColumn ct_cli_note_columns[];

char *ct_cli_printable (const char *text);
void ct_cli_print_result (CtCli *cli, JsonNode *result);
void ct_cli_print_table (CtCli *cli, const CtColumn *columns, JsonArray *rows);
void ct_cli_print_fields (CtCli *cli, const CtColumn *columns, JsonObject *object);

/* A question put together from conditions; values are bound in their order. */
typedef struct {
  GString *sql;
  GPtrArray *values; /* (element-type utf8) */
  gboolean has_where;
  gboolean (*complete) (CtCli *cli, CtDb *db, JsonObject *row,
                        GError **error); /* (nullable): what SQL cannot say */
} CtListQuery;

void ct_list_query_init (CtListQuery *self, const char *select);
void ct_list_query_where (CtListQuery *self, const char *condition, const char *text);
void ct_list_query_where_id (CtListQuery *self, const char *condition, const CtId *id);
void ct_list_query_clear (CtListQuery *self);
JsonNode *ct_cli_list (CtCli *cli, CtListQuery *query, const char *order, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtListQuery, ct_list_query_clear)

G_END_DECLS
