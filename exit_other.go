//go:build !unix

package main

import "os"

// unread returns false, because only a process that writes to a pipe learns from Windows that
// nobody reads from it. There, a provider outlives a Terraform that was killed, until the user ends
// it.
func unread(*os.File) bool { return false }
