/* What the suites share above store/: a migrated replica. */
#pragma once

#include "ct-db.h"
#include "ct-migrate.h"
#include "ct-test-folder.h"

/* @version: of the schema, as an earlier program left it; 0: this program's */
static inline CtDb *
ct_test_replica_at (const char *folder, int version)
{
  g_autofree char *path = g_build_filename (folder, "replica.db", NULL);
  GError *error = NULL;
  CtDb *db = ct_db_open (path, CT_DB_CREATE, &error);

  g_assert_no_error (error);
  ct_migrate (db, version, &error);
  g_assert_no_error (error);
  return db;
}

static inline CtDb *
ct_test_replica (const char *folder)
{
  return ct_test_replica_at (folder, 0);
}

#ifdef CT_TEST_COMMANDS
#include "ct-commander.h"
#include "ct-commands.h"

/* Makes the replica a workspace of its own, administered by "admin", on @device. */
static inline CtCommander *
ct_test_commander_on (CtDb *db, const CtId *device)
{
  GError *error = NULL;
  CtCommander *commander;
  g_autofree char *text = ct_id_to_string (device);
  g_auto (CtOutcome) outcome = { 0 };
  g_autoptr (JsonNode) args =
      ct_json_parse ("{\"login\":\"admin\",\"roles\":[\"admin\",\"sales\",\"accounting\"]}", -1, 1000, NULL);
  CtRequest request = { "workspace.init", json_node_get_object (args), "admin", 1000, 0, NULL };

  ct_db_run (db, &error, "INSERT INTO workspace VALUES('device_id', ?), ('log_origin', 'test.example/log')",
             "s", text);
  g_assert_no_error (error);
  ct_commands_register ();
  commander = ct_commander_new (ct_authority_standalone_new (), &error);
  g_assert_no_error (error);
  ct_commander_execute (commander, db, &request, &outcome, &error);
  g_assert_no_error (error);
  return commander;
}

static inline CtCommander *
ct_test_commander (CtDb *db)
{
  CtId device = ct_id_new (1);

  return ct_test_commander_on (db, &device);
}

/* Executes a command given as JSON text; the outcome's result, or NULL with @error. */
static inline JsonObject *
ct_test_execute (CtCommander *commander, CtDb *db, const char *actor, gint64 now, const char *name,
                 const char *json, CtOutcome *outcome, GError **error)
{
  g_autoptr (JsonNode) args = ct_json_parse (json, -1, 1 << 20, error);
  CtRequest request = { name, args ? json_node_get_object (args) : NULL, actor, now, 0, NULL };

  return args && ct_commander_execute (commander, db, &request, outcome, error) ? outcome->result : NULL;
}
#endif
