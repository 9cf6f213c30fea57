#include "ct-workspace-join.h"
#include "ct-address.h"
#include "ct-workspace-device.h"

#include <string.h>

CtJoin *
ct_join_new (const char *address, const char *password, gboolean plain_file)
{
  CtJoin *self = g_new0 (CtJoin, 1);

  self->address = g_strdup (address);
  self->password = password && *password ? g_strdup (password) : NULL;
  self->plain_file = plain_file;
  self->permille = -1;
  return self;
}

void
ct_join_free (CtJoin *self)
{
  if (self->password)
    explicit_bzero (self->password, strlen (self->password));
  g_free (self->password);
  g_free (self->address);
  g_free (self->unloaded);
  g_free (self->brought);
  g_free (self->left_behind);
  g_clear_pointer (&self->device, json_object_unref);
  g_free (self);
}

/* Whom it signs in as; (transfer full) */
char *
ct_join_login (CtJoin *self)
{
  char *login = ct_address_user (self->address);

  return login ? login : g_strdup (g_get_user_name ());
}

/* Whether an address can be one, without asking anybody. */
gboolean
ct_workspace_check_server (const char *address, GError **error)
{
  g_autofree char *complete = ct_address_complete (address, NULL, error);
  g_autofree char *origin =
      complete && ct_address_check (complete, error) ? ct_address_origin (address, error) : NULL;

  return origin != NULL;
}

static gboolean
read_device_cb (CtDb *db, gpointer data, GError **error)
{
  CtJoin *self = data;

  self->device = ct_workspace_describe_device (db, error);
  return self->device != NULL;
}

/* Nothing of the server's has been written yet, or a load that is taken back: it is a workspace of its own as before. */
static gboolean
leave_again (CtWorkspace *workspace, CtJoin *self, GError **error)
{
  JsonObject *left = NULL;

  g_atomic_int_set (&self->stage, CT_JOIN_LEAVING);
  if (!ct_workspace_disconnect (workspace, TRUE, &left, NULL, error))
    return FALSE;
  json_object_unref (left);
  return TRUE;
}

static void
loading_cb (const char *table, gint64 done, gint64 expected, gpointer data)
{
  CtJoin *self = data;

  if (expected > 0)
    g_atomic_int_set (&self->permille, (gint) CLAMP (done * 1000 / expected, 0, 1000));
}

static void
uploading_cb (const char *table, gint64 done, gint64 expected, gpointer data)
{
  g_atomic_int_set (&((CtJoin *) data)->stage, CT_JOIN_UPLOADING);
  loading_cb (table, done, expected, data);
}

/* The first load; what breaks it off by itself is made up for by later rounds. What has moved to the server stays there. */
static gboolean
load (CtWorkspace *workspace, CtJoin *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtLink) link = ct_link_new (workspace, TRUE, error);
  g_autoptr (GError) problem = NULL;
  CtSyncReport report;

  if (!link)
    return FALSE;
  ct_link_set_progress (link, loading_cb, self);
  g_atomic_int_set (&self->permille, -1);
  g_atomic_int_set (&self->stage, CT_JOIN_LOADING);
  if (ct_link_round (link, cancellable, &report, &problem))
    return TRUE;
  if (self->upload || !g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    self->unloaded = g_strdup (problem->message);
    return TRUE;
  }
  g_clear_pointer (&link, ct_link_free);
  if (leave_again (workspace, self, error))
    g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/**
 * ct_workspace_join:
 * @self: its members marked (out) are set in any case
 * @cancellable: (nullable): the workspace is then as it was before
 *
 * Connects and loads what the user may see. Blocks. The workspace must be opened anew afterwards.
 *
 * Returns: %FALSE as ct_workspace_connect() does, with the workspace as it was
 */
gboolean
ct_workspace_join (CtWorkspace *workspace, CtJoin *self, GCancellable *cancellable, GError **error)
{
  gboolean connected = ct_workspace_is_connected (workspace);
  CtConnectUpload upload = { uploading_cb, self, TRUE, TRUE /* whoever was asked knows */, &self->brought };

  if (!ct_workspace_connect (workspace, self->address, self->password, self->plain_file,
                             self->upload ? &upload : NULL, &self->wrong, cancellable, error)) {
    if (self->wrong == CT_CONNECT_DEVICE)
      ct_store_read (ct_workspace_get_store (workspace), read_device_cb, self, NULL);
    if (self->wrong == CT_CONNECT_RECORDS &&
        !(self->left_behind = ct_workspace_left_behind (workspace, NULL)))
      self->wrong = CT_CONNECT_ADDRESS; /* nobody is asked who cannot be told */
    return FALSE;
  }
  return connected || load (workspace, self, cancellable, error);
}
