#pragma once

#include "ct-record-detail.h"
#include "list/ct-list-page.h"

G_BEGIN_DECLS

/* A page of records that people create, edit, archive and restore: all of it follows from the two definitions that
 * the class of the page carries. */
typedef struct {
  const CtRecordDetail *detail;
  const char *new_label; /* N_ ("New Order") */
} CtRecordsDef;

#define CT_TYPE_RECORDS_PAGE (ct_records_page_get_type ())
G_DECLARE_DERIVABLE_TYPE (CtRecordsPage, ct_records_page, CT, RECORDS_PAGE, CtListPage)

struct _CtRecordsPageClass {
  CtListPageClass parent_class;
  const CtRecordsDef *def;
};

/* What the pages' tables of actions run. */
void ct_records_page_edit (CtPage *page, GArray *numbers);
void ct_records_page_archive (CtPage *page, GArray *numbers);
void ct_records_page_restore (CtPage *page, GArray *numbers);
void ct_records_page_note (CtPage *page, GArray *numbers);

G_END_DECLS
