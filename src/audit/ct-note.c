#include "ct-note.h"
#include "ct-base64.h"
#include "ct-error.h"
#include "ct-hash.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* C2SP signed-note: the one signature type we speak. */
#define TYPE_ED25519 0x01
#define PUBLIC_SIZE  crypto_sign_PUBLICKEYBYTES
#define SEED_SIZE    crypto_sign_SEEDBYTES
#define ID_SIZE      4
#define SECRET_LEAD  "PRIVATE+KEY+"
#define SIGNATURE    "\xe2\x80\x94 "

struct _CtVerifier {
  char *name; /* (owned) */
  guint8 id[ID_SIZE];
  guint8 key[PUBLIC_SIZE];
};

struct _CtSigner {
  CtVerifier *verifier; /* (owned) */
  guint8 seed[SEED_SIZE];
  guint8 secret[crypto_sign_SECRETKEYBYTES];
};

static gboolean
name_valid (const char *name, gsize length)
{
  if (length == 0 || length > CT_NOTE_MOST_NAME || !g_utf8_validate_len (name, length, NULL))
    return FALSE;
  for (const char *p = name; p < name + length; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (c == '+' || c < 0x20 || g_unichar_isspace (c))
      return FALSE;
  }
  return TRUE;
}

/* SHA256(name ‖ 0x0A ‖ type ‖ public key), its first four bytes. */
static void
compute_id (CtVerifier *self)
{
  static const guint8 lead[] = { '\n', TYPE_ED25519 };
  CtHasher hasher;
  CtHash hash;

  ct_hasher_init (&hasher);
  ct_hasher_update (&hasher, self->name, strlen (self->name));
  ct_hasher_update (&hasher, lead, sizeof lead);
  ct_hasher_update (&hasher, self->key, sizeof self->key);
  hash = ct_hasher_finish (&hasher);
  memcpy (self->id, hash.bytes, ID_SIZE);
}

static CtVerifier *
verifier_new (const char *name, gsize length, const guint8 key[PUBLIC_SIZE])
{
  CtVerifier *self = g_new0 (CtVerifier, 1);

  self->name = g_strndup (name, length);
  memcpy (self->key, key, PUBLIC_SIZE);
  compute_id (self);
  return self;
}

/* Key text is name+id+base64(0x01 ‖ 32 bytes), the same for both kinds. */
typedef struct {
  const char *name;
  gsize name_length;
  guint8 id[ID_SIZE];
  guint8 key[PUBLIC_SIZE];
} KeyText;

G_STATIC_ASSERT (PUBLIC_SIZE == SEED_SIZE);

static gboolean
parse_key_text (const char *text, const char *kind, KeyText *parsed, GError **error)
{
  const char *id = strchr (text, '+');
  const char *key = id ? strchr (id + 1, '+') : NULL;
  guint8 bytes[1 + PUBLIC_SIZE];
  gsize n_bytes = 0;

  if (!key || !name_valid (text, (gsize) (id - text)))
    return ct_fail (error, CT_ERROR_INVALID, "Not a %s: it must read name+id+key", kind);
  if (key - id != 1 + 2 * ID_SIZE ||
      sodium_hex2bin (parsed->id, ID_SIZE, id + 1, 2 * ID_SIZE, NULL, &n_bytes, NULL) != 0 ||
      n_bytes != ID_SIZE)
    return ct_fail (error, CT_ERROR_INVALID, "Not a %s: its id must have 8 hexadecimal digits", kind);
  if (!ct_base64_decode (key + 1, strlen (key + 1), bytes, sizeof bytes, &n_bytes) || n_bytes < 1)
    return ct_fail (error, CT_ERROR_INVALID, "Not a %s: its key is not base64 of 33 bytes", kind);
  if (bytes[0] != TYPE_ED25519 || n_bytes != sizeof bytes)
    return ct_fail (error, CT_ERROR_INVALID, "Not a %s: only Ed25519 keys (type 1) are known", kind);
  parsed->name = text;
  parsed->name_length = (gsize) (id - text);
  memcpy (parsed->key, bytes + 1, PUBLIC_SIZE);
  sodium_memzero (bytes, sizeof bytes);
  return TRUE;
}

static char *
format_key_text (const char *name, const guint8 id[ID_SIZE], const guint8 key[PUBLIC_SIZE])
{
  guint8 bytes[1 + PUBLIC_SIZE] = { TYPE_ED25519 };
  g_autofree char *encoded = NULL;
  char *text;

  memcpy (bytes + 1, key, PUBLIC_SIZE);
  encoded = ct_base64_encode (bytes, sizeof bytes);
  text = g_strdup_printf ("%s+%02x%02x%02x%02x+%s", name, id[0], id[1], id[2], id[3], encoded);
  sodium_memzero (bytes, sizeof bytes);
  sodium_memzero (encoded, strlen (encoded));
  return text;
}

/**
 * ct_verifier_parse:
 * @vkey: a note verifier key, "name+id+key"; white space around it is left out
 *
 * Returns: (transfer full): the key, or %NULL with %CT_ERROR_INVALID
 */
CtVerifier *
ct_verifier_parse (const char *vkey, GError **error)
{
  g_autofree char *text = g_strstrip (g_strdup (vkey));
  g_autoptr (CtVerifier) self = NULL;
  KeyText parsed;

  if (!parse_key_text (text, "note verifier key", &parsed, error))
    return NULL;
  self = verifier_new (parsed.name, parsed.name_length, parsed.key);
  if (memcmp (self->id, parsed.id, ID_SIZE) != 0) {
    ct_fail (error, CT_ERROR_INVALID, "Not a note verifier key: its id does not belong to its name and key");
    return NULL;
  }
  return g_steal_pointer (&self);
}

/* (transfer full) */
char *
ct_verifier_to_string (const CtVerifier *self)
{
  return format_key_text (self->name, self->id, self->key);
}

const char *
ct_verifier_name (const CtVerifier *self)
{
  return self->name;
}

CtVerifier *
ct_verifier_copy (const CtVerifier *self)
{
  return verifier_new (self->name, strlen (self->name), self->key);
}

void
ct_verifier_free (CtVerifier *self)
{
  if (!self)
    return;
  g_free (self->name);
  g_free (self);
}

static CtSigner *
signer_new (const char *name, gsize length, const guint8 seed[SEED_SIZE])
{
  CtSigner *self = sodium_malloc (sizeof *self);
  guint8 public_key[PUBLIC_SIZE];

  memcpy (self->seed, seed, SEED_SIZE);
  crypto_sign_seed_keypair (public_key, self->secret, seed);
  self->verifier = verifier_new (name, length, public_key);
  return self;
}

/**
 * ct_signer_generate:
 * @name: of the key, as a rule the log's origin: not empty, no spaces, no plus
 *
 * Returns: (transfer full): a new random Ed25519 key, or %NULL with %CT_ERROR_INVALID
 */
CtSigner *
ct_signer_generate (const char *name, GError **error)
{
  guint8 seed[SEED_SIZE];
  CtSigner *self;

  if (sodium_init () < 0 || !name_valid (name, strlen (name))) {
    ct_fail (error, CT_ERROR_INVALID, "A key's name must have 1 to %d bytes, no spaces and no plus",
             CT_NOTE_MOST_NAME);
    return NULL;
  }
  ct_random_bytes (seed, sizeof seed);
  self = signer_new (name, strlen (name), seed);
  sodium_memzero (seed, sizeof seed);
  return self;
}

/**
 * ct_signer_parse:
 * @key: "PRIVATE+KEY+name+id+seed", the form of golang.org/x/mod/sumdb/note
 *
 * Returns: (transfer full): the key, or %NULL with %CT_ERROR_INVALID; no message quotes the key
 */
CtSigner *
ct_signer_parse (const char *key, GError **error)
{
  g_autoptr (CtSigner) self = NULL;
  KeyText parsed = { 0 };

  if (sodium_init () < 0 || !g_str_has_prefix (key, SECRET_LEAD)) {
    ct_fail (error, CT_ERROR_INVALID, "Not a note signing key: it must begin with " SECRET_LEAD);
    return NULL;
  }
  if (!parse_key_text (key + strlen (SECRET_LEAD), "note signing key", &parsed, error))
    return NULL;
  self = signer_new (parsed.name, parsed.name_length, parsed.key);
  sodium_memzero (parsed.key, sizeof parsed.key);
  if (memcmp (self->verifier->id, parsed.id, ID_SIZE) != 0) {
    ct_fail (error, CT_ERROR_INVALID, "Not a note signing key: its id does not belong to its name and key");
    return NULL;
  }
  return g_steal_pointer (&self);
}

static gboolean
read_secret (int fd, const char *path, char *buffer, gsize size, GError **error)
{
  struct stat facts;
  gsize length = 0;
  gssize got;

  if (fstat (fd, &facts) != 0 || !S_ISREG (facts.st_mode))
    return ct_fail (error, CT_ERROR_INVALID, "“%s” is not a regular file", path);
  if (facts.st_mode & 0077)
    return ct_fail (error, CT_ERROR_REFUSED,
                    "“%s” can be read by other users of this machine: set its mode to 0600", path);
  while (length < size - 1 && (got = read (fd, buffer + length, size - 1 - length)) != 0) {
    if (got < 0 && errno != EINTR)
      return ct_fail (error, CT_ERROR_FAILED, "Cannot read “%s”: %s", path, g_strerror (errno));
    length += got > 0 ? (gsize) got : 0;
  }
  buffer[length] = '\0';
  g_strchomp (buffer);
  return TRUE;
}

/**
 * ct_signer_load:
 * @path: of a file with mode 0600 that ct_signer_save() wrote
 *
 * Returns: (transfer full): the key, or %NULL with %CT_ERROR_NOT_FOUND, %CT_ERROR_REFUSED where others may read
 *   the file, %CT_ERROR_INVALID
 */
CtSigner *
ct_signer_load (const char *path, GError **error)
{
  char buffer[1024];
  CtSigner *self = NULL;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

  if (fd < 0) {
    ct_fail (error, errno == ENOENT ? CT_ERROR_NOT_FOUND : CT_ERROR_FAILED,
             "Cannot open the signing key “%s”: %s", path, g_strerror (errno));
    return NULL;
  }
  if (read_secret (fd, path, buffer, sizeof buffer, error)) {
    self = ct_signer_parse (buffer, error);
    if (!self)
      g_prefix_error (error, "“%s”: ", path);
  }
  sodium_memzero (buffer, sizeof buffer);
  close (fd);
  return self;
}

/**
 * ct_signer_save:
 * @path: a file that does not exist yet: a signing key is never overwritten
 *
 * Writes the key with mode 0600 and makes it durable.
 */
gboolean
ct_signer_save (const CtSigner *self, const char *path, GError **error)
{
  g_autofree char *key = format_key_text (self->verifier->name, self->verifier->id, self->seed);
  g_autofree char *line = g_strconcat (SECRET_LEAD, key, "\n", NULL);
  gsize length = strlen (line);
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  gboolean done =
      fd >= 0 && fchmod (fd, 0600) == 0 && write (fd, line, length) == (gssize) length && fsync (fd) == 0;
  int problem = errno;

  sodium_memzero (key, strlen (key));
  sodium_memzero (line, length);
  if (fd >= 0)
    close (fd);
  if (done)
    return TRUE;
  if (fd >= 0)
    g_unlink (path);
  return ct_fail (error, problem == EEXIST ? CT_ERROR_CONFLICT : CT_ERROR_FAILED,
                  "Cannot write the signing key “%s”: %s", path, g_strerror (problem));
}

const CtVerifier *
ct_signer_verifier (const CtSigner *self)
{
  return self->verifier;
}

void
ct_signer_free (CtSigner *self)
{
  if (!self)
    return;
  ct_verifier_free (self->verifier);
  sodium_free (self); /* zeroes it */
}

/* A note's text: UTF-8 that ends in a newline, without other control characters. */
static gboolean
text_valid (const char *text, gsize length, GError **error)
{
  if (length == 0 || text[length - 1] != '\n')
    return ct_fail (error, CT_ERROR_INVALID, "The note does not end with a line break");
  for (gsize i = 0; i < length; i++)
    if ((guchar) text[i] < 0x20 && text[i] != '\n')
      return ct_fail (error, CT_ERROR_INVALID, "The note has a control character at byte %zu", i);
  if (!g_utf8_validate_len (text, length, NULL))
    return ct_fail (error, CT_ERROR_INVALID, "The note is not valid UTF-8");
  return TRUE;
}

/**
 * ct_note_sign:
 * @text: ends with a line break
 *
 * Returns: (transfer full): the signed note, or %NULL with %CT_ERROR_INVALID
 */
char *
ct_note_sign (const char *text, const CtSigner *signer, GError **error)
{
  const CtVerifier *verifier = signer->verifier;
  guint8 bytes[ID_SIZE + crypto_sign_BYTES];
  g_autofree char *encoded = NULL;
  gsize length = strlen (text);

  if (!text_valid (text, length, error))
    return NULL;
  memcpy (bytes, verifier->id, ID_SIZE);
  crypto_sign_detached (bytes + ID_SIZE, NULL, (const guint8 *) text, length, signer->secret);
  encoded = ct_base64_encode (bytes, sizeof bytes);
  return g_strconcat (text, "\n", SIGNATURE, verifier->name, " ", encoded, "\n", NULL);
}

/* One signature line: the key's name, and what the base64 holds: key id and signature. */
typedef struct {
  const char *name;
  gsize name_length;
  guint8 *bytes; /* (owned) */
  gsize n_bytes;
} SignatureLine;

static void
signature_line_clear (SignatureLine *self)
{
  g_clear_pointer (&self->bytes, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SignatureLine, signature_line_clear)

static gboolean
parse_signature_line (const char *line, gsize length, SignatureLine *parsed, GError **error)
{
  gsize lead = strlen (SIGNATURE), encoded;
  const char *name = line + lead;
  const char *space;

  if (length <= lead || memcmp (line, SIGNATURE, lead) != 0)
    return ct_fail (error, CT_ERROR_INVALID, "a line after the blank line is not a signature");
  space = memchr (name, ' ', length - lead);
  if (!space || !name_valid (name, (gsize) (space - name)))
    return ct_fail (error, CT_ERROR_INVALID, "a signature line names no key");
  encoded = (gsize) (line + length - (space + 1));
  parsed->name = name;
  parsed->name_length = (gsize) (space - name);
  parsed->bytes = g_malloc (encoded + 1);
  if (!ct_base64_decode (space + 1, encoded, parsed->bytes, encoded, &parsed->n_bytes) ||
      parsed->n_bytes <= ID_SIZE)
    return ct_fail (error, CT_ERROR_INVALID, "the signature of “%.*s” is not base64",
                    (int) parsed->name_length, name);
  return TRUE;
}

static gboolean
line_is_by (const SignatureLine *line, const CtVerifier *verifier)
{
  return line->name_length == strlen (verifier->name) &&
         memcmp (line->name, verifier->name, line->name_length) == 0 &&
         memcmp (line->bytes, verifier->id, ID_SIZE) == 0;
}

static gboolean
check_signatures (const char *text, gsize text_length, const char *end, const CtVerifier *verifier,
                  GError **error)
{
  guint n_lines = 0, n_good = 0;

  for (const char *line = text + text_length + 1; line < end;) {
    const char *stop = memchr (line, '\n', (gsize) (end - line));
    g_auto (SignatureLine) parsed = { 0 };

    if (++n_lines > CT_NOTE_MOST_SIGNATURES)
      return ct_fail (error, CT_ERROR_INVALID, "it has more than %d signatures", CT_NOTE_MOST_SIGNATURES);
    if (!parse_signature_line (line, (gsize) (stop - line), &parsed, error))
      return FALSE;
    line = stop + 1;
    if (!line_is_by (&parsed, verifier))
      continue;
    if (parsed.n_bytes != ID_SIZE + crypto_sign_BYTES ||
        crypto_sign_verify_detached (parsed.bytes + ID_SIZE, (const guint8 *) text, text_length,
                                     verifier->key) != 0)
      return ct_fail (error, CT_ERROR_CORRUPT, "the signature of “%s” does not match the text",
                      verifier->name);
    n_good++;
  }
  return n_good > 0 ||
         ct_fail (error, CT_ERROR_CORRUPT, "it has no signature of the key “%s”", verifier->name);
}

/* Where the text ends: behind the line break before the last blank line; 0 where there is none. */
static gsize
find_text_end (const char *note, gsize length)
{
  for (gsize i = length - 1; i >= 1; i--)
    if (note[i] == '\n' && note[i - 1] == '\n')
      return i;
  return 0;
}

/**
 * ct_note_open:
 * @note: foreign bytes
 * @length: how many, or -1 for a string
 * @verifier: the key that must have signed it
 *
 * Signatures of other keys, also of other types, are ignored; a wrong one of @verifier refuses the note (C2SP
 * signed-note).
 *
 * Returns: (transfer full): the note's text, or %NULL with %CT_ERROR_INVALID where it is malformed and
 *   %CT_ERROR_CORRUPT where it is not signed by @verifier
 */
char *
ct_note_open (const char *note, gssize length, const CtVerifier *verifier, GError **error)
{
  gsize size = length < 0 ? strlen (note) : (gsize) length;
  gsize text_length;

  if (size > CT_NOTE_MOST_BYTES) {
    ct_fail (error, CT_ERROR_INVALID, "The note of %zu bytes is larger than the %d allowed", size,
             CT_NOTE_MOST_BYTES);
    return NULL;
  }
  if (!text_valid (note, size, error))
    return NULL;
  text_length = find_text_end (note, size);
  if (text_length == 0 || text_length + 1 == size) {
    ct_fail (error, CT_ERROR_INVALID, "The note has no signatures");
    return NULL;
  }
  if (!check_signatures (note, text_length, note + size, verifier, error)) {
    g_prefix_error (error, "The note is not valid: ");
    return NULL;
  }
  return g_strndup (note, text_length);
}
