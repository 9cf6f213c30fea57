#pragma once

#include "ct-schema.h"

G_BEGIN_DECLS

/* A PostgreSQL server that lives as long as the test. */
typedef struct _PgServer PgServer;

PgServer *pg_server_start (void);
void pg_server_stop (PgServer *self);
void pg_server_crash (PgServer *self);
char *pg_server_address (PgServer *self, const char *database, const char *login);
char *pg_server_tcp_address (PgServer *self, const char *database, const char *login);
const char *pg_server_socket (PgServer *self);
int pg_server_port (PgServer *self);

/* A database of its own with our schema and policy, and the logins of the tests: see pg-server.c */
void pg_server_create (PgServer *self, const char *database, const char *policy);
void pg_server_let_in (CtSession *root, const char *login, const char *role);
CtSession *pg_server_login (PgServer *self, const char *database, const char *login);
void pg_server_enrol (PgServer *self, const char *database, const char *login, const CtId *device);

/* See pg-fill.c */
void pg_server_fill (PgServer *self, const char *database, guint orders, guint notes);

/* Stands between a client and the server and cuts the line: see pg-proxy.c */
typedef struct _PgProxy PgProxy;

PgProxy *pg_proxy_start (PgServer *server);
void pg_proxy_stop (PgProxy *self);
char *pg_proxy_address (PgProxy *self, const char *database, const char *login);
void pg_proxy_set_delay (PgProxy *self, int milliseconds);
void pg_proxy_swallow_answers (PgProxy *self, const char *once_request_holds);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PgServer, pg_server_stop)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PgProxy, pg_proxy_stop)

G_END_DECLS
