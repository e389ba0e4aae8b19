//go:build unix

package credential

import (
	"os/exec"
	"syscall"
)

// runWithChildren runs a command and ends it with its context, together with what it has started: they share a process
// group.
func runWithChildren(command *exec.Cmd) error {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	return command.Run()
}
