#include "ct-row.h"

typedef struct {
  CtRowFunc func;
  gpointer data;
} Watch;

struct _CtRow {
  GObject parent_instance;
  gint64 n;
  CtRecord *record; /* (owned) (nullable): NULL until loaded */
  GHashTable *live; /* (owned) (element-type gint64 CtRow): unowned rows; the key is the row's own n */
  GArray *watches;  /* (owned) (nullable) (element-type Watch) */
};

enum { PROP_0, PROP_LOADED, N_PROPS };
static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CtRow, ct_row, G_TYPE_OBJECT)

static void
ct_row_finalize (GObject *object)
{
  CtRow *self = CT_ROW (object);

  g_hash_table_remove (self->live, &self->n);
  g_hash_table_unref (self->live);
  g_clear_pointer (&self->record, ct_record_unref);
  g_clear_pointer (&self->watches, g_array_unref);
  G_OBJECT_CLASS (ct_row_parent_class)->finalize (object);
}

static void
ct_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_LOADED)
    g_value_set_boolean (value, ct_row_is_loaded (CT_ROW (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ct_row_class_init (CtRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = ct_row_finalize;
  object_class->get_property = ct_row_get_property;
  props[PROP_LOADED] =
      g_param_spec_boolean ("loaded", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
ct_row_init (CtRow *self)
{
}

CtRow *
ct_row_new (gint64 n, GHashTable *live)
{
  CtRow *self = g_object_new (CT_TYPE_ROW, NULL);

  self->n = n;
  self->live = g_hash_table_ref (live);
  g_hash_table_insert (live, &self->n, self);
  return self;
}

/* The row's local number: its identity in every list. */
gint64
ct_row_get_n (CtRow *self)
{
  return self->n;
}

gboolean
ct_row_is_loaded (CtRow *self)
{
  return self->record != NULL;
}

/* (transfer none): "" until loaded, and where the value is NULL or no text */
const char *
ct_row_text (CtRow *self, guint column)
{
  return self->record ? ct_record_text (self->record, column) : "";
}

/* %CT_NULL_INT until loaded, and where the value is NULL or no number. */
gint64
ct_row_int (CtRow *self, guint column)
{
  return self->record ? ct_record_int (self->record, column) : CT_NULL_INT;
}

gboolean
ct_row_id (CtRow *self, guint column, CtId *id)
{
  return self->record && ct_record_id (self->record, column, id);
}

/**
 * ct_row_watch:
 *
 * Asks for a call whenever the values arrive or change: notify::loaded without the price of a signal for each cell.
 */
void
ct_row_watch (CtRow *self, CtRowFunc func, gpointer data)
{
  Watch watch = { func, data };

  if (!self->watches)
    self->watches = g_array_sized_new (FALSE, FALSE, sizeof (Watch), 12);
  g_array_append_val (self->watches, watch);
}

void
ct_row_unwatch (CtRow *self, CtRowFunc func, gpointer data)
{
  for (guint i = 0; self->watches && i < self->watches->len; i++) {
    Watch *watch = &g_array_index (self->watches, Watch, i);

    if (watch->func == func && watch->data == data) {
      g_array_remove_index_fast (self->watches, i);
      return;
    }
  }
}

void
ct_row_set_record (CtRow *self, CtRecord *record)
{
  if (ct_record_equal (self->record, record))
    return;
  g_clear_pointer (&self->record, ct_record_unref);
  self->record = ct_record_ref (record);
  for (guint i = 0; self->watches && i < self->watches->len; i++) {
    Watch *watch = &g_array_index (self->watches, Watch, i);

    watch->func (self, watch->data);
  }
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_LOADED]);
}
