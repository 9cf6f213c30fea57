#pragma once

#include "ct-db.h"
#include "ct-facts.h"
#include "ct-scoring.h"

G_BEGIN_DECLS

/* When a rule is evaluated: the day in the workspace's zone and the instant. */
typedef struct {
  char today[CT_DATE_SIZE];
  gint64 now;
} CtRuleTime;

/* One comparison of a condition. */
typedef struct {
  const CtFact *fact;
  const char *operator; /* static: "is", "before", … */
  JsonNode *value;      /* (owned): literal, {"fact"}, {"today"}, {"hours_ago"} */
} CtComparison;

typedef struct {
  char *name;  /* (owned): "delivered-late" */
  char *title; /* (owned) */
  const CtSubject *subject;
  char *blocker;          /* (owned) */
  char *owner;            /* (owned): team */
  char *agent;            /* (owned) */
  char *next_action;      /* (owned): with {fact} placeholders */
  char *tags;             /* (owned): JSON array */
  gboolean manual;        /* stays until a person closes it */
  JsonNode *when;         /* (owned) */
  GPtrArray *comparisons; /* (owned) (element-type CtComparison) */
  GPtrArray *facts;       /* (unowned elements) (element-type CtFact): everything a hit must be read with */
  GPtrArray *shown;       /* (unowned elements) (element-type CtFact): further evidence */
  CtScoring *scoring;     /* (owned) */
  char *fingerprint;      /* (owned): changes with the rule's text */
} CtRule;

CtRule *ct_rule_parse (const char *json, GError **error);
void ct_rule_free (CtRule *self);
char *ct_rule_condition_sql (CtRule *self, const CtRuleTime *time, GError **error);
GPtrArray *ct_rule_flip_sql (CtRule *self, const CtRuleTime *before, const CtRuleTime *now);
gboolean ct_rule_collect_comparisons (CtRule *self, JsonNode *when, guint depth, GError **error);
char *ct_rule_fact_sql (const CtFact *fact, const CtRuleTime *time);
void ct_rule_time_init (CtRuleTime *self, gint64 now, GTimeZone *zone);

/* A hit, read with the rule's facts: columns id, subject, order_id, distributor_id, country, value, currency, facts… */
char *ct_rule_read_columns (CtRule *self, const CtRuleTime *time);
JsonObject *ct_rule_read_facts (CtRule *self, CtStmt *row);
char *ct_rule_evidence (CtRule *self, JsonObject *facts, const CtRuleTime *time, const char *currency);
char *ct_rule_action (CtRule *self, JsonObject *facts, const char *currency);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtRule, ct_rule_free)

G_END_DECLS
