-- What a list of files of Scale's reads: the columns of its tables, and of each
-- the types. References to tables that the list does not read are numbers.
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE TABLE workspace (id serial PRIMARY KEY, name varchar(50) NOT NULL UNIQUE, title varchar(50), description varchar(500),
  base_url varchar(200), is_active bool NOT NULL, json_config jsonb NOT NULL, is_move_enabled bool NOT NULL,
  created timestamptz NOT NULL, deprecated timestamptz, last_modified timestamptz NOT NULL);
CREATE TABLE country_data (id serial PRIMARY KEY, name varchar(128) NOT NULL, fips varchar(2) NOT NULL, gmi varchar(3) NOT NULL,
  iso2 varchar(2) NOT NULL, iso3 varchar(3) NOT NULL, iso_num int NOT NULL, border geometry(GEOMETRY, 4326) NOT NULL,
  effective timestamptz NOT NULL, is_deleted bool NOT NULL, created timestamptz NOT NULL, deleted timestamptz, last_modified timestamptz NOT NULL);
CREATE TABLE job_type (id serial PRIMARY KEY, name varchar(50) NOT NULL, version varchar(50) NOT NULL, version_array int[],
  is_system bool NOT NULL, is_long_running bool NOT NULL, is_active bool NOT NULL, is_paused bool NOT NULL, is_published bool NOT NULL,
  unmet_resources varchar(250), max_scheduled int, max_tries int NOT NULL, icon_code varchar(20), revision_num int NOT NULL,
  docker_image varchar(500) NOT NULL, manifest jsonb NOT NULL, configuration jsonb NOT NULL,
  created timestamptz NOT NULL, deprecated timestamptz, paused timestamptz, last_modified timestamptz NOT NULL);
CREATE TABLE recipe_type (id serial PRIMARY KEY, name varchar(50) NOT NULL UNIQUE, title varchar(50), description varchar(500),
  is_system bool NOT NULL, is_active bool NOT NULL, definition jsonb NOT NULL, revision_num int NOT NULL,
  created timestamptz NOT NULL, deprecated timestamptz, last_modified timestamptz NOT NULL);
CREATE TABLE batch (id serial PRIMARY KEY, title varchar(50), description text, recipe_type_id int NOT NULL, recipe_type_rev_id int NOT NULL,
  event_id int NOT NULL, creator_job_id int, definition jsonb NOT NULL, configuration jsonb NOT NULL, is_creation_done bool NOT NULL,
  is_superseded bool NOT NULL, root_batch_id int, superseded_batch_id int, jobs_total int NOT NULL, jobs_pending int NOT NULL,
  jobs_blocked int NOT NULL, jobs_queued int NOT NULL, jobs_running int NOT NULL, jobs_failed int NOT NULL, jobs_completed int NOT NULL,
  jobs_canceled int NOT NULL, recipes_estimated int NOT NULL, recipes_total int NOT NULL, recipes_completed int NOT NULL,
  created timestamptz NOT NULL, superseded timestamptz, last_modified timestamptz NOT NULL);
CREATE TABLE recipe (id serial PRIMARY KEY, recipe_type_id int NOT NULL, recipe_type_rev_id int NOT NULL, event_id int, ingest_event_id int,
  root_recipe_id int, recipe_id int, batch_id int, is_superseded bool NOT NULL, root_superseded_recipe_id int, superseded_recipe_id int,
  input jsonb NOT NULL, input_file_size float8, configuration jsonb, source_started timestamptz, source_ended timestamptz,
  source_sensor_class text, source_sensor text, source_collection text, source_task text, jobs_total int NOT NULL, jobs_pending int NOT NULL,
  jobs_blocked int NOT NULL, jobs_queued int NOT NULL, jobs_running int NOT NULL, jobs_failed int NOT NULL, jobs_completed int NOT NULL,
  jobs_canceled int NOT NULL, sub_recipes_total int NOT NULL, sub_recipes_completed int NOT NULL, is_completed bool NOT NULL,
  created timestamptz NOT NULL, completed timestamptz, superseded timestamptz, last_modified timestamptz NOT NULL);
CREATE TABLE job (id serial PRIMARY KEY, job_type_id int NOT NULL, job_type_rev_id int NOT NULL, event_id int, ingest_event_id int,
  root_recipe_id int, recipe_id int, batch_id int, is_superseded bool NOT NULL, root_superseded_job_id int, superseded_job_id int,
  delete_superseded bool NOT NULL, status varchar(50) NOT NULL, node_id int, error_id int, max_tries int NOT NULL, num_exes int NOT NULL,
  input jsonb, input_file_size float8, output jsonb, configuration jsonb, source_started timestamptz, source_ended timestamptz,
  source_sensor_class text, source_sensor text, source_collection text, source_task text, created timestamptz NOT NULL, queued timestamptz,
  started timestamptz, ended timestamptz, last_status_change timestamptz, superseded timestamptz, last_modified timestamptz NOT NULL);
CREATE TABLE job_exe (id serial PRIMARY KEY, job_id int NOT NULL, job_type_id int, recipe_id int, batch_id int, exe_num int,
  cluster_id varchar(100), node_id int, docker_image text, timeout int NOT NULL, input_file_size float8, resources jsonb NOT NULL,
  configuration jsonb NOT NULL, queued timestamptz NOT NULL, started timestamptz, created timestamptz NOT NULL);
CREATE TABLE scale_file (id serial PRIMARY KEY, file_name varchar(250) NOT NULL, file_type varchar(50) NOT NULL, media_type varchar(250) NOT NULL,
  file_size bigint NOT NULL, data_type_tags varchar(250)[] NOT NULL, file_path varchar(1000) NOT NULL, workspace_id int NOT NULL,
  is_deleted bool NOT NULL, uuid varchar(32) NOT NULL, created timestamptz NOT NULL, deleted timestamptz, last_modified timestamptz NOT NULL,
  meta_data jsonb NOT NULL, geometry geometry(GEOMETRY, 4326), center_point geometry(POINT, 4326), data_started timestamptz, data_ended timestamptz,
  source_started timestamptz, source_ended timestamptz, source_sensor_class text, source_sensor text, source_collection text, source_task text,
  is_parsed bool NOT NULL, parsed timestamptz, job_exe_id int, job_id int, job_type_id int, job_output varchar(250), recipe_id int,
  recipe_node varchar(250), recipe_type_id int, batch_id int, has_been_published bool NOT NULL, is_published bool NOT NULL,
  is_superseded bool NOT NULL, published timestamptz, unpublished timestamptz, superseded timestamptz);
CREATE TABLE scale_file_countries (id serial PRIMARY KEY, scalefile_id int NOT NULL, countrydata_id int NOT NULL);
