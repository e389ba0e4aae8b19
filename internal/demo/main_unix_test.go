//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDemoIsInterrupted is for Unix, since Windows has no signal that one process could send to
// another as Ctrl-C does.
func TestDemoIsInterrupted(t *testing.T) {
	t.Parallel()
	for name, until := range map[string]string{"preparation": "Using Terraform", "gate": "$ terraform apply"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := start(t, until)
			exit, ok := err.(*exec.ExitError) //nolint:errorlint // as Run returns it
			if !ok || exit.ExitCode() != 130 {
				t.Errorf("got %v, want exit status 130:\n%s", err, out)
			}
			if want := "demo: interrupted; everything is cleaned up\n"; !strings.HasSuffix(out, want) {
				t.Errorf("got %q, want %q at its end", out, want)
			}
			if strings.Contains(out, "\x1b") {
				t.Errorf("got colors, want none, because this is no terminal:\n%q", out)
			}
		})
	}
}

// TestDemoFails gives the demo a Terraform that does what the demo mustn't show. The program is for
// Unix.
func TestDemoFails(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ program, want string }{
		"plan isn't stopped": {program: `terraform "$@"; exit 0`, want: "exit status 0, want exit status 1"},
		"another message": {
			program: `test "$1$3" != showtfplan && terraform "$@" && exit
				test "$1$3" = showtfplan && terraform "$@" | sed 's/score is 61/score is low/'`,
			want: `want {"message":"The certificate health score is 61; at least 80 is needed."} in it`,
		},
		"release is created": {
			program: `test "$1$3" != show && terraform "$@" && exit
				test "$1$3" = show && echo '{"mode":"managed","type":"x"}'`,
			want: "want no resource in it",
		},
		"gate doesn't read": {program: `test "$1" != apply && terraform "$@"`, want: "made 0 calls, want 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			program := "#!/bin/sh\nterraform() { " + path + " \"$@\"; }\n" + test.program + "\n"
			if err := os.WriteFile(filepath.Join(dir, "terraform"), []byte(program), 0o700); err != nil {
				t.Fatal(err)
			}
			out, err := start(t, "", "PATH="+dir+":"+os.Getenv("PATH"))
			if err == nil || !strings.Contains(out, test.want) {
				t.Errorf("got %v, want the demo to fail with %q:\n%s", err, test.want, out)
			}
		})
	}
}
