/* Channels as a person sets them up: the commands together with the token, which is no part of any command. */
#include "ct-workspace-channels.h"

#include "ct-post-row.h"
#include "ct-rows.h"

#include <string.h>

struct _CtRemovedChannel {
  char *name;      /* (owned) */
  CtId command;    /* that removed it */
  CtSecret *token; /* (owned) (nullable): as it was stored */
  CtSecretPlace place;
  char *problem; /* (owned) (nullable): why the token is still stored */
};

CtChannelSetup *
ct_channel_setup_new (const char *kind, const char *name, const char *base_url)
{
  CtChannelSetup *self = g_new0 (CtChannelSetup, 1);

  self->kind = g_strdup (kind);
  self->name = g_strdup (name);
  self->base_url = g_strdup (base_url);
  self->destinations = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
ct_channel_setup_free (CtChannelSetup *self)
{
  g_free (self->kind);
  g_free (self->name);
  g_free (self->base_url);
  g_ptr_array_unref (self->destinations);
  g_clear_pointer (&self->secret, ct_secret_unref);
  g_free (self);
}

void
ct_removed_channel_free (CtRemovedChannel *self)
{
  g_free (self->name);
  g_clear_pointer (&self->token, ct_secret_unref);
  g_free (self->problem);
  g_free (self);
}

/* (nullable): the channel is removed, but this kept its token where it was */
const char *
ct_removed_channel_problem (const CtRemovedChannel *self)
{
  return self->problem;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

/**
 * ct_workspace_read_channels:
 * @name: (nullable): of one channel; %NULL: all of them, by name
 *
 * Returns: (transfer full): objects with name, kind, baseUrl, destinations
 */
JsonArray *
ct_workspace_read_channels (CtDb *db, const char *name, GError **error)
{
  return ct_rows_array (
      db, error,
      "SELECT c.name, c.kind, c.base_url AS baseUrl, (SELECT json_group_array(d.destination) FROM "
      "channel_destinations d WHERE d.channel_id = c.id AND d.archived_at IS NULL) AS destinationsJson "
      "FROM channels c WHERE c.archived_at IS NULL AND c.name = coalesce(?1, c.name) ORDER BY c.name",
      name ? "s" : "n", name);
}

typedef struct {
  const char *name; /* (nullable) */
  JsonArray *channels;
  gboolean stopped;
  const char *sending;
} Reading;

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  Reading *reading = data;

  reading->stopped = ct_post_row_is_stopped (db);
  reading->sending = ct_sending_state (db);
  reading->channels = ct_workspace_read_channels (db, reading->name, error);
  return reading->channels != NULL;
}

static void
add_token_place (CtSecretStore *secrets, JsonObject *channel, GCancellable *cancellable)
{
  static const char *const places[] = {
    [CT_SECRET_KEYRING] = "keyring", [CT_SECRET_PLAIN_FILE] = "file", [CT_SECRET_CREDENTIAL] = "credential"
  };
  g_autoptr (GError) problem = NULL;
  CtSecretPlace place;

  if (ct_secret_store_where (secrets, ct_json_string (channel, "name", ""),
                             ct_json_string (channel, "baseUrl", ""), &place, cancellable, &problem))
    json_object_set_string_member (channel, "token", places[place]);
  else
    json_object_set_string_member (channel, "tokenProblem", problem->message);
}

/**
 * ct_workspace_list_channels:
 *
 * Returns: (transfer full): {stopped, sending as ct_sending_state() has it, channels: [{name, kind, baseUrl, destinations, token: "keyring" or "file", or else
 *   tokenProblem: why there is none}]}
 */
JsonObject *
ct_workspace_list_channels (CtWorkspace *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtSecretStore) secrets = ct_workspace_secrets_new (self, error);
  Reading reading = { 0 };

  if (!secrets || !ct_store_read (ct_workspace_get_store (self), read_cb, &reading, error))
    return NULL;
  for (guint i = 0; i < json_array_get_length (reading.channels); i++)
    add_token_place (secrets, json_array_get_object_element (reading.channels, i), cancellable);
  return ct_json_build ("bsa", "stopped", reading.stopped, "sending", reading.sending, "channels",
                        reading.channels);
}

/* --- adding --------------------------------------------------------------------------------------------------- */

static gboolean
check_destinations (const CtChannelSetup *setup, GError **error)
{
  if (setup->destinations->len == 0)
    return ct_fail (error, CT_ERROR_INVALID, _ ("Say where it may post, as in #ops"));
  for (guint i = 0; i < setup->destinations->len; i++)
    if (!ct_wire_check_destination (setup->kind, setup->destinations->pdata[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
check_base_url (CtWorkspace *self, const char *base_url, GError **error)
{
  g_autofree char *origin = NULL;

  if (!ct_origin_parse (base_url, &origin, NULL, error))
    return FALSE;
  return strcmp (ct_workspace_get_environment (self), "demo") != 0 || ct_origin_is_loopback (origin) ||
         ct_fail (error, CT_ERROR_REFUSED,
                  _ ("This is a demo workspace: it posts to this machine only, never to %s"), origin);
}

/**
 * ct_workspace_check_channel_part:
 *
 * Checks one part without changing anything; never blocks. A token is checked where it becomes a #CtSecret.
 *
 * Returns: whether it may be so; %CT_ERROR_REFUSED where a demo would reach outside
 */
gboolean
ct_workspace_check_channel_part (CtWorkspace *self, const CtChannelSetup *setup, CtChannelPart part,
                                 GError **error)
{
  switch (part) {
  case CT_CHANNEL_PART_KIND:
    return ct_channel_class (setup->kind) ||
           ct_fail (error, CT_ERROR_INVALID, _ ("There is no channel of kind “%s”"), setup->kind);
  case CT_CHANNEL_PART_NAME:
    return ct_wire_check_channel (setup->name, error);
  case CT_CHANNEL_PART_DESTINATION:
    return check_destinations (setup, error);
  case CT_CHANNEL_PART_BASE_URL:
    return check_base_url (self, setup->base_url, error);
  default:
    return TRUE;
  }
}

/**
 * ct_workspace_check_channel:
 * @wrong: (out) (optional): the first part that is wrong
 *
 * Returns: whether ct_workspace_add_channel() would take all of it
 */
gboolean
ct_workspace_check_channel (CtWorkspace *self, const CtChannelSetup *setup, CtChannelPart *wrong,
                            GError **error)
{
  for (int part = CT_CHANNEL_PART_NONE; part < CT_CHANNEL_PARTS; part++)
    if (!ct_workspace_check_channel_part (self, setup, (CtChannelPart) part, error)) {
      if (wrong)
        *wrong = (CtChannelPart) part;
      return FALSE;
    }
  return TRUE;
}

/* The token goes to the keyring; to a file only where the person asks for it, or where it can open nothing but this
 * machine itself and there is no keyring. */
static gboolean
store_token (CtWorkspace *self, const CtChannelSetup *setup, gboolean *in_file, GCancellable *cancellable,
             GError **error)
{
  g_autoptr (GError) problem = NULL;

  *in_file = setup->plain_token;
  if (ct_workspace_store_token (self, setup->name, setup->secret, setup->plain_token, cancellable, &problem))
    return TRUE;
  if (setup->plain_token || !g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND) ||
      !ct_origin_is_loopback (setup->base_url)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  *in_file = TRUE;
  return ct_workspace_store_token (self, setup->name, setup->secret, TRUE, cancellable, error);
}

/**
 * ct_workspace_add_channel:
 * @in_file: (out): whether the token went to the plain-text file
 * @wrong: (out) (optional): the part that an error is about
 *
 * Stores the token, then registers the channel and its destinations; again for one that is there, it adds to it.
 *
 * Returns: whether all is done; %CT_ERROR_NOT_FOUND with %CT_CHANNEL_PART_TOKEN where there is no keyring
 */
gboolean
ct_workspace_add_channel (CtWorkspace *self, const CtChannelSetup *setup, gboolean *in_file,
                          CtChannelPart *wrong, GCancellable *cancellable, GError **error)
{
  gboolean plain = FALSE;

  if (!ct_workspace_check_channel (self, setup, wrong, error))
    return FALSE;
  /* who may not add channels leaves no token behind: the command below says so */
  if (setup->secret && ct_workspace_may (self, "channel.add") &&
      !store_token (self, setup, &plain, cancellable, error)) {
    if (wrong)
      *wrong = CT_CHANNEL_PART_TOKEN;
    return FALSE;
  }
  for (guint i = 0; i < setup->destinations->len; i++) {
    g_autoptr (JsonObject) args =
        ct_json_build ("ssss", "name", setup->name, "kind", setup->kind, "base_url", setup->base_url,
                       "destination", setup->destinations->pdata[i]);
    g_auto (CtOutcome) outcome = { 0 };

    if (!ct_workspace_execute (self, "channel.add", args, &outcome, error))
      return FALSE;
  }
  *in_file = plain;
  return TRUE;
}

/* --- removing ------------------------------------------------------------------------------------------------- */

/* Takes the token out of its place, and those of addresses that the channel once had; what stays there is a problem to tell, not a reason to keep the channel. */
static void
take_token (CtWorkspace *self, CtRemovedChannel *removed, const char *base_url, GCancellable *cancellable)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (CtSecretStore) secrets = ct_workspace_secrets_new (self, &problem);

  if (secrets &&
      ct_secret_store_where (secrets, removed->name, base_url, &removed->place, cancellable, &problem))
    removed->token = ct_secret_store_find (secrets, removed->name, base_url, cancellable, &problem);
  g_clear_error (&problem);
  if (secrets && !ct_secret_store_clear (secrets, removed->name, NULL, cancellable, &problem) &&
      !g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
    removed->problem = g_strdup (problem->message);
}

/**
 * ct_workspace_remove_channel:
 *
 * Removes a channel and its token.
 *
 * Returns: (transfer full): for ct_workspace_restore_channel()
 */
CtRemovedChannel *
ct_workspace_remove_channel (CtWorkspace *self, const char *name, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtRemovedChannel) removed = g_new0 (CtRemovedChannel, 1);
  g_autoptr (JsonObject) args = ct_json_build ("s", "name", name);
  g_autoptr (JsonArray) channels = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  Reading reading = { .name = name };

  if (!ct_store_read (ct_workspace_get_store (self), read_cb, &reading, error))
    return NULL;
  channels = reading.channels;
  if (!ct_workspace_execute (self, "channel.remove", args, &outcome, error))
    return NULL;
  removed->name = g_strdup (name);
  removed->command = outcome.command_id;
  if (json_array_get_length (channels))
    take_token (self, removed, ct_json_string (json_array_get_object_element (channels, 0), "baseUrl", ""),
                cancellable);
  return g_steal_pointer (&removed);
}

/* Takes a removal back and puts the token where it was. */
gboolean
ct_workspace_restore_channel (CtWorkspace *self, const CtRemovedChannel *removed, GCancellable *cancellable,
                              GError **error)
{
  g_autofree char *command = ct_id_to_string (&removed->command);
  g_autoptr (JsonObject) args = ct_json_build ("s", "command", command);
  g_auto (CtOutcome) outcome = { 0 };

  return ct_workspace_execute (self, "command.undo", args, &outcome, error) &&
         (!removed->token ||
          ct_workspace_store_token (self, removed->name, removed->token,
                                    removed->place == CT_SECRET_PLAIN_FILE, cancellable, error));
}

/* --- on a worker thread --------------------------------------------------------------------------------------- */

static void
list_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  JsonObject *list = ct_workspace_list_channels (source, cancellable, &error);

  if (list)
    g_task_return_pointer (task, list, (GDestroyNotify) json_object_unref);
  else
    g_task_return_error (task, error);
}

void
ct_workspace_list_channels_async (CtWorkspace *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, ct_workspace_list_channels_async);
  g_task_run_in_thread (task, list_thread);
}

JsonObject *
ct_workspace_list_channels_finish (CtWorkspace *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

typedef struct {
  CtChannelSetup *setup; /* (owned) */
  gboolean in_file;
  CtChannelPart wrong;
} Addition;

static void
addition_free (gpointer data)
{
  Addition *self = data;

  ct_channel_setup_free (self->setup);
  g_free (self);
}

static void
add_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Addition *addition = data;
  GError *error = NULL;

  if (ct_workspace_add_channel (source, addition->setup, &addition->in_file, &addition->wrong, cancellable,
                                &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* @setup: (transfer full) */
void
ct_workspace_add_channel_async (CtWorkspace *self, CtChannelSetup *setup, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Addition *addition = g_new0 (Addition, 1);

  addition->setup = setup;
  g_task_set_source_tag (task, ct_workspace_add_channel_async);
  g_task_set_task_data (task, addition, addition_free);
  g_task_run_in_thread (task, add_thread);
}

gboolean
ct_workspace_add_channel_finish (CtWorkspace *self, GAsyncResult *result, gboolean *in_file,
                                 CtChannelPart *wrong, GError **error)
{
  const Addition *addition = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error)) {
    *wrong = addition->wrong;
    return FALSE;
  }
  *in_file = addition->in_file;
  return TRUE;
}

static void
remove_thread (GTask *task, gpointer source, gpointer name, GCancellable *cancellable)
{
  GError *error = NULL;
  CtRemovedChannel *removed = ct_workspace_remove_channel (source, name, cancellable, &error);

  if (removed)
    g_task_return_pointer (task, removed, (GDestroyNotify) ct_removed_channel_free);
  else
    g_task_return_error (task, error);
}

void
ct_workspace_remove_channel_async (CtWorkspace *self, const char *name, GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, ct_workspace_remove_channel_async);
  g_task_set_task_data (task, g_strdup (name), g_free);
  g_task_run_in_thread (task, remove_thread);
}

CtRemovedChannel *
ct_workspace_remove_channel_finish (CtWorkspace *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
restore_thread (GTask *task, gpointer source, gpointer removed, GCancellable *cancellable)
{
  GError *error = NULL;

  if (ct_workspace_restore_channel (source, removed, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* @removed: (transfer full) */
void
ct_workspace_restore_channel_async (CtWorkspace *self, CtRemovedChannel *removed,
                                    GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, ct_workspace_restore_channel_async);
  g_task_set_task_data (task, removed, (GDestroyNotify) ct_removed_channel_free);
  g_task_run_in_thread (task, restore_thread);
}

gboolean
ct_workspace_restore_channel_finish (CtWorkspace *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
