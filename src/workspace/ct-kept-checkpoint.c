#include "ct-kept-checkpoint.h"
#include "ct-address.h"
#include "ct-checkpoint.h"
#include "ct-workspace-delivery.h"

/* Its name among the workspace's secrets; a stored format. */
#define NAME "last checkpoint"

/* A busy team's log has a new checkpoint each second; the keyring is written so often at most. */
#define KEEP_EVERY_US (60 * G_USEC_PER_SEC)

struct _CtKeptCheckpoint {
  CtWorkspace *workspace; /* (unowned) */
  CtSecretStore *secrets; /* (owned) (nullable): while the keyring can be used */
  char *origin;           /* (owned) (nullable): of the server, as secrets are bound to */
  char *note;             /* (owned) (nullable): what the keyring has */
  gboolean asked;
  gint64 kept_at; /* by the steady clock, microseconds; 0: not yet */
};

/**
 * ct_kept_checkpoint_new:
 * @workspace: outlives it
 */
CtKeptCheckpoint *
ct_kept_checkpoint_new (CtWorkspace *workspace)
{
  CtKeptCheckpoint *self = g_new0 (CtKeptCheckpoint, 1);

  self->workspace = workspace;
  return self;
}

/* With the next session the keyring is asked again: it may be open by then. */
void
ct_kept_checkpoint_ask_again (CtKeptCheckpoint *self)
{
  g_clear_pointer (&self->secrets, ct_secret_store_free);
  g_clear_pointer (&self->origin, g_free);
  g_clear_pointer (&self->note, g_free);
  self->asked = FALSE;
}

void
ct_kept_checkpoint_free (CtKeptCheckpoint *self)
{
  if (!self)
    return;
  ct_kept_checkpoint_ask_again (self);
  g_free (self);
}

/* For who asks how the workspace is; @problem: (nullable): none. */
static void
note_problem (CtKeptCheckpoint *self, CtDb *db, const GError *problem)
{
  g_autoptr (GError) lost = NULL;
  const char *text = problem ? problem->message : "";

  if (problem)
    g_clear_pointer (&self->secrets, ct_secret_store_free);
  if (!ct_db_run (db, &lost,
                  "INSERT INTO workspace VALUES('checkpoint_keyring', ?1) ON CONFLICT DO UPDATE"
                  " SET value = excluded.value WHERE value <> excluded.value",
                  "s", text))
    g_warning ("%s", lost->message);
}

/* Another key is another log's: the workspace had another server at that address before. */
static gboolean
is_of_this_log (CtDb *db, const char *note)
{
  g_autofree char *vkey =
      ct_db_read_text (db, NULL, "SELECT value FROM workspace WHERE key = 'log_vkey'", "");
  g_autoptr (CtVerifier) pinned = vkey ? ct_verifier_parse (vkey, NULL) : NULL;
  g_auto (CtCheckpoint) checkpoint = { 0 };

  return pinned && ct_checkpoint_open (note, -1, pinned, &checkpoint, NULL);
}

static void
find (CtKeptCheckpoint *self, CtDb *db, GCancellable *cancellable)
{
  g_autoptr (CtSecret) secret = ct_secret_store_find (self->secrets, NAME, self->origin, cancellable, NULL);
  const char *value = secret ? ct_secret_value (secret, self->origin, NULL) : NULL;
  g_autofree char *note = value ? g_uri_unescape_string (value, NULL) : NULL;

  if (note && is_of_this_log (db, note))
    self->note = g_steal_pointer (&note);
}

/**
 * ct_kept_checkpoint_ask:
 * @db: of a connected workspace, outside a transaction
 *
 * Reads what the keyring has, once; where it cannot be used now the workspace knows why.
 */
void
ct_kept_checkpoint_ask (CtKeptCheckpoint *self, CtDb *db, GCancellable *cancellable)
{
  g_autofree char *address = NULL;
  g_autoptr (GError) problem = NULL;

  if (self->asked)
    return;
  self->asked = TRUE;
  address = ct_db_read_text (db, NULL, "SELECT value FROM workspace WHERE key = 'server'", "");
  self->origin = address ? ct_address_origin (address, &problem) : NULL;
  if (self->origin && ct_secret_store_keyring_is_open (cancellable, &problem))
    self->secrets = ct_workspace_secrets_new (self->workspace, &problem);
  if (self->secrets)
    find (self, db, cancellable);
  note_problem (self, db, problem);
}

/* (nullable): what the keyring had, of a log that is signed with the pinned key */
const char *
ct_kept_checkpoint_note (CtKeptCheckpoint *self)
{
  return self->note;
}

/**
 * ct_kept_checkpoint_keep:
 * @note: a checkpoint that continues ct_kept_checkpoint_note()
 *
 * Writes it where the keyring can be used and has another one, the first time at once and then now and again.
 */
void
ct_kept_checkpoint_keep (CtKeptCheckpoint *self, CtDb *db, const char *note, GCancellable *cancellable)
{
  gint64 now = g_get_monotonic_time ();
  g_autofree char *text = NULL;
  g_autoptr (CtSecret) secret = NULL;
  g_autoptr (GError) problem = NULL;

  if (!self->secrets || g_strcmp0 (self->note, note) == 0 ||
      (self->kept_at && now - self->kept_at < KEEP_EVERY_US))
    return;
  text = g_uri_escape_string (note, NULL, FALSE); /* a secret is visible ASCII */
  secret = ct_secret_new (self->origin, text, &problem);
  if (secret && ct_secret_store_keyring_is_open (cancellable, &problem) &&
      ct_secret_store_save (self->secrets, CT_SECRET_KEYRING, NAME, secret, cancellable, &problem)) {
    self->kept_at = now;
    g_free (self->note);
    self->note = g_strdup (note);
  }
  if (problem)
    note_problem (self, db, problem);
}

/* The workspace leaves its server. */
void
ct_kept_checkpoint_forget (CtWorkspace *workspace, GCancellable *cancellable)
{
  g_autoptr (CtSecretStore) secrets = NULL;

  if (ct_secret_store_keyring_is_open (cancellable, NULL))
    secrets = ct_workspace_secrets_new (workspace, NULL);
  if (secrets)
    ct_secret_store_clear (secrets, NAME, NULL, cancellable, NULL);
}
