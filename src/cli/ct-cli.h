#pragma once

#include "ct-workspace.h"

G_BEGIN_DECLS

/* The exit codes are a contract. */
typedef enum {
  CT_EXIT_DONE = 0,
  CT_EXIT_FAILED = 1,
  CT_EXIT_USAGE = 2,
  CT_EXIT_REFUSED = 3,
  CT_EXIT_NOT_FOUND = 4,
  CT_EXIT_CONFLICT = 5,
} CtExit;

typedef struct {
  const char *name;  /* "state" */
  const char *value; /* (nullable): what stands for its value in the help; NULL: a switch */
  const char *help;  /* translatable; NULL: accepted, not shown */
} CtCliOption;

/* How a member of a JSON object is shown to people. */
typedef enum {
  CT_COLUMN_TEXT,
  CT_COLUMN_NUMBER,
  CT_COLUMN_MONEY,    /* minor units of the object's "currency" */
  CT_COLUMN_QUANTITY, /* thousandths */
  CT_COLUMN_FACT,     /* the object's "text" where it has one */
  CT_COLUMN_TIME,
  CT_COLUMN_LIST,
  CT_COLUMN_HASH,  /* the first digits */
  CT_COLUMN_BLOCK, /* a text with its lines, below the fields */
  CT_COLUMN_TABLE, /* an array of objects, or one, by columns of its own; not in tables */
} CtColumnKind;

typedef struct _CtColumn CtColumn;
struct _CtColumn {
  const char *label; /* translatable */
  const char *key;
  CtColumnKind kind;
  const CtColumn *columns; /* (nullable): of a CT_COLUMN_TABLE */
};

typedef enum {
  CT_VERB_NO_WORKSPACE = 1 << 0,  /* opens none, or opens it by itself */
  CT_VERB_READS_FILES = 1 << 1,   /* what is malformed stands in a file, not on the command line */
  CT_VERB_SHOWS = 1 << 2,         /* prints records one under the other, not as a table */
  CT_VERB_UNTIL_STOPPED = 1 << 3, /* Ctrl+C is how it ends, and no failure */
} CtVerbFlags;

typedef struct _CtCli CtCli;
typedef struct _CtVerb CtVerb;

/* Returns what --json prints and the columns show; NULL without @error where all is printed already. */
typedef JsonNode *(*CtVerbFunc) (CtCli *cli, GError **error);

struct _CtVerb {
  const char *name;           /* "exceptions list" */
  const char *arguments;      /* "ID…" */
  guint least, most;          /* how many arguments it takes */
  const char *help;           /* translatable */
  const CtCliOption *options; /* (nullable): ended by a NULL name */
  CtVerbFunc run;
  const CtColumn *columns; /* (nullable): ended by a NULL label */
  CtVerbFlags flags;
  void (*print) (CtCli *cli, JsonNode *result); /* (nullable): in place of the columns */
};

#define CT_ANY G_MAXUINT

/* One command line. */
struct _CtCli {
  const CtVerb *verb;
  char *folder; /* (owned) */
  gboolean json;
  char *now;           /* (owned) (nullable): as given */
  char *as;            /* (owned) (nullable) */
  GHashTable *options; /* (owned) (element-type utf8 GPtrArray) */
  char **args;         /* (owned) */
  guint n_args;
  CtWorkspace *workspace; /* (owned) (nullable) */
  GCancellable *cancellable;
  CtExit worst; /* of the items so far */
  gboolean printed;
};

int ct_cli_main (int argc, char **argv);

/* Reading the command line. */
const char *ct_cli_option (CtCli *self, const char *name);
GPtrArray *ct_cli_options (CtCli *self, const char *name);
gboolean ct_cli_has (CtCli *self, const char *name);
gboolean ct_cli_option_int (CtCli *self, const char *name, gint64 *value, GError **error);
gboolean ct_cli_option_time (CtCli *self, const char *name, gint64 *value, GError **error);
gboolean ct_cli_option_duration (CtCli *self, const char *name, gint64 *value, GError **error);
gboolean ct_cli_usage (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
gboolean ct_cli_parse_now (CtCli *self, gint64 *now, GError **error);
gboolean ct_cli_open (CtCli *self, GError **error);

/* Doing. */
void ct_cli_not_the_subject (GError **error);
typedef JsonNode *(*CtCliEach) (CtCli *self, const char *id, GError **error);
JsonNode *ct_cli_each (CtCli *self, gboolean always_array, CtCliEach each);
gboolean ct_cli_execute (CtCli *self, const char *command, JsonObject *args, CtOutcome *outcome,
                         GError **error);
char *ct_cli_find (CtCli *self, const char *type, const char *text, GError **error);
JsonNode *ct_cli_read (CtCli *self, JsonNode *(*read) (CtCli *self, CtDb *db, gpointer data, GError **error),
                       gpointer data, GError **error);

/* Saying. */
void ct_cli_say (CtCli *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
void ct_cli_progress (CtCli *self, const char *what, guint64 done, guint64 total);
void ct_cli_progress_end (CtCli *self);

G_END_DECLS
