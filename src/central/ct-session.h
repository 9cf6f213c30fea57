#pragma once

#include "ct-base.h"

G_BEGIN_DECLS

/* A connection to the central database; belongs to one thread at a time, never the main one: its calls wait. */
typedef struct _CtSession CtSession;
/* The rows of one answer. */
typedef struct _CtAnswer CtAnswer;

CtSession *ct_session_open (const char *conninfo, GCancellable *cancellable, GError **error);
void ct_session_close (CtSession *self);
void ct_session_set_patience (CtSession *self, int patience);

/* Parameters $1, $2, ... by letter: s text or NULL, i gint64, k CtId * or NULL (as text), n NULL without an argument. */
CtAnswer *ct_session_query (CtSession *self, GCancellable *cancellable, GError **error, const char *sql,
                            const char *format, ...);
CtAnswer *ct_session_read (CtSession *self, GCancellable *cancellable, GError **error, const char *sql,
                           const char *format, ...);
gboolean ct_session_run (CtSession *self, GCancellable *cancellable, GError **error, const char *sql,
                         const char *format, ...);
gboolean ct_session_script (CtSession *self, const char *script, GCancellable *cancellable, GError **error);
const char *ct_session_last_state (CtSession *self);
char *ct_session_password_verifier (CtSession *self, const char *login, const char *password, GError **error);

gboolean ct_session_begin_read (CtSession *self, GCancellable *cancellable, GError **error);
gboolean ct_session_end (CtSession *self, gboolean commit, GCancellable *cancellable, GError **error);

/* Many statements under way at once, each a transaction of its own; their answers come in the same order. */
gboolean ct_session_pipeline_begin (CtSession *self, GError **error);
gboolean ct_session_pipeline_send (CtSession *self, GError **error, const char *sql, const char *format, ...);
guint ct_session_pipeline_waiting (CtSession *self);
CtAnswer *ct_session_pipeline_next (CtSession *self, GCancellable *cancellable, GError **error);
gboolean ct_session_pipeline_end (CtSession *self, GCancellable *cancellable, GError **error);

/* Hints. */
gboolean ct_session_listen (CtSession *self, GCancellable *cancellable, GError **error);
int ct_session_socket (CtSession *self);
gboolean ct_session_hear (CtSession *self, gint64 *number);

int ct_answer_rows (CtAnswer *self);
const char *ct_answer_text (CtAnswer *self, int row, int column);
gint64 ct_answer_int (CtAnswer *self, int row, int column);
gboolean ct_answer_id (CtAnswer *self, int row, int column, CtId *id);
void ct_answer_free (CtAnswer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtSession, ct_session_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtAnswer, ct_answer_free)

G_END_DECLS
