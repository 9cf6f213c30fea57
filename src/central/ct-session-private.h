/* What ct-session.c shares with its pipeline and its ears. */
#pragma once

#include "ct-session.h"

#include <libpq-fe.h>

G_BEGIN_DECLS

struct _CtSession {
  PGconn *handle;   /* (owned) */
  int patience;     /* milliseconds */
  gint64 deadline;  /* of dialling, by the steady clock in milliseconds; 0 afterwards */
  gboolean reading; /* inside a read-only transaction: nothing sent can have an effect */
  gboolean lost;    /* out of step with the server: nothing more can be asked */
  guint under_way;  /* statements of a pipeline whose answers are not read yet */
  char state[6];    /* SQLSTATE of the last failure, "" where there is none */
};

struct _CtAnswer {
  PGresult *handle; /* (owned) */
};

gboolean ct_session_wait (CtSession *self, GIOCondition condition, GCancellable *cancellable, GError **error);
gboolean ct_session_fail_lost (CtSession *self, GError **error);
gboolean ct_session_fail_result (CtSession *self, const PGresult *result, GError **error);
GPtrArray *ct_session_read_parameters (const char *format, va_list args);

G_END_DECLS
