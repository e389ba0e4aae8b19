// Command bench measures how the provider keeps to the account's limit and what that costs in time: the figures that the
// documentation quotes. Every request goes to a fake service, on the loopback device or in memory.
//
// Its sections run as tests, because virtual time ([testing/synctest]) exists only there, and are selected as tests are:
//
//	go run ./internal/bench -test.run 'crowd|machines'
package main

import (
	"regexp"
	"testing"
	"time"
)

// limit is how many calls a second the service accepts.
const limit = 10

// ideal is how long the limit keeps the last of so many calls waiting.
func ideal(calls int) time.Duration {
	return time.Duration((calls-1)/limit) * time.Second
}

func main() {
	testing.Main(regexp.MatchString, []testing.InternalTest{
		{Name: "plans", F: plans},
		{Name: "crowd", F: crowd},
		{Name: "limits", F: limits},
		{Name: "restart", F: restart},
		{Name: "machines", F: machines},
	}, nil, nil)
}
