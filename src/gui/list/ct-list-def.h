#pragma once

#include "ct-format.h"
#include "ct-list-query.h"
#include "ct-row.h"

G_BEGIN_DECLS

/* A list page as data: what a page says to get columns, sorting, filters, search, views and their memory. */

/* What a cell shows of a row. @text may point into the row; @owned is freed. */
typedef struct {
  gint64 now;
  GTimeZone *zone;
  const char *text;
  char *owned;       /* (nullable): text made for this cell */
  const char *style; /* (nullable): a CSS class of ui/style.css */
} CtCell;

typedef void (*CtCellFunc) (CtRow *row, guint column, CtCell *cell);

typedef enum {
  CT_COLUMN_HIDDEN = 1 << 0,     /* until a person asks for it */
  CT_COLUMN_RIGHT = 1 << 1,      /* numbers */
  CT_COLUMN_DESCENDING = 1 << 2, /* the first click on its header puts the largest first */
  CT_COLUMN_EXPAND = 1 << 3,     /* takes the width that is left */
  CT_COLUMN_TIMED = 1 << 4,      /* its text changes with the clock */
  CT_COLUMN_NULLABLE = 1 << 5,   /* rows without a value come last */
} CtColumnFlags;

typedef struct {
  const char *key;   /* its name in settings and views */
  const char *title; /* N_ ("Score") */
  CtCellFunc show;
  guint column; /* of the source; what show() is given */
  int width;
  CtColumnFlags flags;
  const char *order; /* (nullable): SQL to sort by */
  const char *then;  /* (nullable): SQL terms that put rows of equal values in order, in both directions */
} CtListColumn;

typedef struct {
  const char *value; /* NULL ends the choices */
  const char *label; /* N_ () */
  const char
      *where; /* (nullable): a condition of its own instead of a comparison; ?1->>'$.now' is the time */
} CtFilterChoice;

typedef struct {
  const char *key;
  const char *title;                        /* N_ ("Owner") */
  const char *expression;                   /* SQL that is compared with the values chosen */
  const CtFilterChoice *choices;            /* (nullable): or */
  const char *choices_sql;                  /* (nullable): SELECT value [, label] */
  const char *(*label) (const char *value); /* (nullable): shows a value */
  const char *initial;                      /* (nullable): chosen at first */
} CtListFilter;

/* A view that ships with the program; people save their own beside them. */
typedef struct {
  const char *name; /* N_ ("Critical") */
  const char *view; /* JSON: {"filters": {"severity": ["critical"]}, "sort": "score", "descending": true} */
} CtListBuiltInView;

typedef struct {
  const char *name; /* "exceptions": in settings and saved views */
  const CtListSource *source;
  const CtListColumn *columns;                       /* ended by a NULL key */
  const CtListFilter *filters;                       /* ended by a NULL key */
  const CtListBuiltInView *views;                    /* (nullable): ended by a NULL name */
  const char *const *search;                         /* SQL texts to search in; ends with NULL */
  const char *sort;                                  /* key of the column sorted by at first */
  guint title_column;                                /* of the source: the row's name to a screen reader */
  guint id_column;                                   /* of the source: the record's UUID */
  const char *empty_icon, *empty_title, *empty_text; /* where there is nothing at all; N_ () */
  const char *(*count) (gint64 n); /* (nullable): "3 exceptions", static until the next call */
} CtListDef;

const CtListColumn *ct_list_def_column (const CtListDef *def, const char *key);

/* Cells: the source's column, and where named the one behind it. */
void ct_cell_text (CtRow *row, guint column, CtCell *cell);
void ct_cell_number (CtRow *row, guint column, CtCell *cell);
void ct_cell_money (CtRow *row, guint column, CtCell *cell); /* behind it: the currency */
void ct_cell_age (CtRow *row, guint column, CtCell *cell);
void ct_cell_due (CtRow *row, guint column, CtCell *cell);
void ct_cell_time (CtRow *row, guint column, CtCell *cell);
void ct_cell_date (CtRow *row, guint column, CtCell *cell);
void ct_cell_severity (CtRow *row, guint column, CtCell *cell);
void ct_cell_blocker (CtRow *row, guint column, CtCell *cell);
void ct_cell_owner (CtRow *row, guint column, CtCell *cell);
void ct_cell_task_state (CtRow *row, guint column, CtCell *cell);
void ct_cell_agent (CtRow *row, guint column, CtCell *cell);

const char *ct_severity_sign (const char *severity);
const char *ct_severity_style (const char *severity);
char *ct_agent_label (const char *agent);

G_END_DECLS
