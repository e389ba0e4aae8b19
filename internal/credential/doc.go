// Package credential gets Alibaba Cloud credentials from every source that the vendor's tools know: one fetch at a time, over
// package egress, and with errors that say why and hold no secret.
package credential
