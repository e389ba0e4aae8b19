package quiet

import (
	"os"
	"testing"
)

func TestSilence(t *testing.T) {
	tests := map[string]struct {
		debug    string
		want     string
		silenced bool
	}{
		"not set":        {debug: "", want: "", silenced: false},
		"another":        {debug: "sdk", want: "sdk", silenced: false},
		"the library's":  {debug: "credential", want: "", silenced: true},
		"among others":   {debug: "sdk,credential,tea", want: "sdk,tea", silenced: true},
		"a similar name": {debug: "credentials,credential", want: "credentials", silenced: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DEBUG", test.debug)
			if got := silence(); got != test.silenced {
				t.Errorf("silence: got %t, want %t", got, test.silenced)
			}
			if got := os.Getenv("DEBUG"); got != test.want {
				t.Errorf("DEBUG: got %q, want %q", got, test.want)
			}
		})
	}
}
