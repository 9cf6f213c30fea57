/* Passwords from a file or a terminal; wiped when freed. */
#include "ct-cli-password.h"
#include "ct-base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* Bytes; more than any password has. */
#define MOST 1024

void
ct_cli_password_free (char *password)
{
  if (password)
    explicit_bzero (password, strlen (password));
  g_free (password);
}

/* What Ctrl+C types where it sends no signal. */
#define CTRL_C 3

/* (transfer full) (nullable): the first line that @fd gives; it ends with @ends or a line feed */
static char *
read_line (int fd, char ends)
{
  char buffer[MOST] = "";
  gsize length = 0;
  gssize got = 0;
  char *line;

  while (length < sizeof buffer && !memchr (buffer, '\n', length) && !memchr (buffer, ends, length)) {
    got = read (fd, buffer + length, sizeof buffer - length);
    if (got == 0 || (got < 0 && errno != EINTR))
      break;
    length += (gsize) MAX (got, 0);
  }
  line = got < 0 ? NULL : g_strndup (buffer, length);
  explicit_bzero (buffer, sizeof buffer);
  if (line)
    line[strcspn (line, "\r\n")] = '\0';
  return line;
}

/* Takes @password, and gives it back where it is one. */
static char *
check_password (char *password, const char *path, GError **error)
{
  if (!password)
    ct_fail (error, CT_ERROR_FAILED, _ ("Cannot read a password from %s: %s"), path, g_strerror (errno));
  else if (!*password)
    ct_fail (error, CT_ERROR_INVALID, _ ("%s has no password in its first line"), path);
  else if (!g_utf8_validate (password, -1, NULL))
    ct_fail (error, CT_ERROR_INVALID, _ ("The password in %s is not valid UTF-8"), path);
  else
    return password;
  ct_cli_password_free (password);
  return NULL;
}

/**
 * ct_cli_password_from_file:
 * @path: a file that nobody else may read, or a pipe
 *
 * Returns: (transfer full): its first line, for ct_cli_password_free()
 */
char *
ct_cli_password_from_file (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  char *password;

  if (fd < 0) {
    ct_fail (error, errno == ENOENT ? CT_ERROR_NOT_FOUND : CT_ERROR_FAILED,
             _ ("Cannot read a password from %s: %s"), path, g_strerror (errno));
    return NULL;
  }
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode) && (info.st_mode & 077)) {
    close (fd);
    ct_fail (error, CT_ERROR_REFUSED, _ ("Others may read %s: take that from them first (chmod 600)"), path);
    return NULL;
  }
  password = check_password (read_line (fd, '\n'), path, error);
  close (fd);
  return password;
}

/**
 * ct_cli_password_ask:
 *
 * Returns: (transfer full): what the person at the terminal types, unseen; %NULL with @error where there is no terminal
 */
char *
ct_cli_password_ask (const char *question, GError **error)
{
  int fd = open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  struct termios before, quiet;
  char *password;

  if (fd < 0 || tcgetattr (fd, &before) != 0) {
    if (fd >= 0)
      close (fd);
    ct_fail (error, CT_ERROR_INVALID, _ ("There is no terminal to type a password at; name a file"));
    return NULL;
  }
  quiet = before;
  /* Ctrl+C comes as a character, so that it cannot end the program with the echo off */
  quiet.c_lflag &= ~(tcflag_t) (ECHO | ISIG);
  quiet.c_cc[VEOL] = CTRL_C;
  tcsetattr (fd, TCSAFLUSH, &quiet);
  dprintf (fd, "%s ", question);
  password = read_line (fd, CTRL_C);
  tcsetattr (fd, TCSAFLUSH, &before);
  dprintf (fd, "\n");
  close (fd);
  if (password && strchr (password, CTRL_C)) {
    ct_cli_password_free (password);
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("Cancelled"));
    return NULL;
  }
  return check_password (password, "/dev/tty", error);
}
