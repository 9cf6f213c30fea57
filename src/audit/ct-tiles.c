#include "ct-tiles.h"
#include "ct-error.h"
#include "ct-tile-stack.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* A path has at most seven elements of three digits: 63 bits. */
#define MOST_INDEX_ELEMENTS 7

static void
append_index (GString *path, guint64 index)
{
  guint elements[MOST_INDEX_ELEMENTS];
  guint n = 0;

  do {
    elements[n++] = (guint) (index % 1000);
    index /= 1000;
  } while (index > 0);
  while (n-- > 0)
    g_string_append_printf (path, n > 0 ? "/x%03u" : "/%03u", elements[n]);
}

/**
 * ct_tile_path:
 * @level: 0 to 63, or %CT_TILE_ENTRIES
 * @width: 1 to 256
 *
 * Returns: (transfer full): the tile's path within its log, as in "tile/0/x001/234.p/5" (C2SP tlog-tiles)
 */
char *
ct_tile_path (guint level, guint64 index, guint width)
{
  g_autoptr (GString) path = g_string_sized_new (48);

  g_assert (width >= 1 && width <= CT_TILE_WIDTH && index <= G_MAXINT64);
  if (level == CT_TILE_ENTRIES)
    g_string_append (path, "tile/entries");
  else
    g_string_append_printf (path, "tile/%u", level);
  append_index (path, index);
  if (width < CT_TILE_WIDTH)
    g_string_append_printf (path, ".p/%u", width);
  return g_string_free (g_steal_pointer (&path), FALSE);
}

/* A decimal without sign or leading zero; moves @p behind it. */
static gboolean
take_number (const char **p, guint64 most, guint *number)
{
  guint64 value = 0;
  const char *at = *p;

  for (; g_ascii_isdigit (*at) && at - *p < 4; at++)
    value = value * 10 + (guint) (*at - '0');
  if (at == *p || (**p == '0' && at - *p > 1) || value > most)
    return FALSE;
  *p = at;
  *number = (guint) value;
  return TRUE;
}

/* "x001/x234/067": moves @p behind it. */
static gboolean
take_index (const char **p, guint64 *index)
{
  guint64 value = 0;
  gboolean more = TRUE;

  for (guint n = 0; more; n++) {
    more = **p == 'x';
    *p += more;
    for (int i = 0; i < 3; i++, (*p)++) {
      if (!g_ascii_isdigit (**p) || value > ((guint64) G_MAXINT64 - (guint) (**p - '0')) / 10)
        return FALSE;
      value = value * 10 + (guint) (**p - '0');
    }
    /* the first of several elements may not be zero: there would be a shorter spelling */
    if ((more && **p != '/') || (n == 0 && more && value == 0))
      return FALSE;
    *p += more;
  }
  *index = value;
  return TRUE;
}

static gboolean
take_level (const char **p, guint *level)
{
  if (g_str_has_prefix (*p, "entries/")) {
    *p += strlen ("entries");
    *level = CT_TILE_ENTRIES;
    return TRUE;
  }
  return take_number (p, 63, level);
}

/**
 * ct_tile_parse_path:
 * @path: foreign text, as ct_tile_path() writes it and in no other spelling
 * @name: (out): set only on success
 */
gboolean
ct_tile_parse_path (const char *path, CtTileName *name, GError **error)
{
  CtTileName parsed = { .width = CT_TILE_WIDTH };
  const char *p = path;

  if (!g_str_has_prefix (p, "tile/"))
    return ct_fail (error, CT_ERROR_INVALID, "Not a tile's path: it does not begin with tile/");
  p += strlen ("tile/");
  if (!take_level (&p, &parsed.level) || *p++ != '/')
    return ct_fail (error, CT_ERROR_INVALID, "Not a tile's path: its level is not a number from 0 to 63");
  if (!take_index (&p, &parsed.index))
    return ct_fail (error, CT_ERROR_INVALID,
                    "Not a tile's path: its index is not in elements of three digits");
  if (g_str_has_prefix (p, ".p/")) {
    p += strlen (".p/");
    if (!take_number (&p, CT_TILE_WIDTH - 1, &parsed.width) || parsed.width == 0)
      return ct_fail (error, CT_ERROR_INVALID, "Not a tile's path: its width is not a number from 1 to 255");
  }
  if (*p)
    return ct_fail (error, CT_ERROR_INVALID, "Not a tile's path: something follows its end");
  *name = parsed;
  return TRUE;
}

void
ct_bundle_append (GByteArray *bundle, gconstpointer entry, gsize length)
{
  guint8 head[2] = { (guint8) (length >> 8), (guint8) length };

  g_assert (length <= CT_ENTRY_MOST);
  g_byte_array_append (bundle, head, sizeof head);
  g_byte_array_append (bundle, entry, (guint) length);
}

/**
 * ct_bundle_next:
 * @cursor: (inout): where the next entry begins, before @end; moved behind it
 * @entry: (out) (transfer none): points into the bundle
 *
 * Returns: %FALSE with %CT_ERROR_INVALID where the bundle ends within an entry
 */
gboolean
ct_bundle_next (const guint8 **cursor, const guint8 *end, const guint8 **entry, gsize *length, GError **error)
{
  const guint8 *p = *cursor;
  gsize size;

  if (end - p < 2)
    return ct_fail (error, CT_ERROR_INVALID, "the bundle ends within the length of an entry");
  size = (gsize) p[0] << 8 | p[1];
  if ((gsize) (end - p - 2) < size)
    return ct_fail (error, CT_ERROR_INVALID, "the bundle ends within an entry of %zu bytes", size);
  *entry = p + 2;
  *length = size;
  *cursor = p + 2 + size;
  return TRUE;
}

struct _CtTilesWriter {
  char *directory;     /* (owned) */
  CtMerkleRange range; /* of the leaves in full tiles */
  GByteArray *bundle;  /* (owned): the entries of the unfinished tile */
  CtTileStack stack;
};

/* Writes over what is there: a tile with this name always has these bytes. The user's alone, as the workspace is: leaves
 * name people and records. */
static gboolean
write_file (const char *path, gconstpointer data, gsize length, GError **error)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  const guint8 *p = data;

  if (fd < 0 && errno == ENOENT) {
    g_autofree char *parent = g_path_get_dirname (path);

    if (g_mkdir_with_parents (parent, 0700) == 0)
      fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  }
  while (fd >= 0 && length > 0) {
    gssize written = write (fd, p, length);

    if (written < 0 && errno != EINTR)
      break;
    p += MAX (written, 0);
    length -= (gsize) MAX (written, 0);
  }
  if (fd < 0 || length > 0 || close (fd) != 0) {
    int problem = errno;

    if (fd >= 0 && length > 0)
      close (fd);
    return ct_fail (error, CT_ERROR_FAILED, "Cannot write “%s”: %s", path, g_strerror (problem));
  }
  return TRUE;
}

static gboolean
write_tile (CtTilesWriter *self, guint level, guint64 index, guint width, gconstpointer data, gsize length,
            GError **error)
{
  g_autofree char *name = ct_tile_path (level, index, width);
  g_autofree char *path = g_build_filename (self->directory, name, NULL);

  return write_file (path, data, length, error);
}

static gboolean
write_hashes (guint level, guint64 index, guint width, const CtHash *hashes, gpointer data, GError **error)
{
  CtTilesWriter *self = data;
  CtHash root;

  if (!write_tile (self, level, index, width, hashes, width * CT_HASH_SIZE, error))
    return FALSE;
  if (level == 0 && width == CT_TILE_WIDTH) {
    root = ct_merkle_fold (hashes, CT_TILE_WIDTH);
    ct_merkle_range_add_subtree (&self->range, &root, CT_TILE_HEIGHT);
  }
  return TRUE;
}

/* A directory may be exported to again as long as it is the same log and has not become shorter. */
static gboolean
check_target (const char *directory, const char *origin, GError **error)
{
  g_autofree char *path = g_build_filename (directory, "checkpoint", NULL);
  g_autofree char *first = g_strconcat (origin, "\n", NULL);
  g_autofree char *note = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!g_file_get_contents (path, &note, NULL, error))
    return FALSE;
  return g_str_has_prefix (note, first) ||
         ct_fail (error, CT_ERROR_CONFLICT, "“%s” holds another log: choose an empty directory", directory);
}

/**
 * ct_tiles_writer_new:
 * @directory: created where missing; may hold an older state of the same log
 * @origin: the log's name
 *
 * Returns: (transfer full): a writer of a tlog-tiles directory, or %NULL with %CT_ERROR_CONFLICT where the directory
 *   holds another log
 */
CtTilesWriter *
ct_tiles_writer_new (const char *directory, const char *origin, GError **error)
{
  CtTilesWriter *self;

  if (g_mkdir_with_parents (directory, 0700) != 0) {
    ct_fail (error, CT_ERROR_FAILED, "Cannot create “%s”: %s", directory, g_strerror (errno));
    return NULL;
  }
  if (!check_target (directory, origin, error))
    return NULL;
  self = g_new0 (CtTilesWriter, 1);
  self->directory = g_strdup (directory);
  self->bundle = g_byte_array_new ();
  self->stack = (CtTileStack){ .sink = write_hashes, .data = self };
  ct_merkle_range_init (&self->range);
  return self;
}

void
ct_tiles_writer_free (CtTilesWriter *self)
{
  if (!self)
    return;
  ct_tile_stack_clear (&self->stack);
  g_byte_array_unref (self->bundle);
  g_free (self->directory);
  g_free (self);
}

static gboolean
write_bundle (CtTilesWriter *self, guint width, GError **error)
{
  if (!write_tile (self, CT_TILE_ENTRIES, self->stack.levels[0].index, width, self->bundle->data,
                   self->bundle->len, error))
    return FALSE;
  g_byte_array_set_size (self->bundle, 0);
  return TRUE;
}

static gboolean
add_entry (CtTilesWriter *self, gconstpointer entry, gsize length, const CtHash *hash, GError **error)
{
  ct_bundle_append (self->bundle, entry, length);
  if (self->stack.levels[0].width + 1 == CT_TILE_WIDTH && !write_bundle (self, CT_TILE_WIDTH, error))
    return FALSE;
  return ct_tile_stack_push (&self->stack, 0, hash, error);
}

/**
 * ct_tiles_writer_add_hidden:
 * @hash: of the next leaf, whose entry is not shown: its place in the bundle is empty
 */
gboolean
ct_tiles_writer_add_hidden (CtTilesWriter *self, const CtHash *hash, GError **error)
{
  return add_entry (self, NULL, 0, hash, error);
}

/**
 * ct_tiles_writer_add:
 * @entry: (array length=length): the next leaf, at most %CT_ENTRY_MOST bytes
 */
gboolean
ct_tiles_writer_add (CtTilesWriter *self, gconstpointer entry, gsize length, GError **error)
{
  CtHash hash;

  if (length > CT_ENTRY_MOST)
    return ct_fail (error, CT_ERROR_INVALID, "A log entry of %zu bytes is larger than the %d allowed", length,
                    CT_ENTRY_MOST);
  hash = ct_merkle_leaf (entry, length);
  return add_entry (self, entry, length, &hash, error);
}

/* The rest of the leaves, which fill no tile, join the range of those that did. */
static CtMerkleRange
whole_range (CtTilesWriter *self)
{
  CtMerkleRange range = self->range;

  for (guint i = 0; i < self->stack.levels[0].width; i++)
    ct_merkle_range_add (&range, &self->stack.levels[0].hashes[i]);
  return range;
}

/**
 * ct_tiles_writer_head:
 * @size: (out): leaves added so far
 *
 * Returns: their root, which the checkpoint must sign
 */
CtHash
ct_tiles_writer_head (CtTilesWriter *self, guint64 *size)
{
  CtMerkleRange range = whole_range (self);

  *size = range.size;
  return ct_merkle_range_root (&range);
}

/**
 * ct_tiles_writer_finish:
 * @note: the signed checkpoint of ct_tiles_writer_head()
 *
 * Writes the partial tiles and, last, the checkpoint: until then a reader sees the log's former state.
 */
gboolean
ct_tiles_writer_finish (CtTilesWriter *self, const char *note, GError **error)
{
  g_autofree char *path = g_build_filename (self->directory, "checkpoint", NULL);

  if (self->stack.levels[0].width > 0 && !write_bundle (self, self->stack.levels[0].width, error))
    return FALSE;
  if (!ct_tile_stack_finish (&self->stack, error))
    return FALSE;
  return g_file_set_contents_full (path, note, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}
