/* The service manager's side: sd_notify(3), whose protocol is one datagram. */
#include "ct-notify.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>
#include <unistd.h>

/**
 * ct_notify:
 * @state: lines as in sd_notify(3): "READY=1"
 *
 * Tells systemd where it started us with Type=notify; does nothing elsewhere.
 */
void
ct_notify (const char *state)
{
  const char *path = g_getenv ("NOTIFY_SOCKET");
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) error = NULL;

  if (!path || (*path != '/' && *path != '@'))
    return;
  /* "@" stands for the zero byte that an abstract address begins with */
  address = *path == '@' ? g_unix_socket_address_new_with_type (path + 1, -1, G_UNIX_SOCKET_ADDRESS_ABSTRACT)
                         : g_unix_socket_address_new (path);
  socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_DEFAULT, &error);
  if (!socket || g_socket_send_to (socket, address, state, strlen (state), NULL, &error) < 0)
    g_warning ("Cannot tell the service manager: %s", error->message);
}

/* How often it expects to hear of us; 0: it does not */
guint
ct_notify_watchdog_ms (void)
{
  const char *pid = g_getenv ("WATCHDOG_PID"), *usec = g_getenv ("WATCHDOG_USEC");
  guint64 wanted = 0;

  if (!usec || (pid && g_ascii_strtoll (pid, NULL, 10) != getpid ()) ||
      !g_ascii_string_to_unsigned (usec, 10, 1, G_MAXINT64, &wanted, NULL))
    return 0;
  return (guint) CLAMP (wanted / 1000, 1, G_MAXUINT);
}
