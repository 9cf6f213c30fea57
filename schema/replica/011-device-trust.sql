-- Whose a device is, and why its signatures do not count here; both NULL where a workspace is its own authority.
ALTER TABLE devices ADD COLUMN owner TEXT;
ALTER TABLE devices ADD COLUMN distrust TEXT;
