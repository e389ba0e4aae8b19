// Package egress is the one way out of the provider: every request goes through its transport, and its failure to get an
// answer is classified here.
package egress
