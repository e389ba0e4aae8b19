package credential

import (
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// The library looks at DEBUG before main runs, so only another process shows what it would print.
func TestNothingIsPrinted(t *testing.T) {
	t.Parallel()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProfileModes$")
	child.Env = append(os.Environ(), "DEBUG=credential,tea,sdk")
	got, err := child.CombinedOutput()
	if err != nil {
		t.Errorf("got %v, want no error", err)
	}
	// What the testing package prints, with -cover and without.
	if want := `^PASS\n(coverage: [^\n]*\n)?$`; !regexp.MustCompile(want).Match(got) {
		t.Errorf("got output %.2000q, want a match of %s", got, want)
	}
}
