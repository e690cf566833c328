-- {rows} files, with runs, recipes and the rest in proportion; the same shape as
-- the rows that Coreshed is loaded with.
SELECT setseed(0.5);
INSERT INTO workspace (name, title, is_active, json_config, is_move_enabled, created, last_modified)
  SELECT 'ws' || n, 'Workspace ' || n, true, '{"broker": {"type": "host", "host_path": "/x"}}', true, now(), now() FROM generate_series(1, 50) n;
INSERT INTO country_data (name, fips, gmi, iso2, iso3, iso_num, border, effective, is_deleted, created, last_modified)
  SELECT 'Country ' || n, chr(65 + n / 26) || chr(65 + n % 26), chr(65 + n / 26) || chr(65 + n % 26) || 'X', chr(65 + n / 26) || chr(65 + n % 26),
    chr(65 + n / 26) || chr(65 + n % 26) || 'Z', n, ST_Buffer(ST_SetSRID(ST_MakePoint(-170 + (n % 20) * 17, -70 + (n / 20) * 13), 4326), 5, 64),
    '2000-01-01', false, now(), now() FROM generate_series(1, 200) n;
INSERT INTO job_type (name, version, version_array, is_system, is_long_running, is_active, is_paused, is_published, max_tries, icon_code,
    revision_num, docker_image, manifest, configuration, created, last_modified)
  SELECT 'job-type-' || ((n - 1) / 2 + 1), '1.0.' || (n % 2), ARRAY[1, 0, n % 2], false, false, true, false, true, 3, 'f013', 1, 'image:' || n,
    jsonb_build_object('seedVersion', '1.0.0', 'job', jsonb_build_object('name', 'job-type-' || n, 'title', 'Job type ' || n,
      'description', repeat('d', 400), 'interface', repeat('i', 900))), '{}', now(), now() FROM generate_series(1, 60) n;
INSERT INTO recipe_type (name, title, is_system, is_active, definition, revision_num, created, last_modified)
  SELECT 'recipe-' || n, 'Recipe ' || n, false, true, jsonb_build_object('n', repeat('n', 800)), 1, now(), now() FROM generate_series(1, 20) n;
INSERT INTO batch (title, recipe_type_id, recipe_type_rev_id, event_id, definition, configuration, is_creation_done, is_superseded, jobs_total,
    jobs_pending, jobs_blocked, jobs_queued, jobs_running, jobs_failed, jobs_completed, jobs_canceled, recipes_estimated, recipes_total,
    recipes_completed, created, last_modified)
  SELECT 'Batch ' || n, 1 + n % 20, 1, 1, '{}', '{}', true, false, 10, 0, 0, 0, 0, 0, 10, 0, 10, 10, 10, now(), now() FROM generate_series(1, 200) n;
INSERT INTO recipe (recipe_type_id, recipe_type_rev_id, batch_id, is_superseded, input, input_file_size, source_started, source_ended,
    source_sensor_class, source_sensor, source_collection, source_task, jobs_total, jobs_pending, jobs_blocked, jobs_queued, jobs_running,
    jobs_failed, jobs_completed, jobs_canceled, sub_recipes_total, sub_recipes_completed, is_completed, created, completed, last_modified)
  SELECT 1 + n % 20, 1, CASE WHEN n % 4 = 0 THEN 1 + (n / 4) % 200 END, false, jsonb_build_object('in', n), 100, t, t, 'class' || n % 6,
    'sensor' || n % 40, 'coll' || n % 5000, 'task' || n % 10, 4, 0, 0, 0, 0, 0, 4, 0, 0, 0, true, t, t, t
  FROM (SELECT n, timestamptz '2023-01-01' + random() * interval '1095 days' t FROM generate_series(1, {rows} / 10) n) x;
INSERT INTO job (job_type_id, job_type_rev_id, recipe_id, is_superseded, delete_superseded, status, max_tries, num_exes, input, input_file_size,
    output, source_started, source_ended, source_sensor_class, source_sensor, source_collection, source_task, created, queued, started, ended,
    last_status_change, last_modified)
  SELECT 1 + n % 60, 1, 1 + (n / 4) % ({rows} / 10), false, true, (ARRAY['COMPLETED', 'COMPLETED', 'COMPLETED', 'FAILED', 'RUNNING'])[1 + n % 5], 3, 1,
    jsonb_build_object('in', n), 100, jsonb_build_object('out', n * 2), t, t, 'class' || n % 6, 'sensor' || n % 40, 'coll' || n % 5000,
    'task' || n % 10, t, t, t, t, t, t
  FROM (SELECT n, timestamptz '2023-01-01' + random() * interval '1095 days' t FROM generate_series(1, {rows} * 4 / 10) n) x;
INSERT INTO job_exe (job_id, job_type_id, recipe_id, exe_num, cluster_id, docker_image, timeout, input_file_size, resources, configuration, queued, started, created)
  SELECT id, job_type_id, recipe_id, 1, 'scale_' || id, 'image', 3600, 100, '{"cpus": 1}', jsonb_build_object('c', repeat('c', 300)), queued, started, created
  FROM job ORDER BY id;
INSERT INTO scale_file (file_name, file_type, media_type, file_size, data_type_tags, file_path, workspace_id, is_deleted, uuid, created, last_modified,
    meta_data, geometry, center_point, data_started, data_ended, source_started, source_ended, source_sensor_class, source_sensor, source_collection,
    source_task, is_parsed, parsed, job_exe_id, job_id, job_type_id, job_output, recipe_id, recipe_node, recipe_type_id, batch_id,
    has_been_published, is_published, is_superseded, published)
  SELECT 'file_' || n || '_' || md5(n::text) || '.tif', CASE WHEN made THEN 'PRODUCT' ELSE 'SOURCE' END,
    (ARRAY['image/tiff', 'application/json', 'image/png', 'application/vnd.geo+json'])[1 + n % 4], 1000 + (n * 7919::bigint) % 100000000,
    CASE n % 3 WHEN 0 THEN ARRAY['tagA', 'tag' || n % 50] ELSE ARRAY[]::varchar[] END, 'a/' || n % 97 || '/' || n % 997 || '/file_' || n || '.tif',
    1 + n % 50, false, md5('u' || n), t, t + interval '1 min',
    jsonb_build_object('type', 'Feature', 'properties', jsonb_build_object('cloud', n % 100, 'platform', 'P' || n % 7, 'text', md5(n::text) || md5((n + 1)::text))),
    ST_MakeEnvelope(x, y, x + 0.2, y + 0.15, 4326), ST_SetSRID(ST_MakePoint(x + 0.1, y + 0.075), 4326), t - interval '2 h', t - interval '1 h',
    t - interval '2 h', t - interval '1 h', 'class' || s % 6, 'sensor' || s % 40, 'coll' || s % 5000, 'task' || s % 10, NOT made,
    CASE WHEN NOT made THEN t END, CASE WHEN made THEN j.id END, CASE WHEN made THEN j.id END, CASE WHEN made THEN j.job_type_id END,
    CASE WHEN made THEN 'OUT' END, CASE WHEN made THEN j.recipe_id END, CASE WHEN made THEN 'node' || n % 5 END,
    CASE WHEN made THEN 1 + j.recipe_id % 20 END, CASE WHEN made AND j.recipe_id % 4 = 0 THEN 1 + (j.recipe_id / 4) % 200 END,
    made, made, false, CASE WHEN made THEN t END
  FROM (SELECT n, n % 5 <> 0 made, 1 + (n / 2) % ({rows} * 4 / 10) run, (random() * 1e6)::int s,
      timestamptz '2023-01-01' + random() * interval '1095 days' t, -170 + random() * 339 x, -80 + random() * 160 y
    FROM generate_series(1, {rows}) n) f LEFT JOIN job j ON j.id = f.run ORDER BY n;
INSERT INTO scale_file_countries (scalefile_id, countrydata_id)
  SELECT n, 1 + floor(200 * power(random(), 2))::int % 200 FROM generate_series(1, {rows}) n WHERE n % 10 <> 0;
INSERT INTO scale_file_countries (scalefile_id, countrydata_id)
  SELECT n, c FROM (SELECT n, 1 + floor(200 * power(random(), 2))::int % 200 c FROM generate_series(1, {rows}, 10) n) x
  WHERE NOT EXISTS (SELECT 1 FROM scale_file_countries q WHERE q.scalefile_id = n AND q.countrydata_id = c);
