#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  CT_QUEUE_URGENCY,  /* SLA urgency, then priority, then age */
  CT_QUEUE_FIFO,     /* age alone */
  CT_QUEUE_BALANCED, /* most spare capacity first, then as urgency */
} CtQueueOrder;

typedef enum {
  CT_LANE_OVERDUE,
  CT_LANE_UNDER_AN_HOUR,
  CT_LANE_TODAY,
  CT_LANE_LATER,
} CtLane;

#define CT_N_LANES 4

typedef struct {
  gint64 due_at;   /* G_MAXINT64: no deadline */
  gint64 priority; /* higher first */
  gint64 created_at;
  gint64 spare_capacity; /* of the person it is assigned to; higher first */
  gint64 n;              /* decides what is equal otherwise */
} CtQueueItem;

/* SQL expressions or columns that hold the same. */
typedef struct {
  const char *due_at; /* NULL: no deadline */
  const char *priority;
  const char *created_at;
  const char *spare_capacity;
  const char *n;
} CtQueueColumns;

const char *ct_queue_order_name (CtQueueOrder order);
const char *ct_queue_order_label (CtQueueOrder order);
gboolean ct_queue_order_parse (const char *name, CtQueueOrder *order);
int ct_queue_compare (CtQueueOrder order, const CtQueueItem *a, const CtQueueItem *b);
char *ct_queue_order_by (CtQueueOrder order, const CtQueueColumns *columns);

const char *ct_lane_name (CtLane lane);
const char *ct_lane_label (CtLane lane);
void ct_lane_bounds (gint64 now, GTimeZone *zone, gint64 bounds[CT_N_LANES - 1]);
CtLane ct_lane_of (gint64 due_at, const gint64 bounds[CT_N_LANES - 1]);

G_END_DECLS
