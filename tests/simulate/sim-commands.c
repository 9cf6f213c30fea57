/* What people do: any command on one of the few records that are there, so that many write the same. */
#include "sim-commands.h"
#include "ct-approve.h"
#include "ct-detect.h"

#include <string.h>

/* In @args: $id the record, $u a text that nobody else gives, $r a region, $l lines of an order, $k one of few keys, $n a
 * small number, $t a moment, $d a day, $c an own command, $x a text longer than the server takes, $p a person. Decisions are given as
 * the person whose workstation it is, everything else as its administrator. */
typedef struct {
  guint weight;
  const char *command;
  const char *from; /* (nullable): the table of the record, or the records of it that are meant */
  const char *args;
  const char *column; /* (nullable): which of the record's columns has $u afterwards */
} Action;

#define PENDING  "(SELECT id FROM approvals WHERE state = 'pending')"
#define APPROVED "(SELECT id FROM approvals WHERE state = 'approved')"
#define DRAFTING "(SELECT id FROM follow_up_tasks WHERE status = 'drafting')"

static const Action actions[] = {
  { 6, "distributor.create", NULL, "{\"legal_name\":\"$u\",\"currency\":\"EUR\",\"region\":\"$r\"}", NULL },
  { 8, "distributor.edit", "distributors", "{\"id\":\"$id\",\"city\":\"$u\"}", "city" },
  { 5, "distributor.edit", "distributors", "{\"id\":\"$id\",\"notes\":\"$u\"}", "notes" },
  { 3, "distributor.edit", "distributors", "{\"id\":\"$id\",\"legal_name\":\"$u\",\"street\":\"$k\"}",
    "legal_name" },
  { 3, "distributor.edit", "distributors", "{\"id\":\"$id\",\"region\":\"$r\"}", NULL },
  { 3, "distributor.edit", "distributors", "{\"id\":\"$id\",\"onboarding_state\":\"$s\"}", NULL },
  { 2, "distributor.edit", "distributors", "{\"id\":\"$id\",\"credit_limit_minor\":$n}", NULL },
  { 1, "distributor.edit", "distributors", "{\"id\":\"$id\",\"street\":\"$x\"}", NULL },
  { 2, "distributor.archive", "distributors", "{\"id\":\"$id\"}", NULL },
  { 2, "distributor.restore", "distributors", "{\"id\":\"$id\"}", NULL },
  { 3, "contact.create", "distributors", "{\"distributor_id\":\"$id\",\"name\":\"$u\"}", NULL },
  { 3, "contact.edit", "contacts", "{\"id\":\"$id\",\"phone\":\"$u\"}", "phone" },
  { 1, "contact.archive", "contacts", "{\"id\":\"$id\"}", NULL },
  { 2, "product.create", NULL, "{\"sku\":\"$k\",\"name\":\"$u\"}", NULL },
  { 2, "product.edit", "products", "{\"id\":\"$id\",\"name\":\"$u\"}", "name" },
  { 1, "product.edit", "products", "{\"id\":\"$id\",\"sku\":\"$k\"}", NULL },
  { 6, "order.create", "distributors", "{\"distributor_id\":\"$id\",\"currency\":\"EUR\",\"lines\":$l}",
    NULL },
  { 5, "order.edit", "orders", "{\"id\":\"$id\",\"lines\":$l}", NULL },
  { 5, "order.edit", "orders", "{\"id\":\"$id\",\"notes\":\"$u\"}", "notes" },
  { 2, "order.edit", "orders", "{\"id\":\"$id\",\"status\":\"$o\",\"lane_origin\":\"$u\"}", "lane_origin" },
  { 4, "order.edit", "orders", "{\"id\":\"$id\",\"ordered_on\":\"$d\"}", NULL },
  { 1, "order.archive", "orders", "{\"id\":\"$id\"}", NULL },
  { 1, "order.restore", "orders", "{\"id\":\"$id\"}", NULL },
  { 2, "invoice.create", "orders",
    "{\"order_id\":\"$id\",\"state\":\"issued\",\"amount_minor\":$n,\"currency\":\"EUR\",\"issued_on\":"
    "\"2025-01-02\","
    "\"due_on\":\"2025-02-02\"}",
    NULL },
  { 2, "invoice.edit", "invoices", "{\"id\":\"$id\",\"paid_minor\":$n}", NULL },
  { 1, "invoice.edit", "invoices", "{\"id\":\"$id\",\"state\":\"paid\",\"paid_on\":\"2025-03-03\"}", NULL },
  { 2, "shipment.create", "orders", "{\"order_id\":\"$id\",\"carrier\":\"$u\"}", NULL },
  { 2, "shipment.edit", "shipments", "{\"id\":\"$id\",\"tracking_number\":\"$u\"}", "tracking_number" },
  { 2, "document.create", "distributors", "{\"distributor_id\":\"$id\",\"kind\":\"contract\"}", NULL },
  { 2, "document.edit", "documents", "{\"id\":\"$id\",\"reason\":\"$u\"}", "reason" },
  { 4, "note.add", "distributors", "{\"subject_type\":\"distributor\",\"subject\":\"$id\",\"text\":\"$u\"}",
    NULL },
  { 3, "note.add", "orders", "{\"subject_type\":\"order\",\"subject\":\"$id\",\"text\":\"$u\"}", NULL },
  { 2, "setting.set", NULL, "{\"key\":\"quiet_hours\",\"value\":\"$k\"}", NULL },
  { 1, "setting.set", NULL, "{\"key\":\"$k\",\"value\":\"$u\"}", NULL },
  { 1, "exceptions.detect", NULL, "{}", NULL },
  { 2, "exception.assign", "exceptions", "{\"exception\":\"$id\",\"owner\":\"$g\"}", NULL },
  { 1, "exception.close", "exceptions", "{\"exception\":\"$id\",\"reason\":\"$u\"}", NULL },
  { 9, "task.create", "exceptions",
    "{\"exception\":\"$id\",\"channels\":[{\"channel\":\"slack\",\"destination\":\"#ops\"}]}", NULL },
  { 3, "task.note", "follow_up_tasks", "{\"task\":\"$id\",\"text\":\"$u\"}", NULL },
  { 2, "task.assign", "follow_up_tasks", "{\"task\":\"$id\",\"owner\":\"$g\",\"assignee\":\"admin\"}", NULL },
  { 2, "task.snooze", "follow_up_tasks", "{\"task\":\"$id\",\"until\":\"$t\"}", NULL },
  { 2, "task.wake", "follow_up_tasks", "{\"task\":\"$id\"}", NULL },
  { 2, "task.schedule", "follow_up_tasks", "{\"task\":\"$id\",\"next_check_at\":\"$t\"}", NULL },
  { 1, "task.escalate", "follow_up_tasks", "{\"task\":\"$id\",\"reason\":\"$u\"}", NULL },
  { 1, "task.block", "follow_up_tasks", "{\"task\":\"$id\",\"reason\":\"$u\"}", NULL },
  { 1, "task.resolve", "follow_up_tasks", "{\"task\":\"$id\",\"resolution\":\"$u\"}", NULL },
  { 1, "task.reopen", "follow_up_tasks", "{\"task\":\"$id\",\"reason\":\"$u\"}", NULL },
  { 3, "task.begin_draft", "follow_up_tasks", "{\"task\":\"$id\"}", NULL },
  { 4, "draft.store", DRAFTING,
    "{\"task\":\"$id\",\"provider\":\"person\",\"model\":\"none\",\"prompt_version\":\"1\",\"outputs\":[{"
    "\"kind\":"
    "\"channel_post\",\"channel\":\"slack\",\"destination\":\"#ops\",\"text\":\"Please name a payment date: "
    "$u\","
    "\"confidence\":90,\"facts\":[]}]}",
    NULL },
  { 16, "approval.approve", PENDING, "{\"approval\":\"$id\"}", NULL },
  { 2, "approval.edit", PENDING, "{\"approval\":\"$id\",\"text\":\"Please pay by Friday: $u\"}", NULL },
  { 2, "approval.reject", PENDING, "{\"approval\":\"$id\",\"comment\":\"$u\"}", NULL },
  { 1, "approval.ask", PENDING, "{\"approval\":\"$id\",\"comment\":\"$u\"}", NULL },
  { 1, "approval.void", PENDING, "{\"approval\":\"$id\",\"reason\":\"$u\"}", NULL },
  { 2, "approval.delegate", PENDING, "{\"approval\":\"$id\",\"to\":\"$p\"}", NULL },
  { 1, "approval.delegate", PENDING, "{\"approval\":\"$id\",\"to\":\"$g\"}", NULL },
  { 3, "approval.unsend", APPROVED, "{\"approval\":\"$id\"}", NULL },
  { 4, "command.undo", NULL, "{\"command\":\"$c\"}", NULL },
};

static const char *const regions[] = { "north", "south" };
static const char *const keys[] = { "one", "two", "three" };
static const char *const teams[] = { "sales", "accounting", "logistics" };
static const char *const people[] = { "anna", "ben", "north", "ada" };
static const char *const states[] = { "prospect", "documents", "contract", "active", "suspended" };
static const char *const statuses[] = { "confirmed", "allocated", "invoiced", "shipped", "cancelled" };

static const char *const days[] = { "2001-02-03", "2024-05-06", "2099-07-08" };

/* What is filled in for one command. */
typedef struct {
  SimClient *client;
  const Action *action;
  char *unique; /* (owned) */
  char *record; /* (owned) (nullable) */
} Filling;

static const Action *
choose_action (SimRandom *random)
{
  guint sum = 0, at;

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    sum += actions[i].weight;
  at = sim_random_below (random, sum);
  for (guint i = 0;; i++) {
    if (at < actions[i].weight)
      return &actions[i];
    at -= actions[i].weight;
  }
}

/* (transfer full) (nullable): one of the first few rows, so that many work on the same */
static char *
choose_record (SimClient *self, const char *table)
{
  g_autofree char *sql = g_strdup_printf ("SELECT uuid_text(id) FROM %s ORDER BY id LIMIT 1 OFFSET %u %% "
                                          "max(1, min(6, (SELECT count(*) FROM %s)))",
                                          table, sim_random_below (&self->world->random, 60), table);

  return ct_db_read_text (self->replica->db, NULL, sql, "");
}

static char *
choose_command (SimClient *self)
{
  return ct_db_read_text (
      self->replica->db, NULL,
      "SELECT uuid_text(command_id) FROM intents WHERE seq > 1 ORDER BY seq DESC LIMIT 1 OFFSET ?", "i",
      (gint64) sim_random_below (&self->world->random, 5));
}

static void
append_lines (GString *args, SimRandom *random)
{
  guint n = 1 + sim_random_below (random, 3);

  g_string_append_c (args, '[');
  for (guint i = 0; i < n; i++)
    g_string_append_printf (args, "%s{\"sku\":\"%c\",\"quantity_milli\":%u,\"unit_price_minor\":%u}",
                            i ? "," : "", 'A' + (char) i, 1000 * (1 + sim_random_below (random, 3)),
                            1 + sim_random_below (random, 999));
  g_string_append_c (args, ']');
}

static void
append_moment (GString *args, SimClient *self)
{
  gint64 at = self->replica->now + (gint64) (1 + sim_random_below (&self->world->random, 72)) * 3600000;
  g_autoptr (GDateTime) moment = g_date_time_new_from_unix_utc (at / 1000);
  g_autofree char *text = g_date_time_format (moment, "%Y-%m-%dT%H:%M:%SZ");

  g_string_append (args, text);
}

static void
append_choice (GString *args, SimRandom *random, char letter)
{
  switch (letter) {
  case 'r':
    g_string_append (args, sim_random_of (random, regions));
    break;
  case 'k':
    g_string_append (args, sim_random_of (random, keys));
    break;
  case 'g':
    g_string_append (args, sim_random_of (random, teams));
    break;
  case 'p':
    g_string_append (args, sim_random_of (random, people));
    break;
  case 's':
    g_string_append (args, sim_random_of (random, states));
    break;
  case 'o':
    g_string_append (args, sim_random_of (random, statuses));
    break;
  case 'd':
    g_string_append (args, sim_random_of (random, days));
    break;
  case 'n':
    g_string_append_printf (args, "%u", sim_random_below (random, 100000));
    break;
  case 'l':
    append_lines (args, random);
    break;
  case 'x':
    for (int i = 0; i < 4100; i++)
      g_string_append_c (args, 'x');
    break;
  default:
    g_assert_not_reached ();
  }
}

/* Fills in what stands for @at, which begins behind the $; returns where the text goes on, %NULL where there is nothing. */
static const char *
append_value (const Filling *self, GString *args, const char *at)
{
  if (g_str_has_prefix (at, "id")) {
    g_string_append (args, self->record);
    return at + 2;
  }
  if (*at == 'c') {
    g_autofree char *command = choose_command (self->client);

    if (!command)
      return NULL;
    g_string_append (args, command);
  } else if (*at == 'u') {
    g_string_append (args, self->unique);
  } else if (*at == 't') {
    append_moment (args, self->client);
  } else {
    append_choice (args, &self->client->world->random, *at);
  }
  return at + 1;
}

/* (transfer full) (nullable) */
static char *
fill (const Filling *self)
{
  g_autoptr (GString) args = g_string_new (NULL);

  for (const char *at = self->action->args; at && *at;) {
    const char *sign = strchr (at, '$');

    if (!sign)
      sign = at + strlen (at);
    g_string_append_len (args, at, sign - at);
    at = *sign ? append_value (self, args, sign + 1) : sign;
    if (!at)
      return NULL;
  }
  return g_string_free (g_steal_pointer (&args), FALSE);
}

static gboolean
detect (SimClient *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) counts = ct_detect (self->replica->commander, self->replica->db, "admin",
                                            self->replica->now += 1000, FALSE, NULL, NULL, &error);

  sim_client_note_accepted (self);
  return counts != NULL;
}

/* Yes, with the key of the workstation. Where what the draft stands on has changed, it is voided instead. */
static gboolean
approve (const Filling *self, GError **error)
{
  SimClient *client = self->client;
  CtApprove act = { .commander = client->replica->commander,
                    .actor = client->login,
                    .now = client->replica->now += 1000,
                    .secret = client->secret };
  g_auto (CtOutcome) outcome = { 0 };
  gboolean done;
  CtId id;

  g_assert_true (ct_id_parse (self->record, &id) &&
                 ct_backlog_device (client->replica->db, &act.device, NULL));
  done = ct_approve (client->replica->db, &act, &id, NULL, &outcome, error);
  sim_client_note_accepted (client);
  return done;
}

/* Everybody decides for themselves. */
static gboolean
is_decision (const Action *action)
{
  return g_str_has_prefix (action->command, "approval.");
}

/* As who sits there. */
static gboolean
decide (const Filling *self, const char *args, GError **error)
{
  SyncReplica *replica = self->client->replica;
  gboolean done;
  CtId made;

  replica->actor = self->client->login;
  done = g_str_equal (self->action->command, "approval.approve")
             ? approve (self, error)
             : sim_client_do (self->client, self->action->command, args, &made, error);
  replica->actor = "admin";
  if (done)
    sim_world_count (self->client->world, "decisions on drafts");
  return done;
}

/* What an undo gives back is not for us to know. */
static void
forget_undone (SimClient *self)
{
  gint64 undone =
      sim_client_number (self, "SELECT coalesce((SELECT seq FROM undone ORDER BY by_seq DESC LIMIT 1), 0)");

  for (guint i = 0, n = self->writes->len; i < n; i++) {
    const SimWrite *write = self->writes->pdata[i];

    if (write->seq == undone)
      sim_client_expect (self, write->table, &write->id, write->column, NULL);
  }
}

static void
note_effect (const Filling *self)
{
  CtId id;

  if (self->action->column && ct_id_parse (self->record, &id))
    sim_client_expect (self->client, self->action->from, &id, self->action->column, self->unique);
  if (g_str_equal (self->action->command, "command.undo"))
    forget_undone (self->client);
}

static gboolean
carry_out (const Filling *self, const char *args)
{
  SimClient *client = self->client;
  g_autoptr (GError) error = NULL;
  CtId made;
  gboolean done;

  if (g_str_equal (self->action->command, "exceptions.detect"))
    done = detect (client);
  else if (is_decision (self->action))
    done = decide (self, args, &error);
  else
    done = sim_client_do (client, self->action->command, args, &made, &error);
  sim_world_say (client->world, "%s: %s %.200s%s%s", client->name, self->action->command, args,
                 done ? "" : " -- no: ", error ? error->message : "");
  if (done)
    note_effect (self);
  return done;
}

static gboolean
is_of_its_time (SimClient *self, const Action *action)
{
  return self->world->drafts || !(is_decision (action) || g_str_equal (action->command, "draft.store"));
}

/* An action and a record that it is for; where there are few records yet, one is made. */
static const Action *
choose_both (SimClient *self, char **record)
{
  for (int tries = 0; tries < 4; tries++) {
    const Action *action = choose_action (&self->world->random);

    *record = action->from ? choose_record (self, action->from) : NULL;
    if ((!action->from || *record) && is_of_its_time (self, action))
      return action;
    g_clear_pointer (record, g_free);
  }
  return &actions[0];
}

/* One command, which the client may well refuse. Returns whether it was accepted. */
gboolean
sim_command (SimClient *self)
{
  SimWorld *world = self->world;
  g_autofree char *record = NULL;
  const Action *action = choose_both (self, &record);
  g_autofree char *unique = g_strdup_printf ("v%x", (guint) sim_random_next (&world->random));
  Filling filling = { self, action, unique, record };
  g_autofree char *args = fill (&filling);

  return args && carry_out (&filling, args);
}
