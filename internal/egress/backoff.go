package egress

import (
	"math/rand/v2"
	"time"
)

// Backoff returns a random wait before the next try; elapsed is the time since the first failure in a row.
//
// The wait grows with the time that the trouble has lasted, whatever the number of failures, so a thousand machines that start
// at once spread without knowing of one another. With a factor of 1.5 instead of 2, a few machines have their response sooner, but in
// one of thirty starts some of a thousand have no response within five minutes, if refused calls count.
func Backoff(elapsed time.Duration) time.Duration {
	longest := max(time.Second, 2*elapsed)
	return longest/2 + rand.N(longest/2)
}
