/* Signed notes and checkpoints: the vectors of golang.org/x/mod/sumdb/note, refusals, and mutated bytes. */
#include "ct-checkpoint.h"
#include "ct-error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define NEUMANN_KEY  "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define NEUMANN_VKEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define NEUMANN_TEXT                                                                                         \
  "If you think cryptography is the answer to your problem,\n"                                               \
  "then you don't know what your problem is.\n"
#define NEUMANN_SIGNED                                                                                       \
  "— PeterNeumann "                                                                                        \
  "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define STRANGER                                                                                             \
  "— EnochRoot "                                                                                           \
  "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
#define SOFA "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

static CtVerifier *
neumann (void)
{
  return ct_verifier_parse (NEUMANN_VKEY, NULL);
}

static void
test_vectors (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtSigner) signer = ct_signer_parse (NEUMANN_KEY, &error);
  g_autoptr (CtVerifier) verifier = neumann ();
  g_autofree char *vkey = NULL, *again = NULL, *note = NULL, *text = NULL;

  g_assert_no_error (error);
  vkey = ct_verifier_to_string (ct_signer_verifier (signer));
  g_assert_cmpstr (vkey, ==, NEUMANN_VKEY);
  again = ct_verifier_to_string (verifier);
  g_assert_cmpstr (again, ==, NEUMANN_VKEY);
  g_assert_cmpstr (ct_verifier_name (verifier), ==, "PeterNeumann");
  note = ct_note_sign (NEUMANN_TEXT, signer, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (note, ==, NEUMANN_TEXT "\n" NEUMANN_SIGNED);
  text = ct_note_open (note, -1, verifier, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, NEUMANN_TEXT);
}

typedef struct {
  const char *note;
  int code; /* 0: accepted */
  const char *message;
} Case;

static const Case notes[] = {
  { NEUMANN_TEXT "\n" STRANGER NEUMANN_SIGNED, 0, NULL },
  { NEUMANN_TEXT "\n" NEUMANN_SIGNED NEUMANN_SIGNED, 0, NULL },
  /* the same name or the same id alone is another key */
  { NEUMANN_TEXT "\n— PeterNeumann AAAAAAAA\n" NEUMANN_SIGNED, 0, NULL },
  { NEUMANN_TEXT "\n— Other x08go/ZJ\n" NEUMANN_SIGNED, 0, NULL },
  { NEUMANN_TEXT "\n— PeterNeumann x08go/ZJ\n" NEUMANN_SIGNED, CT_ERROR_CORRUPT, "does not match" },
  { NEUMANN_TEXT "\n" STRANGER, CT_ERROR_CORRUPT, "no signature of the key" },
  { "If" NEUMANN_TEXT "\n" NEUMANN_SIGNED, CT_ERROR_CORRUPT, "does not match" },
  { NEUMANN_TEXT NEUMANN_SIGNED, CT_ERROR_INVALID, "no signatures" },
  { NEUMANN_TEXT, CT_ERROR_INVALID, "no signatures" },
  { NEUMANN_TEXT "\n", CT_ERROR_INVALID, "no signatures" },
  { "", CT_ERROR_INVALID, "line break" },
  { "\n", CT_ERROR_INVALID, "no signatures" },
  { "\n\n", CT_ERROR_INVALID, "no signatures" },
  { NEUMANN_TEXT "\n" NEUMANN_SIGNED "x", CT_ERROR_INVALID, "line break" },
  { NEUMANN_TEXT "\n" NEUMANN_SIGNED "x\n", CT_ERROR_INVALID, "not a signature" },
  { NEUMANN_TEXT "\r\n\n" NEUMANN_SIGNED, CT_ERROR_INVALID, "control character" },
  { NEUMANN_TEXT "\xff\n\n" NEUMANN_SIGNED, CT_ERROR_INVALID, "UTF-8" },
  { NEUMANN_TEXT "\n— x08go/ZJkuBS9UG/SffcvIAQ\n", CT_ERROR_INVALID, "names no key" },
  { NEUMANN_TEXT "\n—  x08go/ZJkuBS\n", CT_ERROR_INVALID, "names no key" },
  { NEUMANN_TEXT "\n— a+b x08go/ZJkuBS\n", CT_ERROR_INVALID, "names no key" },
  { NEUMANN_TEXT "\n— a x08go/ZJkuB\n", CT_ERROR_INVALID, "base64" },
  { NEUMANN_TEXT "\n— a x08go/ZJ kuBS\n", CT_ERROR_INVALID, "base64" },
  { NEUMANN_TEXT "\n— a x08g\n", CT_ERROR_INVALID, "base64" },
  { NEUMANN_TEXT "\n— a x08go/ZJkuBS9R==\n", CT_ERROR_INVALID, "base64" },
};

static void
assert_outcome (const char *what, gboolean accepted, GError *error, int code, const char *message)
{
  g_test_message ("%zu bytes: %s", strlen (what), error ? error->message : "accepted");
  g_assert_true (accepted == (code == 0));
  if (code == 0)
    return;
  g_assert_error (error, CT_ERROR, code);
  g_assert_nonnull (strstr (error->message, message));
}

static void
test_notes (void)
{
  g_autoptr (CtVerifier) verifier = neumann ();

  for (guint i = 0; i < G_N_ELEMENTS (notes); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *text = ct_note_open (notes[i].note, -1, verifier, &error);

    assert_outcome (notes[i].note, text != NULL, error, notes[i].code, notes[i].message);
  }
}

static void
test_bounds (void)
{
  g_autoptr (CtVerifier) verifier = neumann ();
  g_autoptr (GString) note = g_string_new (NEUMANN_TEXT "\n");
  g_autoptr (GError) error = NULL;
  g_autofree char *large = g_strnfill (CT_NOTE_MOST_BYTES + 1, '\n');
  g_autofree char *text = NULL;

  for (int i = 0; i < 16; i++)
    g_string_append (note, STRANGER);
  g_string_append (note, NEUMANN_SIGNED);
  text = ct_note_open (note->str, (gssize) note->len, verifier, &error);
  g_assert_no_error (error);
  for (int i = 0; i < CT_NOTE_MOST_SIGNATURES; i++)
    g_string_append (note, STRANGER);
  g_assert_null (ct_note_open (note->str, (gssize) note->len, verifier, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_null (ct_note_open (large, -1, verifier, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
}

static void
test_keys (void)
{
  static const char *const bad[] = {
    "",
    "PeterNeumann",
    "PeterNeumann+c74f20a3",
    "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20zz+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy",
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAAAA",
    "PeterNeumann+c74f20a3+",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *secret = g_strconcat ("PRIVATE+KEY+", bad[i], NULL);

    g_assert_null (ct_verifier_parse (bad[i], &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    g_clear_error (&error);
    g_assert_null (ct_signer_parse (secret, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  }
}

static void
test_key_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("ct-note-XXXXXX", &error);
  g_autofree char *path = g_build_filename (directory, "log.key", NULL);
  g_autoptr (CtSigner) signer = ct_signer_generate ("control-tower/test", &error);
  g_autoptr (CtSigner) loaded = NULL;
  g_autofree char *note = NULL, *text = NULL;
  struct stat facts;

  g_assert_no_error (error);
  g_assert_null (ct_signer_load (path, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (ct_signer_save (signer, path, &error));
  g_assert_cmpint (stat (path, &facts), ==, 0);
  g_assert_cmpint (facts.st_mode & 0777, ==, 0600);
  g_assert_false (ct_signer_save (signer, path, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
  g_clear_error (&error);
  loaded = ct_signer_load (path, &error);
  g_assert_no_error (error);
  note = ct_note_sign ("a\n", loaded, &error);
  text = ct_note_open (note, -1, ct_signer_verifier (signer), &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
  g_assert_null (ct_signer_load (path, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_clear_error (&error);
  g_assert_null (ct_signer_generate ("two words", &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  g_unlink (path);
  g_rmdir (directory);
}

static const Case checkpoints[] = {
  { SOFA, 0, NULL },
  { SOFA "extension\nanother\n", 0, NULL },
  { "empty log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", 0, NULL },
  { "o\n9223372036854775807\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", 0, NULL },
  { "o\n9223372036854775808\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", CT_ERROR_INVALID, "line 2" },
  { "o\n18446744073709551616\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", CT_ERROR_INVALID, "line 2" },
  { "o\n07\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", CT_ERROR_INVALID, "line 2" },
  { "o\n-7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", CT_ERROR_INVALID, "line 2" },
  { "o\n\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", CT_ERROR_INVALID, "line 2" },
  { "\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", CT_ERROR_INVALID, "origin" },
  { "o\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n", CT_ERROR_INVALID, "line 3" },
  { "o\n7\n47DEQpj8HBSa\n", CT_ERROR_INVALID, "line 3" },
  { "o\n7\n", CT_ERROR_INVALID, "origin, size, root" },
  { SOFA "\nextension\n", CT_ERROR_INVALID, "empty line" },
  { "", CT_ERROR_INVALID, "line break" },
  { "o", CT_ERROR_INVALID, "line break" },
};

static void
test_checkpoints (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (checkpoints); i++) {
    g_auto (CtCheckpoint) checkpoint = { 0 };
    g_autoptr (GError) error = NULL;
    gboolean accepted = ct_checkpoint_parse (checkpoints[i].note, &checkpoint, &error);

    assert_outcome (checkpoints[i].note, accepted, error, checkpoints[i].code, checkpoints[i].message);
    g_assert_true (accepted == (checkpoint.origin != NULL));
    if (accepted) {
      g_autofree char *text = ct_checkpoint_format (&checkpoint);

      g_assert_true (g_str_has_prefix (checkpoints[i].note, text));
    }
  }
}

static void
test_checkpoint_signed (void)
{
  g_autoptr (CtSigner) signer = ct_signer_generate ("log.example/1", NULL);
  g_autoptr (CtVerifier) stranger = neumann ();
  g_autoptr (GError) error = NULL;
  CtHash root = ct_hash ("root", 4);
  g_autofree char *note = ct_checkpoint_sign ("log.example/1", 42, &root, signer, &error);
  g_auto (CtCheckpoint) checkpoint = { 0 };

  g_assert_no_error (error);
  g_assert_true (ct_checkpoint_open (note, -1, ct_signer_verifier (signer), &checkpoint, &error));
  g_assert_cmpstr (checkpoint.origin, ==, "log.example/1");
  g_assert_cmpuint (checkpoint.size, ==, 42);
  g_assert_true (ct_hash_equal (&checkpoint.root, &root));
  g_assert_false (ct_checkpoint_open (note, -1, stranger, &checkpoint, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
}

/* One to four random edits: another byte, a byte gone, a byte more, the end cut off. */
static void
mutate (GRand *random, GString *text)
{
  for (int edits = g_rand_int_range (random, 1, 5); edits > 0 && text->len > 0; edits--) {
    gsize at = (gsize) g_rand_int_range (random, 0, (gint32) text->len);

    switch (g_rand_int_range (random, 0, 4)) {
    case 0:
      text->str[at] = (char) g_rand_int_range (random, 0, 256);
      break;
    case 1:
      g_string_erase (text, (gssize) at, 1);
      break;
    case 2:
      g_string_insert_c (text, (gssize) at, (char) g_rand_int_range (random, 0, 256));
      break;
    default:
      g_string_truncate (text, at);
    }
  }
}

static void
test_fuzz (void)
{
  static const char *const seeds[] = { NEUMANN_TEXT "\n" STRANGER NEUMANN_SIGNED, SOFA "x\n", NEUMANN_VKEY,
                                       NEUMANN_KEY };
  g_autoptr (GRand) random = g_rand_new_with_seed (6962);
  g_autoptr (CtVerifier) verifier = neumann ();

  for (int i = 0; i < 8000; i++) {
    g_autoptr (GString) text = g_string_new (seeds[i % G_N_ELEMENTS (seeds)]);
    g_auto (CtCheckpoint) checkpoint = { 0 };
    g_autoptr (CtVerifier) key = NULL;
    g_autoptr (CtSigner) signer = NULL;
    g_autofree char *copy = NULL, *opened = NULL;

    mutate (random, text);
    /* exactly as long as it is, so that a sanitizer sees a read beyond its end */
    copy = g_memdup2 (text->str, text->len + 1);
    opened = ct_note_open (copy, (gssize) text->len, verifier, NULL);
    g_assert_true (!opened || g_str_equal (opened, NEUMANN_TEXT));
    if (ct_checkpoint_parse (copy, &checkpoint, NULL)) {
      g_autofree char *format = ct_checkpoint_format (&checkpoint);

      g_assert_true (g_str_has_prefix (copy, format));
    }
    key = ct_verifier_parse (copy, NULL);
    signer = ct_signer_parse (copy, NULL);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/note/vectors", test_vectors);
  g_test_add_func ("/note/notes", test_notes);
  g_test_add_func ("/note/bounds", test_bounds);
  g_test_add_func ("/note/keys", test_keys);
  g_test_add_func ("/note/key-file", test_key_file);
  g_test_add_func ("/note/checkpoints", test_checkpoints);
  g_test_add_func ("/note/checkpoint-signed", test_checkpoint_signed);
  g_test_add_func ("/note/fuzz", test_fuzz);
  return g_test_run ();
}
