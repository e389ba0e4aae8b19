//go:build unix

package main

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// exitWhenUnread ends this process when nobody can read its output any more. Terraform, or another program that started the
// provider, reads it for as long as it needs the provider; but where Terraform is killed, go-plugin would wait for its next
// request for ever. An output that is neither a pipe nor a socket, as when the provider is run by hand, ends nothing.
func exitWhenUnread(output *os.File) {
	info, err := output.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return
	}
	// macOS waits only for the events that are asked for. Elsewhere these two are always among them.
	fds := []unix.PollFd{{Fd: int32(output.Fd()), Events: unix.POLLHUP}} //nolint:gosec // a file descriptor is small
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		_, err = unix.Poll(fds, -1)
	}
	if fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
		credential.Finish()
		os.Exit(1)
	}
	runtime.KeepAlive(output) // its finalizer would close the descriptor
}
