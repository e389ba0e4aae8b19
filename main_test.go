//go:build unix

package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"testing"
)

const role = "CAS_TEST_ROLE"

// TestMain makes this program the Terraform and the provider of its own test.
func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "terraform":
		provider := play(context.Background(), "provider")
		provider.Stdout = os.Stdout
		_ = provider.Run()
	case "provider":
		parent := os.Getppid()
		_, _ = os.Stdout.WriteString("started\n")
		exitWithParent(parent)
	default:
		os.Exit(m.Run())
	}
}

func play(ctx context.Context, as string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+as)
	return cmd
}

// The end of the provider's output is the end of the provider.
func TestProviderEndsWithTerraform(t *testing.T) {
	t.Parallel()
	terraform := play(t.Context(), "terraform")
	output, err := terraform.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := terraform.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(output, make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
	if err := terraform.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(output); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
	_ = terraform.Wait()
}
