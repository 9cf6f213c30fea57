#pragma once

#include "ct-push.h"

G_BEGIN_DECLS

/* What an administrator does to the server, over the session of a login that owns the database or is superuser; devices and
 * the log's key also over that of one with the role admin. Each returns what a person is told of it. */
JsonObject *ct_admin_init (CtSession *session, const char *directory, const char *policy, const char *shipped,
                           GCancellable *cancellable, GError **error);
JsonObject *ct_admin_status (CtSession *session, GCancellable *cancellable, GError **error);
JsonArray *ct_admin_check (CtSession *session, const char *directory, const char *policy,
                           GCancellable *cancellable, GError **error);

/* A retention window is no longer than this. */
#define CT_ADMIN_MOST_DAYS 3660

/* A scope that a login gets, in place of those that it had. */
typedef struct {
  const char *scope;
  gint64 until; /* ms, by the server's clock; 0: without an end */
  gint64 days;  /* of what has a date that of the last days; 0: all */
} CtAdminGrant;

typedef struct {
  const char *login;
  const char *const *roles;
  const CtAdminGrant *grants; /* (nullable): as they are; of a new one: all */
  guint n_grants;
  const char *password; /* (nullable): as it is; a new one signs in by other means */
  gboolean if_new;      /* only a new login gets the password */
} CtAdminUser;

char *ct_admin_make_password (void);
JsonObject *ct_admin_add_user (CtSession *session, const CtAdminUser *user, GCancellable *cancellable,
                               GError **error);
JsonObject *ct_admin_remove_user (CtSession *session, const char *name, GCancellable *cancellable,
                                  GError **error);

/* A workspace's device as its user describes it: towerctl device show. */
typedef struct {
  CtId id;
  const char *label;
  CtHash public_key; /* 32 bytes of Ed25519 */
  gint64 commands;   /* how many the workspace keeps to itself */
  CtHash last;       /* the last one's intent */
} CtAdminDevice;

JsonObject *ct_admin_enrol (CtSession *session, const CtAdminDevice *device, const char *owner,
                            const CtPushVoucher *voucher, GCancellable *cancellable, GError **error);
JsonObject *ct_admin_set_log_key (CtSession *session, const char *vkey, GCancellable *cancellable,
                                  GError **error);
JsonObject *ct_admin_revoke (CtSession *session, const CtId *device, GCancellable *cancellable,
                             GError **error);

G_END_DECLS
