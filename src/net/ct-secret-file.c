/* Tokens in a file: a line each, "origin TAB name TAB token". Read and written through buffers that are wiped, which a
 * JSON parser's copies would not be. */
#include "ct-secret-private.h"

#include "ct-base.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MOST (256 * 1024)

/* The whole file in a buffer that is wiped; empty where there is no file. */
typedef struct {
  char *text;
  gsize length;
} Buffer;

static void
buffer_clear (Buffer *buffer)
{
  if (buffer->text)
    sodium_memzero (buffer->text, buffer->length);
  g_free (buffer->text);
  *buffer = (Buffer){ 0 };
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Buffer, buffer_clear)

static gboolean
check_file (const char *path, const struct stat *st, GError **error)
{
  if (!S_ISREG (st->st_mode))
    return ct_fail (error, CT_ERROR_REFUSED, _ ("“%s” is not a plain file: remove it"), path);
  if (st->st_uid != geteuid ())
    return ct_fail (error, CT_ERROR_REFUSED, _ ("“%s” belongs to another user: its tokens are not used"),
                    path);
  if (st->st_mode & 077)
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("“%s” can be read or written by other users: replace its tokens, then chmod 600 it"),
                    path);
  if (st->st_size > FILE_MOST)
    return ct_fail (error, CT_ERROR_CORRUPT, _ ("“%s” is larger than %d bytes"), path, FILE_MOST);
  return TRUE;
}

static gboolean
read_all (int fd, const char *path, gsize size, Buffer *buffer, GError **error)
{
  buffer->text = g_malloc0 (size + 1);
  buffer->length = 0;
  while (buffer->length < size) {
    gssize n = read (fd, buffer->text + buffer->length, size - buffer->length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return ct_fail (error, CT_ERROR_FAILED, _ ("“%s” cannot be read: %s"), path, g_strerror (errno));
    if (n == 0)
      break;
    buffer->length += (gsize) n;
  }
  return TRUE;
}

static gboolean
load (const char *path, Buffer *buffer, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat st;
  gboolean ok;

  if (fd < 0 && errno == ENOENT)
    return TRUE;
  if (fd < 0 && errno == ELOOP)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("“%s” is a symbolic link: remove it"), path);
  if (fd < 0 || fstat (fd, &st) < 0) {
    ct_fail (error, CT_ERROR_FAILED, _ ("“%s” cannot be opened: %s"), path, g_strerror (errno));
    if (fd >= 0)
      close (fd);
    return FALSE;
  }
  ok = check_file (path, &st, error) && read_all (fd, path, (gsize) st.st_size, buffer, error);
  close (fd);
  return ok;
}

/* Where the line of (origin, name) begins, or without an origin the first of that name; its token and the line's end.
 * %NULL where there is none. */
static char *
find_line (const Buffer *buffer, const char *origin, const char *name, char **value, char **end)
{
  g_autofree char *start = g_strconcat (origin ? origin : "", "\t", name, "\t", NULL);
  gsize length = strlen (start);

  for (char *line = buffer->text; line && *line;) {
    char *newline = strchr (line, '\n');
    char *stop = newline ? newline : line + strlen (line);
    char *key = origin ? line : memchr (line, '\t', (gsize) (stop - line));

    if (key && (gsize) (stop - key) > length && memcmp (key, start, length) == 0) {
      *value = key + length;
      *end = stop;
      return line;
    }
    line = newline ? newline + 1 : NULL;
  }
  return NULL;
}

static void
remove_line (Buffer *buffer, char *line, char *end)
{
  char *next = *end ? end + 1 : end;
  gsize rest = buffer->length - (gsize) (next - buffer->text);
  gsize removed = (gsize) (next - line);

  memmove (line, next, rest);
  sodium_memzero (line + rest, removed);
  buffer->length -= removed;
}

/* Holds other processes off while the file is read and replaced; the lock goes with the descriptor. */
static int
lock_folder (const char *dir, const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd;

  if (!g_file_test (dir, G_FILE_TEST_IS_DIR) || g_mkdir_with_parents (folder, 0700) < 0 ||
      (fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
    ct_fail (error, CT_ERROR_FAILED, _ ("The folder “%s” cannot be used: %s"), folder, g_strerror (errno));
    return -1;
  }
  while (flock (fd, LOCK_EX) < 0 && errno == EINTR)
    ;
  return fd;
}

static gboolean
store (const char *path, const Buffer *buffer, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (g_file_set_contents_full (path, buffer->text, (gssize) buffer->length,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, &problem))
    return TRUE;
  return ct_fail (error, CT_ERROR_FAILED, "%s", problem->message);
}

/* Adds the line, or takes it out where @secret is NULL; without an origin, those of every origin. */
static gboolean
rewrite (const char *path, const char *origin, const char *name, CtSecret *secret, gboolean *found,
         GError **error)
{
  g_auto (Buffer) old = { 0 };
  g_auto (Buffer) new = { 0 };
  char *line, *value, *end;
  const char *token = "";

  if (!load (path, &old, error))
    return FALSE;
  for (*found = FALSE; (line = find_line (&old, origin, name, &value, &end)); *found = TRUE)
    remove_line (&old, line, end);
  if (!*found && !secret)
    return TRUE;
  if (secret && !(token = ct_secret_value (secret, origin, error)))
    return FALSE;
  if (secret && old.length + strlen (origin) + strlen (name) + strlen (token) + 4 > FILE_MOST)
    return ct_fail (error, CT_ERROR_INVALID, _ ("“%s” holds too many tokens already"), path);
  new.text = secret ? g_strdup_printf ("%s%s\t%s\t%s\n", old.text ? old.text : "", origin, name, token)
                    : g_strdup (old.text);
  new.length = strlen (new.text);
  return store (path, &new, error);
}

gboolean
ct_secret_file_save (const char *dir, const char *name, CtSecret *secret, GError **error)
{
  g_autofree char *path = g_build_filename (dir, CT_SECRET_FILE, NULL);
  gboolean found, ok;
  int lock = lock_folder (dir, path, error);

  if (lock < 0)
    return FALSE;
  ok = rewrite (path, ct_secret_origin (secret), name, secret, &found, error);
  close (lock);
  return ok;
}

CtSecret *
ct_secret_file_find (const char *dir, const char *name, const char *origin, GError **error)
{
  g_autofree char *path = g_build_filename (dir, CT_SECRET_FILE, NULL);
  g_auto (Buffer) buffer = { 0 };
  char *value, *end;

  if (!load (path, &buffer, error))
    return NULL;
  if (!find_line (&buffer, origin, name, &value, &end)) {
    ct_fail (error, CT_ERROR_NOT_FOUND, _ ("No token is stored for “%s” at %s"), name, origin);
    return NULL;
  }
  *end = '\0';
  return ct_secret_new (origin, value, error);
}

gboolean
ct_secret_file_clear (const char *dir, const char *name, const char *origin, gboolean *cleared,
                      GError **error)
{
  g_autofree char *path = g_build_filename (dir, CT_SECRET_FILE, NULL);
  gboolean ok;
  int lock;

  *cleared = FALSE;
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  lock = lock_folder (dir, path, error);
  if (lock < 0)
    return FALSE;
  ok = rewrite (path, origin, name, NULL, cleared, error);
  close (lock);
  return ok;
}
