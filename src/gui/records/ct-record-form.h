#pragma once

#include "ct-page.h"

G_BEGIN_DECLS

/* One form for all kinds of ct-records.h: makes a record (@n negative), or changes the one with number @n. */
void ct_record_form_open (CtPage *page, const char *kind, gint64 n);

G_END_DECLS
