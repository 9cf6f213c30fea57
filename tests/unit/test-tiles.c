/* Tile directories: written, verified, damaged in every way, and those that other software lays out otherwise. */
#include "ct-error.h"
#include "ct-tiles-verify.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#define ORIGIN "log.example/tiles"

typedef struct {
  char *directory;  /* (owned) */
  CtSigner *signer; /* (owned) */
  char *vkey;       /* (owned) */
} Fixture;

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *child = g_build_filename (path, name, NULL);

    remove_tree (child);
  }
  g_remove (path);
}

static void
fixture_clear (Fixture *self)
{
  remove_tree (self->directory);
  g_free (self->directory);
  ct_signer_free (self->signer);
  g_free (self->vkey);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

/* @text: (nullable): of every entry; else each has its own */
static void
write_entries (Fixture *self, guint64 size, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtTilesWriter) writer = ct_tiles_writer_new (self->directory, ORIGIN, &error);
  g_autofree char *note = NULL;
  guint64 n;
  CtHash root;

  g_assert_no_error (error);
  for (guint64 i = 0; i < size; i++) {
    g_autofree char *entry = text ? g_strdup (text) : g_strdup_printf ("entry %" G_GUINT64_FORMAT, i);

    g_assert_true (ct_tiles_writer_add (writer, entry, strlen (entry), &error));
  }
  root = ct_tiles_writer_head (writer, &n);
  g_assert_cmpuint (n, ==, size);
  note = ct_checkpoint_sign (ORIGIN, n, &root, self->signer, &error);
  g_assert_true (ct_tiles_writer_finish (writer, note, &error));
}

static void
write_log (Fixture *self, guint64 size)
{
  write_entries (self, size, NULL);
}

static Fixture
make_fixture (guint64 size)
{
  Fixture self = { .directory = g_dir_make_tmp ("ct-tiles-XXXXXX", NULL),
                   .signer = ct_signer_generate (ORIGIN, NULL) };

  self.vkey = ct_verifier_to_string (ct_signer_verifier (self.signer));
  write_log (&self, size);
  return self;
}

static gboolean
verify (Fixture *self, CtTilesReport *report, GError **error)
{
  return ct_tiles_verify (self->directory, self->vkey, NULL, NULL, NULL, NULL, NULL, report, error);
}

static void
assert_good (Fixture *self, guint64 size, gboolean has_entries)
{
  g_autoptr (GError) error = NULL;
  g_auto (CtTilesReport) report = { 0 };

  verify (self, &report, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (report.checkpoint.size, ==, size);
  g_assert_cmpstr (report.checkpoint.origin, ==, ORIGIN);
  g_assert_true (report.has_entries == has_entries);
  g_assert_false (report.key_is_from_log);
  g_assert_cmpstr (report.vkey, ==, self->vkey);
}

static void
test_paths (void)
{
  static const struct {
    guint level;
    guint64 index;
    guint width;
    const char *path;
  } cases[] = {
    { 0, 0, 256, "tile/0/000" },
    { 3, 999, 1, "tile/3/999.p/1" },
    { 0, 1000, 256, "tile/0/x001/000" },
    { 0, 1234067, 255, "tile/0/x001/x234/067.p/255" },
    { CT_TILE_ENTRIES, 1234067, 256, "tile/entries/x001/x234/067" },
    { 63, G_MAXINT64, 256, "tile/63/x009/x223/x372/x036/x854/x775/807" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = ct_tile_path (cases[i].level, cases[i].index, cases[i].width);
    g_autoptr (GError) error = NULL;
    CtTileName name;

    g_assert_cmpstr (path, ==, cases[i].path);
    ct_tile_parse_path (path, &name, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (name.level, ==, cases[i].level);
    g_assert_cmpuint (name.index, ==, cases[i].index);
    g_assert_cmpuint (name.width, ==, cases[i].width);
  }
}

static void
test_bad_paths (void)
{
  static const char *const bad[] = {
    "",
    "tile",
    "tile/",
    "tile/0",
    "tile/0/",
    "tile/0/00",
    "tile/0/0000",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/0/x000/001",
    "tile/0/001/001",
    "tile/0/x001",
    "tile/0/x001/",
    "tile/0/x001/x001",
    "tile/0/000.p",
    "tile/0/000.p/",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000.p/1x",
    "/tile/0/000",
    "tile/entries",
    "tile/entries/0",
    "tile/0/x009/x223/x372/x036/x854/x775/808",
    "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    "tile/8/0/000",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    CtTileName name;

    g_test_message ("%s", bad[i]);
    g_assert_false (ct_tile_parse_path (bad[i], &name, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  }
}

static void
test_bundles (void)
{
  g_autoptr (GByteArray) bundle = g_byte_array_new ();
  g_autofree guint8 *large = g_malloc0 (CT_ENTRY_MOST);
  const guint8 *p, *end, *entry;
  g_autoptr (GError) error = NULL;
  gsize length;

  ct_bundle_append (bundle, "", 0);
  ct_bundle_append (bundle, "abc", 3);
  ct_bundle_append (bundle, large, CT_ENTRY_MOST);
  g_assert_cmpmem (bundle->data, 7, "\0\0\0\3abc", 7);
  p = bundle->data;
  end = p + bundle->len;
  g_assert_true (ct_bundle_next (&p, end, &entry, &length, &error));
  g_assert_cmpuint (length, ==, 0);
  g_assert_true (ct_bundle_next (&p, end, &entry, &length, &error));
  g_assert_cmpmem (entry, length, "abc", 3);
  g_assert_false (ct_bundle_next (&p, end - 1, &entry, &length, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_true (ct_bundle_next (&p, end, &entry, &length, &error));
  g_assert_cmpuint (length, ==, CT_ENTRY_MOST);
  g_assert_false (ct_bundle_next (&p, end, &entry, &length, &error));
}

static void
test_round_trip (void)
{
  static const guint64 sizes[] = { 0, 1, 2, 255, 256, 257, 511, 512, 1000, 65535, 65536, 70000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_auto (Fixture) log = make_fixture (sizes[i]);

    assert_good (&log, sizes[i], sizes[i] > 0);
  }
}

/* Exported again after it grew: old partial tiles stay beside the new ones. */
static void
test_grows (void)
{
  g_auto (Fixture) log = make_fixture (300);
  g_autoptr (GError) error = NULL;

  write_log (&log, 301);
  write_log (&log, 700);
  assert_good (&log, 700, TRUE);
  g_assert_null (ct_tiles_writer_new (log.directory, "log.example/other", &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
}

static char *
member (Fixture *self, const char *path)
{
  return g_build_filename (self->directory, path, NULL);
}

static void
rename_member (Fixture *self, const char *from, const char *to)
{
  g_autofree char *a = member (self, from), *b = member (self, to), *parent = g_path_get_dirname (b);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0777), ==, 0);
  g_assert_cmpint (g_rename (a, b), ==, 0);
}

static void
test_no_entries (void)
{
  g_auto (Fixture) log = make_fixture (700);
  g_autofree char *entries = member (&log, "tile/entries");

  remove_tree (entries);
  assert_good (&log, 700, FALSE);
}

/* The log has grown to 768 and dropped its partial tiles; the checkpoint is still the one of 700. */
static void
test_wider_tiles (void)
{
  g_auto (Fixture) log = make_fixture (700);
  g_autofree char *checkpoint = member (&log, "checkpoint"), *note = NULL, *row = NULL;
  g_autofree char *narrow = member (&log, "tile/0/002.p"), *bundle = member (&log, "tile/entries/002.p");
  g_autofree char *tile = member (&log, "tile/1/000.p/200");
  g_auto (CtTilesReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (checkpoint, &note, NULL, NULL));
  write_log (&log, 768);
  g_assert_true (g_file_set_contents (checkpoint, note, -1, NULL));
  remove_tree (narrow);
  remove_tree (bundle);
  assert_good (&log, 700, TRUE);

  /* a wider tile must have the bytes that its name says */
  rename_member (&log, "tile/1/000.p/2", "tile/1/000.p/200");
  {
    g_autofree char *three = member (&log, "tile/1/000.p/3");

    g_assert_cmpint (g_unlink (three), ==, 0);
  }
  g_assert_false (verify (&log, &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
  g_clear_pointer (&row, g_free);
  g_assert_true (g_file_get_contents (tile, &row, &length, NULL));
  row = g_realloc (row, 200 * CT_HASH_SIZE);
  memset (row + length, 0, 200 * CT_HASH_SIZE - length);
  g_assert_true (g_file_set_contents (tile, row, 200 * CT_HASH_SIZE, NULL));
  assert_good (&log, 700, TRUE);
}

/* A mirror that kept the server's Content-Encoding. */
static void
gzip_member (Fixture *log, const char *name, const void *bytes, gsize length)
{
  g_autofree char *path = member (log, name), *room = g_malloc (length + 1000);
  g_autoptr (GConverter) converter = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1));
  g_autoptr (GError) error = NULL;
  gsize read, written;

  g_assert_cmpint (g_converter_convert (converter, bytes, length, room, length + 1000,
                                        G_CONVERTER_INPUT_AT_END, &read, &written, &error),
                   ==, G_CONVERTER_FINISHED);
  g_assert_true (g_file_set_contents (path, room, (gssize) written, NULL));
}

static void
test_gzip (void)
{
  g_auto (Fixture) log = make_fixture (700);
  g_autofree char *path = member (&log, "tile/entries/001"), *bytes = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  gzip_member (&log, "tile/entries/001", bytes, length);
  assert_good (&log, 700, TRUE);
}

/* The largest bundle there can be is read; what unpacks to as much or more and is none is refused. */
static void
test_gzip_largest (void)
{
  g_auto (Fixture) log = make_fixture (0);
  g_autofree char *path = member (&log, "tile/entries/000"), *bytes = NULL, *zeros = NULL;
  g_autofree char *entry = g_strnfill (CT_ENTRY_MOST, 'x');
  gsize length;

  write_entries (&log, CT_TILE_WIDTH, entry);
  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  gzip_member (&log, "tile/entries/000", bytes, length);
  assert_good (&log, CT_TILE_WIDTH, TRUE);
  zeros = g_malloc0 (length + 1);
  for (gsize more = 0; more < 2; more++) {
    g_auto (CtTilesReport) report = { 0 };
    g_autoptr (GError) error = NULL;

    gzip_member (&log, "tile/entries/000", zeros, length + more);
    g_assert_false (verify (&log, &report, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
    g_assert_nonnull (strstr (error->message, "is not a bundle of 256 entries"));
  }
}

typedef enum { FLIP, CUT, GROW, DELETE, REPLACE } Damage;

static const struct {
  const char *path;
  Damage damage;
  gsize at;
  int code;
  const char *message;
} damages[] = {
  { "tile/entries/000", FLIP, 3, CT_ERROR_CORRUPT, "Leaf 0: the entry in tile/entries/000" },
  { "tile/entries/001", FLIP, 14, CT_ERROR_CORRUPT, "Leaf 257: the entry in tile/entries/001" },
  { "tile/entries/002.p/188", CUT, 1, CT_ERROR_CORRUPT, "not a bundle of 188 entries" },
  { "tile/entries/002.p/188", GROW, 1, CT_ERROR_CORRUPT, "not a bundle of 188 entries" },
  { "tile/entries/001", DELETE, 0, CT_ERROR_CORRUPT, "tile/entries/001 is missing: leaves 256 to 511" },
  { "tile/entries/002.p/188", DELETE, 0, CT_ERROR_CORRUPT, "leaves 512 to 699" },
  { "tile/0/000", FLIP, 32 * 5, CT_ERROR_CORRUPT, "Leaf 5: the entry in tile/entries/000" },
  { "tile/0/001", CUT, 1, CT_ERROR_CORRUPT, "tile/0/001 has 8191 bytes" },
  { "tile/0/001", GROW, 1, CT_ERROR_INVALID, "larger than the 8192 allowed" },
  { "tile/0/001", DELETE, 0, CT_ERROR_CORRUPT, "tile/0/001 is missing: leaves 256 to 511" },
  { "tile/1/000.p/2", FLIP, 40, CT_ERROR_CORRUPT, "tile/1/000.p/2 and tile/0/001 contradict each other" },
  { "tile/1/000.p/2", DELETE, 0, CT_ERROR_CORRUPT, "tile/1/000.p/2 is missing" },
  { "checkpoint", FLIP, 20, CT_ERROR_CORRUPT, "checkpoint: The note is not valid: the signature" },
  { "checkpoint", CUT, 1, CT_ERROR_INVALID, "checkpoint: The note" },
  { "checkpoint", DELETE, 0, CT_ERROR_NOT_FOUND, "checkpoint" },
  { "checkpoint", REPLACE, 0, CT_ERROR_CORRUPT, "the checkpoint signs" },
};

static void
damage_file (Fixture *log, guint i)
{
  g_autofree char *path = member (log, damages[i].path), *bytes = NULL;
  CtHash other = ct_hash ("other", 5);
  gsize length;

  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  switch (damages[i].damage) {
  case FLIP:
    bytes[damages[i].at] ^= 1;
    break;
  case CUT:
    length -= damages[i].at;
    break;
  case GROW:
    bytes = g_realloc (bytes, length + damages[i].at);
    memset (bytes + length, 0, damages[i].at);
    length += damages[i].at;
    break;
  case REPLACE:
    g_free (bytes);
    bytes = ct_checkpoint_sign (ORIGIN, 700, &other, log->signer, NULL);
    length = strlen (bytes);
    break;
  case DELETE:
  default:
    g_assert_cmpint (g_unlink (path), ==, 0);
    return;
  }
  g_assert_true (g_file_set_contents (path, bytes, (gssize) length, NULL));
}

static void
test_damage (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (damages); i++) {
    g_auto (Fixture) log = make_fixture (700);
    g_auto (CtTilesReport) report = { 0 };
    g_autoptr (GError) error = NULL;

    damage_file (&log, i);
    g_assert_false (verify (&log, &report, &error));
    g_test_message ("%s: %s", damages[i].path, error->message);
    g_assert_error (error, CT_ERROR, damages[i].code);
    g_assert_nonnull (strstr (error->message, damages[i].message));
    g_assert_null (report.vkey);
  }
}

static void
test_damage_without_entries (void)
{
  static const struct {
    const char *path;
    const char *message;
  } cases[] = {
    { "tile/0/000", "tile/1/000.p/2 and tile/0/000 contradict each other (leaves 0 to 255)" },
    { "tile/0/002.p/188", "but the checkpoint signs" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Fixture) log = make_fixture (700);
    g_auto (CtTilesReport) report = { 0 };
    g_autofree char *entries = member (&log, "tile/entries"), *path = member (&log, cases[i].path);
    g_autofree char *bytes = NULL;
    g_autoptr (GError) error = NULL;
    gsize length;

    remove_tree (entries);
    g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
    bytes[0] ^= 1;
    g_assert_true (g_file_set_contents (path, bytes, (gssize) length, NULL));
    g_assert_false (verify (&log, &report, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
    g_assert_nonnull (strstr (error->message, cases[i].message));
  }
}

static void
test_keys (void)
{
  g_auto (Fixture) log = make_fixture (3), other = make_fixture (3);
  g_auto (CtTilesReport) report = { 0 };
  g_autofree char *vkey = member (&log, "log.vkey"), *line = g_strconcat (log.vkey, "\n", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (ct_tiles_verify (log.directory, NULL, NULL, NULL, NULL, NULL, NULL, &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (vkey, line, -1, NULL));
  g_assert_true (ct_tiles_verify (log.directory, NULL, NULL, NULL, NULL, NULL, NULL, &report, &error));
  g_assert_true (report.key_is_from_log);
  g_assert_false (ct_tiles_verify (log.directory, other.vkey, NULL, NULL, NULL, NULL, NULL, &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
  g_clear_error (&error);
  g_assert_false (ct_tiles_verify (log.directory, "nonsense", NULL, NULL, NULL, NULL, NULL, &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
}

static gboolean
count_entry (guint64 index, const guint8 *entry, gsize length, gpointer data, GError **error)
{
  g_autofree char *expected = g_strdup_printf ("entry %" G_GUINT64_FORMAT, index);
  guint64 *n = data;

  g_assert_cmpuint (index, ==, *n);
  g_assert_cmpmem (entry, length, expected, strlen (expected));
  (*n)++;
  return index < 599 || ct_fail (error, CT_ERROR_FAILED, "enough");
}

static void
note_progress (guint64 done, guint64 total, gpointer data)
{
  guint64 *last = data;

  g_assert_cmpuint (total, ==, 20000);
  g_assert_cmpuint (done, >=, *last);
  *last = done;
}

static void
test_callbacks (void)
{
  g_auto (Fixture) log = make_fixture (700), large = make_fixture (20000);
  g_auto (CtTilesReport) report = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  guint64 n = 0, last = 0;

  g_assert_false (
      ct_tiles_verify (log.directory, log.vkey, count_entry, &n, NULL, NULL, NULL, &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_FAILED);
  g_assert_cmpuint (n, ==, 600);
  g_clear_error (&error);
  g_assert_true (
      ct_tiles_verify (large.directory, large.vkey, NULL, NULL, note_progress, &last, NULL, &report, &error));
  g_assert_cmpuint (last, ==, 20000);
  g_cancellable_cancel (cancellable);
  g_assert_false (
      ct_tiles_verify (large.directory, large.vkey, NULL, NULL, NULL, NULL, cancellable, &report, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_fuzz_paths (void)
{
  static const char letters[] = "0123456789xx//..ptilenr";
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  for (int i = 0; i < 8000; i++) {
    g_autoptr (GString) path = g_string_new (i % 2 ? "tile/" : "tile/0/x001/x234/067.p/8");
    CtTileName name;

    for (int n = g_rand_int_range (random, 0, 12); n > 0; n--) {
      char c = letters[g_rand_int_range (random, 0, sizeof letters - 1)];
      gsize at = (gsize) g_rand_int_range (random, i % 2 ? (gint32) path->len : 0, (gint32) path->len + 1);

      if (g_rand_boolean (random) && at < path->len)
        path->str[at] = c;
      else
        g_string_insert_c (path, (gssize) at, c);
    }
    if (ct_tile_parse_path (path->str, &name, NULL)) {
      g_autofree char *again = ct_tile_path (name.level, name.index, name.width);

      g_assert_cmpstr (again, ==, path->str);
    }
  }
}

static void
test_fuzz_bundles (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (2);

  for (int i = 0; i < 4000; i++) {
    gsize size = (gsize) g_rand_int_range (random, 0, 80), total = 0, length;
    g_autofree guint8 *bytes = g_malloc (MAX (size, 1));
    const guint8 *p = bytes, *end = bytes + size, *entry;

    for (gsize j = 0; j < size; j++)
      bytes[j] = (guint8) (j % 2 ? g_rand_int_range (random, 0, 12) : g_rand_int_range (random, 0, 100) == 0);
    while (p < end && ct_bundle_next (&p, end, &entry, &length, NULL)) {
      g_assert_true (entry >= bytes && entry + length <= end && p == entry + length);
      total += 2 + length;
    }
    g_assert_cmpuint (total, ==, p - bytes);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tiles/paths", test_paths);
  g_test_add_func ("/tiles/bad-paths", test_bad_paths);
  g_test_add_func ("/tiles/bundles", test_bundles);
  g_test_add_func ("/tiles/round-trip", test_round_trip);
  g_test_add_func ("/tiles/grows", test_grows);
  g_test_add_func ("/tiles/no-entries", test_no_entries);
  g_test_add_func ("/tiles/wider-tiles", test_wider_tiles);
  g_test_add_func ("/tiles/gzip", test_gzip);
  g_test_add_func ("/tiles/gzip-largest", test_gzip_largest);
  g_test_add_func ("/tiles/damage", test_damage);
  g_test_add_func ("/tiles/damage-without-entries", test_damage_without_entries);
  g_test_add_func ("/tiles/keys", test_keys);
  g_test_add_func ("/tiles/callbacks", test_callbacks);
  g_test_add_func ("/tiles/fuzz-paths", test_fuzz_paths);
  g_test_add_func ("/tiles/fuzz-bundles", test_fuzz_bundles);
  return g_test_run ();
}
