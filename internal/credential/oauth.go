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

// oauthSites are the hosts where the CLI signs in, and its client IDs there.
var oauthSites = map[string]struct{ host, client string }{
	"CN":   {"oauth.aliyun.com", "4038181954557748008"},
	"INTL": {"oauth.alibabacloud.com", "4103531455503354461"},
}

var errUnsaved = errors.New("the sign-in isn't renewed, because its new tokens couldn't be saved")

// oauth exchanges the access token of a sign-in. The token is renewed once it has expired by this
// machine's clock or, as that may be wrong, by the service's, which decides alone where there is no
// refresh token.
func (f cliFile) oauth(ctx context.Context, p profile) (Credentials, error) {
	site, ok := oauthSites[strings.ToUpper(p.OAuthSite)]
	if !ok {
		return Credentials{}, fmt.Errorf("oauth_site_type is %q, not CN or INTL", typeName(p.OAuthSite))
	}
	if p.OAuthRefreshToken == "" || !expired(p.OAuthAccessToken, p.OAuthAccessTokenExpire) {
		c, err := p.oauthCredentials(ctx, f.env, site.host)
		e := asError(err)
		if p.OAuthRefreshToken == "" || err == nil || e.Status != http.StatusUnauthorized && e.Kind != Login {
			return c, err
		}
	}
	if err := f.renew(ctx, &p, site.host, site.client); err != nil {
		return Credentials{}, err
	}
	return p.oauthCredentials(ctx, f.env, site.host)
}

// oauthCredentials returns credentials for p's access token.
func (p profile) oauthCredentials(ctx context.Context, e *env, host string) (Credentials, error) {
	if p.OAuthAccessToken == "" {
		return Credentials{}, p.signInNeeded()
	}
	c, err := e.exchange(ctx, &url.URL{Scheme: "https", Host: host, Path: "/v1/exchange"}, p.OAuthAccessToken, "")
	if failure, ok := errors.AsType[*Error](err); ok && failure.Code == "expired_token" {
		failure.Kind = Login
	}
	return c, err
}

// renew renews a sign-in, and writes its new tokens into the CLI's file. The refresh token works
// only once: so one process renews at a time, and the next one uses what the first wrote. Other
// tools don't lock the file: if one of them has used up the token, the file has new ones soon.
func (f cliFile) renew(ctx context.Context, p *profile, host, client string) error {
	defer f.lock(ctx)()
	before := p.OAuthAccessToken
	f.reread(p)
	renewed := p.OAuthAccessToken != before && !expired(p.OAuthAccessToken, p.OAuthAccessTokenExpire)
	if renewed || p.OAuthRefreshToken == "" || ctx.Err() != nil {
		return ctx.Err()
	}
	// Before the token is used up, the file gets space for new tokens.
	room := func(content []byte) ([]byte, error) { return append(content, bytes.Repeat([]byte(" "), 8<<10)...), nil }
	if err := userfile.Edit(f.path, room); err != nil {
		return fmt.Errorf("%w: %w", errUnsaved, err)
	}
	used := *p
	err := p.requestTokens(context.WithoutCancel(ctx), f.env, host, client) // otherwise the new tokens may be lost
	if err == nil {
		if err := userfile.Edit(f.path, p.saveTokens); err != nil {
			f.env.Logger.WarnContext(ctx, "New OAuth tokens can't be saved: the next run needs a new sign-in",
				"profile", p.Name, "command", p.configure(), "error", err)
		}
		return nil
	}
	_ = userfile.Edit(f.path, func(content []byte) ([]byte, error) { return bytes.TrimRight(content, " "), nil })
	e := asError(err)
	if e.Code == "invalid_grant" { // RFC 6749, section 5.2: about the refresh token
		for range 5 {
			if f.reread(p); *p != used {
				return nil
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
		e.Kind, e.Err = Login, fmt.Errorf("the sign-in of profile %s can't be renewed: %w", p.Name, e.Err)
	}
	return e
}

// reread takes p as the CLI's file has it now.
func (f cliFile) reread(p *profile) {
	if now, err := f.from.read(); err == nil && now.find(p.Name) != nil {
		*p = *now.find(p.Name)
	}
}

// requestTokens uses up p's refresh token for new tokens.
func (p *profile) requestTokens(ctx context.Context, e *env, host, client string) error {
	address := &url.URL{Scheme: "https", Host: host, Path: "/v1/token"}
	req := newRequest(ctx, http.MethodPost, address, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {p.OAuthRefreshToken}, "client_id": {client},
		"Timestamp": {time.Now().UTC().Format(time.RFC3339)},
	}.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := egress.Send(e.Transport, req, requestTimeout)
	if err != nil {
		return err
	}
	if resp.Status/100 != 2 {
		return refused(resp, p.OAuthRefreshToken)
	}
	var issued struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"` // empty: the old one still works (RFC 6749, section 6)
		Seconds any    `json:"expires_in"`
	}
	_ = json.Unmarshal(resp.Body, &issued) // missing fields stay empty
	if issued.Access+issued.Refresh == "" {
		return malformed("its response has no new tokens")
	}
	const decade = 10 * 365 * 24 * 60 * 60
	seconds, _ := strconv.ParseFloat(fmt.Sprint(issued.Seconds), 64)
	p.OAuthAccessToken, p.OAuthRefreshToken = issued.Access, cmp.Or(issued.Refresh, p.OAuthRefreshToken)
	p.OAuthAccessTokenExpire = time.Now().Unix() + int64(min(seconds, decade))
	return nil
}

// lock locks the CLI's file, or goes on without: it waits for other processes, but one may hang.
func (f cliFile) lock(ctx context.Context) (unlock func()) {
	const limit, pause = requestTimeout + 5*time.Second, 50 * time.Millisecond // its holder makes a request
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	target, _ := filepath.EvalSymlinks(f.path) // others may come by another path
	// All may read it, so that one that belongs to root, as after sudo, can be locked.
	// Without O_NONBLOCK, a FIFO in its place would wait for a writer.
	lock := flock.New(cmp.Or(target, f.path)+".lock", flock.SetPermissions(0o644),
		flock.SetFlag(os.O_CREATE|os.O_RDONLY|syscall.O_NONBLOCK))
	if _, err := lock.TryLockContext(wait, pause); err != nil && ctx.Err() == nil {
		f.env.Logger.WarnContext(ctx, "The CLI's file can't be locked, so two processes may use up one token: "+
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
		"oauth_refresh_token": p.OAuthRefreshToken, "oauth_access_token": p.OAuthAccessToken,
		"oauth_access_token_expire": p.OAuthAccessTokenExpire,
	})
	content, err := json.MarshalIndent(file, "", "\t")
	return append(content, '\n'), err
}
