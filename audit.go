package coreshed

import (
	"encoding/json"
	"time"
)

// Operator is whoever runs the server: who works on its data folder or database
// with the command line.
var Operator = Actor{ClientID: "operator"}

// Nobody is who has not signed in, or not with what is good.
var Nobody = Actor{ClientID: "nobody"}

// Name is how the audit log names an actor: by the id of a person, "operator"
// for [Operator], "nobody" for [Nobody], "server" for what nobody has asked for.
func (a Actor) Name() string {
	switch {
	case a.ID != UUID{}:
		return a.ID.String()
	case a.ClientID == Operator.ClientID, a.ClientID == Nobody.ClientID:
		return a.ClientID
	}
	return "server"
}

// AuditEntry is an entry of the audit log: who has done, or tried, what to which
// thing. It has no names; those are in its details, which can be erased.
type AuditEntry struct {
	ID     int64
	Number int64 // its place in the log, from 0; -1 while it waits for one
	At     time.Time

	Org       int64  // row id; 0 for what concerns the whole server
	Actor     string // Actor.Name
	Action    AuditAction
	Kind      AuditKind // of the subject
	Subject   int64     // its row id; 0 for what has none
	Workspace int64     // row id; 0 for none
	Outcome   AuditOutcome

	Commitment []byte          // SHA-256 of the salt and the details
	Salt       []byte          // nil once they are erased
	Details    json.RawMessage // nil once they are erased
	ErasedBy   int64           // row id of the purge that did; 0 when none has
}

// AuditOutcome says what came of it.
type AuditOutcome string

// The outcomes.
const (
	AuditDone    AuditOutcome = "done"
	AuditRefused AuditOutcome = "refused"
)

// AuditKind is what a subject is.
type AuditKind string

// The kinds.
const (
	AuditFile         AuditKind = "file"
	AuditVersion      AuditKind = "version"
	AuditRun          AuditKind = "run"
	AuditRecipe       AuditKind = "recipe"
	AuditBatch        AuditKind = "batch"
	AuditWorkspace    AuditKind = "workspace"
	AuditStrike       AuditKind = "strike"
	AuditScan         AuditKind = "scan"
	AuditPerson       AuditKind = "person"
	AuditClient       AuditKind = "client"
	AuditKey          AuditKind = "key"
	AuditCountry      AuditKind = "country"
	AuditHold         AuditKind = "hold"
	AuditPurge        AuditKind = "purge"
	AuditBarrier      AuditKind = "barrier"
	AuditOrganisation AuditKind = "organisation"
	AuditScrub        AuditKind = "scrub"
	AuditRequest      AuditKind = "request"
)

// AuditKinds are all kinds.
var AuditKinds = []AuditKind{
	AuditFile, AuditVersion, AuditRun, AuditRecipe, AuditBatch, AuditWorkspace,
	AuditStrike, AuditScan, AuditPerson, AuditClient, AuditKey, AuditCountry,
	AuditHold, AuditPurge, AuditBarrier, AuditOrganisation, AuditScrub, AuditRequest,
}

// AuditAction is what was done or tried.
type AuditAction string

// The actions. Each is a word for what happened to a subject of its kind.
const (
	ActVersionUpload    AuditAction = "version.upload"
	ActVersionRegister  AuditAction = "version.register" // where it lies
	ActVersionMove      AuditAction = "version.move"     // in its folder or bucket
	ActVersionDescribe  AuditAction = "version.describe"
	ActVersionSupersede AuditAction = "version.supersede" // by a product that is the same thing
	ActVersionLoad      AuditAction = "version.load"      // many at once
	ActVersionDistrust  AuditAction = "version.distrust"  // it is marked as bad
	ActVersionTrust     AuditAction = "version.trust"     // the mark is taken away
	ActVersionDamage    AuditAction = "version.damage"    // its bytes are not what was recorded
	ActVersionHeal      AuditAction = "version.heal"      // they are again
	ActFileDelete       AuditAction = "file.delete"
	ActFileRestore      AuditAction = "file.restore"

	ActRunRecord      AuditAction = "run.record"
	ActRunChange      AuditAction = "run.change" // its inputs, outputs or facets
	ActRunStart       AuditAction = "run.start"
	ActRunEnd         AuditAction = "run.end"
	ActRunPublish     AuditAction = "run.publish"
	ActRunSupersede   AuditAction = "run.supersede"
	ActRunUnpublish   AuditAction = "run.unpublish"
	ActRecipeRecord   AuditAction = "recipe.record"
	ActRecipeChange   AuditAction = "recipe.change"
	ActRecipeComplete AuditAction = "recipe.complete"
	ActBatchRecord    AuditAction = "batch.record"
	ActBatchComplete  AuditAction = "batch.complete"

	ActWorkspaceMake    AuditAction = "workspace.make"
	ActWorkspaceChange  AuditAction = "workspace.change"
	ActWorkspaceDelete  AuditAction = "workspace.delete"
	ActWorkspaceRestore AuditAction = "workspace.restore"
	ActWorkspaceStorage AuditAction = "workspace.storage"
	ActRoleGrant        AuditAction = "role.grant"
	ActRoleRevoke       AuditAction = "role.revoke"
	ActStrikeMake       AuditAction = "strike.make"
	ActStrikeChange     AuditAction = "strike.change"
	ActScanMake         AuditAction = "scan.make"
	ActScanChange       AuditAction = "scan.change"
	ActScanStart        AuditAction = "scan.start"
	ActScanCancel       AuditAction = "scan.cancel"

	ActOrganisationMake  AuditAction = "organisation.make"
	ActPersonMake        AuditAction = "person.make"
	ActPersonChange      AuditAction = "person.change" // their password, or that they are an admin
	ActPersonDisable     AuditAction = "person.disable"
	ActPersonEnable      AuditAction = "person.enable"
	ActPersonSignIn      AuditAction = "person.sign-in" // with a password
	ActClientMake        AuditAction = "client.make"
	ActClientChange      AuditAction = "client.change" // its secret
	ActClientRevoke      AuditAction = "client.revoke"
	ActKeyMake           AuditAction = "key.make"
	ActKeyDelete         AuditAction = "key.delete"
	ActTokenIssue        AuditAction = "token.issue" // with the key in the data folder
	ActCountryChange     AuditAction = "country.change"
	ActHoldPlace         AuditAction = "hold.place"
	ActHoldLift          AuditAction = "hold.lift"
	ActPurgePlan         AuditAction = "purge.plan"
	ActPurgeExecute      AuditAction = "purge.execute"
	ActPurgeStop         AuditAction = "purge.stop"
	ActPurgeEnd          AuditAction = "purge.end"
	ActBarrierLift       AuditAction = "barrier.lift"
	ActScrubBegin        AuditAction = "scrub.begin"
	ActScrubEnd          AuditAction = "scrub.end"
	ActRequestRefuse     AuditAction = "request.refuse"
	ActRequestRefuseMany AuditAction = "request.refuse-many" // more than are recorded one by one
)

// AuditActions are all actions.
var AuditActions = []AuditAction{
	ActVersionUpload, ActVersionRegister, ActVersionMove, ActVersionDescribe, ActVersionSupersede,
	ActVersionLoad, ActVersionDistrust, ActVersionTrust, ActVersionDamage, ActVersionHeal,
	ActFileDelete, ActFileRestore, ActRunRecord, ActRunChange, ActRunStart, ActRunEnd, ActRunPublish,
	ActRunSupersede, ActRunUnpublish, ActRecipeRecord, ActRecipeChange, ActRecipeComplete,
	ActBatchRecord, ActBatchComplete, ActWorkspaceMake, ActWorkspaceChange, ActWorkspaceDelete,
	ActWorkspaceRestore, ActWorkspaceStorage, ActRoleGrant, ActRoleRevoke, ActStrikeMake,
	ActStrikeChange, ActScanMake, ActScanChange, ActScanStart, ActScanCancel, ActOrganisationMake,
	ActPersonMake, ActPersonChange, ActPersonDisable, ActPersonEnable, ActPersonSignIn, ActClientMake,
	ActClientChange, ActClientRevoke, ActKeyMake, ActKeyDelete, ActTokenIssue, ActCountryChange,
	ActHoldPlace, ActHoldLift, ActPurgePlan, ActPurgeExecute, ActPurgeStop, ActPurgeEnd,
	ActBarrierLift, ActScrubBegin, ActScrubEnd, ActRequestRefuse, ActRequestRefuseMany,
}
