#pragma once

#include "ct-ids.h"

G_BEGIN_DECLS

/* The rows a person has marked for a bulk action: some, or all but some; never a walk through the list. */
typedef struct _CtListMarks CtListMarks;

CtListMarks *ct_list_marks_new (void);
void ct_list_marks_free (CtListMarks *self);
gboolean ct_list_marks_has (CtListMarks *self, gint64 n);
void ct_list_marks_set (CtListMarks *self, gint64 n, gboolean marked);
void ct_list_marks_all (CtListMarks *self, CtIds *ids);
void ct_list_marks_clear (CtListMarks *self);
guint ct_list_marks_count (CtListMarks *self);
GArray *ct_list_marks_numbers (CtListMarks *self);

G_END_DECLS
