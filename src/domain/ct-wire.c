#include "ct-wire.h"

#include "ct-base.h"

#include <string.h>

#define REQUESTS_MOST 20

static const CtWireClass *const classes[] = { &ct_wire_slack };

const CtWireClass *
ct_wire_class (const char *kind)
{
  for (guint i = 0; kind && i < G_N_ELEMENTS (classes); i++)
    if (strcmp (classes[i]->kind, kind) == 0)
      return classes[i];
  return NULL;
}

/* Names of all kinds, ended by NULL. */
const char *const *
ct_wire_kinds (void)
{
  static const char *names[G_N_ELEMENTS (classes) + 1];
  static gsize once;

  if (g_once_init_enter (&once)) {
    for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
      names[i] = classes[i]->kind;
    g_once_init_leave (&once, 1);
  }
  return names;
}

static const CtWireClass *
need_class (const char *kind, GError **error)
{
  const CtWireClass *klass = ct_wire_class (kind);

  if (!klass)
    ct_fail (error, CT_ERROR_INVALID, _ ("There is no channel of kind “%s”"), kind ? kind : "");
  return klass;
}

/* A channel's name: it stands before the colon of "ops:#wholesale". */
gboolean
ct_wire_check_channel (const char *name, GError **error)
{
  return (!ct_text_is_blank (name) && !strchr (name, ':')) ||
         ct_fail (error, CT_ERROR_INVALID, _ ("A channel's name must not be empty and holds no colon"));
}

gboolean
ct_wire_check_destination (const char *kind, const char *destination, GError **error)
{
  const CtWireClass *klass = need_class (kind, error);

  g_return_val_if_fail (destination != NULL, FALSE);

  return klass && klass->check_destination (destination, error);
}

static void
request_free (gpointer data)
{
  CtWireRequest *self = data;

  g_free (self->method);
  g_free (self->path);
  g_free (self->content_type);
  g_free (self->body);
  g_free (self);
}

CtWire *
ct_wire_new (const char *kind)
{
  CtWire *self = g_new0 (CtWire, 1);

  self->kind = g_strdup (kind);
  self->requests = g_ptr_array_new_with_free_func (request_free);
  return self;
}

void
ct_wire_free (CtWire *self)
{
  if (!self)
    return;
  g_free (self->kind);
  g_ptr_array_unref (self->requests);
  g_free (self);
}

void
ct_wire_add (CtWire *self, const char *method, const char *path, const char *content_type, const char *body)
{
  CtWireRequest *request = g_new0 (CtWireRequest, 1);

  request->method = g_strdup (method);
  request->path = g_strdup (path);
  request->content_type = g_strdup (content_type);
  request->body = g_strdup (body);
  g_ptr_array_add (self->requests, request);
}

void
ct_wire_message_clear (CtWireMessage *self)
{
  g_free (self->destination);
  g_free (self->thread);
  g_free (self->text);
  g_free (self->key);
  *self = (CtWireMessage){ 0 };
}

/**
 * ct_wire_encode:
 *
 * Returns: (transfer full): the bytes to store and hash, or %NULL with %CT_ERROR_INVALID where they are too many
 */
GBytes *
ct_wire_encode (const CtWire *self, GError **error)
{
  JsonArray *requests = json_array_new ();
  g_autoptr (JsonObject) object = NULL;
  char *text;
  gsize length;

  for (guint i = 0; i < self->requests->len; i++) {
    const CtWireRequest *request = self->requests->pdata[i];

    json_array_add_object_element (requests, ct_json_build ("ssss", "method", request->method, "path",
                                                            request->path, "content_type",
                                                            request->content_type, "body", request->body));
  }
  object = ct_json_build ("isa", "v", (gint64) CT_WIRE_VERSION, "channel", self->kind, "requests", requests);
  text = ct_json_canonical_object (object, error);
  if (!text)
    return NULL;
  length = strlen (text);
  if (length > CT_WIRE_MAX) {
    g_free (text);
    ct_fail (error, CT_ERROR_INVALID, _ ("The message is too large to be sent: %zu bytes"), length);
    return NULL;
  }
  return g_bytes_new_take (text, length);
}

static gboolean
decode_request (JsonNode *node, CtWire *wire, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *method = ct_json_string (object, "method", NULL);
  const char *path = ct_json_string (object, "path", NULL);
  const char *content_type = ct_json_string (object, "content_type", NULL);
  const char *body = ct_json_string (object, "body", NULL);

  if (!method || !path || !content_type || !body)
    return ct_fail (error, CT_ERROR_CORRUPT,
                    _ ("The wire bytes hold a request without method, path or body"));
  ct_wire_add (wire, method, path, content_type, body);
  return TRUE;
}

/* Bytes that were written in any other way would have another hash for the same post: they are not ours. */
static gboolean
check_canonical (const CtWire *wire, GBytes *bytes, GError **error)
{
  g_autoptr (GBytes) again = ct_wire_encode (wire, error);

  if (!again)
    return FALSE;
  return g_bytes_equal (again, bytes) ||
         ct_fail (error, CT_ERROR_CORRUPT,
                  _ ("The wire bytes are not in the one form in which they are stored"));
}

/**
 * ct_wire_decode:
 *
 * Returns: (transfer full): the requests in order, or %NULL with %CT_ERROR_CORRUPT
 */
CtWire *
ct_wire_decode (GBytes *bytes, GError **error)
{
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);
  g_autoptr (GError) problem = NULL;
  g_autoptr (JsonNode) root = ct_json_parse (text ? text : "", (gssize) length, CT_WIRE_MAX, &problem);
  JsonObject *object = root && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  JsonArray *requests = ct_json_array (object, "requests");
  g_autoptr (CtWire) wire = NULL;

  if (ct_json_int (object, "v", 0) != CT_WIRE_VERSION || !ct_json_string (object, "channel", NULL) ||
      !requests || json_array_get_length (requests) < 1 || json_array_get_length (requests) > REQUESTS_MOST) {
    ct_fail (error, CT_ERROR_CORRUPT, _ ("The wire bytes are not of a form that this version knows (%s)"),
             problem ? problem->message : "v");
    return NULL;
  }
  wire = ct_wire_new (ct_json_string (object, "channel", NULL));
  for (guint i = 0; i < json_array_get_length (requests); i++)
    if (!decode_request (json_array_get_element (requests, i), wire, error))
      return NULL;
  if (!check_canonical (wire, bytes, error))
    return NULL;
  return g_steal_pointer (&wire);
}

/* What holds for every channel: text that a person can read, and nothing else. */
static gboolean
check_text (const CtWireClass *klass, const char *text, GError **error)
{
  if (!text || !g_utf8_validate (text, -1, NULL))
    return ct_fail (error, CT_ERROR_INVALID, _ ("The message is not valid text"));
  if (ct_text_is_blank (text))
    return ct_fail (error, CT_ERROR_INVALID, _ ("The message is empty"));
  if ((gsize) g_utf8_strlen (text, -1) > klass->text_most)
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("The message has %ld characters; at most %zu can be sent: shorten it"),
                    g_utf8_strlen (text, -1), klass->text_most);
  for (const char *p = text; *p; p++)
    if (g_ascii_iscntrl (*p) && *p != '\n' && *p != '\t')
      return ct_fail (error, CT_ERROR_INVALID,
                      _ ("The message has a control character (code %u) at byte %zu"), (guint) (guchar) *p,
                      (gsize) (p - text) + 1);
  return TRUE;
}

/**
 * ct_wire_build:
 * @kind: of the channel
 *
 * Returns: (transfer full): the wire bytes, or %NULL with %CT_ERROR_INVALID: what cannot be sent is refused here,
 * never cut short
 */
GBytes *
ct_wire_build (const char *kind, const CtWireMessage *message, GError **error)
{
  const CtWireClass *klass = need_class (kind, error);
  g_autoptr (CtWire) wire = NULL;

  g_return_val_if_fail (message && message->destination && message->key, NULL);

  if (!klass || !check_text (klass, message->text, error) ||
      !klass->check_destination (message->destination, error))
    return NULL;
  wire = ct_wire_new (kind);
  if (!klass->build (message, wire, error))
    return NULL;
  return ct_wire_encode (wire, error);
}

/* Nothing may be in the bytes that the message does not say. */
static gboolean
check_inverse (const char *kind, const CtWireMessage *message, GBytes *bytes, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (GBytes) again = ct_wire_build (kind, message, &problem);

  if (again && g_bytes_equal (again, bytes))
    return TRUE;
  return ct_fail (error, CT_ERROR_CORRUPT,
                  _ ("The wire bytes hold more than the message that was read from them: %s"),
                  problem ? problem->message : kind);
}

/**
 * ct_wire_parse:
 * @kind: (out) (optional) (transfer full): of the channel
 * @message: (out): to be cleared with ct_wire_message_clear()
 *
 * Returns: whether the bytes are a post that this version would build; otherwise %CT_ERROR_CORRUPT
 */
gboolean
ct_wire_parse (GBytes *bytes, char **kind, CtWireMessage *message, GError **error)
{
  g_autoptr (CtWire) wire = ct_wire_decode (bytes, error);
  const CtWireClass *klass = wire ? need_class (wire->kind, error) : NULL;
  g_auto (CtWireMessage) read = { 0 };

  if (!klass || !klass->parse (wire, &read, error) || !check_inverse (wire->kind, &read, bytes, error))
    return FALSE;
  *message = read;
  read = (CtWireMessage){ 0 };
  if (kind)
    *kind = g_strdup (wire->kind);
  return TRUE;
}
