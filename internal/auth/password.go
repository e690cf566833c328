package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/coreshed/coreshed"
)

// The cost of a password, as OWASP's cheat sheet on password storage advises.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16
	argonHash    = 32
)

// Limits of a password, in bytes.
const (
	MinPassword = 8
	MaxPassword = 1024
)

// atOnce bounds the computations that run together. Each takes 19 MiB and a
// processor, so more of them would let anyone starve the server.
const atOnce = 2

// Hasher computes and checks argon2id hashes of passwords and client secrets.
// All who share a process share one.
type Hasher struct {
	slots chan struct{}
	// nobody is the hash that an account without a password is checked
	// against, at the cost of one with a password. Nothing matches it.
	nobody string
}

// NewHasher returns a Hasher that computes two hashes at once; further callers
// wait.
func NewHasher() *Hasher {
	return &Hasher{
		slots:  make(chan struct{}, atOnce),
		nobody: phc(random(argonSalt), random(argonHash)),
	}
}

// Hash returns the hash of a password in PHC string form. It waits for its
// turn until ctx ends. Invalid when the password is too short or too long.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return "", coreshed.Errorf(coreshed.Invalid, "A password has %d to %d bytes.", MinPassword, MaxPassword)
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	salt := random(argonSalt)
	return phc(salt, argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonHash)), nil
}

// acquire waits for a turn to call matches.
func (h *Hasher) acquire(ctx context.Context) (release func(), err error) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// matches reports whether hash is of the password. It takes the same time when
// hash is "", that of an account that has no password or does not exist. The
// caller holds a turn.
func (h *Hasher) matches(hash, password string) (bool, error) {
	if len(password) > MaxPassword {
		password = ""
	}
	if hash == "" {
		hash = h.nobody
	}
	p, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.hash)))
	return subtle.ConstantTimeCompare(got, p.hash) == 1, nil
}

// phc writes a hash as the PHC string format has it, with the present cost.
func phc(salt, hash []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, argonMemory, argonTime, argonThreads, b64(salt), b64(hash))
}

type argonHashed struct {
	memory, time uint32
	threads      uint8
	salt, hash   []byte
}

// parsePHC reads a hash with the cost that it was made at, which may have been
// another than today's.
func parsePHC(s string) (argonHashed, error) {
	var p argonHashed
	var version int
	fields := strings.Split(s, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" {
		return p, fmt.Errorf("password hash is not argon2id in PHC form")
	}
	if _, err := fmt.Sscanf(fields[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, fmt.Errorf("password hash has argon2 version %q", fields[2])
	}
	_, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads)
	if err != nil || p.time < 1 || p.threads < 1 || p.memory > 1<<20 {
		return p, fmt.Errorf("password hash has cost %q", fields[3])
	}
	if p.salt, err = base64.RawStdEncoding.DecodeString(fields[4]); err != nil {
		return p, fmt.Errorf("password hash has a bad salt")
	}
	if p.hash, err = base64.RawStdEncoding.DecodeString(fields[5]); err != nil || len(p.hash) < 16 {
		return p, fmt.Errorf("password hash has a bad digest")
	}
	return p, nil
}

// random returns n random bytes.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// NewSecret returns 256 random bits as text of 43 characters: a generated
// password, a client secret, a code.
func NewSecret() string { return base64.RawURLEncoding.EncodeToString(random(32)) }
