#include "ct-tiles-verify.h"
#include "ct-error.h"
#include "ct-tile-stack.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The largest bundle there can be: 256 entries of 65,535 bytes with their lengths. */
#define MOST_BUNDLE (CT_TILE_WIDTH * (2 + CT_ENTRY_MOST))

typedef struct {
  const char *directory;
  guint64 size;
  gboolean has_entries;
  guint64 n_hidden;
  CtEntryVisitor visitor;
  gpointer visitor_data;
  GByteArray *buffer; /* (owned): what was read last */
  CtMerkleRange range;
  CtTileStack stack; /* what the level 0 tiles demand of those above */
} Check;

static void
check_clear (Check *self)
{
  ct_tile_stack_clear (&self->stack);
  g_clear_pointer (&self->buffer, g_byte_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Check, check_clear)

void
ct_tiles_report_clear (CtTilesReport *self)
{
  ct_checkpoint_clear (&self->checkpoint);
  g_clear_pointer (&self->vkey, g_free);
}

static gboolean
read_descriptor (int fd, const char *path, gsize most, GByteArray *buffer, GError **error)
{
  struct stat facts;
  gsize length = 0;
  gssize got = 1;

  if (fstat (fd, &facts) != 0 || !S_ISREG (facts.st_mode))
    return ct_fail (error, CT_ERROR_INVALID, "%s is not a regular file", path);
  if ((guint64) facts.st_size > most)
    return ct_fail (error, CT_ERROR_INVALID,
                    "%s of %" G_GINT64_FORMAT " bytes is larger than the %zu allowed", path,
                    (gint64) facts.st_size, most);
  g_byte_array_set_size (buffer, (guint) facts.st_size);
  while (length < buffer->len && got != 0) {
    got = read (fd, buffer->data + length, buffer->len - length);
    if (got < 0 && errno != EINTR)
      return ct_fail (error, CT_ERROR_FAILED, "Cannot read %s: %s", path, g_strerror (errno));
    length += (gsize) MAX (got, 0);
  }
  g_byte_array_set_size (buffer, (guint) length);
  return TRUE;
}

/* Reads a file of the log, at most @most bytes; %CT_ERROR_NOT_FOUND where there is none. */
static gboolean
read_member (const char *directory, const char *path, gsize most, GByteArray *buffer, GError **error)
{
  g_autofree char *full = g_build_filename (directory, path, NULL);
  int fd = open (full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  gboolean done;

  if (fd < 0)
    return ct_fail (error, errno == ENOENT || errno == ENOTDIR ? CT_ERROR_NOT_FOUND : CT_ERROR_FAILED,
                    "%s: %s", path, g_strerror (errno));
  done = read_descriptor (fd, path, most, buffer, error);
  close (fd);
  return done;
}

/* Reads the tile, or a wider one that has replaced it. The returned path (transfer full) is the one found. */
static char *
read_tile (Check *self, guint level, guint64 index, guint width, guint *found, GError **error)
{
  gsize most = level == CT_TILE_ENTRIES ? MOST_BUNDLE : CT_TILE_WIDTH * CT_HASH_SIZE;
  g_autofree char *wanted = ct_tile_path (level, index, width);

  /* the tile itself, the full one, then every partial one that is wider */
  for (guint i = 0; i <= CT_TILE_WIDTH - width; i++) {
    guint w = i == 0 ? width : i == 1 ? CT_TILE_WIDTH : width + i - 1;
    g_autofree char *path = ct_tile_path (level, index, w);
    g_autoptr (GError) problem = NULL;

    if (read_member (self->directory, path, most, self->buffer, &problem)) {
      *found = w;
      return g_steal_pointer (&path);
    }
    if (!g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND)) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return NULL;
    }
  }
  ct_fail (error, CT_ERROR_CORRUPT,
           "%s is missing: leaves %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " cannot be checked", wanted,
           index << (level == CT_TILE_ENTRIES ? 8 : 8 * (level + 1)),
           MIN (self->size, (index + 1) << (level == CT_TILE_ENTRIES ? 8 : 8 * (level + 1))) - 1);
  return NULL;
}

/* Reads @width hashes into @hashes; the path found is (transfer full). */
static char *
read_hashes (Check *self, guint level, guint64 index, guint width, CtHash *hashes, GError **error)
{
  guint found;
  g_autofree char *path = read_tile (self, level, index, width, &found, error);

  if (!path)
    return NULL;
  if (self->buffer->len != found * CT_HASH_SIZE) {
    ct_fail (error, CT_ERROR_CORRUPT, "%s has %u bytes: a tile of this name has %u", path, self->buffer->len,
             found * CT_HASH_SIZE);
    return NULL;
  }
  memcpy (hashes, self->buffer->data, width * CT_HASH_SIZE);
  return g_steal_pointer (&path);
}

/* How many entries the bytes hold, or -1 where they are no bundle. */
static int
count_entries (const GByteArray *bundle)
{
  const guint8 *p = bundle->data, *end = p + bundle->len, *entry;
  gsize length;
  int n = 0;

  while (p < end) {
    if (n > CT_TILE_WIDTH || !ct_bundle_next (&p, end, &entry, &length, NULL))
      return -1;
    n++;
  }
  return n;
}

/* A mirror of a server may have kept its gzip encoding (allowed by C2SP tlog-tiles). */
static gboolean
gunzip (GByteArray *buffer)
{
  static const guint8 magic[] = { 0x1f, 0x8b, 0x08 };
  g_autoptr (GConverter) converter = NULL;
  g_autoptr (GByteArray) plain = NULL;
  gsize used = 0, made = 0;

  if (buffer->len < sizeof magic || memcmp (buffer->data, magic, sizeof magic) != 0)
    return FALSE;
  converter = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP));
  plain = g_byte_array_new ();
  for (;;) {
    gsize read, written;
    /* one byte more than there can be: the converter needs room to say that it is at the end */
    guint room = MIN (MAX (64 * 1024, (guint) made), MOST_BUNDLE + 1 - (guint) made);
    GConverterResult result;

    g_byte_array_set_size (plain, (guint) made + room);
    result = g_converter_convert (converter, buffer->data + used, buffer->len - used, plain->data + made,
                                  room, G_CONVERTER_INPUT_AT_END, &read, &written, NULL);
    if (result == G_CONVERTER_ERROR || (result == G_CONVERTER_CONVERTED && read == 0 && written == 0))
      return FALSE;
    used += read;
    made += written;
    if (made > MOST_BUNDLE)
      return FALSE;
    if (result == G_CONVERTER_FINISHED)
      break;
  }
  g_byte_array_set_size (buffer, 0);
  g_byte_array_append (buffer, plain->data, (guint) made);
  return TRUE;
}

static gboolean
check_entry (Check *self, const char *path, guint64 index, const guint8 *entry, gsize length,
             const CtHash *expected, GError **error)
{
  CtHash hash = ct_merkle_leaf (entry, length);

  if (length == 0 && !ct_hash_equal (&hash, expected)) {
    self->n_hidden++;
    return TRUE;
  }
  if (!ct_hash_equal (&hash, expected))
    return ct_fail (error, CT_ERROR_CORRUPT,
                    "Leaf %" G_GUINT64_FORMAT
                    ": the entry in %s does not have the hash that the log's tile holds",
                    index, path);
  return !self->visitor || self->visitor (index, entry, length, self->visitor_data, error);
}

/* The entries must have the hashes of the level 0 tile with the same index. */
static gboolean
check_bundle (Check *self, guint64 index, guint width, const CtHash *hashes, GError **error)
{
  guint found;
  g_autofree char *path = read_tile (self, CT_TILE_ENTRIES, index, width, &found, error);
  const guint8 *p, *end, *entry;
  gsize length;
  int n;

  if (!path)
    return FALSE;
  n = count_entries (self->buffer);
  if (n != (int) found && gunzip (self->buffer))
    n = count_entries (self->buffer);
  if (n != (int) found)
    return ct_fail (error, CT_ERROR_CORRUPT, "%s is not a bundle of %u entries", path, found);
  p = self->buffer->data;
  end = p + self->buffer->len;
  for (guint i = 0; i < width; i++)
    if (!ct_bundle_next (&p, end, &entry, &length, error) ||
        !check_entry (self, path, index * CT_TILE_WIDTH + i, entry, length, &hashes[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
read_upper (guint level, guint64 index, guint width, CtHash *hashes, gpointer data, GError **error)
{
  g_autofree char *path = read_hashes (data, level, index, width, hashes, error);

  return path != NULL;
}

static gboolean
check_upper (guint level, guint64 index, guint width, const CtHash *hashes, gpointer data, GError **error)
{
  return ct_tile_compare (level, index, width, hashes, read_upper, data, error);
}

static gboolean
check_leaves (Check *self, guint64 index, guint width, GError **error)
{
  CtHash hashes[CT_TILE_WIDTH], root;
  g_autofree char *path = read_hashes (self, 0, index, width, hashes, error);

  if (!path || (self->has_entries && !check_bundle (self, index, width, hashes, error)))
    return FALSE;
  if (width < CT_TILE_WIDTH) {
    for (guint i = 0; i < width; i++)
      ct_merkle_range_add (&self->range, &hashes[i]);
    return TRUE;
  }
  root = ct_merkle_fold (hashes, CT_TILE_WIDTH);
  ct_merkle_range_add_subtree (&self->range, &root, CT_TILE_HEIGHT);
  return ct_tile_stack_push (&self->stack, 1, &root, error);
}

static gboolean
check_root (Check *self, const CtHash *expected, GError **error)
{
  CtHash root = ct_merkle_range_root (&self->range);
  g_autofree char *have = NULL, *want = NULL;

  if (ct_hash_equal (&root, expected))
    return TRUE;
  have = ct_hash_to_hex (&root);
  want = ct_hash_to_hex (expected);
  return ct_fail (error, CT_ERROR_CORRUPT,
                  "The root of the %" G_GUINT64_FORMAT " leaves is %s, but the checkpoint signs %s",
                  self->size, have, want);
}

static gboolean
check_tree (Check *self, CtAuditProgress progress, gpointer progress_data, GCancellable *cancellable,
            GError **error)
{
  for (guint64 at = 0; at < self->size; at += CT_TILE_WIDTH) {
    if (at % 8192 == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    if (at % 8192 == 0 && progress)
      progress (at, self->size, progress_data);
    if (!check_leaves (self, at / CT_TILE_WIDTH, (guint) MIN (self->size - at, CT_TILE_WIDTH), error))
      return FALSE;
  }
  if (!ct_tile_stack_finish (&self->stack, error))
    return FALSE;
  if (progress)
    progress (self->size, self->size, progress_data);
  return TRUE;
}

/* The key the caller trusts, else the one that lies in the directory. */
static CtVerifier *
choose_verifier (const char *directory, const char *vkey, GByteArray *buffer, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autofree char *text = NULL;
  CtVerifier *verifier;

  if (vkey)
    return ct_verifier_parse (vkey, error);
  if (!read_member (directory, "log.vkey", 4096, buffer, &problem)) {
    ct_fail (error, CT_ERROR_NOT_FOUND, "No verifier key was given and the log brings none along (%s)",
             problem->message);
    return NULL;
  }
  text = g_strndup ((const char *) buffer->data, buffer->len);
  verifier = ct_verifier_parse (text, error);
  if (!verifier)
    g_prefix_error (error, "log.vkey: ");
  return verifier;
}

static gboolean
read_head (const char *directory, const char *vkey, GByteArray *buffer, CtTilesReport *report, GError **error)
{
  g_autoptr (CtVerifier) verifier = choose_verifier (directory, vkey, buffer, error);

  if (!verifier || !read_member (directory, "checkpoint", CT_NOTE_MOST_BYTES, buffer, error))
    return FALSE;
  if (!ct_checkpoint_open ((const char *) buffer->data, buffer->len, verifier, &report->checkpoint, error)) {
    g_prefix_error (error, "checkpoint: ");
    return FALSE;
  }
  report->vkey = ct_verifier_to_string (verifier);
  report->key_is_from_log = vkey == NULL;
  return TRUE;
}

/**
 * ct_tiles_verify:
 * @directory: a tlog-tiles directory (C2SP), whoever wrote it
 * @vkey: (nullable): the note verifier key to trust; without it the log.vkey of the directory, which shows only that
 *   the log agrees with itself
 * @visitor: (nullable): sees each entry whose hash is right, in order
 * @progress: (nullable): told every few thousand leaves
 * @report: (out): set only on success; clear it with ct_tiles_report_clear()
 *
 * Checks the checkpoint's signature, every hash tile up to the root and, where the directory has tile/entries, every
 * entry that is shown. Reads tile by tile: memory does not grow with the log.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT where the log contradicts itself (the message names file and leaf),
 *   %CT_ERROR_INVALID for malformed files, %CT_ERROR_NOT_FOUND without checkpoint or key
 */
gboolean
ct_tiles_verify (const char *directory, const char *vkey, CtEntryVisitor visitor, gpointer visitor_data,
                 CtAuditProgress progress, gpointer progress_data, GCancellable *cancellable,
                 CtTilesReport *report, GError **error)
{
  g_autofree char *entries = g_build_filename (directory, "tile", "entries", NULL);
  g_auto (CtTilesReport) found = { 0 };
  g_auto (Check) check = {
    .directory = directory,
    .has_entries = g_file_test (entries, G_FILE_TEST_EXISTS),
    .visitor = visitor,
    .visitor_data = visitor_data,
    .buffer = g_byte_array_new (),
  };

  if (!read_head (directory, vkey, check.buffer, &found, error))
    return FALSE;
  check.stack = (CtTileStack){ .sink = check_upper, .data = &check };
  check.size = found.checkpoint.size;
  if (!check_tree (&check, progress, progress_data, cancellable, error) ||
      !check_root (&check, &found.checkpoint.root, error))
    return FALSE;
  found.has_entries = check.has_entries;
  found.n_hidden = check.n_hidden;
  *report = found;
  found = (CtTilesReport){ 0 };
  return TRUE;
}
