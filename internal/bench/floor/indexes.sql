-- The indexes that its framework makes: one for each reference and each field
-- that is declared to have one, of texts a second for patterns.
DO $$ DECLARE c text; BEGIN
  FOREACH c IN ARRAY ARRAY['created', 'last_modified', 'data_started', 'data_ended', 'source_started', 'source_ended', 'workspace_id',
      'job_exe_id', 'job_id', 'job_type_id', 'recipe_id', 'recipe_type_id', 'batch_id', 'file_name', 'file_type', 'uuid',
      'source_sensor_class', 'source_sensor', 'source_collection', 'source_task'] LOOP
    EXECUTE format('CREATE INDEX ON scale_file (%I)', c);
  END LOOP;
  FOREACH c IN ARRAY ARRAY['file_name', 'file_type', 'uuid'] LOOP
    EXECUTE format('CREATE INDEX ON scale_file (%I varchar_pattern_ops)', c);
  END LOOP;
  FOREACH c IN ARRAY ARRAY['source_sensor_class', 'source_sensor', 'source_collection', 'source_task'] LOOP
    EXECUTE format('CREATE INDEX ON scale_file (%I text_pattern_ops)', c);
  END LOOP;
END $$;
CREATE INDEX ON scale_file USING gist (geometry);
CREATE INDEX ON scale_file USING gist (center_point);
CREATE UNIQUE INDEX ON scale_file_countries (scalefile_id, countrydata_id);
CREATE INDEX ON scale_file_countries (scalefile_id);
CREATE INDEX ON scale_file_countries (countrydata_id);
CREATE INDEX ON job_type (name);
CREATE INDEX ON job_type (name varchar_pattern_ops);
CREATE UNIQUE INDEX ON job_type (name, version);
CREATE UNIQUE INDEX ON job_exe (job_id, exe_num);
CREATE INDEX ON job (job_type_id);
CREATE INDEX ON job (recipe_id);
CREATE INDEX ON job (status);
CREATE INDEX ON recipe (recipe_type_id);
CREATE INDEX ON recipe (batch_id);
CREATE UNIQUE INDEX ON country_data (name, effective);
