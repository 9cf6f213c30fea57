#pragma once

#include "ct-authority.h"

G_BEGIN_DECLS

/* A command while its handler runs. A handler is a pure function of id, args, actor, now and the state in @db: it asks
 * no clock and no randomness, so that running it again gives the same rows. */
typedef struct _CtCommandDef CtCommandDef;

typedef struct {
  CtDb *db;
  const CtCommandDef *def;
  CtId id;
  JsonObject *args; /* validated against the definition */
  GBytes *
      attachment; /* (unowned) (nullable): bulk data; a handler that takes it checks its hash against @args */
  const char *actor; /* login */
  const char *role;  /* the role under which the policy lets it run */
  GPtrArray *roles;  /* (element-type utf8): all of the actor's roles */
  gint64 now;        /* the authority's receive time */
  gboolean again;    /* run once more on another state: notes beside the records are no longer true */
  CtAuthority *authority;
  gpointer policy;   /* CtPolicy, for command.undo */
  gpointer recorder; /* CtRecorder, for handlers that must cut or pause */
  gpointer
      rows; /* CtRowCommitter, for bulk handlers that pause the recorder and commit to their rows themselves */

  /* What the handler says of its effect. */
  CtId object_id;
  gint64 object_rev;
  JsonObject *result;     /* given back to the caller */
  GPtrArray *objects;     /* (element-type CtId) further objects whose story this is */
  GPtrArray *disclosures; /* (element-type utf8) field, value, field, value … */
  char *outbox_key;       /* (nullable) */
  gboolean idle;          /* nothing changed: no intent, no leaf */
} CtCommand;

typedef gboolean (*CtCommandFunc) (CtCommand *command, GError **error);

typedef enum {
  CT_COMMAND_UNDOABLE = 1 << 0, /* command.undo may take it back */
  CT_COMMAND_FIRST = 1 << 2,    /* runs without a role while the workspace has no people: workspace.init */
  CT_COMMAND_BULK = 1 << 1,     /* per-row history is not disclosed: imports, detection, seeds */
  CT_COMMAND_SIGNED =
      1 << 3, /* its arguments are a signature over what its person saw: never edited, only given anew */
} CtCommandFlags;

/* An argument: type s text, i integer, b boolean, k UUID, d date, t RFC 3339, m ISO 4217, a array, o object. Lower
 * case is required; upper case may be left out or null. */
typedef struct {
  const char *name;
  char type;
  gsize most; /* bytes of a text; 0: 10,000 */
} CtArg;

struct _CtCommandDef {
  const char *name;        /* "task.snooze" */
  const char *object_type; /* "task" */
  CtCommandFunc run;
  CtCommandFlags flags;
  const CtArg *args; /* ended by a NULL name; NULL: the handler checks them itself */
};

void ct_command_register (const CtCommandDef *defs, guint n);
const CtCommandDef *ct_command_find (const char *name);
gboolean ct_command_check_args (const CtCommandDef *def, JsonObject *args, GError **error);

/* Reading arguments that were checked. */
const char *ct_arg_text (CtCommand *self, const char *name);
gint64 ct_arg_int (CtCommand *self, const char *name, gint64 fallback);
gboolean ct_arg_bool (CtCommand *self, const char *name, gboolean fallback);
gboolean ct_arg_has (CtCommand *self, const char *name);
gboolean ct_arg_id (CtCommand *self, const char *name, CtId *id);
gint64 ct_arg_time (CtCommand *self, const char *name, gint64 fallback);

/* What a handler says. */
void ct_command_touches (CtCommand *self, const CtId *id);
void ct_command_disclose (CtCommand *self, const char *field, const char *value);

G_END_DECLS
