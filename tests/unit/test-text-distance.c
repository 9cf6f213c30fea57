#include "ct-text-distance.h"

#include <string.h>

static void
test_distances (void)
{
  static const struct {
    const char *a, *b;
    double distance;
  } cases[] = {
    { "", "", 0 },         { "Please pay.", "please \n pay.", 0 }, { "kitten", "sitting", 3.0 / 7 },
    { "", "abcd", 1 },     { "été", "e\xcc\x81te\xcc\x81", 0 },    { "abcd", "abxd", 0.25 },
    { "\xff", "\xff", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_assert_cmpfloat_with_epsilon (ct_text_distance (cases[i].a, cases[i].b), cases[i].distance, 1e-9);
    g_assert_cmpfloat_with_epsilon (ct_text_distance (cases[i].b, cases[i].a), cases[i].distance, 1e-9);
  }
}

/* A text of any length is compared in bounded time. */
static void
test_long (void)
{
  g_autofree char *a = g_strnfill (1000000, 'a'), *b = g_strnfill (1000000, 'b');

  g_assert_cmpfloat_with_epsilon (ct_text_distance (a, b), 1, 1e-9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text-distance/cases", test_distances);
  g_test_add_func ("/text-distance/long", test_long);
  return g_test_run ();
}
