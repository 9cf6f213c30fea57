#pragma once

#include "ct-detail.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

/* What happened to some records, newest first: out of the audit log, and before it what the server has not answered yet. */
typedef struct _CtStory CtStory;

typedef struct {
  gint64 n;         /* of the leaf */
  gboolean pending; /* an own command that the server has not answered yet: there is no leaf */
  char *action, *actor, *note;
  gint64 at;
} CtStoryEvent;

CtStory *ct_story_read (CtDb *db, guint most, GError **error, const char *objects_sql, gint64 n);
void ct_story_free (CtStory *self);
void ct_story_show (CtStory *self, CtDetail *detail, CtWorkspace *workspace);

G_END_DECLS
