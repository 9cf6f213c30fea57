/* What the suites share above store/: a migrated replica. */
#pragma once

#include "ct-db.h"
#include "ct-migrate.h"
#include "ct-test-folder.h"

static inline CtDb *
ct_test_replica (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "replica.db", NULL);
  GError *error = NULL;
  CtDb *db = ct_db_open (path, CT_DB_CREATE, &error);

  g_assert_no_error (error);
  ct_migrate (db, 0, &error);
  g_assert_no_error (error);
  return db;
}
