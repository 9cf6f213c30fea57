-- Who was asked to decide in the place of whom, and a search over what the drafter may draw on.

ALTER TABLE approvals ADD COLUMN delegated_to TEXT;
ALTER TABLE approvals ADD COLUMN delegated_by TEXT;
CREATE INDEX approvals_delegated ON approvals(delegated_to) WHERE delegated_to IS NOT NULL;

CREATE VIRTUAL TABLE articles_fts USING fts5(title, body, tags, content=articles, content_rowid=n,
  tokenize="unicode61 remove_diacritics 2");
CREATE TRIGGER articles_fi AFTER INSERT ON articles BEGIN
  INSERT INTO articles_fts(rowid, title, body, tags) VALUES(new.n, new.title, new.body, new.tags); END;
CREATE TRIGGER articles_fd AFTER DELETE ON articles BEGIN
  INSERT INTO articles_fts(articles_fts, rowid, title, body, tags)
    VALUES('delete', old.n, old.title, old.body, old.tags); END;
CREATE TRIGGER articles_fu AFTER UPDATE OF n, title, body, tags ON articles BEGIN
  INSERT INTO articles_fts(articles_fts, rowid, title, body, tags)
    VALUES('delete', old.n, old.title, old.body, old.tags);
  INSERT INTO articles_fts(rowid, title, body, tags) VALUES(new.n, new.title, new.body, new.tags); END;
INSERT INTO articles_fts(articles_fts) VALUES('rebuild');
