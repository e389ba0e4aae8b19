// Package credential gets Alibaba Cloud credentials from every source that the vendor's tools know, and makes the vendor's
// library safe to do it with: one fetch at a time, over package egress, without panics, without output, and with errors that
// say why and hold no secret.
//
// https://github.com/aliyun/credentials-go
package credential
