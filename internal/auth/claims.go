package auth

import (
	"encoding/json"
	"errors"
	"math"
	"time"
)

// claims are those of an access token (RFC 9068, with what the Evo tools read).
type claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  list     `json:"aud"`
	Expires   moment   `json:"exp"`
	NotBefore moment   `json:"nbf,omitzero"`
	IssuedAt  moment   `json:"iat"`
	ID        string   `json:"jti,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Family    string   `json:"sid,omitempty"`
	Scope     *scope   `json:"scope,omitempty"`
	Nonce     string   `json:"nonce,omitempty"` // of id tokens alone
	Name      string   `json:"name,omitempty"`
	Email     string   `json:"email,omitempty"`
	Verified  verified `json:"email_verified,omitempty"`

	// Other issuers' words for client_id, scope and name.
	AuthorizedParty string `json:"azp,omitempty"`
	Scp             *scope `json:"scp,omitempty"`
	Username        string `json:"preferred_username,omitempty"`
}

// list is an array of strings, or one string (RFC 7519 §4.1.3).
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

func (l list) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return json.Marshal(l[0])
	}
	return json.Marshal([]string(l))
}

// moment is a NumericDate (RFC 7519 §2): seconds since the epoch.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(b []byte) error {
	var seconds float64
	if err := json.Unmarshal(b, &seconds); err != nil {
		return err
	}
	if seconds < 0 || seconds > math.MaxInt32*100 {
		return errors.New("time out of range")
	}
	m.Time = time.UnixMilli(int64(seconds * 1000))
	return nil
}

func (m moment) MarshalJSON() ([]byte, error) { return json.Marshal(m.Unix()) }

// verified is a boolean; some issuers send it as a string.
type verified bool

func (v *verified) UnmarshalJSON(b []byte) error {
	*v = string(b) == "true" || string(b) == `"true"`
	return nil
}

// clientID is the client that the token was issued to.
func (c *claims) clientID() string {
	if c.ClientID != "" {
		return c.ClientID
	}
	return c.AuthorizedParty
}

// scopes are what the token covers, or missing when it does not say.
func (c *claims) scopes(missing []string) []string {
	switch {
	case c.Scope != nil:
		return *c.Scope
	case c.Scp != nil:
		return *c.Scp
	}
	return missing
}

// name is how the subject is called.
func (c *claims) name() string {
	if c.Name != "" {
		return c.Name
	}
	return c.Username
}
