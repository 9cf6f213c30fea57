/* What happens, in which measure, and the heal after it. */
#include "sim-steps.h"
#include "sim-check.h"
#include "sim-commands.h"
#include "sim-service.h"

#define PHASES      3
#define STEPS       36
#define MOST        6
#define HEAL_ROUNDS 3
#define FULL_QUEUE  8

static const char *const logins[] = { "anna", "ben", "north" };
static const char *const scopes[] = { "all", "region:north", "region:south" };
static const char *const roles[] = { "sales", "accounting", "logistics", "partner", "legal", "admin" };

static SimClient *
any_client (SimWorld *world)
{
  return world->clients->pdata[sim_random_below (&world->random, world->clients->len)];
}

/* One exchange that nothing disturbs but what the world allows: a login without any role is turned away. */
static gboolean
sync_calmly (SimClient *self, SimSync how, CtSyncReport *report)
{
  g_autoptr (GError) error = NULL;

  if (sim_client_sync (self, how, FALSE, report, &error))
    return TRUE;
  sim_world_say (self->world, "%s: %s", self->name, error->message);
  return g_error_matches (error, CT_ERROR, CT_ERROR_REFUSED) ||
         g_error_matches (error, CT_ERROR, CT_ERROR_BUSY) ||
         sim_world_fail (self->world, "%s: an exchange without a fault failed: %s", self->name,
                         error->message);
}

static void
say_report (SimClient *self, const char *what, const CtSyncReport *report)
{
  sim_world_say (self->world, "%s: %s: %u pushed, %u settled, %u rejected, %u parked, %u rows, %u gone%s%s%s",
                 self->name, what, report->pushed, report->pulled.settled, report->pulled.rejected,
                 report->pulled.parked, report->pulled.rows, report->pulled.gone,
                 report->forked ? ", forked" : "", report->pulled.offer_again ? ", offers again" : "",
                 report->rebuilt ? ", rebuilt" : "");
  sim_world_add (self->world, "settled", report->pulled.settled);
  sim_world_add (self->world, "to the tray", report->pulled.rejected + report->pulled.parked);
}

/* ---- steps: each returns FALSE where something is wrong ---- */

static gboolean
step_command (SimClient *self)
{
  if (sim_command (self))
    sim_world_count (self->world, "commands");
  return TRUE;
}

static gboolean
step_round (SimClient *self)
{
  CtSyncReport report;
  gboolean fine = sim_client_is_away (self) || sync_calmly (self, SIM_SYNC_ROUND, &report);

  if (!sim_client_is_away (self))
    say_report (self, "round", &report);
  return fine;
}

static gboolean
step_pull (SimClient *self)
{
  CtSyncReport report;
  gboolean fine = sim_client_is_away (self) || sync_calmly (self, SIM_SYNC_PULL, &report);

  if (!sim_client_is_away (self))
    say_report (self, "pull", &report);
  return fine;
}

/* The answers come and are lost with the program before they are written down. */
static gboolean
step_push_and_die (SimClient *self)
{
  CtSyncReport report;
  gboolean fine = sim_client_is_away (self) || sync_calmly (self, SIM_SYNC_PUSH, &report);

  if (!sim_client_is_away (self))
    say_report (self, "push, then killed", &report);
  sim_world_count (self->world, "killed");
  sim_client_reopen (self);
  return fine;
}

/* The line is cut at some request of the exchange, before or after the server has done it. */
static gboolean
step_cut (SimClient *self)
{
  SimWorld *world = self->world;
  guint request = 1 + sim_random_below (&world->random, 8);
  SimCut cut = sim_random_chance (&world->random, 60) ? SIM_CUT_AFTER : SIM_CUT_BEFORE;
  g_autoptr (GError) error = NULL;
  CtSyncReport report;
  gboolean done;

  if (sim_client_is_away (self))
    return TRUE;
  sim_line_plan (world->stage->line, request, cut);
  done = sim_client_sync (self, SIM_SYNC_ROUND, TRUE, &report, &error);
  sim_world_say (world, "%s: cut %s request %u: %s", self->name, cut == SIM_CUT_AFTER ? "after" : "before",
                 request, done ? "was through before" : error->message);
  say_report (self, "cut", &report);
  if (!sim_line_was_cut (world->stage->line))
    return done || g_error_matches (error, CT_ERROR, CT_ERROR_REFUSED) ||
           sim_world_fail (world, "%s: an exchange that was not cut failed: %s", self->name, error->message);
  sim_world_count (world, cut == SIM_CUT_AFTER ? "lost answers" : "lost requests");
  if (world->can_crash && sim_random_chance (&world->random, 30)) {
    sim_world_count (world, "server crashes");
    sim_world_crash_server (world);
  }
  return TRUE;
}

/* The program dies in the middle of writing what it pulled, just before the end as a rule. */
static gboolean
step_die_in_pull (SimClient *self)
{
  static const char *const places[] = { "UPDATE ON sync_state", "UPDATE ON sync_state", "UPDATE ON sync_load",
                                        "INSERT ON attention", "INSERT ON sync_outcomes" };
  const char *place = sim_random_of (&self->world->random, places);
  g_autofree char *trap = g_strdup_printf (
      "CREATE TRIGGER dies BEFORE %s BEGIN SELECT RAISE(ABORT, 'the program dies'); END", place);
  g_autoptr (GError) error = NULL;
  CtSyncReport report;
  gboolean done;

  if (sim_client_is_away (self))
    return TRUE;
  g_assert_true (ct_db_exec (self->replica->db, trap, NULL));
  done = sim_client_sync (self, SIM_SYNC_ROUND, FALSE, &report, &error);
  sim_world_say (self->world, "%s: killed at an %s: %s", self->name, place,
                 done ? "did not come there" : error->message);
  sim_world_count (self->world, "killed");
  if (done && g_str_has_suffix (place, "sync_state"))
    return sim_world_fail (self->world, "%s: a pull that could not be written was taken for done",
                           self->name);
  sim_client_reopen (self);
  return ct_db_exec (self->replica->db, "DROP TRIGGER dies", NULL);
}

static gboolean
step_restart (SimClient *self)
{
  sim_world_say (self->world, "%s: starts again", self->name);
  sim_world_count (self->world, "restarts");
  sim_client_reopen (self);
  return TRUE;
}

/* A person who has worked on without the server gets this program over the queue. */
static gboolean
step_upgrade (SimClient *self)
{
  if (!self->version)
    return TRUE;
  for (int i = 0; i < FULL_QUEUE; i++)
    step_command (self);
  return sim_client_upgrade (self);
}

/* Room for no more page, or for a few; commands and pulls fail, and nothing else happens. */
static gboolean
step_disk_full (SimClient *self)
{
  gint64 pages = sim_client_number (self, "PRAGMA page_count") + sim_random_below (&self->world->random, 4);
  g_autofree char *pragma = g_strdup_printf ("PRAGMA max_page_count = %" G_GINT64_FORMAT, pages);
  g_autoptr (GError) error = NULL;
  CtSyncReport report;

  sim_client_number (self, pragma);
  sim_world_say (self->world, "%s: disk full", self->name);
  sim_world_count (self->world, "full disks");
  for (int i = 0; i < 3; i++)
    sim_command (self);
  if (!sim_client_is_away (self)) {
    sim_client_sync (self, SIM_SYNC_ROUND, FALSE, &report, &error);
    say_report (self, error ? error->message : "there was room enough", &report);
  }
  sim_client_number (self, "PRAGMA max_page_count = 1073741823");
  return !error || g_error_matches (error, CT_ERROR, CT_ERROR_FAILED) ||
         g_error_matches (error, CT_ERROR, CT_ERROR_REFUSED) ||
         sim_world_fail (self->world, "%s: a full disk was taken for something else: %s", self->name,
                         error->message);
}

static gboolean
step_duplicate (SimClient *self)
{
  sim_world_say (self->world, "%s: an old command is delivered once more", self->name);
  sim_world_count (self->world, "duplicates");
  return sim_client_is_away (self) || sim_client_offer_again (self);
}

static void
expect_again (SimClient *self, gint64 seq)
{
  for (guint i = 0, n = self->writes->len; i < n; i++) {
    const SimWrite *write = self->writes->pdata[i];

    if (write->seq == seq)
      sim_client_expect (self, write->table, &write->id, write->column, write->value);
  }
}

/* A person decides on what lies in the tray. */
static gboolean
step_decide (SimClient *self)
{
  static const char *const choices[] = { "theirs", "discard", "mine", "mine" };
  SimWorld *world = self->world;
  const char *choice = sim_random_of (&world->random, choices);
  gint64 open = sim_client_number (self, "SELECT count(*) FROM attention WHERE settled_at IS NULL"), seq = 0;
  g_autoptr (GError) error = NULL;
  gboolean done;

  if (!open)
    return TRUE;
  g_assert_true (
      ct_db_read_int (self->replica->db, &seq, NULL,
                      "SELECT seq FROM attention WHERE settled_at IS NULL ORDER BY seq LIMIT 1 OFFSET ?", "i",
                      (gint64) sim_random_below (&world->random, (guint) open)));
  done = ct_tray_settle (self->replica->db, self->replica->commander, seq, choice, NULL, "admin",
                         self->replica->now += 1000, &error);
  sim_world_say (world, "%s: command %d in the tray: %s%s%s", self->name, (int) seq, choice,
                 done ? "" : " -- no: ", done ? "" : error->message);
  if (done && g_str_equal (choice, "mine")) {
    sim_client_note_accepted (self);
    expect_again (self, seq);
  }
  sim_world_count (world, "decisions");
  return TRUE;
}

static gboolean
step_clock (SimClient *self)
{
  int days = (int) sim_random_below (&self->world->random, 9) - 4;

  sim_world_say (self->world, "%s: the clock is set by %d days", self->name, days);
  sim_world_count (self->world, "clock jumps");
  self->replica->now += (gint64) days * 86400000;
  return TRUE;
}

static gboolean
step_partition (SimClient *self)
{
  self->away = !self->away;
  sim_world_say (self->world, "%s: %s", self->name, self->away ? "is cut off" : "is back");
  if (self->away)
    sim_world_count (self->world, "partitions");
  return TRUE;
}

static gboolean
step_copy (SimClient *self)
{
  if (self->world->clients->len < MOST) {
    SimClient *copy = sim_client_copy (self);

    sim_world_say (self->world, "%s: is copied as %s", self->name, copy->name);
    sim_world_count (self->world, "copies");
  }
  return TRUE;
}

/* A backup of the workspace, and another time the backup in its place. */
static gboolean
step_workspace_backup (SimClient *self)
{
  if (!self->backup) {
    sim_world_say (self->world, "%s: a backup is made", self->name);
    sim_client_back_up (self);
    return TRUE;
  }
  sim_world_say (self->world, "%s: is restored from its backup", self->name);
  sim_world_count (self->world, "restored workspaces");
  sim_client_restore (self);
  return TRUE;
}

static gboolean
step_scope (SimClient *self)
{
  SimWorld *world = self->world;
  const char *scope = sim_random_of (&world->random, scopes);
  static const SimScopeChange changes[] = { SIM_SCOPE_GIVEN,  SIM_SCOPE_GIVEN,  SIM_SCOPE_GIVEN,
                                            SIM_SCOPE_WINDOW, SIM_SCOPE_WINDOW, SIM_SCOPE_TAKEN,
                                            SIM_SCOPE_ENDED };

  sim_world_count (world, "scope changes");
  sim_world_change_scope (world, sim_random_of (&world->random, logins), scope,
                          changes[sim_random_below (&world->random, G_N_ELEMENTS (changes))]);
  return TRUE;
}

static gboolean
step_retain (SimClient *self)
{
  sim_world_retain (self->world, 1 + sim_random_below (&self->world->random, 400));
  return TRUE;
}

static gboolean
step_role (SimClient *self)
{
  SimWorld *world = self->world;
  const char *role = sim_random_of (&world->random, roles);

  sim_world_count (world, "role changes");
  sim_world_change_role (world, sim_random_of (&world->random, logins), role,
                         sim_random_chance (&world->random, 60));
  return TRUE;
}

static gboolean
step_server_backup (SimClient *self)
{
  SimWorld *world = self->world;

  if (world->seed % 3 != 0)
    return TRUE;
  if (!world->has_backup) {
    sim_world_back_up_server (world);
    return TRUE;
  }
  sim_world_count (world, "restored servers");
  sim_world_restore_server (world);
  for (guint i = 0; i < world->clients->len; i++)
    sim_client_forget_seen (world->clients->pdata[i]);
  return TRUE;
}

static gboolean
step_service (SimClient *self)
{
  return !self->world->drafts || sim_service_work (self->world->service);
}

static const struct {
  guint weight;
  gboolean (*run) (SimClient *self);
} steps[] = {
  { 110, step_command },     { 20, step_round },           { 8, step_pull },     { 5, step_push_and_die },
  { 14, step_cut },          { 4, step_die_in_pull },      { 3, step_restart },  { 3, step_disk_full },
  { 4, step_duplicate },     { 8, step_decide },           { 2, step_clock },    { 5, step_partition },
  { 2, step_copy },          { 3, step_workspace_backup }, { 6, step_scope },    { 2, step_role },
  { 3, step_server_backup }, { 4, step_upgrade },          { 16, step_service }, { 8, step_retain },
};

static gboolean
any_step (SimWorld *world)
{
  SimClient *client = any_client (world);
  guint sum = 0, at;

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    sum += steps[i].weight;
  at = sim_random_below (&world->random, sum);
  for (guint i = 0;; i++) {
    if (at < steps[i].weight)
      return steps[i].run (client) && sim_check_client (client);
    at -= steps[i].weight;
  }
}

/* ---- heal ---- */

/* Everybody is back and allowed to look at least; roles and scopes stay as they are. Who has a program that the server does
 * not talk to gets this one. */
static gboolean
end_faults (SimWorld *world)
{
  gboolean fine = TRUE;

  sim_world_say (world, "-- heal");
  for (guint i = 0; i < G_N_ELEMENTS (logins); i++)
    sim_world_change_role (world, logins[i], "viewer", TRUE);
  for (guint i = 0; i < world->clients->len; i++) {
    SimClient *client = world->clients->pdata[i];

    client->away = FALSE;
    if (client->version && client->version < world->oldest)
      fine = fine && step_upgrade (client) && sim_check_client (client);
  }
  return fine;
}

/* In the first round everything is pushed, in the second everything pulled, the third has nothing left to do. */
static gboolean
drain (SimWorld *world)
{
  for (int round = 1; round <= HEAL_ROUNDS; round++)
    for (guint i = 0; i < world->clients->len; i++) {
      SimClient *client = world->clients->pdata[i];
      CtSyncReport report;

      if (!sync_calmly (client, SIM_SYNC_ROUND, &report))
        return FALSE;
      say_report (client, "heals", &report);
      if (!sim_check_client (client))
        return FALSE;
      if (sim_client_pending (client) > 0)
        return sim_world_fail (world, "%s: %d commands are still pending after an exchange", client->name,
                               (int) sim_client_pending (client));
      if (round == HEAL_ROUNDS && (report.pushed || report.pulled.rows || report.pulled.gone))
        return sim_world_fail (world, "%s: does not come to rest: %u pushed, %u rows after %d rounds",
                               client->name, report.pushed, report.pulled.rows, round);
    }
  return TRUE;
}

static gboolean
heal (SimWorld *world)
{
  if (!end_faults (world) || !drain (world))
    return FALSE;
  world->restored = FALSE;
  for (guint i = 0; i < world->clients->len; i++)
    if (!sim_check_converged (world->clients->pdata[i]) || !sim_check_scope (world->clients->pdata[i]) ||
        !sim_check_accepted (world->clients->pdata[i]))
      return FALSE;
  return sim_check_server (world) && step_service (world->clients->pdata[0]);
}

/* Of the last few programs, with whose replicas commands can be given. */
static int
some_version (SimWorld *world)
{
  int newest = ct_migrate_newest (NULL);

  return SIM_OLDEST + (int) sim_random_below (&world->random, (guint) (newest - SIM_OLDEST));
}

/* Returns whether all held. */
gboolean
sim_story (SimWorld *world)
{
  gboolean begins_old = world->seed % 2 == 0;

  world->drafts = !begins_old;
  sim_client_new (world, "ada", 0);
  for (guint i = 0; i < G_N_ELEMENTS (logins); i++)
    sim_client_new (world, logins[i], begins_old ? some_version (world) : 0);
  /* some have looked at the server before they begin, others begin without it */
  for (guint i = 0; i < world->clients->len; i++)
    if (sim_random_chance (&world->random, 60) && !step_round (world->clients->pdata[i]))
      return FALSE;
  world->can_crash = world->seed % 10 == 0;
  for (int phase = 0; phase < PHASES; phase++) {
    for (int step = 0; step < STEPS; step++)
      if (!any_step (world))
        return FALSE;
    if (!heal (world))
      return FALSE;
    if (begins_old && phase == 0)
      sim_world_end_old_programs (world);
    world->drafts = TRUE;
  }
  return TRUE;
}
