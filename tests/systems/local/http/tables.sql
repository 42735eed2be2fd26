CREATE TABLE every (
  id bigint PRIMARY KEY, text text, "integer" bigint, small integer, number double precision, amount numeric(38,10),
  price numeric(10,2), flag boolean, day date, clock time, moment timestamptz, local timestamp, bytes bytea,
  object jsonb, words text[], numbers bigint[], moments timestamptz[], parts jsonb, region text, year integer,
  shipped date);
INSERT INTO every VALUES
  (1, E'na\u00efve \u2603 \U0001F600 "q" \\ ,;\n', 9007199254740993, 7, 0.1, 1234567890123456789012345678.0123456789,
   19.90, true, '2024-03-31', '13:45:00.5', '2024-03-31 04:30:00.25+02', '2024-03-31 02:30:00', '\x00ff10',
   '{"b": {"c": 1.10, "d": null}, "a": "x"}', '{a,NULL,"c,d"}', '{9007199254740993,NULL}',
   '{"2024-03-31 02:30:00+00",NULL}', '[{"a": 1}, null]', 'north', 2024, '2024-01-01'),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL),
  (3, '', 9223372036854775807, -2147483648, 1e300, -0.0000000001, -0.01, false, '0001-01-01', '00:00',
   '0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999', '', '{}', '{}', '{}', '{}', '[]', 'it''s', -1, '9999-12-31');
CREATE TABLE item (id bigint NOT NULL, name text, size integer, seen timestamptz);
INSERT INTO item SELECT n, 'item ' || n, CASE WHEN n % 7 = 0 THEN NULL ELSE n % 5 END,
  timestamptz '2024-01-01 00:00:00+00' + n * interval '1 minute' FROM generate_series(1, 2500) n;
INSERT INTO item VALUES (5, 'item 5', 0, NULL), (5, 'item 5', 0, NULL), (5, NULL, 0, NULL);  -- a key that is not unique
CREATE INDEX ON item (id);
CREATE TABLE loose (color text, size integer);
INSERT INTO loose SELECT CASE n % 3 WHEN 0 THEN 'red' WHEN 1 THEN 'blue' END, n % 4 FROM generate_series(1, 50) n;
CREATE VIEW slow AS SELECT id, pg_sleep(id)::text AS waited FROM generate_series(30, 31) AS id;
CREATE TABLE secret (id bigint);
INSERT INTO secret VALUES (4711);
CREATE TABLE measured (id bigint NOT NULL, value double precision);
INSERT INTO measured VALUES (1, 'NaN'), (2, '-Infinity'), (3, 2.5);
