package nativeapi

import (
	"net/http"

	"github.com/coreshed/coreshed"
)

// route is one operation. A segment of the pattern in braces is an id.
type route struct {
	method, pattern string
	role            coreshed.Role // that the caller must have in {workspace}, where there is one
	handle          func(http.ResponseWriter, *request) error
}

// Operation makes it a web.Route.
func (rt route) Operation() (method, pattern string) { return rt.method, rt.pattern }

const (
	base       = "/coreshed/v1"
	workspaces = base + "/workspaces/{workspace}"
	version    = base + "/versions/{id}"
	runs       = base + "/runs"
	aRun       = runs + "/{id}"
	recipes    = base + "/recipes"
	aRecipe    = recipes + "/{id}"
	batches    = base + "/batches"
	aBatch     = batches + "/{id}"
	holds      = base + "/holds"
	aHold      = holds + "/{id}"
	purges     = base + "/purges"
	aPurge     = purges + "/{purge}"
	scrubs     = base + "/scrubs"
	auditLog   = base + "/audit"
)

// table is every route.
func (a *api) table() []route {
	const none, viewer, editor, owner = coreshed.NoRole, coreshed.Viewer, coreshed.Editor, coreshed.Owner
	return []route{
		{"GET", workspaces, viewer, a.getWorkspace},
		{"PATCH", workspaces, owner, a.editWorkspace},
		{"GET", workspaces + "/version", viewer, a.findVersion},
		{"GET", workspaces + "/barriers", viewer, a.listBarriers},
		{"POST", workspaces + "/barriers/lift", owner, a.liftBarriers},
		{"GET", version, none, a.getVersion},
		{"GET", version + "/description", none, a.getDescription},
		{"PUT", version + "/description", none, a.putDescription},
		{"GET", version + "/content", none, a.getContent},
		{"GET", version + "/lineage", none, a.getLineage},
		{"PUT", version + "/distrust", none, a.putDistrust},
		{"DELETE", version + "/distrust", none, a.clearDistrust},
		{"GET", version + "/stale-runs", none, a.staleRuns},

		{"POST", workspaces + "/runs", editor, a.recordRun},
		{"GET", runs, none, a.listRuns},
		{"GET", aRun, none, a.getRun},
		{"PATCH", aRun, none, a.updateRun},
		{"GET", aRun + "/inputs", none, a.runInputs},
		{"GET", aRun + "/outputs", none, a.runOutputs},
		{"POST", aRun + "/outputs", none, a.addOutputs},
		{"POST", aRun + "/start", none, a.startRun},
		{"POST", aRun + "/complete", none, a.completeRun},
		{"POST", aRun + "/fail", none, a.failRun},
		{"POST", aRun + "/cancel", none, a.cancelRun},
		{"POST", aRun + "/publish", none, a.publishRun},
		{"POST", aRun + "/unpublish", none, a.unpublishRun},

		{"POST", workspaces + "/recipes", editor, a.recordRecipe},
		{"GET", recipes, none, a.listRecipes},
		{"GET", aRecipe, none, a.getRecipe},
		{"POST", aRecipe + "/complete", none, a.completeRecipe},
		{"POST", aRecipe + "/conditions", none, a.setCondition},

		{"POST", workspaces + "/batches", editor, a.recordBatch},
		{"GET", batches, none, a.listBatches},
		{"GET", aBatch, none, a.getBatch},
		{"POST", aBatch + "/complete", none, a.completeBatch},

		{"POST", holds, none, a.addHold},
		{"GET", holds, none, a.listHolds},
		{"GET", aHold, none, a.getHold},
		{"DELETE", aHold, none, a.liftHold},

		{"POST", purges, none, a.planPurge},
		{"GET", purges, none, a.listPurges},
		{"GET", aPurge, none, a.getPurge},
		{"GET", aPurge + "/items", none, a.purgeItems},
		{"GET", aPurge + "/audit", none, a.purgeEntries},
		{"GET", aPurge + "/report", none, a.purgeReport},
		{"POST", aPurge + "/execute", none, a.executePurge},
		{"POST", aPurge + "/stop", none, a.stopPurge},

		{"GET", scrubs, none, a.listScrubs},
		{"POST", scrubs, none, a.askScrub},
		{"GET", base + "/damaged", none, a.listDamaged},

		{"GET", auditLog, none, a.listAudit},
		{"GET", auditLog + "/checkpoint", none, a.auditCheckpoint},
		{"GET", auditLog + "/consistency", none, a.auditConsistency},
		{"GET", auditLog + "/{number}/proof", none, a.auditProof},
	}
}
