#pragma once

#include "ct-base.h"

G_BEGIN_DECLS

gboolean ct_order_book_write (const char *folder, gint64 orders, gint64 today, GCancellable *cancellable,
                              GError **error);

G_END_DECLS
