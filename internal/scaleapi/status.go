package scaleapi

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/web"
)

func (a *api) version(w http.ResponseWriter, _ *request) error {
	return web.JSON(w, http.StatusOK, struct {
		Version string `json:"version"`
	}{a.Version})
}

type profile struct {
	ID        int64  `json:"id"`
	Username  string `json:"username"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	IsStaff   bool   `json:"is_staff"`
}

// getProfile says who calls. Pages take a refusal for the need to sign in.
func (a *api) getProfile(w http.ResponseWriter, q *request) error {
	if q.actor.ID == (coreshed.UUID{}) {
		return web.Empty(w, http.StatusUnauthorized)
	}
	p, err := a.DB.Person(q.Context(), q.actor.ID)
	if err != nil {
		return err
	}
	first, family, _ := strings.Cut(p.Name, " ")
	return web.JSON(w, http.StatusOK, profile{
		ID: p.Row, Username: cmp.Or(p.Email, p.Name), Email: p.Email, FirstName: first, LastName: family, IsStaff: q.view.Admin,
	})
}

// scheduler answers as one that never pauses: there is none that starts jobs.
func (a *api) scheduler(w http.ResponseWriter, _ *request) error {
	return web.JSON(w, http.StatusOK, struct {
		IsPaused           bool   `json:"is_paused"`
		NumMessageHandlers int    `json:"num_message_handlers"`
		SystemLoggingLevel string `json:"system_logging_level"`
		QueueMode          string `json:"queue_mode"`
	}{SystemLoggingLevel: "INFO", QueueMode: "FIFO"})
}

type status struct {
	Timestamp    string                `json:"timestamp"`
	Scheduler    schedulerStatus       `json:"scheduler"`
	Resources    resources             `json:"resources"`
	Nodes        []struct{}            `json:"nodes"`
	JobTypes     []struct{}            `json:"job_types"`
	Dependencies map[string]dependency `json:"dependencies"`
}

type schedulerStatus struct {
	State struct {
		Name        string `json:"name"`
		Title       string `json:"title"`
		Description string `json:"description"`
	} `json:"state"`
	Errors   []message `json:"errors"`
	Warnings []message `json:"warnings"`
}

// resources are those of a cluster, of which there is none.
type resources struct {
	CPUs resource `json:"cpus"`
	Mem  resource `json:"mem"`
	Disk resource `json:"disk"`
	GPUs resource `json:"gpus"`
}

type resource struct {
	Offered     float64 `json:"offered"`
	Running     float64 `json:"running"`
	Free        float64 `json:"free"`
	Unavailable float64 `json:"unavailable"`
	Total       float64 `json:"total"`
}

type dependency struct {
	OK       bool      `json:"OK"`
	Detail   detailMsg `json:"detail"`
	Errors   []problem `json:"errors"`
	Warnings []problem `json:"warnings"`
}

// problem is one that has a name, and what it is.
type problem map[string]string

type detailMsg struct {
	Msg string `json:"msg"`
}

type message struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// getStatus says how the server and what it depends on are, at this moment.
func (a *api) getStatus(w http.ResponseWriter, q *request) error {
	s := status{
		Timestamp: stamp(a.Now()), Nodes: []struct{}{}, JobTypes: []struct{}{}, Dependencies: map[string]dependency{},
		Scheduler: schedulerStatus{Errors: []message{}, Warnings: []message{}},
	}
	state := &s.Scheduler.State
	state.Name, state.Title, state.Description = "READY", "Ready", "Coreshed records jobs that others run; it starts none."
	health := a.Health(q.Context())
	for _, name := range slices.Sorted(maps.Keys(health)) {
		d := dependency{OK: true, Detail: detailMsg{"It answers."}, Errors: []problem{}, Warnings: []problem{}}
		if health[name] != nil { // what exactly is for the operator's log
			d = dependency{Detail: detailMsg{"It does not answer."}, Warnings: []problem{},
				Errors: []problem{{"NO_ANSWER": "It does not answer."}}}
		}
		s.Dependencies[name] = d
	}
	return web.JSON(w, http.StatusOK, s)
}

type queueStatus struct {
	JobType         *jobTypeRef `json:"job_type"`
	Count           int64       `json:"count"`
	LongestQueued   string      `json:"longest_queued"`
	HighestPriority int64       `json:"highest_priority"`
	IsJobTypeActive bool        `json:"is_job_type_active"`
}

func (a *api) queueStatus(w http.ResponseWriter, q *request) error {
	return sendPage(w, q, func(p coreshed.Page) ([]store.Waiting, int64, error) {
		return a.DB.Waiting(q.Context(), q.view, p)
	}, func(s store.Waiting) queueStatus {
		return queueStatus{jobTypeOf(&s.JobType), s.Count, stamp(s.Since), s.Priority, s.JobType.IsActive}
	})
}

// listNothing answers lists of what Coreshed does not keep: nodes, kinds of
// errors, and how many jobs there were at times past.
func (a *api) listNothing(w http.ResponseWriter, q *request) error {
	if _, err := q.window("started", "ended", a.Now()); err != nil {
		return err
	}
	return a.plotNothing(w, q)
}

// plotNothing answers charts of what Coreshed does not count. Scale's page asks
// for them before it knows of which times.
func (a *api) plotNothing(w http.ResponseWriter, q *request) error {
	none := func(coreshed.Page) ([]struct{}, int64, error) { return nil, 0, nil }
	return sendPage(w, q, none, func(s struct{}) struct{} { return s })
}

func (a *api) getNothing(http.ResponseWriter, *request) error { return notFound() }
