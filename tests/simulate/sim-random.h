/* Numbers that follow from a seed, the same on every machine (SplitMix64). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint64 state;
} SimRandom;

static inline guint64
sim_random_next (SimRandom *self)
{
  guint64 z = self->state += 0x9e3779b97f4a7c15u;

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* From 0 to @n - 1 */
static inline guint
sim_random_below (SimRandom *self, guint n)
{
  return (guint) (sim_random_next (self) % n);
}

static inline gboolean
sim_random_chance (SimRandom *self, guint percent)
{
  return sim_random_below (self, 100) < percent;
}

#define sim_random_of(self, array) ((array)[sim_random_below (self, G_N_ELEMENTS (array))])

G_END_DECLS
