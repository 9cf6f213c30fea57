-- What people ask of posts, until it is done or cannot be: a sent message to be taken back, one of unknown fate to be looked for.
ALTER TABLE outbox ADD COLUMN retract_asked_at INTEGER;
ALTER TABLE outbox ADD COLUMN retract_comment TEXT;
ALTER TABLE outbox ADD COLUMN look_asked_at INTEGER;
CREATE INDEX outbox_retract ON outbox(retract_asked_at) WHERE retract_asked_at IS NOT NULL;
CREATE INDEX outbox_look ON outbox(look_asked_at) WHERE look_asked_at IS NOT NULL;
