package store

import (
	"context"
	"slices"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/killpoint"
)

// runs removes runs, with their tries and all that was recorded of them.
func (r *removal) runs(ctx context.Context, t tx, ids []int64) error {
	uploads, err := r.uploadsOf(ctx, t, ids)
	if err != nil {
		return err
	}
	if err := r.uploads(ctx, t, uploads); err != nil {
		return err
	}
	events, err := r.eventsOf(ctx, t, `jobs`, ids)
	if err != nil {
		return err
	}
	data, err := r.idsOf(ctx, t, `SELECT DISTINCT dataset_id FROM job_datasets WHERE job_id IN (IDS)`, ids)
	if err != nil {
		return err
	}
	const tries = `SELECT id FROM job_exes WHERE job_id IN (IDS)`
	n, err := r.each(ctx, t, ids,
		`INSERT INTO tombstones (kind, item_id, purge_id, workspace_id, removed_at) SELECT 1, id, PURGE, workspace_id, NOW FROM jobs WHERE id IN (IDS) ON CONFLICT DO NOTHING`,
		`INSERT INTO tombstone_edges (run_id, version_id, output) SELECT DISTINCT job_id, version_row, 0 FROM job_inputs WHERE job_id IN (IDS) ON CONFLICT DO NOTHING`,
		`DELETE FROM task_updates WHERE job_exe_id IN (`+tries+`)`,
		`DELETE FROM job_exe_outputs WHERE job_exe_id IN (`+tries+`)`,
		`DELETE FROM job_exe_ends WHERE job_exe_id IN (`+tries+`)`,
		`DELETE FROM ancestry WHERE job_id IN (IDS)`,
		`DELETE FROM job_exes WHERE job_id IN (IDS)`,
		`DELETE FROM recipe_nodes WHERE job_id IN (IDS)`,
		`DELETE FROM job_inputs WHERE job_id IN (IDS)`,
		`DELETE FROM job_outputs WHERE job_id IN (IDS)`,
		`DELETE FROM queue WHERE job_id IN (IDS)`,
		`DELETE FROM job_datasets WHERE job_id IN (IDS)`,
		`DELETE FROM lineage_events WHERE lineage_run IN (SELECT id FROM lineage_runs WHERE job_id IN (IDS))`,
		`DELETE FROM lineage_runs WHERE job_id IN (IDS)`,
		`UPDATE ingests SET job_id = NULL WHERE job_id IN (IDS)`,
		`UPDATE jobs SET superseded_job_id = NULL WHERE superseded_job_id IN (IDS)`,
		`UPDATE jobs SET root_superseded_job_id = NULL WHERE root_superseded_job_id IN (IDS)`,
		`UPDATE purge_items SET state = 1 WHERE purge_id = PURGE AND kind = 1 AND item_id IN (IDS)`,
		`DELETE FROM jobs WHERE id IN (IDS)`)
	if err != nil {
		return err
	}
	killpoint.Reach("purge.runs.removed")
	if err := r.eraseAudit(ctx, t, coreshed.AuditRun, ids); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE purges SET runs_gone = runs_gone + $2 WHERE id = $1`, r.purge, n); err != nil {
		return err
	}
	if len(data) > 0 {
		if _, err := r.each(ctx, t, data, `DELETE FROM datasets WHERE id IN (IDS) AND NOT EXISTS (SELECT 1 FROM job_datasets d WHERE d.dataset_id = datasets.id)`); err != nil {
			return err
		}
	}
	return r.endEvents(ctx, t, events)
}

// recipes removes recipes. Others that name them go on without.
func (r *removal) recipes(ctx context.Context, t tx, ids []int64) error {
	events, err := r.eventsOf(ctx, t, `recipes`, ids)
	if err != nil {
		return err
	}
	shown, err := r.idsOf(ctx, t, `SELECT id FROM versions WHERE recipe_id IN (IDS)`, ids)
	if err != nil {
		return err
	}
	if err := changeEntries(ctx, t, shown, assignment{"recipe_id", nil}, assignment{"recipe_type_id", nil}, assignment{"recipe_node", nil}); err != nil {
		return err
	}
	n, err := r.each(ctx, t, ids,
		`INSERT INTO tombstones (kind, item_id, purge_id, workspace_id, removed_at) SELECT 2, id, PURGE, workspace_id, NOW FROM recipes WHERE id IN (IDS) ON CONFLICT DO NOTHING`,
		`DELETE FROM recipe_nodes WHERE recipe_id IN (IDS)`,
		`DELETE FROM recipe_nodes WHERE sub_recipe_id IN (IDS)`,
		`DELETE FROM recipe_conditions WHERE recipe_id IN (IDS)`,
		`DELETE FROM recipe_inputs WHERE recipe_id IN (IDS)`,
		`UPDATE jobs SET recipe_id = NULL, recipe_node = NULL WHERE recipe_id IN (IDS)`,
		`UPDATE jobs SET root_recipe_id = NULL WHERE root_recipe_id IN (IDS)`,
		`UPDATE recipes SET recipe_id = NULL WHERE recipe_id IN (IDS)`,
		`UPDATE recipes SET root_recipe_id = NULL WHERE root_recipe_id IN (IDS)`,
		`UPDATE recipes SET superseded_recipe_id = NULL WHERE superseded_recipe_id IN (IDS)`,
		`UPDATE recipes SET root_superseded_recipe_id = NULL WHERE root_superseded_recipe_id IN (IDS)`,
		`UPDATE purge_items SET state = 1 WHERE purge_id = PURGE AND kind = 2 AND item_id IN (IDS)`,
		`DELETE FROM recipes WHERE id IN (IDS)`)
	if err != nil {
		return err
	}
	killpoint.Reach("purge.recipes.removed")
	if err := r.eraseAudit(ctx, t, coreshed.AuditRecipe, ids); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE purges SET recipes_gone = recipes_gone + $2 WHERE id = $1`, r.purge, n); err != nil {
		return err
	}
	return r.endEvents(ctx, t, events)
}

// uploadsOf returns the uploads that runs wait for.
func (r *removal) uploadsOf(ctx context.Context, t tx, runs []int64) ([]int64, error) {
	return r.idsOf(ctx, t, `SELECT id FROM uploads WHERE job_exe_id IN (SELECT id FROM job_exes WHERE job_id IN (IDS)) ORDER BY id`, runs)
}

// eventsOf returns what caused runs or recipes, and ingest events that did, as
// negative ids.
func (r *removal) eventsOf(ctx context.Context, t tx, table string, ids []int64) ([]int64, error) {
	return r.idsOf(ctx, t, `SELECT event_id FROM `+table+` WHERE event_id IS NOT NULL AND id IN (IDS)
		UNION SELECT -ingest_event_id FROM `+table+` WHERE ingest_event_id IS NOT NULL AND id IN (IDS) ORDER BY 1`, ids)
}

// endEvents removes events that nothing names any more.
func (r *removal) endEvents(ctx context.Context, t tx, events []int64) error {
	var causes, ingests []int64
	for _, id := range events {
		if id > 0 {
			causes = append(causes, id)
		} else {
			ingests = append(ingests, -id)
		}
	}
	slices.Sort(ingests)
	if len(causes) > 0 {
		if _, err := r.each(ctx, t, causes, `DELETE FROM trigger_events WHERE id IN (IDS)
			AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.event_id = trigger_events.id)
			AND NOT EXISTS (SELECT 1 FROM recipes r WHERE r.event_id = trigger_events.id)
			AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.event_id = trigger_events.id)
			AND NOT EXISTS (SELECT 1 FROM purges p WHERE p.event_id = trigger_events.id)`); err != nil {
			return err
		}
	}
	if len(ingests) == 0 {
		return nil
	}
	_, err := r.each(ctx, t, ingests, `DELETE FROM ingest_events WHERE id IN (IDS)
		AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.ingest_event_id = ingest_events.id)
		AND NOT EXISTS (SELECT 1 FROM recipes r WHERE r.ingest_event_id = ingest_events.id)`)
	return err
}

func (r *removal) idsOf(ctx context.Context, t tx, query string, ids []int64) ([]int64, error) {
	c := &conditions{}
	return all(ctx, t, value[int64], expand(query, c, t.db().dialect, ids), c.args...)
}
