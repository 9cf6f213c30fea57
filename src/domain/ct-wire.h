#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Wire bytes: what a post sends, as it is stored, hashed, approved and sent. Canonical JSON
 *   {"channel":KIND,"requests":[{"body":…,"content_type":…,"method":…,"path":…}],"v":1}
 * with bodies in order and no credential anywhere. A stored format: changes need a new "v". */
#define CT_WIRE_VERSION 1

/* The most that is stored or read back. */
#define CT_WIRE_MAX (512 * 1024)

typedef struct {
  char *method;
  char *path;
  char *content_type;
  char *body;
} CtWireRequest;

typedef struct {
  char *kind;          /* "slack" */
  GPtrArray *requests; /* (owned) (element-type CtWireRequest) */
} CtWire;

/* What a post says: before it becomes bytes, and as read back from them. */
typedef struct {
  char *destination;
  char *thread; /* (nullable): the message this one answers */
  char *text;
  char *key;         /* what the provider keeps beside the message, so that a send can be found again */
  gboolean mentions; /* calls of everyone are meant, not typed by accident */
} CtWireMessage;

/* One kind of channel. build and parse are each other's inverse: bytes that say more than the message are not valid. */
typedef struct {
  const char *kind;
  gsize text_most; /* characters, as the provider counts them */
  gboolean (*check_destination) (const char *destination, GError **error);
  gboolean (*build) (const CtWireMessage *message, CtWire *wire, GError **error);
  gboolean (*parse) (const CtWire *wire, CtWireMessage *message, GError **error);
} CtWireClass;

/* What a message's metadata is marked with at Slack. */
#define CT_WIRE_SLACK_EVENT "control_tower_post"

extern const CtWireClass ct_wire_slack;

const CtWireClass *ct_wire_class (const char *kind);
const char *const *ct_wire_kinds (void);
gboolean ct_wire_check_channel (const char *name, GError **error);
gboolean ct_wire_check_destination (const char *kind, const char *destination, GError **error);
GBytes *ct_wire_build (const char *kind, const CtWireMessage *message, GError **error);
gboolean ct_wire_parse (GBytes *bytes, char **kind, CtWireMessage *message, GError **error);
void ct_wire_message_clear (CtWireMessage *self);

CtWire *ct_wire_new (const char *kind);
void ct_wire_add (CtWire *self, const char *method, const char *path, const char *content_type,
                  const char *body);
GBytes *ct_wire_encode (const CtWire *self, GError **error);
CtWire *ct_wire_decode (GBytes *bytes, GError **error);
void ct_wire_free (CtWire *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtWire, ct_wire_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtWireMessage, ct_wire_message_clear)

G_END_DECLS
