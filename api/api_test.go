package api

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoad(t *testing.T) {
	names, err := Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		doc, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if !doc.IsOpenAPI31OrLater() {
			t.Errorf("%s is OpenAPI %s, want 3.1", name, doc.OpenAPI)
		}
	}
	if _, err := Load("none.yaml"); err == nil {
		t.Error("a document that does not exist was loaded")
	}
}

// TestOperations names every operation, so that none gets lost unnoticed.
func TestOperations(t *testing.T) {
	operations := map[string]string{
		OpenLineage: `postLineage`,
		EvoFileV2: `authorize createWorkspace deleteFileByID deleteFileByPath deleteWorkspace discover discoverAtWorkspaces fileHealth
			getBlob getBlobProperties getBlockList getCurrentUserRole getDocument getFileByID getFileByPath
			getIssuerConfiguration getKeys getWorkspace grantRole healthz listFiles listWorkspaceSummaries
			listWorkspaceUsers listWorkspaces metrics preflightBlob putBlob putBlock putBlockList readDocuments readyz
			restoreWorkspace revokeRole submitSignIn token updateFileByID updateWorkspace upsertFileByPath workspaceHealth`,
		ScaleV6: `cancelScaleScan createScaleScan createScaleStrike createScaleWorkspace editScaleScan editScaleStrike
			editScaleWorkspace getScaleBatch getScaleError getScaleExecution getScaleFile getScaleFileContent
			getScaleIngest getScaleIngestStatus getScaleJob getScaleJobType getScaleJobTypeRevision getScaleNode
			getScaleProfile getScaleRecipe getScaleRecipeType getScaleRecipeTypeRevision getScaleScan getScaleScheduler
			getScaleStatus getScaleStrike getScaleVersion getScaleWorkspace listScaleBatches listScaleErrors
			listScaleExecutions listScaleFiles listScaleIngestJobs listScaleIngests listScaleJobInputs
			listScaleJobTypeNames listScaleJobTypeRevisions listScaleJobTypeStatus listScaleJobTypeVersions
			listScaleJobTypes listScaleJobs listScaleLoad listScaleMetrics listScaleNodes listScalePendingTypes listScaleQueue
			listScaleRecipeInputs listScaleRecipeTypeRevisions listScaleRecipeTypes listScaleRecipes
			listScaleRunningTypes listScaleScans listScaleStrikes listScaleSystemFailures listScaleWorkspaces
			processScaleScan purgeScaleSource validateScaleScan validateScaleStrike validateScaleWorkspace`,
		CoreshedV1: `addHold addOutputs askScrub cancelRun clearDistrust completeBatch completeRecipe completeRun editWorkspace
			executePurge failRun findVersion getAuditCheckpoint getAuditConsistency getAuditProof getBatch
			getContent getDescription getHold getLineage getPurge getPurgeReport getRecipe getRun getVersion
			getWorkspace liftBarriers liftHold listAudit listBarriers listBatches listDamaged listHolds listInputs
			listOutputs listPurgeEntries listPurgeItems listPurges listRecipes listRuns listScrubs listStaleRuns planPurge publishRun
			putDescription putDistrust recordBatch recordRecipe recordRun setCondition startRun stopPurge
			unpublishRun updateRun`,
	}
	names, err := Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		doc, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, item := range doc.Paths.Map() {
			for _, op := range item.Operations() {
				got = append(got, op.OperationID)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(strings.Fields(operations[name]), got); diff != "" {
			t.Errorf("operations of %s (-want +got):\n%s", name, diff)
		}
	}
}

// TestComponentsUsed finds what was left behind when its last user went.
func TestComponentsUsed(t *testing.T) {
	names, err := Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		wantAllUsed(t, name)
	}
}

func wantAllUsed(t *testing.T, document string) {
	t.Helper()
	text, err := FS.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := Load(document)
	if err != nil {
		t.Fatal(err)
	}
	for name := range doc.Components.Schemas {
		wantUsed(t, text, "schemas/"+name)
	}
	for name := range doc.Components.Responses {
		wantUsed(t, text, "responses/"+name)
	}
	for name := range doc.Components.Parameters {
		wantUsed(t, text, "parameters/"+name)
	}
	for name := range doc.Components.Headers {
		wantUsed(t, text, "headers/"+name)
	}
}

func wantUsed(t *testing.T, text []byte, component string) {
	t.Helper()
	if !bytes.Contains(text, []byte("'#/components/"+component+"'")) {
		t.Errorf("component %s is never used", component)
	}
}

func TestHandler(t *testing.T) {
	h := Handler()
	document, err := FS.ReadFile(EvoFileV2)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		method, path string
		status       int
		contentType  string
		body         string // part of it
	}{
		{"GET", "/api/", 200, "text/html; charset=utf-8", "getFileByPath"},
		{"GET", "/api/" + EvoFileV2, 200, "application/yaml", string(document)},
		{"GET", "/api/none.yaml", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/api/%2e%2e%2fgo.mod", 404, "text/plain; charset=utf-8", ""},
		{"POST", "/api/", 405, "text/plain; charset=utf-8", ""},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.status || w.Header().Get("Content-Type") != tt.contentType || !strings.Contains(w.Body.String(), tt.body) {
			t.Errorf("%s %s answered %d %s %.200q", tt.method, tt.path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
}

// TestPage reads the page as a browser would: well formed, every operation on
// it, no link into nothing, nothing from elsewhere.
func TestPage(t *testing.T) {
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/", nil))
	page := w.Body.String()
	wellFormed(t, page)
	for _, link := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		target, inPage := strings.CutPrefix(link[1], "#")
		if inPage && !strings.Contains(page, `id="`+target+`"`) || !inPage && !strings.HasPrefix(target, "/api/") {
			t.Errorf("link to %s", link[1])
		}
	}
	if strings.Contains(page, "src=") || strings.Contains(page, "@import") {
		t.Error("the page loads something")
	}
	names, err := Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		doc, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range doc.Paths.Map() {
			for _, op := range item.Operations() {
				if !strings.Contains(page, `<details id="`+op.OperationID+`"`) {
					t.Errorf("operation %s is not on the page", op.OperationID)
				}
			}
		}
	}
}

func wellFormed(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("page is not well formed: %v", err)
		}
	}
}
