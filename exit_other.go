//go:build !unix

package main

import "os"

// exitWhenUnread does nothing, because only a process that writes to a pipe learns from Windows that nobody reads from it. There,
// a provider outlives a Terraform that was killed, until the user ends it.
func exitWhenUnread(*os.File) {}
