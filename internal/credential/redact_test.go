package credential

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"LTAI5tAbCdEfGhIj3xQz": "LTAI…3xQz", "short": "…", "": "…", "twelve-chars": "…", "thirteen-char": "thir…char",
	} {
		if got := Shorten(id); got != want {
			t.Errorf("%q became %q, want %q", id, got, want)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"reason kept":    {errors.New("refresh Ecs sts token err, Code is not Success"), "refresh Ecs sts token err, Code is not Success"},
		"token expired":  {errors.New("CloudSSO access token is empty or expired, please re-login with cli"), "CloudSSO access token is empty or expired, please re-login with cli"},
		"file":           {errors.New("unmarshal aliyun cli config from '/x' failed: {\"access_key_secret\": \"hush-hush-hush\""), "unmarshal aliyun cli config from '/x' failed (what it answered is left out, as it may hold secrets: 38 bytes)"},
		"query":          {errors.New(`get role name failed: Get "http://100.100.100.200/latest/?Signature=hush-hush-hush": EOF`), `get role name failed: Get "http://100.100.100.200/latest/": EOF`},
		"user":           {errors.New("dial https://me:hush-hush-hush@host/path: refused"), "dial https://host/path: refused"},
		"parameter":      {errors.New("bad SecurityToken=hush-hush-hush&x=1"), "bad SecurityToken=***&x=1"},
		"escaped":        {errors.New("bad AccessKeySecret%3Dhush-hush-hush"), "bad AccessKeySecret%3D***"},
		"header":         {errors.New("bad Authorization: Bearer hush-hush-hush"), "bad Authorization: Bearer ***"},
		"access key ID":  {errors.New("key LTAI5thush-hush LTAI5tAbCdEfGhIj3xQz"), "key LTAI5thush-hush LTAI…3xQz"},
		"known":          {errors.New("it said hush/hush+hush and hush%2Fhush%2Bhush and hush%252Fhush%252Bhush"), "it said *** and *** and ***"},
		"no HTTP":        {errors.New(`get role name failed: Get "http://100.100.100.200/": malformed HTTP response "{\"AccessKeySecret\":\"hush-hush-hush\"}"`), `get role name failed: Get "http://100.100.100.200/": malformed HTTP answer`},
		"no header":      {&url.Error{Op: "Get", URL: "https://host/", Err: errors.New(`malformed MIME header: missing colon: "hush-hush-hush"`)}, "get https://host/: malformed HTTP answer"},
		"no status":      {&url.Error{Op: "Get", URL: "https://host/", Err: errors.New(`malformed HTTP status code "hush-hush-hush"`)}, "get https://host/: malformed HTTP answer"},
		"redirected":     {&url.Error{Op: "Get", URL: "https://host/", Err: errors.New(`failed to parse Location header "hush-hush-hush": net/url`)}, "get https://host/: malformed HTTP answer"},
		"transport":      {&url.Error{Op: "Post", URL: "https://me:hush-hush-hush@sts.aliyuncs.com/?Signature=hush-hush-hush", Err: errors.New("timeout")}, "post https://sts.aliyuncs.com/: timeout"},
		"malformed URL":  {&url.Error{Op: "parse", URL: "hush-hush-hush", Err: errors.New("missing scheme")}, "parse the configured address: missing scheme"},
		"OAuth":          {errors.New(`get session token from OAuth failed: {"error": "invalid_token", "error_description": "expired", "access_token": "hush-hush-hush"}`), "get session token from OAuth failed: invalid_token: expired"},
		"service":        {errors.New(`refresh session token failed: {"Code": "NoPermission", "Message": "no", "RequestId": "R", "Secret": "hush-hush-hush"}`), "refresh session token failed: NoPermission: no (request ID R)"},
		"string to sign": {errors.New(`refresh session token failed: {"Code": "SignatureDoesNotMatch", "Message": "server string to sign is:POST&hush-hush-hush"}`), "refresh session token failed: SignatureDoesNotMatch: server string to sign (left out)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := explain(test.err, newScrubber("hush/hush+hush")).Err.Error()
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// Whatever a service answers, and in whatever phrase the library quotes it, what it answered stays hidden unless it is a code or a message.
func FuzzExplain(f *testing.F) {
	f.Add("", "")
	f.Add(`{"SecurityToken": "`, `"}`)
	f.Add(`<html>`, `</html>`)
	f.Add(`POST&%2F&AccessKeyId%3DLTAI`, ` failed: `)
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "hush-hush-hush"
		for _, phrase := range []string{
			"refresh session token failed: %s", "get session token failed: %s", "get session token from sso failed: %s",
			"refresh session token err, fail to get credentials from OAuth: %s", "failed to refresh token from OAuth: %s",
			`Get "https://host/": malformed HTTP status code "%s"`, `Get "https://host/": malformed MIME header: missing colon: "%s"`,
			"refresh Ecs sts token err, httpStatus: 500, message = %s",
			`Get "https://host/": malformed HTTP response "%s"`,
		} {
			e := explain(fmt.Errorf(phrase, before+secret+after), newScrubber())
			shown := e.Error()
			if e.Code != "" {
				continue // a code and a message are passed on, scrubbed of what is known
			}
			if strings.Contains(shown, secret) {
				t.Errorf("%s", shown)
			}
		}
	})
}
