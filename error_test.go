package coreshed_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
)

func TestErrorKinds(t *testing.T) {
	cause := errors.New("cause")
	plain := coreshed.Errorf(coreshed.NotFound, "There is no %s.", "file")
	caused := plain.Because(cause)
	wrapped := fmt.Errorf("get file: %w", caused)
	for _, err := range []error{plain, caused, wrapped, coreshed.NotFound, fmt.Errorf("x: %w", coreshed.NotFound)} {
		if !errors.Is(err, coreshed.NotFound) || errors.Is(err, coreshed.Gone) || coreshed.KindOf(err) != coreshed.NotFound {
			t.Errorf("%v is of kind %v", err, coreshed.KindOf(err))
		}
	}
	if errors.Is(plain, cause) || !errors.Is(wrapped, cause) {
		t.Error("a cause went into the error it was taken from, or was lost")
	}
	for err, want := range map[error]string{
		plain: "There is no file.", caused: "There is no file.: cause", &coreshed.Error{Kind: coreshed.Gone}: "deleted",
		coreshed.Full: "no space left", coreshed.Kind(99): "kind 99", coreshed.Kind(-1): "kind -1",
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err.Error(), want)
		}
	}
	for _, err := range []error{nil, cause} {
		if coreshed.KindOf(err) != coreshed.Internal {
			t.Errorf("%v has a kind", err)
		}
	}
}

// Every kind has words of its own.
func TestKindText(t *testing.T) {
	seen := map[string]coreshed.Kind{}
	for k := coreshed.Internal; k <= coreshed.Held; k++ {
		if other, ok := seen[k.Error()]; ok || k.Error() == "" {
			t.Errorf("kinds %d and %d are both %q", k, other, k.Error())
		}
		seen[k.Error()] = k
	}
}

func TestRequire(t *testing.T) {
	for i, role := range append([]coreshed.Role{coreshed.NoRole}, coreshed.Roles...) {
		for j, least := range coreshed.Roles {
			err := coreshed.Access{Role: role}.Require(least)
			if allowed := i > j; allowed != (err == nil) {
				t.Errorf("%q as %q: %v", least, role, err)
			}
			var e *coreshed.Error
			if errors.As(err, &e) {
				if diff := cmp.Diff(coreshed.Roles[j:], e.Permitted); diff != "" || e.Role != role || e.Kind != coreshed.Forbidden {
					t.Errorf("%q as %q: %+v", least, role, e)
				}
			}
		}
	}
}

func TestScopes(t *testing.T) {
	if !(coreshed.Actor{}).HasScope("x") || !(coreshed.Actor{Scopes: []string{"x"}}).HasScope("x") ||
		(coreshed.Actor{Scopes: []string{"y"}}).HasScope("x") || (coreshed.Actor{Scopes: []string{}}).HasScope("x") {
		t.Error("scopes are read wrongly")
	}
}
