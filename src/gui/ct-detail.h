#pragma once

#include "ct-base.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* The pane beside a list, built of a few kinds of parts so that all pages look alike. Filled anew for each record. */
#define CT_TYPE_DETAIL (ct_detail_get_type ())
G_DECLARE_FINAL_TYPE (CtDetail, ct_detail, CT, DETAIL, GtkWidget)

void ct_detail_set_actions (CtDetail *self, GtkWidget *buttons);
void ct_detail_begin (CtDetail *self, const char *number, const char *title);
void ct_detail_end (CtDetail *self);
void ct_detail_add_badge (CtDetail *self, const char *text, const char *style);
void ct_detail_add_section (CtDetail *self, const char *title);
void ct_detail_add_fact (CtDetail *self, const char *label, const char *value, const char *more,
                         const char *style);
void ct_detail_add_link (CtDetail *self, const char *label, const char *value, const char *kind,
                         const CtId *id);
void ct_detail_add_text (CtDetail *self, const char *text, const char *style);
void ct_detail_add_event (CtDetail *self, const char *what, const char *who, const char *when);
void ct_detail_add_widget (CtDetail *self, GtkWidget *widget);

G_END_DECLS
