package credential

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/userfile"
)

var errUnsaved = errors.New("the sign-in isn't renewed, because its new tokens couldn't be saved")

// cloudSSO exchanges the access token of a sign-in to CloudSSO.
func (p profile) cloudSSO(ctx context.Context, f *fetcher) (Credentials, error) {
	signIn, err := parseURI(p.SignInURL)
	switch {
	case expired(p.AccessToken, p.AccessTokenExpire):
		return Credentials{}, p.signInNeeded()
	case err != nil:
		return Credentials{}, fmt.Errorf("cloud_sso_sign_in_url can't be used: %w", err)
	case p.AccountID == "" || p.AccessConfig == "":
		return Credentials{}, errors.New("cloud_sso_account_id or cloud_sso_access_config is empty")
	}
	body, _ := json.Marshal(map[string]string{"AccountId": p.AccountID, "AccessConfigurationId": p.AccessConfig})
	address := &url.URL{Scheme: signIn.Scheme, Host: signIn.Host, Path: "/cloud-credentials"}
	c, err := p.exchange(ctx, f, address, p.AccessToken, string(body))
	c.account = p.AccountID
	return c, err
}

// exchange requests credentials for the access token of a sign-in.
func (p profile) exchange(ctx context.Context, f *fetcher, address *url.URL, token, body string) (Credentials, error) {
	switch flaw := KeyFlaw(token); {
	case token == "":
		return Credentials{}, p.signInNeeded()
	case flaw != "":
		return Credentials{}, newError(NotAKey, "its access token %s", flaw)
	}
	req := newRequest(ctx, http.MethodPost, address, body)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	return f.issue(req, true, token)
}

// expired reports whether there is no token, or it has expired by this machine's clock.
func expired(token string, at int64) bool { return token == "" || time.Until(time.Unix(at, 0)) <= 0 }

func (p profile) signInNeeded() *Error {
	return newError(Login, "the sign-in of profile %s has expired or was never made", p.Name)
}

// oauthTokens are those of a sign-in with OAuth.
type oauthTokens struct {
	Access  string `json:"oauth_access_token"`
	Refresh string `json:"oauth_refresh_token"`
	Expire  int64  `json:"oauth_access_token_expire"`
}

// oauthSites are the hosts where the CLI signs in, and its client IDs there.
var oauthSites = map[string]struct{ host, client string }{
	"CN":   {"oauth.aliyun.com", "4038181954557748008"},
	"INTL": {"oauth.alibabacloud.com", "4103531455503354461"},
}

// oauth exchanges the access token of a sign-in. If there is a refresh token, it renews the sign-in
// once the access token has expired by this machine's clock or, as that may be off, the service's.
func (p profile) oauth(ctx context.Context, f *fetcher) (Credentials, error) {
	site, ok := oauthSites[strings.ToUpper(p.OAuthSite)]
	if !ok {
		return Credentials{}, fmt.Errorf("oauth_site_type is %q, not CN or INTL", typeName(p.OAuthSite))
	}
	address := &url.URL{Scheme: "https", Host: site.host, Path: "/v1/exchange"}
	if p.Refresh == "" || !expired(p.Access, p.Expire) {
		c, err := p.exchange(ctx, f, address, p.Access, "")
		failure := asError(err)
		if p.Refresh == "" || err == nil || failure.Status != http.StatusUnauthorized && failure.Code != "expired_token" {
			return c, err
		}
	}
	if err := p.renew(ctx, f, site.host, site.client); err != nil {
		return Credentials{}, err
	}
	return p.exchange(ctx, f, address, p.Access, "")
}

// renew renews a sign-in, and writes its new tokens into the CLI's file. The refresh token works
// only once: so one process renews at a time, and the next one uses what the first wrote. Other
// tools don't lock the file: if one of them has used up the token, the file has new ones soon.
func (p *profile) renew(ctx context.Context, f *fetcher, host, client string) error {
	defer p.file.lock(ctx, f)()
	before := p.Access
	p.reread()
	renewed := p.Access != before && !expired(p.Access, p.Expire)
	if renewed || p.Refresh == "" || ctx.Err() != nil {
		return ctx.Err()
	}
	// Before the token is used up, the file gets space for new tokens.
	space := func(content []byte) ([]byte, error) { return append(content, bytes.Repeat([]byte(" "), 8<<10)...), nil }
	if err := userfile.Edit(p.file.path, space); err != nil {
		return fmt.Errorf("%w: %w", errUnsaved, err)
	}
	used := p.oauthTokens
	err := p.requestTokens(context.WithoutCancel(ctx), f, host, client) // otherwise the new tokens may be lost
	if err == nil {
		if err := userfile.Edit(p.file.path, p.saveTokens); err != nil {
			f.Logger.WarnContext(ctx, "New OAuth tokens can't be saved: the next run needs a new sign-in",
				"profile", p.Name, "command", p.configure(), "error", err)
		}
		return nil
	}
	_ = userfile.Edit(p.file.path, func(content []byte) ([]byte, error) { return bytes.TrimRight(content, " "), nil })
	failure := asError(err)
	if failure.Code == "invalid_grant" {
		for range 5 {
			if p.reread(); p.oauthTokens != used {
				return nil
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
		failure.Err = fmt.Errorf("the sign-in of profile %s can't be renewed: %w", p.Name, failure.Err)
	}
	return failure
}

// reread takes the tokens that the CLI's file has now.
func (p *profile) reread() {
	from := p.file.from
	from.Name = p.Name
	if now, err := from.read(); err == nil {
		p.oauthTokens = now.oauthTokens
	}
}

// requestTokens uses up p's refresh token for new tokens.
func (p *profile) requestTokens(ctx context.Context, f *fetcher, host, client string) error {
	address := &url.URL{Scheme: "https", Host: host, Path: "/v1/token"}
	req := newRequest(ctx, http.MethodPost, address, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {p.Refresh}, "client_id": {client},
		"Timestamp": {time.Now().UTC().Format(time.RFC3339)},
	}.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := egress.Send(f.Transport, req, requestTimeout)
	if err != nil {
		return err
	}
	if resp.Status/100 != 2 {
		return reported(resp, p.Refresh)
	}
	var issued struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"` // empty: the old one still works (RFC 6749, section 6)
		Seconds any    `json:"expires_in"`    // a number, or a string with one
	}
	_ = json.Unmarshal(resp.Body, &issued) // missing fields stay empty
	if issued.Access+issued.Refresh == "" {
		return newError(egress.Malformed, "its response has no new tokens")
	}
	const hour, decade = 60 * 60, 10 * 365 * 24 * 60 * 60
	seconds, _ := strconv.ParseFloat(fmt.Sprint(issued.Seconds), 64)
	seconds = cmp.Or(max(seconds, 0), hour) // the service needn't say (RFC 6749, section 5.1)
	p.Access, p.Refresh = issued.Access, cmp.Or(issued.Refresh, p.Refresh)
	p.Expire = time.Now().Unix() + int64(min(seconds, decade))
	return nil
}

// lock locks the CLI's file, or goes on without: it waits for other processes, but one may hang.
func (c cliFile) lock(ctx context.Context, f *fetcher) (unlock func()) {
	const limit, pause = requestTimeout + 5*time.Second, 50 * time.Millisecond // its holder makes a request
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	target, _ := filepath.EvalSymlinks(c.path) // others may come by another path
	// All may read the lock, so that one that belongs to root, as after sudo, can be locked.
	// Without O_NONBLOCK, a FIFO in its place would wait for a writer.
	lock := flock.New(cmp.Or(target, c.path)+".lock", flock.SetPermissions(0o644),
		flock.SetFlag(os.O_CREATE|os.O_RDONLY|syscall.O_NONBLOCK))
	if _, err := lock.TryLockContext(wait, pause); err != nil && ctx.Err() == nil {
		f.Logger.WarnContext(ctx, "The CLI's file can't be locked, so two processes may use up one token: "+
			"if the lock belongs to another user, as after sudo, remove it", "lock", lock.Path(), "error", err)
	}
	return func() { _ = lock.Unlock() }
}

// saveTokens puts p's OAuth tokens into the content of the CLI's file, and keeps everything else.
func (p *profile) saveTokens(content []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var file map[string]any
	if err := decoder.Decode(&file); err != nil {
		return nil, err
	}
	list, _ := file["profiles"].([]any)
	at := slices.IndexFunc(list, func(entry any) bool {
		fields, _ := entry.(map[string]any)
		return fields["name"] == p.Name
	})
	if at < 0 {
		return nil, fmt.Errorf("it has no profile %s any more", p.Name)
	}
	maps.Copy(list[at].(map[string]any), map[string]any{ //nolint:forcetypeassert // as it has a name
		"oauth_refresh_token": p.Refresh, "oauth_access_token": p.Access, "oauth_access_token_expire": p.Expire,
	})
	content, err := json.MarshalIndent(file, "", "\t")
	return append(content, '\n'), err
}
