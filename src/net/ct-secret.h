#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Longest token taken, in bytes. */
#define CT_SECRET_MAX 4096

/* A credential and the one origin (scheme, host, port) it may be sent to; wiped when freed. */
typedef struct _CtSecret CtSecret;

CtSecret *ct_secret_new (const char *base_url, const char *value, GError **error);
CtSecret *ct_secret_new_from_file (const char *base_url, const char *path, GError **error);
CtSecret *ct_secret_ref (CtSecret *self);
void ct_secret_unref (CtSecret *self);

const char *ct_secret_origin (const CtSecret *self);
const char *ct_secret_value (const CtSecret *self, const char *origin, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtSecret, ct_secret_unref)

G_END_DECLS
