#include "ct-sending.h"

typedef struct {
  GtkWidget *widget; /* (owned) */
  gboolean stop;
  CtSendingFunc failed; /* (nullable) */
} Switching;

/* In a team the service sends: it obeys the server, which has yet to hear of it. */
static const char *
said (CtWorkspace *workspace, gboolean stop)
{
  if (ct_workspace_is_connected (workspace))
    return stop ? _ ("The server is told to stop all sending") : _ ("The server is told to send again");
  return stop ? _ ("All sending is stopped") : _ ("Sending is on again");
}

static void
switched_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Switching *switching = data;
  g_autoptr (GtkWidget) widget = switching->widget;
  g_autoptr (GError) error = NULL;

  if (ct_workspace_execute_finish (CT_WORKSPACE (source), result, NULL, &error)) {
    ct_page_toast (widget, FALSE, "%s", said (CT_WORKSPACE (source), switching->stop));
    return;
  }
  if (!gtk_widget_get_root (widget))
    return;
  ct_page_problem (widget, _ ("Sending was not switched"), error);
  if (switching->failed)
    switching->failed (widget);
}

/**
 * ct_sending_switch:
 * @widget: where the person switched it; says what came of it
 * @failed: (nullable): called where it stays as it was
 *
 * Stops all sending, or resumes it.
 */
void
ct_sending_switch (GtkWidget *widget, CtWorkspace *workspace, gboolean stop, CtSendingFunc failed)
{
  Switching *switching = g_new0 (Switching, 1);

  switching->widget = g_object_ref (widget);
  switching->stop = stop;
  switching->failed = failed;
  ct_workspace_execute_async (workspace, stop ? "delivery.stop" : "delivery.resume", NULL, NULL, switched_cb,
                              switching);
}
