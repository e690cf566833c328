package main

import (
	"math"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestBytesFlag(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "500": 500, "500 B": 500, "10GiB": 10 << 30, "1.5kib": 1536, "2 TB": 2e12, "7mb": 7e6,
	} {
		var b bytesFlag
		if err := b.UnmarshalText([]byte(text)); err != nil || int64(b) != want {
			t.Errorf("%q is %d, %v; want %d", text, b, err, want)
		}
	}
	for _, text := range []string{"", "GiB", "-1", "10XB", "1e300", "NaN", "Inf", "9223372036854775808", "1 2"} {
		var b bytesFlag
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, b)
		}
	}
}

func TestSized(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 10 << 20: "10.0 MiB", 3 << 39: "1.5 TiB", math.MaxInt64: "8388608.0 TiB",
	} {
		if got := sized(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestFolders(t *testing.T) {
	for _, tt := range []struct{ file, prefix, below, child string }{
		{"a/b/c.txt", "", "a/b/c.txt", "a/"},
		{"a/b/c.txt", "A/", "b/c.txt", "a/b/"},
		{"a/b/c.txt", "a/b/", "c.txt", "a/b/c.txt"},
		{"straße/x", "STRASSE/", "x", "straße/x"},
	} {
		if got := below(tt.file, tt.prefix); got != tt.below {
			t.Errorf("below(%q, %q) = %q, want %q", tt.file, tt.prefix, got, tt.below)
		}
		if got := childOf(tt.file, tt.prefix); got != tt.child {
			t.Errorf("childOf(%q, %q) = %q, want %q", tt.file, tt.prefix, got, tt.child)
		}
	}
}

func FuzzVisible(f *testing.F) {
	for _, text := range []string{"plain é 岩", "\x1b[31m", "a\u202eb", "\x9b", "\u009b", "\xff", "\r\n\t\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		shown := visible(text)
		for _, r := range shown {
			if !unicode.IsPrint(r) {
				t.Errorf("%q shows %q", text, r)
			}
		}
		if !utf8.ValidString(shown) || visible(shown) != shown {
			t.Errorf("%q shows as %q, and that not as itself", text, shown)
		}
	})
}
