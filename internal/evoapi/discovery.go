package evoapi

import (
	"net/http"
	"slices"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/web"
)

type discoveryAnswer struct {
	Discovery discovered `json:"discovery"`
}

type discovered struct {
	Organizations []organization  `json:"organizations"`
	Hubs          []hub           `json:"hubs"`
	Services      []service       `json:"services"`
	ServiceAccess []serviceAccess `json:"service_access"`
	Accounts      *struct{}       `json:"accounts"` // always null
}

type organization struct {
	ID          coreshed.UUID `json:"id"`
	DisplayName string        `json:"display_name"`
}

type hub struct {
	Code        string `json:"code"`
	DisplayName string `json:"display_name"`
	URL         string `json:"url"`
}

type service struct {
	Code        string `json:"code"`
	DisplayName string `json:"display_name"`
}

type serviceAccess struct {
	OrgID    coreshed.UUID `json:"org_id"`
	HubCode  string        `json:"hub_code"`
	Services []string      `json:"services"`
}

// discover tells which organisations the caller belongs to and where their
// files are. An organisation without any of the services asked for is left out:
// clients take the first hub of the first one.
func (a *api) discover(w http.ResponseWriter, q *request) error {
	asked := q.query["service"]
	if len(asked) == 0 {
		asked = []string{"evo"}
	}
	d := discovered{Organizations: []organization{}, Hubs: []hub{}, Services: []service{}, ServiceAccess: []serviceAccess{}}
	codes := []string{}
	for _, s := range []service{{"evo", "Evo"}, {"file", "File"}, {"workspace", "Workspace"}} {
		if slices.Contains(asked, s.Code) {
			d.Services = append(d.Services, s)
			codes = append(codes, s.Code)
		}
	}
	orgs, err := a.DB.OrganisationsOf(q.Context(), q.actor.ID)
	if err != nil {
		return err
	}
	if len(codes) > 0 && len(orgs) > 0 {
		d.Hubs = append(d.Hubs, hub{Code: a.Hub.Code, DisplayName: a.Hub.DisplayName, URL: q.origin})
		for _, o := range orgs {
			d.Organizations = append(d.Organizations, organization{ID: o.ID, DisplayName: o.Name})
			d.ServiceAccess = append(d.ServiceAccess, serviceAccess{OrgID: o.ID, HubCode: a.Hub.Code, Services: codes})
		}
	}
	return web.JSON(w, http.StatusOK, discoveryAnswer{d})
}
