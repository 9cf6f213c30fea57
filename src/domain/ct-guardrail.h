#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* An error blocks sending, a warning informs. */
typedef enum {
  CT_FINDING_WARNING,
  CT_FINDING_ERROR,
} CtFindingSeverity;

/* What a check found: bytes [offset, offset + length) of the text. */
typedef struct {
  char *rule; /* the guardrail's id, or the name of a built-in check */
  char *category;
  char *message;
  CtFindingSeverity severity;
  gsize offset;
  gsize length;
} CtFinding;

/* Bounds of a text in characters; 0: none. */
typedef struct {
  guint least;
  guint most;
} CtTextLimits;

void ct_finding_free (CtFinding *self);
const char *ct_finding_severity_name (CtFindingSeverity severity);
gboolean ct_findings_block (GPtrArray *findings);
JsonArray *ct_findings_to_json (GPtrArray *findings);

/* Compiled phrases and patterns with their scopes. Immutable once filled, then usable from any thread. */
typedef struct _CtGuardrails CtGuardrails;

CtGuardrails *ct_guardrails_new (void);
CtGuardrails *ct_guardrails_parse_all (JsonNode *root, const char *where, GError **error);
void ct_guardrails_free (CtGuardrails *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtGuardrails, ct_guardrails_free)

gboolean ct_guardrails_add (CtGuardrails *self, JsonObject *row, const char *where, GError **error);
guint ct_guardrails_size (const CtGuardrails *self);
GPtrArray *ct_guardrails_check (const CtGuardrails *self, const char *channel, const char *text,
                                const CtTextLimits *limits);
CtTextLimits ct_guardrails_limits (const char *channel);

G_END_DECLS
