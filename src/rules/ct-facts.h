#pragma once

#include "ct-base.h"

G_BEGIN_DECLS

typedef enum {
  CT_FACT_STORED = 1 << 0, /* a plain column: a moving threshold can find its rows by an index */
  CT_FACT_AGEING = 1 << 1, /* depends on today: for scores and evidence, not for conditions */
} CtFactFlags;

/* A named fact of a subject. In @sql, s is the subject's row, {today} and {now} stand for the run's time. */
typedef struct {
  const char *name;
  char type; /* t text, i number, m money in minor units, d date, a instant, b boolean */
  CtFactFlags flags;
  const char *sql;
  const char *label; /* translatable */
} CtFact;

/* What rules can be about. */
typedef struct {
  const char *name; /* "order" */
  const char *table;
  const char *active;   /* SQL condition: rows that are looked at */
  const char *label;    /* SQL: the number shown as the subject */
  const char *order_id; /* SQL or "NULL" */
  const char *distributor_id;
  const char *value; /* SQL: minor units at risk */
  const char *currency;
  const CtFact *facts; /* ended by a NULL name */
} CtSubject;

const CtSubject *ct_subject_find (const char *name);
const CtFact *ct_fact_find (const CtSubject *subject, const char *name);

G_END_DECLS
