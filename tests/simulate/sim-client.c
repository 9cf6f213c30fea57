#include "sim-client.h"
#include "sim-service.h"
#include "ct-enrolment-seal.h"
#include "ct-greeting.h"

#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

static void
write_free (gpointer data)
{
  SimWrite *write = data;

  g_free (write->value);
  g_free (write);
}

static SimClient *
client_alloc (SimWorld *world, const char *login)
{
  SimClient *self = g_new0 (SimClient, 1);

  self->world = world;
  self->login = login;
  self->name = g_strdup_printf ("%s%u", login, ++world->names);
  self->accepted = g_array_new (FALSE, TRUE, sizeof (SimAccepted));
  self->writes = g_ptr_array_new_with_free_func (write_free);
  self->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
sim_client_free (SimClient *self)
{
  sim_client_hang_up (self);
  sync_replica_free (self->replica);
  if (self->backup)
    g_remove (self->backup);
  g_free (self->backup);
  g_array_unref (self->accepted);
  g_ptr_array_unref (self->writes);
  g_hash_table_unref (self->seen);
  g_free (self->name);
  g_free (self);
}

/* The first client is an administrator's, whom the service trusts; it vouches for the others' devices. */
static void
enrol (SimClient *self, const guint8 public_key[CT_SEAL_PUBLIC_SIZE])
{
  SimWorld *world = self->world;
  SimClient *first = world->clients->len ? world->clients->pdata[0] : NULL;
  g_autofree char *server = pg_text (world->root, "SELECT name FROM audit.origin");
  CtEnrolmentSeal seal = { .device = self->replica->device, .owner = self->login, .server = server };
  guint8 signature[CT_SEAL_SIGNATURE_SIZE];
  char hex[2 * CT_SEAL_SIGNATURE_SIZE + 1];
  CtPushVoucher voucher = { .signature = hex };
  g_autoptr (GError) error = NULL;
  gboolean known;
  CtHash last;

  memcpy (seal.key, public_key, sizeof seal.key);
  if (first) {
    ct_enrolment_seal_sign (&seal, first->secret, signature);
    voucher.signer = first->replica->device;
    sodium_bin2hex (hex, sizeof hex, signature, sizeof signature);
  } else {
    sim_service_trust (world->service, &seal.device, public_key);
  }
  g_assert_true (ct_backlog_hash (self->replica->db, 1, &last, &known, NULL) && known);
  ct_push_enrol (world->root, &seal.device, self->login, self->name, public_key, 1, &last,
                 first ? &voucher : NULL, NULL, &error);
  g_assert_no_error (error);
}

/* Half of the clocks are right, the others wrong by up to ten days: the server's is real. */
static gint64
some_time (SimWorld *world)
{
  gint64 days = (gint64) sim_random_below (&world->random, 41) - 20;

  return world->begins + (ABS (days) <= 10 ? days * CT_MS_DAY : 0);
}

/* A new workspace of @login's, enrolled. @version: as SimClient's */
SimClient *
sim_client_new (SimWorld *world, const char *login, int version)
{
  SimClient *self = client_alloc (world, login);
  guint8 public_key[CT_SEAL_PUBLIC_SIZE];

  self->version = version;
  self->replica = sync_replica_new_at (version);
  self->replica->now = some_time (world);
  self->acknowledged = 1;
  crypto_sign_keypair (public_key, self->secret);
  g_assert_true (ct_db_run (
      self->replica->db, NULL,
      "INSERT INTO devices (id, label, public_key, enrolled_by, enrolled_at) VALUES (?, '', ?, '', 0)", "kb",
      &self->replica->device, public_key, sizeof public_key));
  enrol (self, public_key);
  g_ptr_array_add (world->clients, self);
  return self;
}

static gpointer
copy_write (gconstpointer source, gpointer data)
{
  SimWrite *copy = g_memdup2 (source, sizeof *copy);

  copy->value = g_strdup (copy->value);
  return copy;
}

/* As if somebody had copied the folder: both go on as the same device. */
SimClient *
sim_client_copy (SimClient *self)
{
  SimClient *copy = client_alloc (self->world, self->login);

  copy->replica = sync_replica_copy (self->replica);
  g_array_append_vals (copy->accepted, self->accepted->data, self->accepted->len);
  g_clear_pointer (&copy->writes, g_ptr_array_unref);
  copy->writes = g_ptr_array_copy (self->writes, copy_write, NULL);
  g_ptr_array_set_free_func (copy->writes, write_free);
  memcpy (copy->secret, self->secret, sizeof copy->secret);
  copy->cursor = self->cursor;
  copy->acknowledged = self->acknowledged;
  g_ptr_array_add (self->world->clients, copy);
  return copy;
}

/* The program died: what was not committed is gone. */
void
sim_client_reopen (SimClient *self)
{
  sim_client_hang_up (self);
  sync_replica_reopen (self->replica, self->version);
}

/* This program takes the place of an earlier one, over whatever waits to be pushed. */
gboolean
sim_client_upgrade (SimClient *self)
{
  gint64 pending = sim_client_pending (self);

  sim_world_say (self->world, "%s: is upgraded from schema %d with %d commands in the queue", self->name,
                 self->version, (int) pending);
  sim_world_count (self->world, "upgrades");
  sim_world_add (self->world, "carried over by an upgrade", (guint) pending);
  self->version = 0;
  sim_client_reopen (self);
  g_hash_table_remove_all (
      self->seen); /* rows come once more, with columns that the earlier one did without */
  return sim_client_pending (self) == pending ||
         sim_world_fail (self->world, "%s: of %d commands in the queue %d are left after the upgrade",
                         self->name, (int) pending, (int) sim_client_pending (self));
}

/* No line to the server: cut off, or of a program from before there was one that this server knows. */
gboolean
sim_client_is_away (SimClient *self)
{
  return self->away || (self->version && self->version < SIM_OLDEST_SPEAKING);
}

void
sim_client_back_up (SimClient *self)
{
  if (self->backup)
    g_remove (self->backup);
  g_free (self->backup);
  self->backup = g_strdup_printf ("%s.backup", self->replica->folder);
  g_remove (self->backup);
  g_assert_true (ct_db_run (self->replica->db, NULL, "VACUUM INTO ?", "s", self->backup));
  self->backup_accepted = self->accepted->len;
}

/* The workspace is lost and its backup takes its place. What had not been pushed is lost with the disk. */
void
sim_client_restore (SimClient *self)
{
  gint64 now = self->replica->now;

  sync_replica_free (self->replica);
  self->replica = sync_replica_open (self->backup);
  self->version = 0;
  self->replica->now = now;
  g_array_set_size (self->accepted, self->backup_accepted);
  /* what stands in the file is known again after the next pull */
  g_ptr_array_set_size (self->writes, 0);
  sim_client_forget_seen (self);
}

/* A restored server or workspace may step back; from here on nothing may again. */
void
sim_client_forget_seen (SimClient *self)
{
  g_hash_table_remove_all (self->seen);
  memset (&self->cursor, 0, sizeof self->cursor);
  self->acknowledged = 0;
}

gint64
sim_client_number (SimClient *self, const char *sql)
{
  return sync_replica_number (self->replica, sql);
}

gint64
sim_client_pending (SimClient *self)
{
  gint64 pending = 0, oldest;

  g_assert_true (ct_backlog_waiting (self->replica->db, &pending, &oldest, NULL));
  return pending;
}

static gboolean
talk (SimClient *self, CtSession *session, SimSync how, CtSyncReport *report, GError **error)
{
  SyncReplica *replica = self->replica;
  gboolean again;

  switch (how) {
  case SIM_SYNC_PULL:
    return ct_sync_pull (replica->db, replica->commander, session, replica->now, NULL, report, error);
  case SIM_SYNC_PUSH:
    return ct_sync_push (replica->db, session, NULL, report, &again, error);
  default:
    return ct_sync_round (replica->db, replica->commander, session, replica->now, NULL, report, error);
  }
}

/* (nullable): what the program says and asks first; a login without any role, and an earlier program, get none */
static CtSession *
dial (SimClient *self, const char *address, GError **error)
{
  g_autoptr (CtSession) session = ct_session_open (address, NULL, error);
  g_auto (CtGreeting) greeting = { 0 };
  CtId device;

  if (!session || !ct_backlog_device (self->replica->db, &device, error) ||
      !ct_greeting_ask (session, &device, &greeting, NULL, error) ||
      !ct_sync_check_window (self->replica->db, greeting.oldest, greeting.newest, error))
    return NULL;
  return g_steal_pointer (&session);
}

/* (nullable): see dial() */
CtSession *
sim_client_session (SimClient *self, GError **error)
{
  g_autofree char *address =
      pg_server_address (self->world->stage->server, self->world->database, self->login);

  if (!self->session)
    self->session = dial (self, address, error);
  return self->session;
}

void
sim_client_hang_up (SimClient *self)
{
  g_clear_pointer (&self->session, ct_session_close);
}

/* @through_line: over the line that is going to be cut */
gboolean
sim_client_sync (SimClient *self, SimSync how, gboolean through_line, CtSyncReport *report, GError **error)
{
  SimWorld *world = self->world;
  g_autofree char *address = sim_line_address (world->stage->line, world->database, self->login);
  g_autoptr (CtSession) line = through_line ? dial (self, address, error) : NULL;
  CtSession *session = through_line ? line : sim_client_session (self, error);

  memset (report, 0, sizeof *report);
  return session && talk (self, session, how, report, error);
}

/* Delivers a command that is settled once more, as a network or a proxy may: the answer must be the same. */
gboolean
sim_client_offer_again (SimClient *self)
{
  SimWorld *world = self->world;
  CtDb *db = self->replica->db;
  gint64 acknowledged = sim_client_number (self, "SELECT acknowledged FROM sync_state"), seq;
  g_auto (CtPushOffer) item = { 0 };
  g_autoptr (CtVerdict) verdict = NULL;
  CtSession *session = sim_client_session (self, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *known = NULL;
  CtId device;

  if (acknowledged <= 1 || !session)
    return TRUE;
  seq = 2 + sim_random_below (&world->random, (guint) acknowledged - 1);
  g_assert_true (ct_backlog_device (db, &device, NULL) && ct_backlog_next (db, seq - 1, &item, NULL));
  verdict = ct_push (session, &device, item.n, item.intent, item.changes, NULL, &error);
  /* a server that was restored, a device that was revoked: no answer is no other answer */
  if (!verdict || verdict->kind == CT_PUSH_FORKED)
    return TRUE;
  known = ct_db_read_text (db, NULL, "SELECT outcome FROM sync_outcomes WHERE seq = ?", "i", item.n);
  if (!world->restored && g_strcmp0 (known, verdict->kind == CT_PUSH_APPLIED ? "applied" : "rejected") != 0)
    return sim_world_fail (world,
                           "%s: command %d was settled as %s; delivered again it is answered otherwise",
                           self->name, (int) item.n, known ? known : "nothing");
  return TRUE;
}

static void
accept_command (SimClient *self, const CtId *made, const char *command)
{
  static const char *const tables[][2] = {
    { "distributor.create", "distributors" },
    { "order.create", "orders" },
    { "contact.create", "contacts" },
    { "product.create", "products" },
    { "note.add", "task_notes" },
    { "task.create", "follow_up_tasks" },
    { "document.create", "documents" },
    { "invoice.create", "invoices" },
    { "shipment.create", "shipments" },
  };
  SimAccepted one = { 0 };

  g_assert_true (ct_db_read_id (self->replica->db, &one.command, NULL,
                                "SELECT command_id FROM intents ORDER BY seq DESC LIMIT 1", ""));
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    if (g_str_equal (command, tables[i][0]) && !ct_id_is_nil (made)) {
      one.made = *made;
      one.table = tables[i][1];
    }
  g_array_append_val (self->accepted, one);
}

/* Notes commands that came by other ways than sim_client_do(): a decision in the tray, detection. */
void
sim_client_note_accepted (SimClient *self)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      self->replica->db, NULL, "SELECT command_id FROM intents WHERE seq > 1 ORDER BY seq LIMIT -1 OFFSET ?",
      "i", (gint64) self->accepted->len);

  while (ct_stmt_next (stmt)) {
    SimAccepted one = { 0 };

    g_assert_true (ct_stmt_id (stmt, 0, &one.command));
    g_array_append_val (self->accepted, one);
  }
}

/* Gives a command; from the moment it returns %TRUE nothing of it may be lost. */
gboolean
sim_client_do (SimClient *self, const char *command, const char *args, CtId *made, GError **error)
{
  gint64 before = sim_client_number (self, "SELECT max(seq) FROM intents");

  if (!sync_replica_try (self->replica, command, args, made, error))
    return FALSE;
  if (sim_client_number (self, "SELECT max(seq) FROM intents") > before)
    accept_command (self, made, command);
  return TRUE;
}

/* The last command gave this column this value. */
void
sim_client_expect (SimClient *self, const char *table, const CtId *id, const char *column, const char *value)
{
  SimWrite *write = g_new0 (SimWrite, 1);

  write->seq = sim_client_number (self, "SELECT max(seq) FROM intents");
  write->table = table;
  write->id = *id;
  write->column = column;
  write->value = g_strdup (value);
  g_ptr_array_add (self->writes, write);
}
