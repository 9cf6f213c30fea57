#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

#define CT_TYPE_STORE (ct_store_get_type ())
G_DECLARE_FINAL_TYPE (CtStore, ct_store, CT, STORE, GObject)

/* Runs on a thread of the store with a connection of its own; returns %FALSE with @error set. */
typedef gboolean (*CtStoreFunc) (CtDb *db, gpointer data, GError **error);

CtStore *ct_store_open (const char *path, CtDbFlags flags, GError **error);
void ct_store_close (CtStore *self);
void ct_store_watch (CtStore *self);
void ct_store_look (CtStore *self);
void ct_store_set_alarm (CtStore *self, int fd);
void ct_store_set_zone (CtStore *self, GTimeZone *zone);

/* One writer thread, jobs in order; two readers. The calls without _async block: for command lines and workers. */
gboolean ct_store_write (CtStore *self, CtStoreFunc func, gpointer data, GError **error);
gboolean ct_store_read (CtStore *self, CtStoreFunc func, gpointer data, GError **error);
void ct_store_write_async (CtStore *self, CtStoreFunc func, gpointer data, GDestroyNotify destroy,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void ct_store_read_async (CtStore *self, CtStoreFunc func, gpointer data, GDestroyNotify destroy,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean ct_store_job_finish (CtStore *self, GAsyncResult *result, GError **error);
gpointer ct_store_job_data (GAsyncResult *result);

G_END_DECLS
