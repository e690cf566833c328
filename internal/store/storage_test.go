package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coreshed/coreshed"
	"github.com/coreshed/coreshed/internal/store"
	"github.com/coreshed/coreshed/internal/store/storetest"
)

func TestStorage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		own := coreshed.View{Roles: map[int64]coreshed.Role{s.Workspace.ID: coreshed.Viewer}}
		want := store.Storage{Workspace: s.Workspace.ID}
		for _, set := range []store.Storage{
			want,
			{Workspace: s.Workspace.ID, Broker: "host", Configuration: `{"broker": {}}`, BaseURL: "http://localhost"},
			want,
		} {
			if err := db.SetStorage(t.Context(), s.Access(t, s.Owner), set); err != nil {
				t.Fatal(err)
			}
			got, err := db.Storage(t.Context(), own, s.Workspace.ID)
			if diff := cmp.Diff(set, got); diff != "" || err != nil {
				t.Errorf("Storage (-want +got):\n%s%v", diff, err)
			}
		}
		if _, err := db.Storage(t.Context(), coreshed.View{}, s.Workspace.ID); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("Storage outside the view = %v, want NotFound", err)
		}
		if err := db.DeleteWorkspace(t.Context(), s.Access(t, s.Owner)); err != nil {
			t.Fatal(err)
		}
		if got, err := db.StorageOf(t.Context(), s.Workspace.ID); err != nil || !got.Deleted {
			t.Errorf("StorageOf a deleted workspace = %+v, %v", got, err)
		}
		if _, err := db.OwnAccess(t.Context(), s.Workspace.ID); !errors.Is(err, coreshed.NotFound) {
			t.Errorf("OwnAccess of a deleted workspace = %v, want NotFound", err)
		}
	})
}

func TestRotateSealingKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.New(t, db)
		for _, id := range []string{"k1", "ignored, since there is one"} {
			if err := db.AddSealingKey(t.Context(), id, []byte(id)); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.SetStorage(t.Context(), s.Access(t, s.Owner), store.Storage{Broker: "s3", Configuration: "sealed by k1"}); err != nil {
			t.Fatal(err)
		}
		broken := errors.New("cannot be opened")
		err := db.RotateSealingKey(t.Context(), "k2", []byte("k2"), func([]store.SealingKey, string) (string, error) { return "", broken })
		if !errors.Is(err, broken) {
			t.Errorf("RotateSealingKey = %v, want %v", err, broken)
		}
		if keys, err := db.SealingKeys(t.Context()); err != nil || len(keys) != 1 || keys[0].ID != "k1" || !keys[0].RetiredAt.IsZero() {
			t.Errorf("after a rotation that failed: %+v, %v", keys, err)
		}
		err = db.RotateSealingKey(t.Context(), "k2", []byte("k2"), func(keys []store.SealingKey, old string) (string, error) {
			return old + ", then by " + keys[0].ID, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := db.StorageOf(t.Context(), s.Workspace.ID); err != nil || got.Configuration != "sealed by k1, then by k2" {
			t.Errorf("sealed anew: %+v, %v", got, err)
		}
		if n, err := db.DeleteRetiredSealingKeys(t.Context(), time.Now().Add(time.Second)); err != nil || n != 1 {
			t.Errorf("DeleteRetiredSealingKeys = %d, %v", n, err)
		}
		if keys, err := db.SealingKeys(t.Context()); err != nil || len(keys) != 1 || keys[0].ID != "k2" {
			t.Errorf("after it: %+v, %v", keys, err)
		}
	})
}
