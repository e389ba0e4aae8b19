package credential

import (
	"errors"
	"os"
	"os/exec"

	"golang.org/x/sys/windows"
)

// runWithChildren runs a command and ends it with its context, together with what it has started: they share a job.
func runWithChildren(command *exec.Cmd) error {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return os.NewSyscallError("CreateJobObject", err)
	}
	defer func() { _ = windows.CloseHandle(job) }()
	command.Cancel = func() error {
		return errors.Join(windows.TerminateJobObject(job, 1), command.Process.Kill()) // it may not be in the job
	}
	if err := command.Start(); err != nil {
		return err
	}
	_ = command.Process.WithHandle(func(process uintptr) {
		_ = windows.AssignProcessToJobObject(job, windows.Handle(process)) // fails if the command has ended
	})
	return command.Wait()
}
