//go:build unix

package credential

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe could be read just once, and may never end.
func TestPipeIsNotRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	must(t, syscall.Mkfifo(path, 0o600))
	source := Profile{File: path}
	if id, _ := RegionOf(source); id != "" {
		t.Errorf("got region %s, want none", id)
	}
	if IsCLIFile(path) {
		t.Error("got a pipe taken for the CLI's file, want it left alone")
	}
	fails(t, Config{Source: source}, Invalid, "isn't a regular file")
}
