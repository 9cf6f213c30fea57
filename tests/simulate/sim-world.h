#pragma once

#include "pg-station.h"
#include "sim-line.h"
#include "sim-random.h"

G_BEGIN_DECLS

typedef struct _SlackProcess SlackProcess;
typedef struct _SimService SimService;

/* How what a login sees changes. */
typedef enum { SIM_SCOPE_GIVEN, SIM_SCOPE_WINDOW, SIM_SCOPE_TAKEN, SIM_SCOPE_ENDED } SimScopeChange;

/* What all stories share. */
typedef struct {
  PgServer *server;       /* (owned) */
  SimLine *line;          /* (owned) */
  SlackProcess *provider; /* (owned): of messages */
  char *service;          /* (owned): folder of the workspace that every story's service begins with */
} SimStage;

/* One seed's story: a server, clients, and what happens to them. */
typedef struct {
  const SimStage *stage; /* (unowned) */
  guint64 seed;
  gint64 begins; /* when, by the server's clock */
  SimRandom random;
  char *database;      /* (owned) */
  CtSession *root;     /* (owned) (nullable): the database's owner, who sees all */
  GPtrArray *clients;  /* (owned) (element-type SimClient) */
  SimService *service; /* (owned) */
  gboolean
      drafts; /* the service works, and what it drafts is decided on: the programs of then could not take that */
  guint names;         /* given to clients so far */
  gboolean has_backup; /* of the server */
  gboolean restored;   /* the server, since the last heal: it knows less than it did */
  gboolean can_crash;  /* the server: takes time, so in few seeds */
  int oldest;          /* version of the schema that the server talks to */
  GString *script;     /* (owned): what happened, a line each */
  GHashTable *counts;  /* (owned) (element-type utf8 guint): how often what happened */
  gboolean verbose;
  char *failure; /* (owned) (nullable): the first assertion that did not hold */
} SimWorld;

#define SIM_TEMPLATE "sim_template"

/* The oldest replica with which commands can be given, and the oldest with which the server can be talked to. */
#define SIM_OLDEST          7
#define SIM_OLDEST_SPEAKING 10

void sim_stage_prepare (SimStage *self);
void sim_stage_clear (SimStage *self);
SimWorld *sim_world_new (const SimStage *stage, guint64 seed, gboolean verbose);
void sim_world_free (SimWorld *self);
void sim_world_say (SimWorld *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
void sim_world_add (SimWorld *self, const char *what, guint n);
void sim_world_count (SimWorld *self, const char *fault);
gboolean sim_world_fail (SimWorld *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
gint64 sim_world_number (SimWorld *self, const char *sql);
void sim_world_crash_server (SimWorld *self);
void sim_world_back_up_server (SimWorld *self);
void sim_world_restore_server (SimWorld *self);
void sim_world_end_old_programs (SimWorld *self);
void sim_world_change_role (SimWorld *self, const char *login, const char *role, gboolean grant);
void sim_world_retain (SimWorld *self, guint rows);
void sim_world_change_scope (SimWorld *self, const char *login, const char *scope, SimScopeChange change);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SimStage, sim_stage_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SimWorld, sim_world_free)

G_END_DECLS
