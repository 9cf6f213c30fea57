#include "ct-routing.h"

#include "ct-base.h"
#include "ct-fields.h"
#include "ct-vocabulary.h"

#include <string.h>

#define MOST_ROUTES 500

/**
 * ct_route_parse:
 * @object: {"id", "name", "match"?: facts, "owner": team, "agent": profile, "skills"?: list, "perHour"?: 1 to 1000}
 * @where: names the object in messages
 *
 * Returns: (transfer full): the route, or %NULL with %CT_ERROR_INVALID
 */
CtRoute *
ct_route_parse (JsonObject *object, const char *where, GError **error)
{
  g_autoptr (CtRoute) self = g_new0 (CtRoute, 1);
  JsonObject *match;
  CtFields fields;

  ct_fields_init (&fields, object, where);
  self->id = g_strdup (ct_fields_text (&fields, "id", 64));
  self->name = g_strdup (ct_fields_text (&fields, "name", 200));
  match = ct_fields_object (&fields, "match");
  self->owner = g_strdup (ct_fields_text (&fields, "owner", 64));
  self->agent = g_strdup (ct_fields_text (&fields, "agent", 64));
  self->skills = ct_fields_strings (&fields, "skills", 20);
  self->per_hour = ct_fields_int (&fields, "perHour", 1, 1000, 20);
  if (!ct_role_is_team (self->owner))
    ct_fields_complain (&fields, "owner", "“%s” is no team", self->owner);
  if (!ct_fields_finish (&fields, error))
    return NULL;
  self->match = ct_match_parse (match, where, error);
  return self->match ? g_steal_pointer (&self) : NULL;
}

static gpointer
parse_cb (JsonObject *object, const char *where, GError **error)
{
  return ct_route_parse (object, where, error);
}

/* (transfer full) (element-type CtRoute): in the list's order; %NULL with %CT_ERROR_INVALID */
GPtrArray *
ct_route_parse_all (JsonNode *root, const char *where, GError **error)
{
  return ct_fields_parse_list (root, where, MOST_ROUTES, parse_cb, (GDestroyNotify) ct_route_free, error);
}

void
ct_route_free (CtRoute *self)
{
  g_free (self->id);
  g_free (self->name);
  g_clear_pointer (&self->match, ct_match_free);
  g_free (self->owner);
  g_free (self->agent);
  g_strfreev (self->skills);
  g_free (self);
}

/* (nullable): the first route that matches */
const CtRoute *
ct_route_find (GPtrArray *routes, JsonObject *facts)
{
  for (guint i = 0; i < routes->len; i++) {
    const CtRoute *route = routes->pdata[i];

    if (ct_match_test (route->match, facts))
      return route;
  }
  return NULL;
}

static gboolean
contains (const char *const *list, const char *text)
{
  return list && g_strv_contains (list, text);
}

static gboolean
has_skills (const CtRoutingPerson *person, char **skills)
{
  for (; *skills; skills++)
    if (!contains (person->skills, *skills))
      return FALSE;
  return TRUE;
}

static gboolean
is_eligible (const CtRoute *self, const char *region, const CtRoutingPerson *person)
{
  return !person->absent && contains (person->teams, self->owner) && has_skills (person, self->skills) &&
         (!person->regions || !person->regions[0] || (region && contains (person->regions, region))) &&
         person->load < person->capacity && person->assigned_last_hour < self->per_hour;
}

/* Negative where @a should get it: most spare capacity, then fewest in this hour, then by name. */
static int
compare_people (const CtRoutingPerson *a, const CtRoutingPerson *b)
{
  gint64 spare_a = a->capacity - a->load, spare_b = b->capacity - b->load;

  if (spare_a != spare_b)
    return spare_a > spare_b ? -1 : 1;
  if (a->assigned_last_hour != b->assigned_last_hour)
    return a->assigned_last_hour < b->assigned_last_hour ? -1 : 1;
  return strcmp (a->person, b->person);
}

/**
 * ct_route_choose:
 * @region: (nullable): the subject's
 * @people: (array length=n_people): everybody
 *
 * Returns: (nullable): who of the route's team has the skills, the region and capacity to spare and is under the
 *   fairness cap; always the same for the same arguments
 */
const CtRoutingPerson *
ct_route_choose (const CtRoute *self, const char *region, const CtRoutingPerson *people, gsize n_people)
{
  const CtRoutingPerson *best = NULL;

  for (gsize i = 0; i < n_people; i++)
    if (is_eligible (self, region, &people[i]) && (!best || compare_people (&people[i], best) < 0))
      best = &people[i];
  return best;
}

/**
 * ct_routing_decide:
 * @facts: of the exception: "blocker", "severity", "region" and so on
 * @routing: (out): set only on success
 *
 * Returns: %FALSE with %CT_ERROR_NOT_FOUND where no route matches
 */
gboolean
ct_routing_decide (GPtrArray *routes, JsonObject *facts, const CtRoutingPerson *people, gsize n_people,
                   CtRouting *routing, GError **error)
{
  const CtRoute *route = ct_route_find (routes, facts);

  if (!route)
    return ct_fail (error, CT_ERROR_NOT_FOUND,
                    "No route matches; add one without conditions at the end of the list");
  routing->route = route;
  routing->person = ct_route_choose (route, ct_json_string (facts, "region", NULL), people, n_people);
  return TRUE;
}
