#pragma once

#include "ct-base.h"

G_BEGIN_DECLS

/* Answers GET on one address, on the thread whose main context is the default where it was made. */
typedef struct _CtHttpListener CtHttpListener;

/* What a question is answered with. */
typedef struct {
  guint status;     /* 200 unless it is set */
  const char *type; /* (unowned): a media type */
  char *text;       /* (owned) (nullable) */
} CtHttpAnswer;

/* @query: (nullable). Leaves @answer alone where there is nothing at @path; FALSE answers 500 without a word of @error. */
typedef gboolean (*CtHttpAnswerFunc) (const char *path, GHashTable *query, CtHttpAnswer *answer,
                                      gpointer data, GError **error);

CtHttpListener *ct_http_listener_new (const char *address, const char *token, CtHttpAnswerFunc func,
                                      gpointer data, GError **error);
void ct_http_listener_free (CtHttpListener *self);
guint ct_http_listener_port (CtHttpListener *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtHttpListener, ct_http_listener_free)

G_END_DECLS
