package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// What RAM and STS accept: patterns that are compiled where there is something to match, because Terraform starts the
// provider several times for a plan.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerole
const (
	roleARNs        = `^acs:ram::[0-9]+:role/[\w.@/-]{1,64}$`
	oidcProviderARN = `^acs:ram::[0-9]+:oidc-provider/[\w.@/-]{1,128}$`
	roleName        = `^[\w.-]{1,64}$`
	sessionNames    = `^[\w.@-]{2,64}$`
	externalIDs     = `^[\w+=,.@:/-]{2,1000}[\w+=,.@:/-]{0,224}$` // 2 to 1224; Go repeats nothing above 1000 times
)

// match refuses a value that isn't what it has to be.
func (r *resolver) match(s setting, pattern, summary, mustBe string) {
	if s.value != "" && !regexp.MustCompile(pattern).MatchString(s.value) {
		r.refuse(s, summary, fmt.Sprintf("%s is %q. It must be %s.", s, s.value, mustBe))
	}
}

func (r *resolver) roleARN(s setting) string {
	r.match(s, roleARNs, "Invalid role ARN", "the ARN of a RAM role, such as \"acs:ram::1234567890123456:role/reader\"")
	return s.value
}

func (r *resolver) sessionName(s setting) string {
	r.match(s, sessionNames, "Invalid session name", "2 to 64 letters, digits, periods, at signs, underscores and hyphens")
	return s.value
}

func (r *resolver) expiration(s setting) int {
	return r.number(s, 0, credential.MinSessionExpiration, credential.MaxSessionExpiration)
}

func (r *resolver) policy(s setting) string {
	var policy map[string]any
	if s.value == "" {
		return ""
	}
	if err := json.Unmarshal([]byte(s.value), &policy); err != nil {
		r.refuse(s, "Invalid policy", fmt.Sprintf("%s isn't a JSON object: %s. Write it with jsonencode, so that Terraform takes care of the syntax.", s, err))
	}
	return s.value
}

// checkSecret refuses what was added to a key when it was copied. It never repeats the value.
func (r *resolver) checkSecret(s setting) {
	var what string
	switch v := s.value; {
	case strings.TrimSpace(v) != v:
		what = "begins or ends with white space"
	case strings.IndexFunc(v, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) >= 0:
		what = "has white space in it"
	case strings.ContainsAny(v, "\"'`"):
		what = "has quotes in or around it"
	default:
		return
	}
	r.refuse(s, "Invalid "+secretName(s), fmt.Sprintf("%s %s, which isn't part of any key or token. It was probably added when the value was copied: take it out.", s, what))
}

func secretName(s setting) string {
	steps := s.path.Steps()
	return strings.NewReplacer("oidc", "OIDC", "_", " ").Replace(fmt.Sprint(steps[len(steps)-1]))
}

// checkTokenFile refuses a file that can't be read now. The token is read anew for every fetch.
func (r *resolver) checkTokenFile(s setting) {
	if s.value == "" || r.validating {
		return
	}
	var info os.FileInfo
	file, err := credential.ExpandHome(s.value)
	if err == nil {
		info, err = os.Stat(file)
	}
	switch {
	case err != nil:
		r.refuse(s, "OIDC token file not found", fmt.Sprintf("%s is %q: %s. The file is written by whoever runs Terraform, such as the CI system "+
			"or Kubernetes: check that it is mounted, and the path.", s, s.value, err))
	case info.IsDir():
		r.refuse(s, "Invalid OIDC token file", fmt.Sprintf("%s is %q, which is a folder. Name the file in it.", s, s.value))
	}
}

// stsEndpoint is a host with or without a port, as the credentials library takes it: it always speaks https.
func (r *resolver) stsEndpoint(s setting) string {
	if s.value == "" {
		return ""
	}
	endpoint, err := cas.ParseEndpoint(s.value)
	if err == nil && endpoint.Scheme != "https" {
		err = errors.New("STS is only asked over https")
	}
	if err != nil {
		r.refuse(s, "Invalid endpoint", fmt.Sprintf("%s is %q, which can't be used as an endpoint: %s. "+
			"Use a host name such as \"sts.ap-southeast-1.aliyuncs.com\", with a port where needed.", s, publicPart(s.value), err))
		return ""
	}
	return endpoint.Host
}

// publicPart is an address without what may be secret: user information and query.
func publicPart(address string) string {
	address, _, _ = strings.Cut(address, "?")
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "", address
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = "…" + rest[at:]
	}
	if ok {
		return scheme + "://" + rest
	}
	return rest
}
