// Package cas is a client of Certificate Management Service, API version 2020-04-07, that reads
// GetAssetCount.
//
// The service allows an Alibaba Cloud account ten calls a second, for everybody and everything in
// that account. The client keeps all processes of one user on one machine within that limit, and
// makes no more calls than necessary:
//
//   - Reads that wait share the next call (share.go). A response serves only reads that began before its request left, so
//     no result is older than the beginning of its read.
//   - A gate says when the next call may leave (gate.go): by the pace, by what the service asks for, by our backoff after
//     failures, and by the quota. A call takes a place of the quota before its request leaves, and the place is free again
//     one second after the response arrived (internal/quota), so the service never counts more than that many of its calls in
//     any one second.
//   - What may pass is tried again (retry.go): each time with a place, a date and a nonce of its own.
//
// A failure is an [*Error], a [*WaitError] if time ran out, or credential.Error; find them with
// [errors.As].
package cas
