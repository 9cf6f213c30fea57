#pragma once

#include "ct-record-detail.h"
#include "list/ct-list-def.h"

G_BEGIN_DECLS

/* A page of records that people create, edit, archive and restore: all of it follows from the definition that the
 * class of the page carries. */
typedef struct {
  const CtListDef *list;
  const CtRecordDetail *detail;
  const char *find;      /* SELECT n FROM … WHERE id of the record, or of one that belongs to it, is ?1 */
  const char *new_label; /* N_ ("New Order") */
  const CtPageAction *actions;
} CtRecordsDef;

#define CT_TYPE_RECORDS_PAGE (ct_records_page_get_type ())
G_DECLARE_DERIVABLE_TYPE (CtRecordsPage, ct_records_page, CT, RECORDS_PAGE, CtPage)

struct _CtRecordsPageClass {
  CtPageClass parent_class;
  const CtRecordsDef *def;
};

/* What the pages' tables of actions run. */
void ct_records_page_edit (CtPage *page, GArray *numbers);
void ct_records_page_archive (CtPage *page, GArray *numbers);
void ct_records_page_restore (CtPage *page, GArray *numbers);
void ct_records_page_note (CtPage *page, GArray *numbers);

G_END_DECLS
