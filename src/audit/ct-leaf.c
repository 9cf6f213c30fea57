/* A leaf's canonical JSON. One table holds its members in RFC 8785 order; building and scanning both follow it. */
#include "ct-leaf.h"
#include "ct-canonical.h"
#include "ct-error.h"

#include <string.h>

typedef enum { TEXT, ID, HASH, INT, COMMIT } Kind;

static const struct {
  const char *lead; /* what stands before the value: the key, and the comma if it is not the first */
  guint8 lead_length;
  Kind kind;
  CtLeafParts part; /* 0: every leaf has it */
  gsize offset;
} members[] = {
#define MEMBER(start, name, kind, part, member)                                                              \
  {                                                                                                          \
    start "\"" name "\":", sizeof start "\"" name "\":" - 1, kind, part, G_STRUCT_OFFSET (CtLeaf, member)    \
  }
  MEMBER ("{", "action", TEXT, 0, action),
  MEMBER (",", "actor", TEXT, 0, actor),
  MEMBER (",", "actor_role", TEXT, 0, actor_role),
  MEMBER (",", "commit", COMMIT, 0, commitments),
  MEMBER (",", "device_id", ID, 0, device_id),
  MEMBER (",", "device_seq", INT, 0, device_seq),
  MEMBER (",", "ev_id", ID, 0, ev_id),
  MEMBER (",", "intent_sha256", HASH, 0, intent_sha256),
  MEMBER (",", "log_origin", TEXT, 0, log_origin),
  MEMBER (",", "object_id", ID, 0, object_id),
  MEMBER (",", "object_rev", INT, 0, object_rev),
  MEMBER (",", "object_type", TEXT, 0, object_type),
  MEMBER (",", "occurred_at", INT, 0, occurred_at),
  MEMBER (",", "outbox_key", TEXT, CT_LEAF_OUTBOX_KEY, outbox_key),
  MEMBER (",", "parent_ev_id", ID, CT_LEAF_PARENT, parent_ev_id),
  MEMBER (",", "received_at", INT, 0, received_at),
  MEMBER (",", "row_commitment", HASH, CT_LEAF_ROWS, row_commitment),
  MEMBER (",", "v", INT, 0, v),
#undef MEMBER
};

/* The member's name without quotation marks, for messages. */
static char *
name_of (guint member)
{
  return g_strndup (members[member].lead + 2, members[member].lead_length - 4u);
}

static gboolean
field_valid (const CtLeafText *field)
{
  if (field->length == 0 || field->length > CT_LEAF_MOST_FIELD)
    return FALSE;
  for (gsize i = 0; i < field->length; i++)
    if (!g_ascii_isalnum (field->text[i]) && !strchr ("_.:-", field->text[i]))
      return FALSE;
  return TRUE;
}

/* Fields are ASCII: the order of bytes is the order of RFC 8785. */
static int
compare_fields (const CtLeafText *a, const CtLeafText *b)
{
  int order = memcmp (a->text, b->text, MIN (a->length, b->length));

  return order ? order : (a->length > b->length) - (a->length < b->length);
}

static gboolean
append_commitments (const CtLeaf *self, GString *json, GError **error)
{
  for (guint i = 0; i < self->n_commitments; i++) {
    const CtCommitment *commitment = &self->commitments[i];

    if (!field_valid (&commitment->field) ||
        (i > 0 && compare_fields (&self->commitments[i - 1].field, &commitment->field) >= 0))
      return ct_fail (error, CT_ERROR_INVALID, "“%.*s” cannot be the name of a disclosure, or is given twice",
                      (int) MIN (commitment->field.length, CT_LEAF_MOST_FIELD), commitment->field.text);
    g_string_append_c (json, i == 0 ? '{' : ',');
    ct_canonical_append_text (json, commitment->field.text, commitment->field.length);
    g_string_append_c (json, ':');
    ct_canonical_append_hex (json, commitment->hash.bytes, CT_HASH_SIZE);
  }
  g_string_append (json, self->n_commitments == 0 ? "{}" : "}");
  return TRUE;
}

static gboolean
append_member (const CtLeaf *self, guint member, GString *json, GError **error)
{
  gconstpointer value = G_STRUCT_MEMBER_P (self, members[member].offset);
  const CtLeafText *text = value;
  gint64 number;

  switch (members[member].kind) {
  case TEXT:
    if (!text->text || !g_utf8_validate_len (text->text, text->length, NULL))
      return ct_fail (error, CT_ERROR_INVALID, "not valid UTF-8");
    ct_canonical_append_text (json, text->text, text->length);
    return TRUE;
  case ID:
    ct_canonical_append_id (json, value);
    return TRUE;
  case HASH:
    ct_canonical_append_hex (json, value, CT_HASH_SIZE);
    return TRUE;
  case INT:
    number = *(const gint64 *) value;
    if (ABS (number) > CT_CANONICAL_MOST_INT)
      return ct_fail (error, CT_ERROR_INVALID, "too large for canonical JSON");
    ct_canonical_append_int (json, number);
    return TRUE;
  case COMMIT:
  default:
    return append_commitments (self, json, error);
  }
}

/**
 * ct_leaf_build:
 * @self: with plain texts; its commitments sorted by field
 * @json: (inout): the canonical JSON is appended
 *
 * Returns: %FALSE with %CT_ERROR_INVALID where a member cannot be written or the leaf is larger than %CT_LEAF_MOST
 */
gboolean
ct_leaf_build (const CtLeaf *self, GString *json, GError **error)
{
  gsize start = json->len;

  for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
    if (members[i].part && !(self->parts & members[i].part))
      continue;
    g_string_append_len (json, members[i].lead, members[i].lead_length);
    if (!append_member (self, i, json, error)) {
      g_autofree char *name = name_of (i);

      g_prefix_error (error, "The audit leaf's %s: ", name);
      return FALSE;
    }
  }
  g_string_append_c (json, '}');
  return json->len - start <= CT_LEAF_MOST ||
         ct_fail (error, CT_ERROR_INVALID, "An audit leaf of %zu bytes is larger than the %d allowed",
                  json->len - start, CT_LEAF_MOST);
}

static gboolean
scan_commitments (CtLeaf *self, CtCanonical *at)
{
  if (!ct_canonical_take_literal (at, "{"))
    return FALSE;
  if (ct_canonical_take_literal (at, "}"))
    return TRUE;
  do {
    CtCommitment *commitment = &self->commitments[self->n_commitments];

    if (self->n_commitments == CT_LEAF_MOST_COMMITMENTS ||
        !ct_canonical_take_text (at, &commitment->field.text, &commitment->field.length) ||
        !field_valid (&commitment->field) || !ct_canonical_take_literal (at, ":") ||
        !ct_canonical_take_hex (at, commitment->hash.bytes, CT_HASH_SIZE) ||
        (self->n_commitments > 0 &&
         compare_fields (&self->commitments[self->n_commitments - 1].field, &commitment->field) >= 0))
      return FALSE;
    self->n_commitments++;
  } while (ct_canonical_take_literal (at, ","));
  return ct_canonical_take_literal (at, "}");
}

static gboolean
scan_member (CtLeaf *self, guint member, CtCanonical *at)
{
  gpointer value = G_STRUCT_MEMBER_P (self, members[member].offset);
  CtLeafText *text = value;

  switch (members[member].kind) {
  case TEXT:
    return ct_canonical_take_text (at, &text->text, &text->length);
  case ID:
    return ct_canonical_take_id (at, value);
  case HASH:
    return ct_canonical_take_hex (at, value, CT_HASH_SIZE);
  case INT:
    return ct_canonical_take_int (at, value);
  case COMMIT:
  default:
    return scan_commitments (self, at);
  }
}

/**
 * ct_leaf_scan:
 * @self: (out): its texts point into @json; undefined on failure
 * @json: (array length=length): a leaf's bytes
 *
 * Takes exactly what ct_leaf_build() writes: a leaf that scans is in canonical form and has no member we do not know.
 *
 * Returns: %FALSE with %CT_ERROR_INVALID that names the member
 */
gboolean
ct_leaf_scan (CtLeaf *self, const char *json, gsize length, GError **error)
{
  CtCanonical at = { json, json + length };

  self->parts = 0;
  self->n_commitments = 0;
  for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
    gboolean present = ct_canonical_take (&at, members[i].lead, members[i].lead_length);

    if (!present && members[i].part)
      continue;
    if (!present || !scan_member (self, i, &at)) {
      g_autofree char *name = name_of (i);

      return ct_fail (error, CT_ERROR_INVALID,
                      "not a canonical leaf: “%s” is missing or malformed at byte %zu", name,
                      (gsize) (at.at - json));
    }
    self->parts |= members[i].part;
  }
  if (!ct_canonical_take_literal (&at, "}") || at.at != at.end)
    return ct_fail (error, CT_ERROR_INVALID, "not a canonical leaf: something follows “v” at byte %zu",
                    (gsize) (at.at - json));
  return length <= CT_LEAF_MOST ||
         ct_fail (error, CT_ERROR_INVALID, "the leaf is larger than %d bytes", CT_LEAF_MOST);
}

/**
 * ct_leaf_text_equal:
 * @scanned: a text of a scanned leaf
 * @plain: (array length=length) (nullable): the text without escapes
 */
gboolean
ct_leaf_text_equal (const CtLeafText *scanned, const char *plain, gsize length)
{
  g_autoptr (GString) json = NULL;

  if (!plain)
    return FALSE;
  if (!memchr (scanned->text, '\\', scanned->length))
    return scanned->length == length && memcmp (scanned->text, plain, length) == 0;
  json = g_string_sized_new (length + 16);
  ct_canonical_append_text (json, plain, length);
  return json->len == scanned->length + 2 && memcmp (json->str + 1, scanned->text, scanned->length) == 0;
}

/* (transfer none) (nullable): what the leaf commits to under @field */
const CtCommitment *
ct_leaf_commitment (const CtLeaf *self, const char *field)
{
  CtLeafText wanted = { field, strlen (field) };

  for (guint i = 0; i < self->n_commitments; i++)
    if (compare_fields (&self->commitments[i].field, &wanted) == 0)
      return &self->commitments[i];
  return NULL;
}
