#pragma once

#include "sim-world.h"
#include "slack-process.h"

G_BEGIN_DECLS

/* The team's service and the provider that it hands posts to: see sim-service.c */
typedef struct _SimService SimService;

char *sim_service_prepare (PgServer *server, SlackProcess *provider);

SimService *sim_service_new (SimWorld *world);
void sim_service_free (SimService *self);
void sim_service_trust (SimService *self, const CtId *device, const guint8 public_key[32]);
gboolean sim_service_work (SimService *self);

G_END_DECLS
