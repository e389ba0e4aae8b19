package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/cas"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
)

// TestFake reads with the provider's client, which knows nothing but what the fake prints.
func TestFake(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	in, words := io.Pipe()
	printed, out := io.Pipe()
	done := make(chan error)
	go func() { done <- run(ctx, []string{"score=61"}, in, out) }()
	lines := bufio.NewScanner(printed)
	until := func(want string) (text string) {
		t.Helper()
		for lines.Scan() {
			if text += lines.Text() + "\n"; strings.Contains(lines.Text(), want) {
				return text
			}
		}
		t.Fatalf("got %q, want %q", text, want)
		return ""
	}

	exported := map[string]string{}
	for line := range strings.Lines(until("wrong-key")) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		exported[name] = value
	}
	endpoint, err := url.Parse(exported["ALIBABA_CLOUD_ENDPOINT_CAS"])
	if err != nil {
		t.Fatal(err)
	}
	client := cas.New(cas.Config{
		Endpoint: endpoint, Logger: slog.New(slog.DiscardHandler), RequestsPerSecond: 10, RequestTimeout: time.Minute,
		Credentials: credential.New(credential.Config{Source: credential.AccessKey{
			ID: exported["ALIBABA_CLOUD_ACCESS_KEY_ID"], Secret: exported["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
		}}),
	})
	read := func(want string) string {
		t.Helper()
		ctx, enough := context.WithCancel(ctx)
		result := make(chan string)
		go func() {
			count, err := client.GetAssetCount(ctx)
			if err == nil && count.Point != nil {
				result <- fmt.Sprint(*count.Point)
			} else {
				result <- fmt.Sprint(err)
			}
		}()
		until("GetAssetCount: " + want)
		if want != "200 OK" {
			enough() // because a throttled read would try again
		}
		defer enough()
		return <-result
	}

	if got := read("200 OK"); got != "61" {
		t.Errorf("got %s, want a score of 61", got)
	}
	for _, test := range []struct{ word, response string }{
		{"throttle", "400 Throttling.User"},
		{"denied", "403 Forbidden.RAM"},
		{"wrong-key", "404 InvalidAccessKeyId.NotFound"},
		{"down", "503 ServiceUnavailable"},
		{"score=7", "200 OK"},
		{"ok", "200 OK"},
	} {
		fmt.Fprintln(words, test.word)
		until("From now on: " + test.word)
		read(test.response)
	}
	if got := read("200 OK"); got != "92" {
		t.Errorf("got %s, want a score of 92", got)
	}
	for _, word := range []string{"score=much", "nonsense"} {
		fmt.Fprintln(words, word)
		until("isn't")
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("got %v, want no error once it is interrupted", err)
	}
}
