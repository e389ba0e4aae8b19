//go:build unix

package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// output is os.Stdout before go-plugin replaces it. The reference keeps the file open.
var output = os.Stdout

// unread waits until nothing can read the output any more, and reports whether that is so.
// Terraform, or another program that started the provider, reads it for as long as it needs the
// provider; but if Terraform is killed, go-plugin waits for its next request forever. If the
// output is a file, it has no reader, and unread returns false.
func unread() bool {
	// macOS reports only what is requested; other systems report POLLERR and POLLHUP in any case.
	fds := []unix.PollFd{{Fd: int32(output.Fd()), Events: unix.POLLHUP}} //nolint:gosec // a file descriptor is small
	for err := error(unix.EINTR); errors.Is(err, unix.EINTR); {
		_, err = unix.Poll(fds, -1)
	}
	return fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}
