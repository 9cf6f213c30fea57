/* What all suites share: a temporary folder. */
#pragma once

#include <glib/gstdio.h>

static inline char *
ct_test_folder (void)
{
  GError *error = NULL;
  char *folder = g_dir_make_tmp ("ct-test-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

/* Deletes a folder and all it holds. */
static inline void
ct_test_remove (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *child = g_build_filename (path, name, NULL);

    ct_test_remove (child);
  }
  g_remove (path);
}
