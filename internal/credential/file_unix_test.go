//go:build unix

package credential

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// A shell makes a pipe of a command's output, as in <(pass show aliyun). It can be read once, by the fetch.
func TestPipeIsReadOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Config{SharedCredentialsFile: path}
	if got := cfg.Region(); got != "" {
		t.Errorf("got region %q, want none", got)
	}
	if IsCLIFile(path) {
		t.Error("got a pipe taken for the CLI's file")
	}
	var shell sync.WaitGroup
	shell.Go(func() {
		if err := os.WriteFile(path, []byte(`{"profiles": [{"name": "default", "mode": "AK", `+ak+`}]}`), 0o600); err != nil {
			t.Error(err)
		}
	})
	_, _, err := fetch(t, cfg)
	shell.Wait()
	if err != nil {
		t.Error(err)
	}
}
