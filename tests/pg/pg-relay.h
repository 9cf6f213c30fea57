#pragma once

#include "pg-server.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Stands between clients and the server: see pg-relay.c */
typedef struct _PgRelay PgRelay;

/* Carries one connection until it ends; on the relay's thread. @stop: ends it as well */
typedef void (*PgRelayFunc) (GSocket *client, GSocket *server, GCancellable *stop, gpointer data);

PgRelay *pg_relay_start (PgServer *server, PgRelayFunc carry, gpointer data);
void pg_relay_stop (PgRelay *self);
char *pg_relay_address (PgRelay *self, const char *database, const char *login);
gboolean pg_relay_send (GSocket *socket, gconstpointer bytes, gsize length);

G_END_DECLS
