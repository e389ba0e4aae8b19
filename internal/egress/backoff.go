package egress

import (
	"math/rand/v2"
	"time"
)

// Backoff returns how long to wait before another try, elapsed after the first failure in a row.
//
// The wait grows with the time that the trouble has lasted, whatever the number of failures, and is random: so a thousand
// machines that start at once spread without knowing of one another. A factor of 1.5 instead of 2 answers a few machines
// sooner, but leaves some of a thousand unanswered after five minutes, in one of thirty starts, where refused calls count.
func Backoff(elapsed time.Duration) time.Duration {
	longest := max(time.Second, 2*elapsed)
	return longest/2 + rand.N(longest/2)
}
