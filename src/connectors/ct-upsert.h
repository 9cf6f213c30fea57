#pragma once

#include "ct-chunk.h"
#include "ct-changeset.h"
#include "ct-command.h"

G_BEGIN_DECLS

/*
 * Writes one record: finds the row it means, inserts it, or updates what differs. Values stand by field of the kind:
 * type 0 where the file does not say, 'n' for nothing, 'i', 't', and 'b' for the id of a linked record.
 */

typedef enum {
  CT_UPSERT_UNCHANGED,
  CT_UPSERT_CHANGED,
  CT_UPSERT_CREATED,
  CT_UPSERT_REFUSED,
} CtUpsertOutcome;

/* A record on its way into its table. */
typedef struct {
  const CtId *given_id; /* (nullable): its own id, where the file has it */
  gboolean keyed;       /* (source, external_ref) says which record it is, else its natural key */
  gboolean once;        /* never change an existing record */
  gint64 next_position; /* of a new order line whose file has none; 0: the file says */
  CtId id;              /* out: of its row */
  int fault;            /* out: where it is refused, the field that is to blame; -1: the record as a whole */
  CtValue values[CT_KIND_MAX_FIELDS];
} CtUpsertRecord;

/* Statements and columns of one kind, kept for a chunk. */
typedef struct _CtUpsert CtUpsert;

/* One row that was written; @length is 0 where its image has to be read from the table. */
typedef struct {
  const char *table;
  CtId id;
  gsize offset, length;
} CtWrittenRow;

/* How the update of a row is taken back. */
typedef struct {
  char *sql; /* (owned) */
  CtId id;
  GArray *values;   /* (owned) (element-type CtValue) */
  GPtrArray *texts; /* (owned): theirs */
} CtUpsertUndo;

/* What a chunk has written so far. */
typedef struct {
  GArray *rows;        /* (element-type CtWrittenRow) */
  GByteArray *images;  /* of the inserted ones */
  GHashTable *numbers; /* "ORD-2026" to the highest number given by a file */
  CtId series;         /* of the ids of its new rows */
  guint32 next_id;     /* in the series */
  gboolean guarded;    /* the row at hand has several records: what it updates must be taken back with it */
  guint row_begins;    /* of the row at hand, in rows */
  GPtrArray *undo;     /* (element-type CtUpsertUndo): its updates, in their order */
} CtUpsertLog;

CtUpsert *ct_upsert_new (CtCommand *command, const CtKind *kind, CtUpsertLog *log);
void ct_upsert_free (CtUpsert *self);
CtUpsertOutcome ct_upsert_write (CtUpsert *self, CtUpsertRecord *record, char **reason, GError **error);

CtUpsertLog *ct_upsert_log_new (const CtId *command);
void ct_upsert_log_free (CtUpsertLog *self);
void ct_upsert_log_begin_row (CtUpsertLog *self, gboolean guarded);
gboolean ct_upsert_log_undo_row (CtUpsertLog *self, CtCommand *command, GError **error);
void ct_upsert_log_take_undo (CtUpsertLog *self, CtUpsertUndo *undo);
void ct_upsert_log_drop_undo (CtUpsertLog *self);
gboolean ct_upsert_bind (CtStmt *stmt, int at, const CtValue *value, GError **error);
void ct_upsert_log_updated (CtUpsertLog *self, const char *table, const CtId *id);
gboolean ct_upsert_log_commit (CtUpsertLog *self, CtCommand *command, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtUpsert, ct_upsert_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtUpsertLog, ct_upsert_log_free)

G_END_DECLS
