#include "ct-workspace-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

G_STATIC_ASSERT (CT_DEVICE_PUBLIC_SIZE == crypto_sign_PUBLICKEYBYTES);
G_STATIC_ASSERT (CT_DEVICE_SECRET_SIZE == crypto_sign_SECRETKEYBYTES);

static gboolean
write_secret (const char *path, gconstpointer data, gsize length, GError **error)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  gboolean ok;

  if (fd < 0)
    return ct_fail (error, CT_ERROR_FAILED, _ ("Cannot write %s: %s"), path, g_strerror (errno));
  ok = write (fd, data, length) == (gssize) length && fsync (fd) == 0;
  close (fd);
  return ok || ct_fail (error, CT_ERROR_FAILED, _ ("Cannot write %s: %s"), path, g_strerror (errno));
}

/**
 * ct_keys_make:
 * @folder: of the workspace
 * @log_name: the audit log's origin
 * @device_public: (out): the public half of the device's new key
 * @signer: (out) (transfer full): of the log
 *
 * Makes the device's and the log's keys, in files that only the user may read. They never enter the database.
 */
gboolean
ct_keys_make (const char *folder, const char *log_name, guint8 device_public[CT_DEVICE_PUBLIC_SIZE],
              CtSigner **signer, GError **error)
{
  g_autofree char *keys = g_build_filename (folder, "keys", NULL);
  g_autofree char *device_path = g_build_filename (folder, CT_KEY_DEVICE, NULL);
  g_autofree char *log_path = g_build_filename (folder, CT_KEY_LOG, NULL);
  g_autoptr (CtSigner) log = NULL;
  guint8 secret[CT_DEVICE_SECRET_SIZE], public[CT_DEVICE_PUBLIC_SIZE];
  gboolean ok;

  if (g_mkdir_with_parents (keys, 0700) != 0)
    return ct_fail (error, CT_ERROR_FAILED, _ ("Cannot make the folder %s: %s"), keys, g_strerror (errno));
  crypto_sign_keypair (public, secret);
  ok = write_secret (device_path, secret, sizeof secret, error);
  sodium_memzero (secret, sizeof secret);
  if (!ok || !(log = ct_signer_generate (log_name, error)) || !ct_signer_save (log, log_path, error))
    return FALSE;
  memcpy (device_public, public, sizeof public);
  *signer = g_steal_pointer (&log);
  return TRUE;
}

/* A file of ours that nobody else may read or write, for reading; -1 with %CT_ERROR_NOT_FOUND or %CT_ERROR_REFUSED. */
int
ct_keys_open (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat info;

  if (fd < 0) {
    ct_fail (error, errno == ENOENT ? CT_ERROR_NOT_FOUND : CT_ERROR_REFUSED, _ ("Cannot open %s: %s"), path,
             g_strerror (errno));
    return -1;
  }
  if (fstat (fd, &info) == 0 && (info.st_mode & 077) == 0 && info.st_uid == geteuid ())
    return fd;
  close (fd);
  ct_fail (error, CT_ERROR_REFUSED, _ ("%s must belong to you and be readable by you alone (chmod 600)"),
           path);
  return -1;
}

gboolean
ct_keys_load_device (const char *folder, guint8 secret[CT_DEVICE_SECRET_SIZE], GError **error)
{
  g_autofree char *path = g_build_filename (folder, CT_KEY_DEVICE, NULL);
  int fd = ct_keys_open (path, error);
  gboolean ok;

  if (fd < 0) {
    g_prefix_error (error, "%s ", _ ("This workspace has no device key."));
    return FALSE;
  }
  ok = read (fd, secret, CT_DEVICE_SECRET_SIZE) == CT_DEVICE_SECRET_SIZE;
  close (fd);
  return ok || ct_fail (error, CT_ERROR_CORRUPT, _ ("%s is not a device key"), path);
}
