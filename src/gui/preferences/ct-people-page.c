/* Preferences, People: who works here and what they may approve, who is away and who decides in their place. */
#include "ct-people-page.h"
#include "ct-ask.h"
#include "ct-format.h"
#include "ct-rows.h"
#include "ct-vocabulary.h"

#include <string.h>

#define CT_TYPE_PEOPLE_PAGE (ct_people_page_get_type ())
G_DECLARE_FINAL_TYPE (CtPeoplePage, ct_people_page, CT, PEOPLE_PAGE, AdwPreferencesPage)

struct _CtPeoplePage {
  AdwPreferencesPage parent_instance;
  CtWorkspace *workspace; /* (owned) */
  AdwPreferencesGroup *away, *people;
  GPtrArray *away_rows, *people_rows; /* (owned) (element-type GtkWidget): as shown */
  GtkEditable *from, *until;
  AdwComboRow *whose, *stand_in;
  GtkWidget *enter;
  GPtrArray *logins;         /* (owned) (element-type utf8): as the combo rows have them */
  GCancellable *cancellable; /* (owned) */
};

G_DEFINE_FINAL_TYPE (CtPeoplePage, ct_people_page, ADW_TYPE_PREFERENCES_PAGE)

static void refresh (CtPeoplePage *self);

static gboolean
is_gone (CtPeoplePage *self)
{
  return g_cancellable_is_cancelled (self->cancellable);
}

/* --- commands ------------------------------------------------------------------------------------------------- */

static void
executed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtPeoplePage) self = data;
  g_auto (CtOutcome) outcome = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean done = ct_workspace_execute_finish (CT_WORKSPACE (source), result, &outcome, &error);

  if (is_gone (self))
    return;
  if (done)
    refresh (self);
  else
    ct_page_problem (self, _ ("This cannot be saved"), error);
}

static void
execute (CtPeoplePage *self, const char *command, JsonObject *args)
{
  ct_workspace_execute_async (self->workspace, command, args, self->cancellable, executed_cb,
                              g_object_ref (self));
}

static const char *
string_of (GtkWidget *row, const char *name)
{
  return g_object_get_data (G_OBJECT (row), name);
}

static void
end_cb (GtkButton *button, GtkWidget *row)
{
  g_autoptr (JsonObject) args = ct_json_build ("s", "absence", string_of (row, "absence"));

  execute (g_object_get_data (G_OBJECT (row), "page"), "absence.end", args);
}

/* --- limits --------------------------------------------------------------------------------------------------- */

typedef struct {
  CtPeoplePage *page; /* (owned) */
  char *login;        /* (owned) */
} OfPerson;

static void
of_person_free (gpointer data)
{
  OfPerson *self = data;

  g_object_unref (self->page);
  g_free (self->login);
  g_free (self);
}

/* "5000 EUR", or nothing for no limit. */
static void
limit_cb (const char *answer, gpointer data)
{
  OfPerson *of = data;
  g_autofree char *text = g_strstrip (g_strdup (answer ? answer : ""));
  g_auto (GStrv) words = g_strsplit (text, " ", 2);
  g_autoptr (JsonObject) args = ct_json_build ("s", "login", of->login);
  g_autoptr (GError) error = NULL;
  gint64 minor = 0;

  if (!*text) {
    json_object_set_boolean_member (args, "no_limit", TRUE);
  } else if (!words[1] || !ct_currency_valid (words[1])) {
    ct_fail (&error, CT_ERROR_INVALID, _ ("Write an amount and its currency, such as 5000 EUR"));
  } else if (ct_amount_parse (words[0], words[1], &minor, &error) && minor < 0) {
    ct_fail (&error, CT_ERROR_INVALID, _ ("Write an amount and its currency, such as 5000 EUR"));
  } else {
    json_object_set_int_member (args, "approval_limit_minor", minor);
    json_object_set_string_member (args, "approval_currency", words[1]);
  }
  if (error) {
    ct_page_problem (of->page, _ ("This cannot be saved"), error);
    return;
  }
  execute (of->page, "person.put", args);
}

static void
ask_limit_cb (GtkButton *button, GtkWidget *row)
{
  OfPerson *of = g_new0 (OfPerson, 1);
  CtAsk ask = { _ ("What may they approve?"),
                _ ("Messages about a larger amount need somebody else. Leave it empty for no limit."),
                _ ("_Save"),
                limit_cb,
                of,
                of_person_free };

  of->page = g_object_ref (g_object_get_data (G_OBJECT (row), "page"));
  of->login = g_strdup (string_of (row, "login"));
  ct_ask_text (row, &ask, _ ("Amount and currency, such as 5000 EUR"), FALSE);
}

/* --- rows ----------------------------------------------------------------------------------------------------- */

static GtkWidget *
make_row (CtPeoplePage *self, const char *title, const char *subtitle)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  g_object_set_data (G_OBJECT (row), "page", self);
  return row;
}

static void
add_button (GtkWidget *row, const char *label, const char *name, gboolean may,
            void (*clicked) (GtkButton *, GtkWidget *))
{
  GtkWidget *button = gtk_button_new_with_label (label);

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_sensitive (button, may);
  gtk_widget_set_tooltip_text (button, may ? name : _ ("Only an administrator may do this"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_signal_connect (button, "clicked", G_CALLBACK (clicked), row);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
}

static GtkWidget *
make_absence (CtPeoplePage *self, JsonObject *absence)
{
  GTimeZone *zone = ct_workspace_get_zone (self->workspace);
  g_autofree char *from = ct_format_full_time (ct_json_int (absence, "starts", 0), zone);
  g_autofree char *until = ct_format_full_time (ct_json_int (absence, "ends", 0), zone);
  const char *stand_in = ct_json_string (absence, "standIn", NULL),
             *login = ct_json_string (absence, "login", "");
  g_autofree char *text = stand_in
                              ? g_strdup_printf (_ ("%s – %s; %s approves meanwhile"), from, until, stand_in)
                              : g_strdup_printf (_ ("%s – %s; nobody stands in"), from, until);
  g_autofree char *name = g_strdup_printf (_ ("End the absence of %s"), ct_json_string (absence, "name", ""));
  gboolean may = ct_workspace_may (self->workspace, "absence.end") &&
                 (strcmp (login, ct_workspace_get_actor (self->workspace)) == 0 ||
                  ct_workspace_may (self->workspace, "person.put"));
  GtkWidget *row = make_row (self, ct_json_string (absence, "name", ""), text);

  g_object_set_data_full (G_OBJECT (row), "absence", g_strdup (ct_json_string (absence, "id", "")), g_free);
  add_button (row, _ ("End"), name, may, end_cb);
  return row;
}

static GtkWidget *
make_person (CtPeoplePage *self, JsonObject *person)
{
  const char *login = ct_json_string (person, "login", ""), *name = ct_json_string (person, "name", "");
  const char *currency = ct_json_string (person, "currency", NULL);
  g_auto (GStrv) roles = g_strsplit (ct_json_string (person, "roles", ""), ",", -1);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *label = g_strdup_printf (_ ("Limit of %s"), name);
  GtkWidget *row;

  for (char **role = roles; *role && **role; role++)
    g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", ct_role_label (*role));
  if (currency) {
    g_autofree char *limit = ct_format_money (ct_json_int (person, "approvalLimitMinor", 0), currency);

    g_string_append_c (text, '\n');
    g_string_append_printf (text, _ ("Approves up to %s"), limit);
  }
  row = make_row (self, name, text->str);
  g_object_set_data_full (G_OBJECT (row), "login", g_strdup (login), g_free);
  add_button (row, _ ("Limit…"), label, ct_workspace_may (self->workspace, "person.put"), ask_limit_cb);
  return row;
}

static void
show_rows (CtPeoplePage *self, AdwPreferencesGroup *group, GPtrArray *rows, JsonArray *records,
           GtkWidget *(*make) (CtPeoplePage *, JsonObject *) )
{
  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_remove (group, rows->pdata[i]);
  g_ptr_array_set_size (rows, 0);
  for (guint i = 0; i < json_array_get_length (records); i++)
    g_ptr_array_add (rows, make (self, json_array_get_object_element (records, i)));
  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_add (group, rows->pdata[i]);
}

/* Chooses the login where it is offered; what comes before the logins is counted in first. */
static gboolean
choose (CtPeoplePage *self, AdwComboRow *row, guint first, const char *login)
{
  for (guint i = 0; login && i < self->logins->len; i++)
    if (strcmp (self->logins->pdata[i], login) == 0) {
      adw_combo_row_set_selected (row, first + i);
      return TRUE;
    }
  return FALSE;
}

static char *
dup_login (CtPeoplePage *self, guint index)
{
  return index < self->logins->len ? g_strdup (self->logins->pdata[index]) : NULL;
}

/* Whether these are those who are offered already, under the same names. */
static gboolean
is_offered (CtPeoplePage *self, GPtrArray *logins, GtkStringList *names)
{
  GListModel *shown = adw_combo_row_get_model (self->whose);
  gboolean same = shown && self->logins->len == logins->len;

  for (guint i = 0; same && i < logins->len; i++)
    same = strcmp (self->logins->pdata[i], logins->pdata[i]) == 0 &&
           strcmp (gtk_string_list_get_string (GTK_STRING_LIST (shown), i),
                   gtk_string_list_get_string (names, i)) == 0;
  return same;
}

/* Who may be chosen, at first oneself as whose absence it is. Whoever is chosen already stays so, whatever changes meanwhile. */
static void
fill_choices (CtPeoplePage *self, JsonArray *people)
{
  g_autoptr (GtkStringList) whose = gtk_string_list_new (NULL);
  g_autoptr (GtkStringList) others = gtk_string_list_new (NULL);
  g_autoptr (GPtrArray) logins = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *away = dup_login (self, adw_combo_row_get_selected (self->whose));
  guint chosen = adw_combo_row_get_selected (self->stand_in);
  g_autofree char *stand_in =
      chosen > 0 && chosen != GTK_INVALID_LIST_POSITION ? dup_login (self, chosen - 1) : NULL;

  gtk_string_list_append (others, _ ("Nobody"));
  for (guint i = 0; i < json_array_get_length (people); i++) {
    JsonObject *person = json_array_get_object_element (people, i);

    if (!ct_json_int (person, "decides", 0))
      continue;
    g_ptr_array_add (logins, g_strdup (ct_json_string (person, "login", "")));
    gtk_string_list_append (whose, ct_json_string (person, "name", ""));
    gtk_string_list_append (others, ct_json_string (person, "name", ""));
  }
  if (is_offered (self, logins, whose))
    return;
  g_ptr_array_unref (self->logins);
  self->logins = g_steal_pointer (&logins);
  adw_combo_row_set_model (self->whose, G_LIST_MODEL (whose));
  adw_combo_row_set_model (self->stand_in, G_LIST_MODEL (others));
  if (!choose (self, self->whose, 0, away))
    choose (self, self->whose, 0, ct_workspace_get_actor (self->workspace));
  choose (self, self->stand_in, 1, stand_in);
}

/* --- reading -------------------------------------------------------------------------------------------------- */

typedef struct {
  gint64 now;
  JsonArray *people, *absences; /* (owned) (nullable) */
} Reading;

static void
reading_free (gpointer data)
{
  Reading *self = data;

  g_clear_pointer (&self->people, json_array_unref);
  g_clear_pointer (&self->absences, json_array_unref);
  g_free (self);
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  Reading *self = data;

  self->people = ct_rows_array (
      db, error,
      "SELECT p.login, iif(p.name = '', p.login, p.name) AS name, approval_limit_minor AS "
      "approvalLimitMinor, "
      "approval_currency AS currency, (SELECT group_concat(role) FROM (SELECT role FROM person_roles r WHERE "
      "r.person_id = p.id ORDER BY role)) AS roles, EXISTS (SELECT 1 FROM person_roles r WHERE r.person_id = "
      "p.id AND r.role NOT IN ('viewer', 'agent')) AS decides FROM people p WHERE p.archived_at IS NULL "
      "ORDER "
      "BY 2",
      "");
  if (!self->people)
    return FALSE;
  self->absences = ct_rows_array (
      db, error,
      "SELECT a.id, p.login, iif(p.name = '', p.login, p.name) AS name, a.starts_at AS starts, a.ends_at AS "
      "ends, (SELECT group_concat(iif(s.name = '', s.login, s.name), ', ') FROM delegations d JOIN people s "
      "ON "
      "s.id = d.delegate_id WHERE d.person_id = a.person_id AND d.starts_at = a.starts_at AND d.ends_at = "
      "a.ends_at) AS standIn FROM absences a JOIN people p ON p.id = a.person_id WHERE a.ends_at > ? ORDER "
      "BY "
      "a.starts_at",
      "i", self->now);
  return self->absences != NULL;
}

static void
was_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtPeoplePage) self = data;
  g_autoptr (GError) error = NULL;
  Reading *reading;

  if (is_gone (self))
    return;
  if (!ct_store_job_finish (CT_STORE (source), result, &error)) {
    ct_page_problem (self, _ ("The people cannot be read"), error);
    return;
  }
  reading = ct_store_job_data (result);
  adw_preferences_group_set_description (self->away, json_array_get_length (reading->absences) > 0
                                                         ? NULL
                                                         : _ ("Everybody is here, and nobody has plans."));
  show_rows (self, self->away, self->away_rows, reading->absences, make_absence);
  show_rows (self, self->people, self->people_rows, reading->people, make_person);
  fill_choices (self, reading->people);
}

static void
refresh (CtPeoplePage *self)
{
  Reading *reading = g_new0 (Reading, 1);

  reading->now = ct_workspace_now (self->workspace);
  ct_store_read_async (ct_workspace_get_store (self->workspace), read_cb, reading, reading_free,
                       self->cancellable, was_read_cb, g_object_ref (self));
}

/* --- entering ------------------------------------------------------------------------------------------------- */

/* The beginning of a day, or its end; FALSE where it is none. */
static gboolean
add_day (CtPeoplePage *self, GtkEditable *row, const char *argument, gboolean last, JsonObject *args)
{
  const char *day = gtk_editable_get_text (row);
  g_autofree char *text = NULL;
  char date[CT_DATE_SIZE];

  if (!ct_date_valid (day))
    return FALSE;
  ct_date_from_days (ct_date_to_days (day) + (last ? 1 : 0), date);
  text = ct_time_format (ct_date_to_time (date, ct_workspace_get_zone (self->workspace)));
  json_object_set_string_member (args, argument, text);
  return TRUE;
}

static void
enter_cb (GtkButton *button, CtPeoplePage *self)
{
  g_autoptr (JsonObject) args = json_object_new ();
  g_autoptr (GError) error = NULL;
  guint whose = adw_combo_row_get_selected (self->whose),
        stand_in = adw_combo_row_get_selected (self->stand_in);

  if (!add_day (self, self->from, "starts_at", FALSE, args) ||
      !add_day (self, self->until, "ends_at", TRUE, args)) {
    ct_fail (&error, CT_ERROR_INVALID, _ ("Write the first and the last day as in 2026-06-04"));
    ct_page_problem (self, _ ("This cannot be saved"), error);
    return;
  }
  if (whose < self->logins->len)
    json_object_set_string_member (args, "person", self->logins->pdata[whose]);
  if (stand_in > 0 && stand_in <= self->logins->len)
    json_object_set_string_member (args, "stand_in", self->logins->pdata[stand_in - 1]);
  execute (self, "absence.set", args);
}

static GtkEditable *
add_entry (GtkWidget *group, const char *title, const char *text)
{
  GtkWidget *row = adw_entry_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  gtk_editable_set_text (GTK_EDITABLE (row), text);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), row);
  return GTK_EDITABLE (row);
}

static AdwComboRow *
add_combo (GtkWidget *group, const char *title)
{
  GtkWidget *row = adw_combo_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), row);
  return ADW_COMBO_ROW (row);
}

static GtkWidget *
make_form (CtPeoplePage *self)
{
  GtkWidget *group = adw_preferences_group_new ();
  char today[CT_DATE_SIZE];

  ct_time_to_date (ct_workspace_now (self->workspace), ct_workspace_get_zone (self->workspace), today);
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _ ("Enter an absence"));
  adw_preferences_group_set_description (
      ADW_PREFERENCES_GROUP (group),
      _ ("Who stands in approves in their place meanwhile, within the limits of both."));
  self->whose = add_combo (group, _ ("Who is away"));
  gtk_widget_set_sensitive (GTK_WIDGET (self->whose), ct_workspace_may (self->workspace, "person.put"));
  self->from = add_entry (group, _ ("First day, such as 2026-06-04"), today);
  self->until = add_entry (group, _ ("Last day, such as 2026-06-18"), "");
  self->stand_in = add_combo (group, _ ("Who stands in"));
  self->enter = gtk_button_new_with_mnemonic (_ ("_Enter"));
  gtk_widget_set_valign (self->enter, GTK_ALIGN_CENTER);
  gtk_widget_set_margin_start (self->enter, 12);
  ct_page_gate (self->enter, self->workspace, "absence.set", NULL);
  g_signal_connect (self->enter, "clicked", G_CALLBACK (enter_cb), self);
  adw_preferences_group_set_header_suffix (ADW_PREFERENCES_GROUP (group), self->enter);
  return group;
}

/* --- page ----------------------------------------------------------------------------------------------------- */

static void
changed_cb (CtStore *store, const char *const *tables, CtPeoplePage *self)
{
  static const char *const followed[] = { "people", "person_roles", "absences", "delegations" };

  for (guint i = 0; i < G_N_ELEMENTS (followed); i++)
    if (!tables || g_strv_contains (tables, followed[i])) {
      refresh (self);
      return;
    }
}

static void
ct_people_page_dispose (GObject *object)
{
  g_cancellable_cancel (CT_PEOPLE_PAGE (object)->cancellable);
  G_OBJECT_CLASS (ct_people_page_parent_class)->dispose (object);
}

static void
ct_people_page_finalize (GObject *object)
{
  CtPeoplePage *self = CT_PEOPLE_PAGE (object);

  g_clear_object (&self->workspace);
  g_clear_object (&self->cancellable);
  g_ptr_array_unref (self->away_rows);
  g_ptr_array_unref (self->people_rows);
  g_ptr_array_unref (self->logins);
  G_OBJECT_CLASS (ct_people_page_parent_class)->finalize (object);
}

static void
ct_people_page_class_init (CtPeoplePageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ct_people_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_people_page_finalize;
}

static void
ct_people_page_init (CtPeoplePage *self)
{
  self->cancellable = g_cancellable_new ();
  self->away_rows = g_ptr_array_new ();
  self->people_rows = g_ptr_array_new ();
  self->logins = g_ptr_array_new_with_free_func (g_free);
  adw_preferences_page_set_title (ADW_PREFERENCES_PAGE (self), _ ("People"));
  adw_preferences_page_set_icon_name (ADW_PREFERENCES_PAGE (self), "system-users-symbolic");
}

static AdwPreferencesGroup *
add_group (CtPeoplePage *self, const char *title)
{
  AdwPreferencesGroup *group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());

  adw_preferences_group_set_title (group, title);
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (self), group);
  return group;
}

AdwPreferencesPage *
ct_people_page_new (CtWorkspace *workspace)
{
  CtPeoplePage *self = g_object_new (CT_TYPE_PEOPLE_PAGE, NULL);

  self->workspace = g_object_ref (workspace);
  self->away = add_group (self, _ ("Away now and soon"));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (self), ADW_PREFERENCES_GROUP (make_form (self)));
  self->people = add_group (self, _ ("People"));
  g_signal_connect_object (ct_workspace_get_store (workspace), "changed", G_CALLBACK (changed_cb), self, 0);
  refresh (self);
  return ADW_PREFERENCES_PAGE (self);
}
