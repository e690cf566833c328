// Package auth says who a caller is: it turns access tokens into actors, and
// is the small built-in issuer of such tokens.
//
// An [Authenticator] takes tokens of the built-in issuer, verified with keys
// that the store holds, and of external OpenID Connect issuers. What an actor
// may do is not decided here: the store keeps roles.
//
// The [Issuer] implements OAuth 2.0 (RFC 6749, 6750, 7636, 8252, 9700) as far
// as the Evo clients use it, with the discovery document and key set of OpenID
// Connect. All that it has to remember is in the store, so replicas need not
// know each other. Codes, refresh tokens and session cookies are stored as
// SHA-256 alone, passwords and client secrets as argon2id.
package auth
