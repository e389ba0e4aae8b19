package credential

import (
	"os"
	"os/exec"
	"testing"
)

// The library looks at DEBUG before main runs, so it takes another process to see what it would print.
func TestNothingIsPrinted(t *testing.T) {
	t.Parallel()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProfileModes$")
	child.Env = append(os.Environ(), "DEBUG=credential,tea,sdk")
	if out, err := child.CombinedOutput(); err != nil || string(out) != "PASS\n" {
		t.Errorf("%v:\n%.2000s", err, out)
	}
}
