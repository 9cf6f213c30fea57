#pragma once

#include "ct-session.h"

G_BEGIN_DECLS

/* What a server says of itself and of us before anything else. */
typedef struct {
  char *login;        /* (owned): who we are there */
  int oldest, newest; /* versions of the replica's schema that it serves */
  GStrv tables;       /* (owned): the business tables that it holds */
  gboolean service;   /* we are the team's service there */
  gint64
      standing; /* the device's last command that it knows; -1: the device is not enrolled for us, or revoked */
  CtHash standing_sha256;
} CtGreeting;

gboolean ct_greeting_ask (CtSession *session, const CtId *device, CtGreeting *greeting,
                          GCancellable *cancellable, GError **error);
void ct_greeting_clear (CtGreeting *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtGreeting, ct_greeting_clear)

G_END_DECLS
