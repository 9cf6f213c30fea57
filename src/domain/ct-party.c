#include "ct-party.h"

#include "ct-base.h"

#include <string.h>

static const char *const names[CT_N_PARTIES] = { "agent", "approver", "counterparty", "channel", "calendar" };
static const char *const labels[CT_N_PARTIES] = { N_ ("Agent"), N_ ("Approver"), N_ ("Counterparty"),
                                                  N_ ("Channel"), N_ ("Outside business hours") };

/* "agent"; "none" for %CT_PARTY_NONE */
const char *
ct_party_name (CtParty party)
{
  return party < CT_N_PARTIES ? names[party] : "none";
}

const char *
ct_party_label (CtParty party)
{
  return party < CT_N_PARTIES ? _ (labels[party]) : _ ("Nobody");
}

/**
 * ct_party_attribute:
 * @spans: who had the ball, and when
 * @calendar: whose business hours count; the rest of each span is the calendar's
 * @now: where open spans end
 * @totals: (out): ms by #CtParty; their sum is the wall-clock length of all spans that are not %CT_PARTY_NONE
 */
void
ct_party_attribute (const CtPartySpan *spans, gsize n_spans, const CtCalendar *calendar, gint64 now,
                    gint64 totals[CT_N_PARTIES])
{
  memset (totals, 0, CT_N_PARTIES * sizeof *totals);
  for (gsize i = 0; i < n_spans; i++) {
    gint64 to = MIN (spans[i].to, now);
    gint64 open;

    if (to <= spans[i].from || spans[i].party >= CT_PARTY_CALENDAR) {
      if (to > spans[i].from && spans[i].party == CT_PARTY_CALENDAR)
        totals[CT_PARTY_CALENDAR] += to - spans[i].from;
      continue;
    }
    open = ct_calendar_between (calendar, spans[i].from, to);
    totals[spans[i].party] += open;
    totals[CT_PARTY_CALENDAR] += to - spans[i].from - open;
  }
}
