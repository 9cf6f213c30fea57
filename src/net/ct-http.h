#pragma once

#include "ct-secret.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where nothing else is asked for: the largest answer read, and the whole exchange's time. */
#define CT_HTTP_BODY_MAX   (1024 * 1024)
#define CT_HTTP_TIMEOUT_MS (30 * 1000)

typedef enum {
  CT_HTTP_BEARER, /* Authorization: Bearer SECRET */
  CT_HTTP_HEADER, /* the named header holds it */
  CT_HTTP_PATH,   /* the path's one "{secret}" stands for it */
  CT_HTTP_QUERY,  /* the named query parameter holds it */
} CtHttpPlacement;

typedef struct _CtHttpRequest CtHttpRequest;
typedef struct _CtHttpResponse CtHttpResponse;
typedef struct _CtHttpClient CtHttpClient;

/* A request is built by one thread and not changed once it is sent. */
CtHttpRequest *ct_http_request_new (const char *method, const char *base_url, const char *path,
                                    GError **error);
CtHttpRequest *ct_http_request_ref (CtHttpRequest *self);
void ct_http_request_unref (CtHttpRequest *self);

void ct_http_request_add_query (CtHttpRequest *self, const char *name, const char *value);
gboolean ct_http_request_set_header (CtHttpRequest *self, const char *name, const char *value,
                                     GError **error);
void ct_http_request_set_body (CtHttpRequest *self, const char *content_type, GBytes *body);
gboolean ct_http_request_set_secret (CtHttpRequest *self, CtSecret *secret, CtHttpPlacement placement,
                                     const char *name, GError **error);
void ct_http_request_set_timeout (CtHttpRequest *self, gint64 ms);
void ct_http_request_set_body_max (CtHttpRequest *self, gsize bytes);
const char *ct_http_request_origin (const CtHttpRequest *self);
char *ct_http_request_describe (const CtHttpRequest *self);

void ct_http_response_free (CtHttpResponse *self);
guint ct_http_response_status (const CtHttpResponse *self);
const char *ct_http_response_header (const CtHttpResponse *self, const char *name);
GBytes *ct_http_response_body (const CtHttpResponse *self);
gint64 ct_http_response_retry_at (const CtHttpResponse *self, gint64 now_ms);

CtHttpClient *ct_http_client_new (const char *ca_file, GError **error);
CtHttpClient *ct_http_client_ref (CtHttpClient *self);
void ct_http_client_unref (CtHttpClient *self);

CtHttpResponse *ct_http_send (CtHttpClient *client, CtHttpRequest *request, GCancellable *cancellable,
                              GError **error);
void ct_http_send_async (CtHttpClient *client, CtHttpRequest *request, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data);
CtHttpResponse *ct_http_send_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtHttpRequest, ct_http_request_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtHttpResponse, ct_http_response_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtHttpClient, ct_http_client_unref)

G_END_DECLS
