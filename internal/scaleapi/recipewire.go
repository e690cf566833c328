package scaleapi

import (
	"encoding/json"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// recipe is a run of a recipe type as lists show it.
type recipe struct {
	ID               int64            `json:"id"`
	RecipeType       *recipeTypeRef   `json:"recipe_type"`
	RecipeTypeRev    recipeTypeRevRef `json:"recipe_type_rev"`
	Event            *event           `json:"event"`
	IngestEvent      *ref             `json:"ingest_event"`
	Batch            *batchRef        `json:"batch"`
	Recipe           *ref             `json:"recipe"`
	IsSuperseded     bool             `json:"is_superseded"`
	SupersededRecipe *ref             `json:"superseded_recipe"`
	InputFileSize    float64          `json:"input_file_size"`
	sources
	jobCounts
	SubRecipesTotal     int64   `json:"sub_recipes_total"`
	SubRecipesCompleted int64   `json:"sub_recipes_completed"`
	IsCompleted         bool    `json:"is_completed"`
	Created             string  `json:"created"`
	Completed           *string `json:"completed"`
	Superseded          *string `json:"superseded"`
	LastModified        string  `json:"last_modified"`
}

type recipeDetails struct {
	recipe
	RecipeTypeRev        recipeTypeRev   `json:"recipe_type_rev"`
	Event                *eventDetails   `json:"event"`
	RootRecipe           *ref            `json:"root_recipe"`
	RootSupersededRecipe *ref            `json:"root_superseded_recipe"`
	SupersededByRecipe   *ref            `json:"superseded_by_recipe"`
	Input                data            `json:"input"`
	JobTypes             []jobTypeRef    `json:"job_types"`
	SubRecipeTypes       []recipeTypeRef `json:"sub_recipe_types"`
	Details              nodes           `json:"details"`
}

type recipeTypeRevRef struct {
	ID          *int64 `json:"id"`
	RecipeType  ref    `json:"recipe_type"`
	RevisionNum int64  `json:"revision_num"`
}

type recipeTypeRev struct {
	recipeTypeRevRef
	RecipeType *recipeTypeRef  `json:"recipe_type"`
	Definition json.RawMessage `json:"definition"`
	Created    *string         `json:"created"`
}

// jobCounts are jobs by what became of them.
type jobCounts struct {
	Total     int64 `json:"jobs_total"`
	Pending   int64 `json:"jobs_pending"`
	Blocked   int64 `json:"jobs_blocked"`
	Queued    int64 `json:"jobs_queued"`
	Running   int64 `json:"jobs_running"`
	Failed    int64 `json:"jobs_failed"`
	Completed int64 `json:"jobs_completed"`
	Canceled  int64 `json:"jobs_canceled"`
}

// nodes are the nodes of a recipe by their names.
type nodes struct {
	Nodes map[string]recipeNode `json:"nodes"`
}

type recipeNode struct {
	Dependencies []dependsOn `json:"dependencies"`
	IsOriginal   bool        `json:"is_original"`
	NodeType     any         `json:"node_type"` // jobNode, subRecipeNode or conditionNode
}

type dependsOn struct {
	Name string `json:"name"`
}

type jobNode struct {
	NodeType        string `json:"node_type"`
	JobTypeName     string `json:"job_type_name"`
	JobTypeVersion  string `json:"job_type_version"`
	JobTypeRevision int64  `json:"job_type_revision"`
	JobID           int64  `json:"job_id"`
	Status          string `json:"status"`
}

type subRecipeNode struct {
	NodeType           string `json:"node_type"`
	RecipeTypeName     string `json:"recipe_type_name"`
	RecipeTypeRevision int64  `json:"recipe_type_revision"`
	RecipeID           int64  `json:"recipe_id"`
	IsCompleted        bool   `json:"is_completed"`
	jobCounts
}

type conditionNode struct {
	NodeType    string `json:"node_type"`
	ConditionID int64  `json:"condition_id"`
	IsProcessed bool   `json:"is_processed"`
	IsAccepted  bool   `json:"is_accepted"`
}

func recipeOf(r coreshed.Recipe) recipe {
	return recipe{
		ID: r.ID, RecipeType: recipeTypeOf(&r.Type), RecipeTypeRev: recipeTypeRevOf(r), Event: eventOf(r.Event), IngestEvent: refOf(r.IngestEvent),
		Batch: batchOf(r.Batch), Recipe: refOf(r.Parent), IsSuperseded: !r.SupersededAt.IsZero(), SupersededRecipe: refOf(r.Supersedes),
		InputFileSize: mebibytes(r.InputSize), sources: sourcesOf(r.Sources), jobCounts: jobCountsOf(r.Counts.Jobs),
		SubRecipesTotal: r.Counts.SubRecipes, SubRecipesCompleted: r.Counts.SubRecipesComplete, IsCompleted: !r.CompletedAt.IsZero(),
		Created: stamp(r.CreatedAt), Completed: stampOrNull(r.CompletedAt), Superseded: stampOrNull(r.SupersededAt), LastModified: stamp(r.ModifiedAt),
	}
}

func recipeTypeRevOf(r coreshed.Recipe) recipeTypeRevRef {
	return recipeTypeRevRef{ID: known(r.Revision.ID), RecipeType: ref{r.Type.ID}, RevisionNum: r.Revision.Number}
}

func jobCountsOf(by map[coreshed.RunStatus]int64) jobCounts {
	c := jobCounts{
		Pending: by[coreshed.Pending], Blocked: by[coreshed.Blocked], Queued: by[coreshed.Queued], Running: by[coreshed.Running],
		Failed: by[coreshed.Failed], Completed: by[coreshed.Completed], Canceled: by[coreshed.Canceled],
	}
	for _, n := range by {
		c.Total += n
	}
	return c
}

// batch is a batch as lists show it.
type batch struct {
	batchRef
	RecipeType      *recipeTypeRef    `json:"recipe_type"`
	RecipeTypeRev   *recipeTypeRevRef `json:"recipe_type_rev"`
	Event           *event            `json:"event"`
	IsSuperseded    bool              `json:"is_superseded"`
	RootBatch       *batchRef         `json:"root_batch"`
	SupersededBatch *batchRef         `json:"superseded_batch"`
	IsCreationDone  bool              `json:"is_creation_done"`
	jobCounts
	RecipesEstimated int64   `json:"recipes_estimated"`
	RecipesTotal     int64   `json:"recipes_total"`
	RecipesCompleted int64   `json:"recipes_completed"`
	Superseded       *string `json:"superseded"`
	LastModified     string  `json:"last_modified"`
}

type batchDetails struct {
	batch
	Event         *eventDetails   `json:"event"`
	Definition    json.RawMessage `json:"definition"`
	Configuration json.RawMessage `json:"configuration"`
}

// batchEntryOf is a batch, with those before it that the caller sees. One without
// a recipe type has an empty one: in Scale there is no such batch.
func batchEntryOf(b store.BatchEntry, before map[int64]*batchRef) batch {
	out := batch{
		batchRef: *batchOf(&b.Batch), RecipeType: &recipeTypeRef{}, Event: eventOf(b.Event), IsSuperseded: !b.SupersededAt.IsZero(),
		RootBatch: before[b.Root], SupersededBatch: before[b.Supersedes], IsCreationDone: b.CreationDone, jobCounts: jobCountsOf(b.Jobs),
		RecipesEstimated: b.Estimated, RecipesTotal: b.Recipes, RecipesCompleted: b.RecipesCompleted,
		Superseded: stampOrNull(b.SupersededAt), LastModified: stamp(b.ModifiedAt),
	}
	if b.RecipeType != nil {
		out.RecipeType = recipeTypeOf(b.RecipeType)
	}
	if b.RecipeType != nil && b.Revision.Number != 0 {
		out.RecipeTypeRev = &recipeTypeRevRef{known(b.Revision.ID), ref{b.RecipeType.ID}, b.Revision.Number}
	}
	return out
}
