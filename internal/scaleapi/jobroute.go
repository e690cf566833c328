package scaleapi

// jobRoutes are the routes of what was made by what: jobs, recipes, batches and
// their types. Coreshed records these and starts none, so that all are read.
func (a *api) jobRoutes() []route {
	return []route{
		{"GET", "/jobs/", read, a.listJobs},
		{"GET", "/jobs/{id}/", read, a.getJob},
		{"GET", "/jobs/{id}/executions/", read, a.listExecutions},
		{"GET", "/jobs/{id}/executions/{num}/", read, a.getExecution},
		{"GET", "/jobs/{id}/input_files/", read, a.listJobInputs},

		{"GET", "/job-type-names/", read, a.listJobTypeNames},
		{"GET", "/job-types/", read, a.listJobTypes},
		{"GET", "/job-types/status/", read, a.listJobTypeStatus},
		{"GET", "/job-types/pending/", read, a.listPendingTypes},
		{"GET", "/job-types/running/", read, a.listRunningTypes},
		{"GET", "/job-types/system-failures/", read, a.listSystemFailures},
		{"GET", "/job-types/{name}/", read, a.listJobTypeVersions},
		{"GET", "/job-types/{name}/{version}/", read, a.getJobType},
		{"GET", "/job-types/{name}/{version}/revisions/", read, a.listJobTypeRevisions},
		{"GET", "/job-types/{name}/{version}/revisions/{num}/", read, a.getJobTypeRevision},

		{"GET", "/recipes/", read, a.listRecipes},
		{"GET", "/recipes/{id}/", read, a.getRecipe},
		{"GET", "/recipes/{id}/input_files/", read, a.listRecipeInputs},
		{"GET", "/recipe-types/", read, a.listRecipeTypes},
		{"GET", "/recipe-types/{name}/", read, a.getRecipeType},
		{"GET", "/recipe-types/{name}/revisions/", read, a.listRecipeTypeRevisions},
		{"GET", "/recipe-types/{name}/revisions/{num}/", read, a.getRecipeTypeRevision},

		{"GET", "/batches/", read, a.listBatches},
		{"GET", "/batches/{id}/", read, a.getBatch},
	}
}
