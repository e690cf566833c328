package scaleapi

// ingestRoutes are the routes of what finds files, and of what was found.
func (a *api) ingestRoutes() []route {
	return []route{
		{"GET", "/strikes/", read, a.listStrikes},
		{"POST", "/strikes/", change, a.createStrike},
		{"POST", "/strikes/validation/", read, a.validateStrike},
		{"GET", "/strikes/{id}/", read, a.getStrike},
		{"PATCH", "/strikes/{id}/", change, a.editStrike},

		{"GET", "/scans/", read, a.listScans},
		{"POST", "/scans/", change, a.createScan},
		{"POST", "/scans/validation/", read, a.validateScan},
		{"POST", "/scans/cancel/{id}/", change, a.cancelScan},
		{"GET", "/scans/{id}/", read, a.getScan},
		{"PATCH", "/scans/{id}/", change, a.editScan},
		{"POST", "/scans/{id}/process/", change, a.processScan},

		{"GET", "/ingests/", read, a.listIngests},
		{"GET", "/ingests/status/", read, a.ingestStatus},
		{"GET", "/ingests/{id}/", read, a.getIngest},
		{"GET", "/ingests/{id}/jobs/", read, a.listIngestJobs},
	}
}
