/* What must hold on the server, whoever pushed what how often. Each query gives what should not be. */
#include "sim-check.h"

static const struct {
  const char *sql, *what;
} rules[] = {
  { "SELECT i.device || ' ' || i.n FROM audit.intents i LEFT JOIN sync.outcomes o USING (device, n)"
    " WHERE o.sha256 IS DISTINCT FROM i.sha256 LIMIT 1",
    "a command has no outcome, or another one's" },
  { "SELECT o.device || ' ' || o.n FROM sync.outcomes o LEFT JOIN audit.intents i USING (device, n) WHERE "
    "i.n IS NULL LIMIT 1",
    "an outcome has no command" },
  { "SELECT i.n || ': ' || count(DISTINCT l) FROM audit.intents i LEFT JOIN (SELECT leaf::jsonb AS j FROM "
    "audit.leaves) l"
    " ON l.j ->> 'intent_sha256' = encode(i.sha256, 'hex') GROUP BY i.sha256, i.n HAVING count(DISTINCT l) "
    "<> 1 LIMIT 1",
    "a command, however many copies of its workspace offered it, has not exactly one leaf" },
  { "SELECT o.device || ' ' || o.n FROM sync.outcomes o JOIN audit.leaves l ON l.ev_id = (o.answer ->> "
    "'leaf')::uuid"
    " WHERE (l.leaf::jsonb ->> 'action' LIKE '%:rejected') <> (o.answer ->> 'outcome' = 'rejected') LIMIT 1",
    "a leaf says another thing than the outcome" },
  { "SELECT o.device || ' ' || o.n FROM sync.outcomes o LEFT JOIN audit.leaves l ON l.ev_id = (o.answer ->> "
    "'leaf')::uuid"
    " WHERE l.ev_id IS NULL OR coalesce(o.answer ->> 'outcome', '') NOT IN ('applied', 'rejected')"
    " OR o.answer ->> 'outcome' = 'rejected' AND coalesce(o.answer ->> 'reason', '') = '' LIMIT 1",
    "an outcome has no leaf, or a rejection no reason" },
  { "SELECT i.command_id::text FROM audit.intents i JOIN sync.outcomes o USING (device, n)"
    " GROUP BY i.command_id HAVING count(DISTINCT o.answer ->> 'leaf') > 1 LIMIT 1",
    "a command was settled twice" },
  { "SELECT d.id || ' ' || d.last_n FROM sync.devices d LEFT JOIN (SELECT device, count(*) AS many, max(n) "
    "AS most, min(n) AS least"
    " FROM sync.outcomes GROUP BY device) o ON o.device = d.id"
    " WHERE o.many IS NOT NULL AND (o.most <> d.last_n OR o.most - o.least + 1 <> o.many) LIMIT 1",
    "the commands of a device have a gap" },
  { "SELECT i.device || ' ' || i.n FROM audit.intents i JOIN audit.intents p ON p.device = i.device AND p.n "
    "= i.n - 1"
    " WHERE decode(i.intent::jsonb ->> 'previous_sha256', 'hex') <> p.sha256 LIMIT 1",
    "the chain of a device is broken" },
  { "SELECT p.number FROM app.outbox p JOIN app.approvals a ON a.id = p.approval_id WHERE p.wire <> a.wire "
    "OR "
    "p.payload_sha256 <> a.payload_sha256 OR p.state IN ('leased', 'sending', 'sent', 'sent_unconfirmed', "
    "'unknown')"
    " AND a.state <> 'approved' LIMIT 1",
    "a post is on its way without its approval" },
  { "SELECT a.number FROM app.approvals a WHERE a.state = 'approved' AND (a.decided_role NOT IN (a.owner, "
    "'admin') OR a.policy::jsonb ->> 'kind' = 'four_eyes' AND a.edited_by = a.decided_by) LIMIT 1",
    "somebody approved what is not theirs to approve" },
  { "SELECT tid::text FROM sync.txn WHERE number IS NULL OR nonce IS NULL LIMIT 1",
    "a transaction has no number" },
  { "SELECT e.tid::text FROM sync.entry e LEFT JOIN sync.txn t USING (tid) WHERE t.tid IS NULL LIMIT 1",
    "a line of the feed belongs to no transaction" },
};

gboolean
sim_check_server (SimWorld *world)
{
  for (guint i = 0; i < G_N_ELEMENTS (rules); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (CtAnswer) found = ct_session_query (world->root, NULL, &error, rules[i].sql, "");

    g_assert_no_error (error);
    if (ct_answer_rows (found) > 0)
      return sim_world_fail (world, "server: %s: %s", rules[i].what, ct_answer_text (found, 0, 0));
  }
  return TRUE;
}
