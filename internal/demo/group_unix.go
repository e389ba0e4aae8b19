//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// setGroup keeps Ctrl-C from Terraform, which gives up without stopping its providers when it is
// interrupted twice: by the terminal, and by the demo.
func setGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends whatever a command has left.
func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
