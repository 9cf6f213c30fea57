/* The outbox worker as the programs use it. */
#include "ct-workspace-delivery.h"
#include "ct-post-row.h"
#include "ct-workspace-audit.h"

#include <string.h>
#include <unistd.h>

/* An outbox with all it stands on; kept with the workspace, so that providers' limits hold from round to round. */
typedef struct {
  GMutex busy; /* one round at a time */
  CtSecretStore *secrets;
  CtHttpClient *http;
  CtVerifier *verifier;
  char *actor, *holder;
  CtOutbox *outbox;
} Sender;

static void
sender_free (gpointer data)
{
  Sender *self = data;

  ct_outbox_free (self->outbox);
  ct_secret_store_free (self->secrets);
  ct_http_client_unref (self->http);
  ct_verifier_free (self->verifier);
  g_free (self->actor);
  g_free (self->holder);
  g_mutex_clear (&self->busy);
  g_free (self);
}

typedef struct {
  char *id, *vkey;
} Identity;

static void
identity_clear (Identity *self)
{
  g_free (self->id);
  g_free (self->vkey);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Identity, identity_clear)

static gboolean
read_identity_cb (CtDb *db, gpointer data, GError **error)
{
  Identity *identity = data;
  g_autoptr (GError) none = NULL;

  identity->id = ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'workspace_id'", "");
  /* none before the first checkpoint of a server's log */
  if (identity->id)
    identity->vkey = ct_db_read_text (db, &none, "SELECT value FROM workspace WHERE key = 'log_vkey'", "");
  return identity->id != NULL;
}

/**
 * ct_workspace_secrets_new:
 *
 * Returns: (transfer full): the store of this workspace's channel tokens
 */
CtSecretStore *
ct_workspace_secrets_new (CtWorkspace *self, GError **error)
{
  g_auto (Identity) identity = { 0 };

  if (!ct_store_read (ct_workspace_get_store (self), read_identity_cb, &identity, error))
    return NULL;
  return ct_secret_store_new (ct_workspace_get_folder (self), identity.id);
}

/**
 * ct_workspace_store_token:
 * @channel: its name
 * @secret: bound to the channel's address
 * @plain_file: the person asked for the plain-text file of the workspace, %CT_SECRET_FILE
 *
 * Errors: %CT_ERROR_NOT_FOUND where there is no keyring
 */
gboolean
ct_workspace_store_token (CtWorkspace *self, const char *channel, CtSecret *secret, gboolean plain_file,
                          GCancellable *cancellable, GError **error)
{
  g_autoptr (CtSecretStore) secrets = ct_workspace_secrets_new (self, error);

  return secrets && ct_secret_store_save (secrets, plain_file ? CT_SECRET_PLAIN_FILE : CT_SECRET_KEYRING,
                                          channel, secret, cancellable, error);
}

static gint64
clock_cb (gpointer data)
{
  return ct_workspace_now (data);
}

static gboolean
sign_cb (gpointer data, GError **error)
{
  return ct_workspace_sign (data, error);
}

/* Who else than the service's thread got as far as here goes no further. */
static gboolean
settle_cb (gpointer workspace, gint64 seq, GError **error)
{
  gpointer data;
  CtSettleFunc settle = ct_workspace_get_settle (workspace, &data);

  return settle ? settle (data, seq, error) : ct_workspace_check_works (workspace, error);
}

/* The log is signed where this machine is its sequencer, having the key; elsewhere posts wait for a checkpoint. */
static Sender *
sender_new (CtWorkspace *workspace, GError **error)
{
  g_auto (Identity) identity = { 0 };
  g_autofree char *unique = g_uuid_string_random ();
  gboolean connected = ct_workspace_is_connected (workspace);
  g_autoptr (GError) no_signer = NULL;
  g_autoptr (CtSigner) signer = ct_workspace_get_log_signer (workspace, &no_signer);
  g_autoptr (CtHttpClient) http = ct_http_client_new (NULL, error);
  g_autoptr (CtVerifier) verifier = NULL;
  Sender *self;

  if (!http || !ct_store_read (ct_workspace_get_store (workspace), read_identity_cb, &identity, error) ||
      (!connected && !(verifier = ct_verifier_parse (identity.vkey, error))))
    return NULL;
  self = g_new0 (Sender, 1);
  g_mutex_init (&self->busy);
  self->http = g_steal_pointer (&http);
  self->verifier = g_steal_pointer (&verifier);
  self->secrets = ct_secret_store_new (ct_workspace_get_folder (workspace), identity.id);
  if (!signer)
    g_debug ("No log key here: %s", no_signer->message);
  self->actor = g_strdup (ct_workspace_get_actor (workspace));
  self->holder = g_strdup_printf ("%.64s/%d/%s", g_get_host_name (), (int) getpid (), unique);
  self->outbox = ct_outbox_new (&(CtOutboxOptions){
      .store = ct_workspace_get_store (workspace),
      .commander = ct_workspace_get_commander (workspace),
      .secrets = self->secrets,
      .http = self->http,
      .log = self->verifier, /* a server's may be pinned only later */
      .sign = signer && !connected ? sign_cb : NULL,
      .sign_data = workspace,
      .settle = connected ? settle_cb : NULL,
      .settle_data = workspace,
      .actor = self->actor,
      .holder = self->holder,
      .loopback_only = strcmp (ct_workspace_get_environment (workspace), "demo") == 0,
      .clock = clock_cb,
      .clock_data = workspace,
  });
  return self;
}

/* The workspace's sender, held for one round. A trial that acts as somebody else gets another one. */
typedef Sender SenderLock;

static SenderLock *
acquire (CtWorkspace *workspace, GError **error)
{
  static GMutex making;
  Sender *self;

  g_mutex_lock (&making);
  self = g_object_get_data (G_OBJECT (workspace), "ct-sender");
  if (self)
    g_mutex_lock (&self->busy);
  if (self && strcmp (self->actor, ct_workspace_get_actor (workspace)) != 0) {
    g_mutex_unlock (&self->busy);
    self = NULL;
  }
  if (!self && (self = sender_new (workspace, error))) {
    g_mutex_lock (&self->busy);
    g_object_set_data_full (G_OBJECT (workspace), "ct-sender", self, sender_free);
  }
  g_mutex_unlock (&making);
  return self;
}

static SenderLock *
acquire_to_send (CtWorkspace *workspace, GError **error)
{
  return ct_workspace_check_works (workspace, error) ? acquire (workspace, error) : NULL;
}

static void
release (SenderLock *self)
{
  g_mutex_unlock (&self->busy);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SenderLock, release)

/**
 * ct_workspace_deliver:
 *
 * One round of the outbox: see ct_outbox_run().
 */
gboolean
ct_workspace_deliver (CtWorkspace *self, GCancellable *cancellable, CtOutboxReport *report, GError **error)
{
  g_autoptr (SenderLock) sender = acquire_to_send (self, error);

  return sender && ct_outbox_run (sender->outbox, cancellable, report, error);
}

/* When the outbox has something to do by the clock: see ct_outbox_next(). */
gint64
ct_workspace_next_delivery (CtWorkspace *self, GError **error)
{
  return ct_workspace_check_works (self, error) ? ct_outbox_next (ct_workspace_get_store (self), error) : -1;
}

/* Authenticates at the channel's provider and never posts; (transfer full): as whom. */
char *
ct_workspace_test_channel (CtWorkspace *self, const char *channel, GCancellable *cancellable, GError **error)
{
  g_autoptr (SenderLock) sender = acquire (self, error);

  return sender ? ct_outbox_test (sender->outbox, channel, cancellable, error) : NULL;
}

static gboolean
load_cb (CtDb *db, gpointer data, GError **error)
{
  CtPostRow *post = data;
  CtId id = post->id;

  return ct_post_row_load (db, &id, post, error);
}

/* Where the team's service sends, a person's part is to ask; that also goes without the network. */
static gboolean
ask (CtWorkspace *self, const char *command, const CtId *post, const char *comment, GError **error)
{
  g_autofree char *id = ct_id_to_string (post);
  g_autoptr (JsonObject) args = ct_json_build ("s", "post", id);
  g_auto (CtOutcome) outcome = { 0 };

  if (comment)
    json_object_set_string_member (args, "comment", comment);
  return ct_workspace_execute (self, command, args, &outcome, error);
}

/**
 * ct_workspace_read_back:
 * @done: (out): %CT_POST_FOUND, %CT_POST_NOT_FOUND, or in a team %CT_POST_ASKED
 *
 * Looks for a post of unknown fate at its provider: see ct_outbox_read_back(). In a team its service is asked to do so now.
 */
gboolean
ct_workspace_read_back (CtWorkspace *self, const CtId *post, GCancellable *cancellable, CtPostDone *done,
                        GError **error)
{
  g_autoptr (SenderLock) sender = NULL;
  gboolean found = FALSE;

  *done = CT_POST_ASKED;
  if (ct_workspace_is_connected (self))
    return ask (self, "post.look", post, NULL, error);
  sender = acquire (self, error);
  if (!sender || !ct_outbox_read_back (sender->outbox, post, cancellable, &found, error))
    return FALSE;
  *done = found ? CT_POST_FOUND : CT_POST_NOT_FOUND;
  return TRUE;
}

/* It has not gone out: its approval is taken back. */
static gboolean
call_back (CtWorkspace *self, const CtPostRow *post, GError **error)
{
  g_autofree char *approval = ct_id_to_string (&post->approval_id);
  g_autoptr (JsonObject) args = ct_json_build ("s", "approval", approval);
  g_auto (CtOutcome) outcome = { 0 };

  return ct_workspace_execute (self, "approval.unsend", args, &outcome, error);
}

/**
 * ct_workspace_retract:
 * @comment: why
 * @done: (out): %CT_POST_STOPPED where it had not gone out yet, %CT_POST_RETRACTED, or in a team %CT_POST_ASKED
 *
 * Takes a post back: see ct_outbox_retract(). In a team its service is asked to do so.
 */
gboolean
ct_workspace_retract (CtWorkspace *self, const CtId *post, const char *comment, GCancellable *cancellable,
                      CtPostDone *done, GError **error)
{
  g_auto (CtPostRow) row = { .id = *post };
  g_autoptr (SenderLock) sender = NULL;

  if (!ct_store_read (ct_workspace_get_store (self), load_cb, &row, error))
    return FALSE;
  *done = CT_POST_STOPPED;
  if (strcmp (row.state, "ready") == 0 || strcmp (row.state, "leased") == 0)
    return call_back (self, &row, error);
  *done = CT_POST_ASKED;
  if (ct_workspace_is_connected (self))
    return ask (self, "post.retracting", post, comment, error);
  *done = CT_POST_RETRACTED;
  sender = acquire (self, error);
  return sender && ct_outbox_retract (sender->outbox, post, comment, cancellable, error);
}

static void
report_free (gpointer data)
{
  ct_outbox_report_clear (data);
  g_free (data);
}

static void
deliver_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  CtOutboxReport *report = g_new0 (CtOutboxReport, 1);
  GError *error = NULL;

  if (ct_workspace_deliver (source, cancellable, report, &error)) {
    g_task_return_pointer (task, report, report_free);
    return;
  }
  report_free (report);
  g_task_return_error (task, error);
}

void
ct_workspace_deliver_async (CtWorkspace *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, ct_workspace_deliver_async);
  g_task_run_in_thread (task, deliver_thread);
}

gboolean
ct_workspace_deliver_finish (CtWorkspace *self, GAsyncResult *result, CtOutboxReport *report, GError **error)
{
  CtOutboxReport *done = g_task_propagate_pointer (G_TASK (result), error);

  if (!done)
    return FALSE;
  *report = *done;
  g_free (done);
  return TRUE;
}

static void
test_thread (GTask *task, gpointer source, gpointer channel, GCancellable *cancellable)
{
  GError *error = NULL;
  char *who = ct_workspace_test_channel (source, channel, cancellable, &error);

  if (who)
    g_task_return_pointer (task, who, g_free);
  else
    g_task_return_error (task, error);
}

void
ct_workspace_test_channel_async (CtWorkspace *self, const char *channel, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, ct_workspace_test_channel_async);
  g_task_set_task_data (task, g_strdup (channel), g_free);
  g_task_run_in_thread (task, test_thread);
}

char *
ct_workspace_test_channel_finish (CtWorkspace *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
