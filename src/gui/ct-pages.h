#pragma once

#include "ct-page.h"

G_BEGIN_DECLS

/* The pages of the window in the sidebar's order: a row adds a page, its key, its place in palette and shortcuts. */
typedef struct {
  const char *name;  /* "exceptions": in actions and settings */
  const char *title; /* N_ ("Exceptions") */
  const char *icon;
  guint key; /* g, then this */
  GType (*type) (void);
  const char *count;   /* (nullable): SQL of one number, shown behind the title; ?1 is the actor's login */
  const char *tables;  /* (nullable): whose changes concern the count, separated by spaces */
  const char *records; /* (nullable): kinds of win.record that are at home here, separated by spaces */
  const CtPageAction *actions; /* (nullable): ended by a NULL name */
  gboolean connected;          /* only where the workspace has a server; its count asks for a decision */
} CtPageDef;

extern const CtPageDef ct_pages[];

gboolean ct_page_is_there (const CtPageDef *def, CtWorkspace *workspace);
const CtPageDef *ct_page_find (const char *name);
const CtPageDef *ct_page_of_record (const char *kind);

/* Where palette and search find records: one row a kind. */
typedef struct {
  const char *kind; /* "order" */
  const char *icon;
  const char *sql; /* SELECT id, number, what it is: ?1 is the text as a LIKE pattern */
} CtRecordSearch;

extern const CtRecordSearch ct_record_searches[];

G_END_DECLS
