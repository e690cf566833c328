package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
)

// How many sign-ins may fail within [store.AttemptWindow].
const (
	accountFailures = 10
	callerFailures  = 50
)

var errPassword = errors.New("wrong e-mail address or password")

// limit is how many failures there may be under a key.
type limit struct {
	key string
	max int64
}

// accountLimit has a hash for a key: people type passwords into the wrong
// field.
func accountLimit(email string) limit {
	return limit{"account:" + hex.EncodeToString(hashOf(strings.ToLower(email))), accountFailures}
}

// callerLimit counts IPv6 addresses by their /64, of which one caller has all.
func callerLimit(caller string) limit {
	if ip, err := netip.ParseAddr(caller); err == nil && ip.Unmap().Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			caller = p.String()
		}
	}
	return limit{"caller:" + caller, callerFailures}
}

// checkPassword returns the user with an e-mail address and password.
// errPassword when there is none, which takes as long as a wrong password.
func (i *Issuer) checkPassword(ctx context.Context, email, password, caller string) (coreshed.Person, error) {
	var user store.Account
	account := accountLimit(email)
	err := i.attempt(ctx, func() (bool, error) {
		var err error
		user, err = i.Store.User(ctx, email)
		if err != nil && !errors.Is(err, coreshed.NotFound) {
			return false, err
		}
		ok, err := i.Hasher.matches(user.PasswordHash, password)
		return ok && !user.Disabled(), err
	}, account, callerLimit(caller))
	if err != nil {
		return coreshed.Person{}, err
	}
	return user.Person, i.Store.ForgetFailures(ctx, account.key)
}

// checkSecret returns errPassword unless a client's secret is right. Failures
// count against the caller alone: a secret of 256 bits is not guessed, and who
// knows a client's id must not be able to lock it out.
func (i *Issuer) checkSecret(ctx context.Context, c store.Client, secret, caller string) error {
	return i.attempt(ctx, func() (bool, error) {
		return i.Hasher.matches(c.SecretHash, secret)
	}, callerLimit(caller))
}

// attempt runs check unless there were too many failures. It looks after its
// turn has come, so that attempts that come together do not all pass.
func (i *Issuer) attempt(ctx context.Context, check func() (bool, error), limits ...limit) error {
	release, err := i.Hasher.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	keys := []string{}
	for _, l := range limits {
		n, until, err := i.Store.Failures(ctx, l.key)
		if err != nil {
			return err
		}
		if n >= l.max {
			return &oauthError{
				Code: "slow_down", Description: "Too many sign-ins have failed. Please wait and try again.",
				status: http.StatusTooManyRequests, retry: until.Sub(i.now()),
			}
		}
		keys = append(keys, l.key)
	}
	ok, err := check()
	if err != nil || ok {
		return err
	}
	if err := i.Store.AddFailure(ctx, keys...); err != nil {
		return err
	}
	return errPassword
}
