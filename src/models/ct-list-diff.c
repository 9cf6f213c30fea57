#include "ct-list-diff.h"

/* Sets of row numbers are bit maps over the range that occurs; a range beyond this is not worth a map. */
#define MOST_BITS (G_GUINT64_CONSTANT (1) << 28)

typedef struct {
  gint64 first;
  guint8 *bits; /* (owned) */
} NumberSet;

typedef struct {
  const CtIds *before, *after;
  guint i, j;                  /* the next row of each */
  guint before_end, after_end; /* behind them both orders agree */
  NumberSet leaving, arriving; /* rows of before and of after that have not been dealt with */
} Walk;

static void
set_range (const CtIds *ids, guint from, guint to, gint64 *least, gint64 *greatest)
{
  for (guint i = from; i < to; i++) {
    *least = MIN (*least, ct_ids_get (ids, i));
    *greatest = MAX (*greatest, ct_ids_get (ids, i));
  }
}

static gboolean
set_has (const NumberSet *set, gint64 n)
{
  guint64 bit = (guint64) (n - set->first);

  return set->bits[bit / 8] >> (bit % 8) & 1;
}

static void
set_put (NumberSet *set, gint64 n, gboolean value)
{
  guint64 bit = (guint64) (n - set->first);

  if (value)
    set->bits[bit / 8] |= (guint8) (1 << (bit % 8));
  else
    set->bits[bit / 8] &= (guint8) ~(1 << (bit % 8));
}

/* Leaves only the part in the middle that differs. */
static void
trim (Walk *walk)
{
  guint shorter = MIN (walk->before->length, walk->after->length);

  while (walk->i < shorter && ct_ids_get (walk->before, walk->i) == ct_ids_get (walk->after, walk->i))
    walk->i++;
  walk->j = walk->i;
  walk->before_end = walk->before->length;
  walk->after_end = walk->after->length;
  while (walk->before_end > walk->i && walk->after_end > walk->j &&
         ct_ids_get (walk->before, walk->before_end - 1) == ct_ids_get (walk->after, walk->after_end - 1)) {
    walk->before_end--;
    walk->after_end--;
  }
}

static gboolean
fill_sets (Walk *walk)
{
  gint64 least = G_MAXINT64, greatest = G_MININT64;
  gsize size;

  set_range (walk->before, walk->i, walk->before_end, &least, &greatest);
  set_range (walk->after, walk->j, walk->after_end, &least, &greatest);
  if (least > greatest)
    return TRUE;
  if ((guint64) (greatest - least) >= MOST_BITS)
    return FALSE;
  size = (gsize) ((guint64) (greatest - least) / 8 + 1);
  walk->leaving.first = walk->arriving.first = least;
  walk->leaving.bits = g_malloc0 (size);
  walk->arriving.bits = g_malloc0 (size);
  for (guint i = walk->i; i < walk->before_end; i++)
    set_put (&walk->leaving, ct_ids_get (walk->before, i), TRUE);
  for (guint j = walk->j; j < walk->after_end; j++)
    set_put (&walk->arriving, ct_ids_get (walk->after, j), TRUE);
  return TRUE;
}

static gboolean
heads_agree (const Walk *walk)
{
  return walk->i < walk->before_end && walk->j < walk->after_end &&
         ct_ids_get (walk->before, walk->i) == ct_ids_get (walk->after, walk->j);
}

static void
drop_head (Walk *walk, CtSplice *splice)
{
  set_put (&walk->leaving, ct_ids_get (walk->before, walk->i++), FALSE);
  splice->removed++;
}

static void
take_head (Walk *walk, CtSplice *splice)
{
  set_put (&walk->arriving, ct_ids_get (walk->after, walk->j++), FALSE);
  splice->added++;
}

/* One row further: a row that moved leaves at one place and arrives at the other. */
static void
step (Walk *walk, CtSplice *splice)
{
  gint64 old, new;

  if (walk->i == walk->before_end) {
    take_head (walk, splice);
    return;
  }
  old = ct_ids_get (walk->before, walk->i);
  if (walk->j == walk->after_end || !set_has (&walk->arriving, old)) {
    drop_head (walk, splice);
    return;
  }
  new = ct_ids_get (walk->after, walk->j);
  if (set_has (&walk->leaving, new) && walk->i + 1 < walk->before_end &&
      ct_ids_get (walk->before, walk->i + 1) == new)
    drop_head (walk, splice);
  else
    take_head (walk, splice);
}

/**
 * ct_list_diff:
 * @most: give up beyond so many steps
 *
 * The steps from one order to the other, in ascending position; linear in the length of what differs.
 *
 * Returns: (transfer full) (nullable) (element-type CtSplice): the steps, none where both are equal; %NULL where they
 *   differ too much for small steps
 */
GArray *
ct_list_diff (const CtIds *before, const CtIds *after, guint most)
{
  g_autoptr (GArray) splices = g_array_new (FALSE, FALSE, sizeof (CtSplice));
  Walk walk = { .before = before, .after = after };
  gboolean small;

  trim (&walk);
  small = fill_sets (&walk);
  while (small && (walk.i < walk.before_end || walk.j < walk.after_end)) {
    CtSplice splice = { 0 };

    if (heads_agree (&walk)) {
      walk.i++;
      walk.j++;
      continue;
    }
    splice.position = walk.j;
    while ((walk.i < walk.before_end || walk.j < walk.after_end) && !heads_agree (&walk))
      step (&walk, &splice);
    g_array_append_val (splices, splice);
    small = splices->len <= most;
  }
  g_free (walk.leaving.bits);
  g_free (walk.arriving.bits);
  return small ? g_steal_pointer (&splices) : NULL;
}
