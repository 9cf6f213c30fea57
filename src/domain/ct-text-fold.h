#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A text as phrases are compared: decomposed, case folded, invisible characters left out, white space, quotes and
 * dashes made one; each folded byte knows where in the source it comes from. */
typedef struct {
  char *text; /* (owned) */
  gsize length;
  guint *source; /* (owned): @length + 1 byte offsets into the source */
} CtTextFold;

void ct_text_fold_init (CtTextFold *self, const char *source);
void ct_text_fold_clear (CtTextFold *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtTextFold, ct_text_fold_clear)

gboolean ct_text_fold_find (const CtTextFold *self, const CtTextFold *phrase, gsize from, gsize *found);
gboolean ct_text_char_is_invisible (gunichar c);
gboolean ct_text_char_is_bidirectional (gunichar c);

G_END_DECLS
