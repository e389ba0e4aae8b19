// Command bench measures the provider: how many calls it makes, how long it takes and what it costs, beside the targets
// it was built for. Every request goes to a fake service, on the loopback device or in memory.
//
// Its sections run as tests do, because virtual time ([testing/synctest]) is to be had there only, and are chosen as
// tests are:
//
//	go run ./internal/bench -test.run 'machines|growth'
package main

import (
	"regexp"
	"testing"
)

// limit is how many calls a second the service accepts.
const limit = 10

func main() {
	testing.Main(regexp.MatchString, []testing.InternalTest{
		{Name: "plans", F: plans},
		{Name: "growth", F: growth},
		{Name: "machines", F: machines},
		{Name: "call", F: call},
		{Name: "start", F: start},
		{Name: "peer", F: peer},
	}, nil, nil)
}
