#pragma once

#include "ct-match.h"

G_BEGIN_DECLS

/* One line of the ordered list of routes: what matches goes to a team and an agent. */
typedef struct {
  char *id;
  char *name;
  CtMatch *match;
  char *owner;
  char *agent;
  char **skills;   /* what a person must have for it */
  gint64 per_hour; /* fairness cap: assignments per person and hour */
} CtRoute;

/* Somebody work can be given to. */
typedef struct {
  const char *person;
  const char *const *teams;
  const char *const *skills;
  const char *const *regions; /* empty: every region */
  gint64 load;                /* open tasks */
  gint64 capacity;
  gint64 assigned_last_hour;
  gboolean absent;
} CtRoutingPerson;

typedef struct {
  const CtRoute *route;          /* (unowned) */
  const CtRoutingPerson *person; /* (unowned) (nullable): nobody is free; the team's queue keeps it */
} CtRouting;

CtRoute *ct_route_parse (JsonObject *object, const char *where, GError **error);
GPtrArray *ct_route_parse_all (JsonNode *root, const char *where, GError **error);
void ct_route_free (CtRoute *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtRoute, ct_route_free)

const CtRoute *ct_route_find (GPtrArray *routes, JsonObject *facts);
const CtRoutingPerson *ct_route_choose (const CtRoute *self, const char *region,
                                        const CtRoutingPerson *people, gsize n_people);
gboolean ct_routing_decide (GPtrArray *routes, JsonObject *facts, const CtRoutingPerson *people,
                            gsize n_people, CtRouting *routing, GError **error);

G_END_DECLS
