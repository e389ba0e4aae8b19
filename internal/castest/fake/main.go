// Command fake serves the fake of the service for a configuration of your own, until it is
// interrupted. Its arguments, and the lines of its standard input, set how it responds.
package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		log.Fatal("fake: ", err)
	}
}

const help = "ok, score=61, throttle, denied, wrong-key, down"

func run(ctx context.Context, words []string, in io.Reader, out io.Writer) error {
	service := castest.Start(castest.Options{OnResponse: func(call castest.Call) {
		fmt.Fprintln(out, call.Arrived.Format(time.TimeOnly), "GetAssetCount:", call.Status, cmp.Or(call.Code, "OK"))
	}})
	defer service.Close()
	for _, word := range words {
		if err := set(service, word); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, `A fake of Certificate Management Service runs until Ctrl-C. For terraform in another terminal:

export ALIBABA_CLOUD_ENDPOINT_CAS=%s
export ALIBABA_CLOUD_ACCESS_KEY_ID=%s
export ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s
export ALIBABA_CLOUD_SECURITY_TOKEN=

Keys and endpoints in a provider block come before these variables. To change how the fake responds, type one of
%s

`, service.URL(), castest.DefaultKey.AccessKeyID, castest.DefaultKey.AccessKeySecret, help)
	go func() {
		for lines := bufio.NewScanner(in); lines.Scan(); {
			if err := set(service, lines.Text()); err != nil {
				fmt.Fprintln(out, err)
			} else {
				fmt.Fprintln(out, "From now on:", lines.Text())
			}
		}
	}()
	<-ctx.Done()
	return nil
}

// set changes how the service responds.
func set(service *castest.Server, word string) error {
	service.AddKey(castest.DefaultKey)
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "ok":
		service.Respond(castest.Assets())
	case "score":
		point, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%q isn't a whole number", value)
		}
		assets := castest.Assets()
		assets["Point"] = point
		service.Respond(assets)
	case "throttle":
		service.Always(castest.Throttle())
	case "denied":
		service.Always(castest.Denied("reader"))
	case "wrong-key":
		service.RemoveKey(castest.DefaultKey.AccessKeyID)
	case "down":
		service.Always(castest.Fault(http.StatusServiceUnavailable, "ServiceUnavailable",
			"The request has failed due to a temporary failure of the server."))
	default:
		return fmt.Errorf("%q isn't one of: %s", word, help)
	}
	return nil
}
