//go:build unix

package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDemoIsInterrupted is for Unix, since Windows has no signal that one process could send to another as Ctrl-C does.
func TestDemoIsInterrupted(t *testing.T) {
	t.Parallel()
	for name, until := range map[string]string{
		"preparation": "Terraform is looked for", "plan": "Reading...", "apply": "$ terraform apply", "drop": "The health score drops",
		"gate": "Opening...",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := demo(t, until)
			exit, ok := err.(*exec.ExitError) //nolint:errorlint // as Run returns it
			if !ok || exit.ExitCode() != 130 {
				t.Errorf("got %v, want exit status 130:\n%s", err, out)
			}
			if want := "demo: interrupted; everything is cleaned up\n"; !strings.HasSuffix(out, want) {
				t.Errorf("got %q, want %q at its end", out, want)
			}
		})
	}
}
