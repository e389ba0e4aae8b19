//go:build unix

package credential

import (
	"os/exec"
	"syscall"
)

// killChildrenToo has the command and what it starts, which share a process group, end with its context.
func killChildrenToo(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}
