#pragma once

#include "ct-pull.h"
#include "pg-server.h"

G_BEGIN_DECLS

/* A device of a login, as the server knows it: a counter and a chain of hashes. */
typedef struct {
  CtSession *session; /* (owned) */
  CtId id;
  gint64 n; /* of its last command */
  CtHash last;
  char *intent; /* (owned) (nullable): the last one's bytes */
} PgDevice;

PgDevice *pg_device_new (PgServer *server, const char *database, const char *login);
void pg_device_free (PgDevice *self);
char *pg_device_intent (PgDevice *self, const char *command);
CtVerdict *pg_device_push (PgDevice *self, const char *command, const char *changes, GError **error);
CtVerdict *pg_device_push_ok (PgDevice *self, const char *command, const char *changes);
CtId pg_device_add (PgDevice *self, const char *legal_name, const char *region);

char *pg_text (CtSession *session, const char *sql);
gint64 pg_number (CtSession *session, const char *sql);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PgDevice, pg_device_free)

G_END_DECLS
