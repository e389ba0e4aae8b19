//go:build unix

package main

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// unread waits until nothing can read the output any more, and reports whether that is so.
// Terraform, or another program that started the provider, reads it for as long as it needs the
// provider; but if Terraform is killed, go-plugin waits for its next request for ever. If the
// output is a file, it has no reader, and unread returns false.
func unread(output *os.File) bool {
	defer runtime.KeepAlive(output) // its finalizer would close the descriptor
	// macOS waits only for the events that are requested. Elsewhere these two are always among
	// them.
	fds := []unix.PollFd{{Fd: int32(output.Fd()), Events: unix.POLLHUP}} //nolint:gosec // a file descriptor is small
	for err := error(unix.EINTR); errors.Is(err, unix.EINTR); {
		_, err = unix.Poll(fds, -1)
	}
	return fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}
