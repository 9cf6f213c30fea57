-- The strictest approval policy that a task has been under, whoever of its agents drafted: nobody chooses a laxer one by
-- handing it on. NULL for tasks from before.
ALTER TABLE follow_up_tasks ADD COLUMN approval_terms TEXT CHECK(approval_terms IS NULL OR json_type(approval_terms) = 'object');
-- A workspace that has a server asks it for all rows once more, for those that are here came without the column; and so that
-- the server says whose history this is: what does not come then is hidden, and not what a restored server lost.
UPDATE sync_state SET scopes = '';
