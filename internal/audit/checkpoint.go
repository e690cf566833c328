package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says what the tree was when it had a size.
type Checkpoint struct {
	Origin string // names the log
	Size   int64
	Root   Hash
}

// text is what is signed. Contract: C2SP tlog-checkpoint.
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// parseCheckpoint reads the text of a note. Lines after the third are
// extensions.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 || lines[0] == "" {
		return Checkpoint{}, errors.New("it is no checkpoint: it has not three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, errors.New("it is no checkpoint: its second line is not a size")
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Checkpoint{}, errors.New("it is no checkpoint: its third line is not a hash")
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}, nil
}

// NewKey makes a key that signs checkpoints of the log with that origin, as a
// text that is kept secret.
func NewKey(origin string) (string, error) {
	secret, _, err := note.GenerateKey(rand.Reader, origin)
	return secret, err
}

// Sign signs a checkpoint; its origin is the name of the key.
func Sign(secret string, size int64, root Hash) (string, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return "", errors.New("the key of the audit log cannot be read")
	}
	signed, err := note.Sign(&note.Note{Text: Checkpoint{signer.Name(), size, root}.text()}, signer)
	return string(signed), err
}

// VerifierKey is the public half of a key, as a text for those who check.
func VerifierKey(secret string) (string, error) {
	// PRIVATE+KEY+name+hash+data, where data is a byte for the algorithm, and
	// the seed.
	parts := strings.SplitN(secret, "+", 5)
	signer, err := note.NewSigner(secret)
	if err != nil || len(parts) != 5 {
		return "", errors.New("the key of the audit log cannot be read")
	}
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return "", errors.New("the key of the audit log cannot be read")
	}
	public := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(signer.Name(), public)
}

// OpenCheckpoint reads a signed checkpoint, and fails unless one of the keys, as
// VerifierKey gives them, has signed it for the log of its own name.
func OpenCheckpoint(signed string, keys ...string) (Checkpoint, error) {
	var verifiers []note.Verifier
	for _, k := range keys {
		v, err := note.NewVerifier(strings.TrimSpace(k))
		if err != nil {
			return Checkpoint{}, fmt.Errorf("the verifier key cannot be read: %w", err)
		}
		verifiers = append(verifiers, v)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint's signature is not good: %w", err)
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, s := range n.Sigs {
		if s.Name == c.Origin {
			return c, nil
		}
	}
	return Checkpoint{}, errors.New("the checkpoint is of another log than its signature")
}
