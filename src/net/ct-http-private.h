/* What ct-http.c sees of requests and answers. */
#pragma once

#include "ct-http.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

struct _CtHttpRequest {
  gatomicrefcount refs;
  char *method;       /* (owned) */
  char *origin;       /* (owned) */
  char *path;         /* (owned): prefix and path, still with its "{secret}" */
  GString *query;     /* (owned): encoded, without "?" */
  GPtrArray *headers; /* (owned): name, value, name, value … */
  char *content_type; /* (owned) (nullable) */
  GBytes *body;       /* (owned) (nullable) */
  CtSecret *secret;   /* (owned) (nullable) */
  CtHttpPlacement placement;
  char *secret_name; /* (owned) (nullable): the header or query parameter */
  gint64 timeout_ms;
  gsize body_max;
};

SoupMessage *ct_http_request_to_message (const CtHttpRequest *self, GError **error);
CtHttpResponse *ct_http_response_new (guint status, SoupMessageHeaders *headers, GBytes *body);

G_END_DECLS
