//go:build !unix

package main

import "os"

// exitWhenUnread does nothing, because Windows reports that nobody reads from a pipe only to whoever writes to it. A provider
// outlives a Terraform that was killed there, until the user ends it.
func exitWhenUnread(*os.File) {}
