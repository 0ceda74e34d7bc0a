-- Raw rows are written always and read seldom. With the engine's own base of 5 each row was written again twice in its
-- first minute under load, now once: parts gather until a merge takes ten of a kind. A partition has about twice as many
-- parts (eight where it had five, after 2500 inserts). Nobody asks for statistics of ids, scores and maps, which took a
-- fortieth of an insert.

ALTER TABLE predictions {{on_cluster}} MODIFY SETTING merge_selector_base = 10, auto_statistics_types = '';
