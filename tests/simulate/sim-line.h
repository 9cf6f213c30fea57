#pragma once

#include "pg-server.h"

G_BEGIN_DECLS

/* A line to the server that is cut at a chosen request: see sim-line.c */
typedef struct _SimLine SimLine;

typedef enum {
  SIM_CUT_BEFORE, /* the server has run the statement and never hears its end: it rolls back */
  SIM_CUT_AFTER,  /* the server has committed, its answer is lost */
} SimCut;

SimLine *sim_line_start (PgServer *server);
void sim_line_stop (SimLine *self);
char *sim_line_address (SimLine *self, const char *database, const char *login);
void sim_line_plan (SimLine *self, guint request, SimCut cut);
gboolean sim_line_was_cut (SimLine *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SimLine, sim_line_stop)

G_END_DECLS
