#pragma once

#include "ct-detail.h"
#include "ct-page.h"

G_BEGIN_DECLS

/* A part of a record's pane as data: a SELECT about the record whose n is ?1. Its columns say what they are: "label"
 * names the row; "money" with "currency", "state" and "text" are its value; "link_kind" with "link_id" make it open a
 * record; dates ("…_on"), times ("…_at") and a few texts become the second line. */
typedef struct {
  const char *title; /* N_ () */
  const char *sql;
} CtRecordSection;

typedef struct {
  const char *kind;                /* as ct-records.h calls it */
  const char *title;               /* SQL: what stands below the number, of the table's alias r */
  const char *joins;               /* for @title; "" for none */
  const CtRecordSection *sections; /* ended by a NULL title */
  const char *story;               /* SELECT of the ids whose story it is; ?1 is n */
} CtRecordDetail;

void ct_record_detail_show (const CtRecordDetail *def, CtDetail *detail, CtPage *page, gint64 n,
                            GCancellable *cancellable);

G_END_DECLS
