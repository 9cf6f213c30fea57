-- Rows that come from a server are decided, leased and sent there: while they are written (replicating() is on, and only the
-- rebase switches it on), triggers ask of them no more than that hashes match their bytes. Commands are held as before.
DROP TRIGGER approvals_bytes_are_hashed;
CREATE TRIGGER approvals_bytes_are_hashed BEFORE INSERT ON approvals
  WHEN sha256(new.wire) IS NOT new.payload_sha256 OR sha256(new.context) IS NOT new.context_sha256
    OR (new.state <> 'pending' AND NOT replicating())
  BEGIN SELECT RAISE(ABORT, 'an approval begins pending and names the hash of its bytes'); END;
DROP TRIGGER approvals_only_pending_is_decided;
CREATE TRIGGER approvals_only_pending_is_decided BEFORE UPDATE OF state ON approvals
  WHEN old.state <> 'pending' AND new.state <> old.state AND NOT (old.state = 'approved' AND new.state = 'voided')
    AND NOT replicating()
  BEGIN SELECT RAISE(ABORT, 'this approval is already decided'); END;

DROP TRIGGER outbox_needs_an_approval;
CREATE TRIGGER outbox_needs_an_approval BEFORE INSERT ON outbox
  WHEN sha256(new.wire) IS NOT new.payload_sha256 OR NOT replicating() AND (new.state <> 'ready'
    OR NOT EXISTS (SELECT 1 FROM approvals a WHERE a.id = new.approval_id AND a.state = 'approved'
      AND a.payload_sha256 = new.payload_sha256 AND a.destination = new.destination AND a.channel = new.channel
      AND a.task_id = new.task_id AND a.decided_by = new.approver AND a.expires_at > a.decided_at))
  BEGIN SELECT RAISE(ABORT, 'no approval, no post'); END;
DROP TRIGGER outbox_bytes_stay;
CREATE TRIGGER outbox_bytes_stay BEFORE UPDATE ON outbox
  WHEN new.wire IS NOT old.wire OR new.payload_sha256 IS NOT old.payload_sha256 OR new.destination IS NOT old.destination
    OR new.channel IS NOT old.channel OR new.approval_id IS NOT old.approval_id OR (new.fence < old.fence AND NOT replicating())
  BEGIN SELECT RAISE(ABORT, 'the bytes of a post are fixed'); END;
DROP TRIGGER outbox_steps;
CREATE TRIGGER outbox_steps BEFORE UPDATE OF state ON outbox
  WHEN new.state <> old.state AND NOT replicating() AND NOT (
       (old.state = 'ready' AND new.state IN ('leased', 'cancelled', 'failed'))
    OR (old.state = 'leased' AND new.state IN ('ready', 'sending', 'failed', 'cancelled'))
    OR (old.state = 'sending' AND new.state IN ('ready', 'sent', 'sent_unconfirmed', 'failed', 'unknown'))
    OR (old.state = 'unknown' AND new.state IN ('sent', 'failed', 'ready'))
    OR (old.state = 'failed' AND new.state = 'ready')
    OR (old.state IN ('sent', 'sent_unconfirmed') AND new.state = 'retracted'))
  BEGIN SELECT RAISE(ABORT, 'a post cannot take this step'); END;
