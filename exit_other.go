//go:build !unix

package main

// unread returns false, because Windows reports that nothing reads a pipe only to a process that
// writes to it. There, a provider outlives a Terraform that was killed, until the user ends it.
func unread() bool { return false }
