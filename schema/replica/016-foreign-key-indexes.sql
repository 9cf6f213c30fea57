-- What refers to a row is looked for whenever that row goes: without an index each time through the whole table.
CREATE INDEX documents_file ON documents(file_id) WHERE file_id IS NOT NULL;
CREATE INDEX ai_outputs_based_on ON ai_outputs(based_on) WHERE based_on IS NOT NULL;
CREATE INDEX proposed_actions_output ON proposed_actions(output_id) WHERE output_id IS NOT NULL;
CREATE INDEX approvals_output ON approvals(output_id);
CREATE INDEX replies_post ON replies(post_id) WHERE post_id IS NOT NULL;
CREATE INDEX undone_by ON undone(by_seq);
