package auth

import (
	"encoding/json"
	"slices"
	"strings"
)

// scope is a space-separated string (RFC 8693 §4.2), or an array of strings as
// the vendor's own tokens have it. It is never nil once read.
type scope []string

func (s *scope) UnmarshalJSON(b []byte) error {
	var l list
	if err := l.UnmarshalJSON(b); err != nil {
		return err
	}
	*s = scope{}
	for _, words := range l {
		*s = append(*s, strings.Fields(words)...)
	}
	return nil
}

func (s scope) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

func (s scope) has(word string) bool { return slices.Contains(s, word) }

func (s scope) String() string { return strings.Join(s, " ") }

// evoScopes are the scopes of the Evo APIs. A token without a word on scopes
// is asked for all of them.
var evoScopes = scope{"evo.audit", "evo.blocksync", "evo.discovery", "evo.file", "evo.object", "evo.workspace"}

// The scopes that mean something to the issuer itself.
const (
	scopeOpenID  = "openid"
	scopeOffline = "offline_access"
)

// readScope reads a request's scope (RFC 6749 §3.3). Any scope is granted: it
// only limits what a token may be used for, while roles say what its person
// may do.
func readScope(s string) (scope, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) || len(s) > 1000 {
		return nil, oauthErrorf("invalid_scope", "The scope is malformed.")
	}
	words := scope{}
	for word := range strings.FieldsSeq(s) {
		if !words.has(word) {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return evoScopes, nil
	}
	return words, nil
}
