#pragma once

#include "ct-calendar.h"

G_BEGIN_DECLS

/* To whom elapsed time is attributed. */
typedef enum {
  CT_PARTY_AGENT,
  CT_PARTY_APPROVER,
  CT_PARTY_COUNTERPARTY,
  CT_PARTY_CHANNEL,
  CT_PARTY_CALENDAR, /* outside of business hours: nobody's */
  CT_PARTY_NONE,     /* closed work: time does not count */
} CtParty;

#define CT_N_PARTIES 5

/* One party had the ball from @from until @to; @to of %G_MAXINT64 means until now. */
typedef struct {
  CtParty party;
  gint64 from;
  gint64 to;
} CtPartySpan;

const char *ct_party_name (CtParty party);
const char *ct_party_label (CtParty party);
void ct_party_attribute (const CtPartySpan *spans, gsize n_spans, const CtCalendar *calendar, gint64 now,
                         gint64 totals[CT_N_PARTIES]);

G_END_DECLS
