-- Which command a person gave in place of one that could not be applied: who may no longer see what the one made must not
-- find it in the other.
ALTER TABLE attention ADD COLUMN again INTEGER;
