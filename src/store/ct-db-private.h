#pragma once

/* Else sqlite3.h hides the session API. */
#define SQLITE_ENABLE_SESSION        1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <sqlite3.h>

#include "ct-db.h"

G_BEGIN_DECLS

struct _CtDb {
  sqlite3 *handle;           /* (owned) */
  char *path;                /* (owned) */
  GHashTable *statements;    /* (owned) (element-type utf8 CtStmt): idle ones only */
  GTimeZone *zone;           /* (owned) */
  GCancellable *cancellable; /* (owned) (nullable) */
  GHashTable *changed;       /* (owned) names of tables written in this transaction */
  char *last_changed;        /* (unowned) the name last added, to make the hook cheap */
  GStrv committed;           /* (owned) (nullable) */
  GStrv business_tables;     /* (owned) (nullable) */
  GHashTable *columns;       /* (owned) (element-type utf8 GStrv) */
  gint64 next_n;             /* 0: not read in this transaction */
  gint64 schema_version;
  gboolean replicating; /* rows are the authority's, in this transaction */
};

struct _CtStmt {
  sqlite3_stmt *handle; /* (owned) */
  CtDb *db;             /* (unowned) */
  char *sql;            /* (owned) */
  int result;           /* of the last step */
  int *sorted;          /* (owned) (nullable): see ct_stmt_sorted_columns() */
  int n_sorted;
};

gboolean ct_db_fail (CtDb *self, int result, GError **error);
void ct_stmt_dispose (CtStmt *self);
gboolean ct_db_add_functions (CtDb *self, GError **error);

G_END_DECLS
