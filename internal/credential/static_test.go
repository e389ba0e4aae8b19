package credential

import (
	"testing"
)

func TestStaticKeys(t *testing.T) {
	t.Parallel()
	cfg := keys()
	cfg.SecurityToken = "CAIS+/with=="
	cfg.SetBy = "access_key in the provider block"
	s, c, err := fetch(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if c.AccessKeyID != cfg.AccessKeyID || c.AccessKeySecret != cfg.AccessKeySecret || c.SecurityToken != cfg.SecurityToken {
		t.Error("other credentials than configured")
	}
	if got := s.String(); got != "access key LTAI…eyId (access_key in the provider block)" {
		t.Error(got)
	}
	for range 2 { // the second is of a reader that is late
		if s.Discard(c) {
			t.Error("other keys are expected where these were given")
		}
	}
}
