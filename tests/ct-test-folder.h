/* What all suites share: a temporary folder, and who may read it. */
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

/* Nobody but the user may look into the folder, nor into anything below it. */
static inline void
ct_test_private (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  GStatBuf info;

  g_assert_cmpint (g_lstat (path, &info), ==, 0);
  g_test_message ("%s: %o", path, info.st_mode & 0777);
  g_assert_cmpint (info.st_mode & 077, ==, 0);
  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *child = g_build_filename (path, name, NULL);

    ct_test_private (child);
  }
}
