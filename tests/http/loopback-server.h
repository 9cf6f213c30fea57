/* Servers on a free loopback port for the http suite, each on a thread of its own. */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* A real SoupServer; @handler runs on the server's thread. */
typedef struct _SoupLoop SoupLoop;
SoupLoop *soup_loop_new (SoupServerCallback handler, gpointer data, GTlsCertificate *certificate);
const char *soup_loop_url (SoupLoop *self);
void soup_loop_free (SoupLoop *self);

/* What a server does to a connection that no HTTP library would do. */
typedef enum {
  RAW_CLOSE_AT_ONCE,
  RAW_CLOSE_AFTER_READ,
  RAW_RESET_AFTER_READ,
  RAW_NEVER_ANSWER,
  RAW_TRICKLE,   /* a byte of the header each 20 ms, for ever */
  RAW_HALF_BODY, /* announces 100 bytes, sends 10, closes */
  RAW_NOT_HTTP,
} RawMode;

typedef struct _RawServer RawServer;
RawServer *raw_server_new (RawMode mode);
const char *raw_server_url (RawServer *self);
guint raw_server_connections (RawServer *self);
void raw_server_free (RawServer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SoupLoop, soup_loop_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RawServer, raw_server_free)

G_END_DECLS
