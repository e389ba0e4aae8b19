//go:build !unix

package main

import "os"

// exitWhenUnread does nothing: Windows doesn't tell a process that nobody reads from its pipe until it writes to it. So a
// provider outlives a Terraform that was killed there, until the user ends it.
func exitWhenUnread(*os.File) {}
