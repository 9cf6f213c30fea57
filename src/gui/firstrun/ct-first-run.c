#include "ct-first-run.h"
#include "ct-import-dialog.h"
#include "ct-page.h"
#include "ct-workspace-work.h"

struct _CtFirstRun {
  AdwBin parent_instance;
  GtkStack *stack;
  char *folder;                  /* (owned) */
  char *files;                   /* (owned) (nullable): the person's own */
  GtkFileChooserNative *chooser; /* (owned) (nullable) */
  gboolean demo, join;
};

enum { SIGNAL_READY, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (CtFirstRun, ct_first_run, ADW_TYPE_BIN)

static void
created_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtFirstRun) self = data;
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_workspace_create_finish (result, &error);

  if (!gtk_widget_get_root (GTK_WIDGET (self)))
    return;
  if (ok) {
    g_signal_emit (self, signals[SIGNAL_READY], 0, self->demo || self->join ? NULL : self->files, self->join);
    return;
  }
  gtk_stack_set_visible_child_name (self->stack, "choices");
  ct_page_problem (self, _ ("The workspace cannot be made"), error);
}

static void
make (CtFirstRun *self, gboolean demo)
{
  self->demo = demo;
  gtk_stack_set_visible_child_name (self->stack, "making");
  ct_workspace_create_async (self->folder, demo, NULL, created_cb, g_object_ref (self));
}

static void
demo_cb (AdwActionRow *row, CtFirstRun *self)
{
  make (self, TRUE);
}

/* A workspace has to be there first: it is its device that the administrator lets in. */
static void
join_cb (AdwActionRow *row, CtFirstRun *self)
{
  self->join = TRUE;
  make (self, FALSE);
}

static void
folder_chosen_cb (GtkNativeDialog *dialog, int response, CtFirstRun *self)
{
  g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));

  g_free (self->files);
  self->files = file ? g_file_get_path (file) : NULL;
  if (response == GTK_RESPONSE_ACCEPT && self->files)
    make (self, FALSE);
}

/* The files come first: who cancels still has the choice, and no empty workspace. */
static void
import_cb (AdwActionRow *row, CtFirstRun *self)
{
  g_clear_object (&self->chooser);
  self->chooser = ct_import_folder_chooser (self);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  g_signal_connect (self->chooser, "response", G_CALLBACK (folder_chosen_cb), self);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
ct_first_run_dispose (GObject *object)
{
  g_clear_object (&CT_FIRST_RUN (object)->chooser);
  gtk_widget_dispose_template (GTK_WIDGET (object), CT_TYPE_FIRST_RUN);
  G_OBJECT_CLASS (ct_first_run_parent_class)->dispose (object);
}

static void
ct_first_run_finalize (GObject *object)
{
  g_free (CT_FIRST_RUN (object)->folder);
  g_free (CT_FIRST_RUN (object)->files);
  G_OBJECT_CLASS (ct_first_run_parent_class)->finalize (object);
}

static void
ct_first_run_class_init (CtFirstRunClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_first_run_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_first_run_finalize;
  signals[SIGNAL_READY] = g_signal_new ("ready", CT_TYPE_FIRST_RUN, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                        G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_BOOLEAN);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/controltower/ControlTower/ct-first-run.ui");
  gtk_widget_class_bind_template_child (widget_class, CtFirstRun, stack);
  gtk_widget_class_bind_template_callback (widget_class, demo_cb);
  gtk_widget_class_bind_template_callback (widget_class, import_cb);
  gtk_widget_class_bind_template_callback (widget_class, join_cb);
}

static void
ct_first_run_init (CtFirstRun *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
ct_first_run_new (const char *folder)
{
  CtFirstRun *self = g_object_new (CT_TYPE_FIRST_RUN, NULL);

  self->folder = g_strdup (folder);
  return GTK_WIDGET (self);
}

/* (transfer none) */
const char *
ct_first_run_get_folder (CtFirstRun *self)
{
  return self->folder;
}
