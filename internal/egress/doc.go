// Package egress is the provider's one way out. Every request to the service, and to all that issues credentials, goes
// through its transport, and what a failure to get an answer means is decided here.
package egress
