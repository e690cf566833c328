package auth

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"

	"github.com/coreshed/coreshed/internal/web"
)

//go:embed pages
var pages embed.FS

// page writes the issuer's HTML: complete in one answer, without scripts, and
// under a policy that lets nothing else in.
type page struct {
	templates *template.Template
	style     template.CSS
	styleHash string // as a source in a Content-Security-Policy
}

func newPage() *page {
	style, err := pages.ReadFile("pages/style.css")
	if err != nil {
		panic(err) // it is embedded
	}
	sum := sha256.Sum256(style)
	return &page{
		templates: template.Must(template.ParseFS(pages, "pages/*.html")),
		style:     template.CSS(style),
		styleHash: "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
}

// message is a page that only tells something.
type message struct{ Title, Text string }

// write writes a page. Its form, if it has one, may lead to this server and to
// formTarget.
func (p *page) write(w http.ResponseWriter, status int, name string, data any, formTarget string) error {
	var b bytes.Buffer
	err := p.templates.ExecuteTemplate(&b, name+".html", map[string]any{"Style": p.style, "Data": data})
	if err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+p.styleHash+
		"; form-action 'self' "+formTarget+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err = w.Write(b.Bytes())
	return err
}

// writeError shows an error, and never leads anywhere.
func (p *page) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := asOAuth(err)
	e.setRetry(w.Header())
	text := e.Description + " (Request " + web.RequestID(r) + ")"
	p.write(w, e.status, "message", message{Title: "Sign-in is not possible", Text: text}, "") //nolint:errcheck // the caller has gone
}
