package cas

import (
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/terraform-provider-cas/terraform-provider-cas/internal/castest"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/credential"
	"github.com/terraform-provider-cas/terraform-provider-cas/internal/egress"
)

// BenchmarkCall compares a call with the least that net/http and encoding/json take for the same answer, over TLS as all calls are.
func BenchmarkCall(b *testing.B) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		_, _ = io.WriteString(w, golden)
	}))
	defer server.Close()
	endpoint, err := ParseEndpoint(server.URL)
	if err != nil {
		b.Fatal(err)
	}
	transport := egress.NewTransport()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport.TLSClientConfig.RootCAs = roots
	defer transport.CloseIdleConnections()

	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		client := http.Client{Transport: transport}
		for b.Loop() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, endpoint.String(), http.NoBody)
			if err != nil {
				b.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			var count struct {
				Point, LastPoint, PointRatio, PointTime                              *int64
				BuyCertificateCount, FreeCertificateCount, UploadCertificateCount    *int64
				AliyunAssetCount, TencentAssetCount, HuaweiAssetCount, AwsAssetCount *int64
				DomainAssetCount                                                     *int64
				RequestID                                                            *string
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || json.Unmarshal(body, &count) != nil {
				b.Fatal("no answer")
			}
		}
	})
	b.Run("signed", func(b *testing.B) {
		b.ReportAllocs()
		source, err := credential.New(credential.Config{
			AccessKeyID:     castest.DefaultKey.AccessKeyID,
			AccessKeySecret: castest.DefaultKey.AccessKeySecret,
		})
		if err != nil {
			b.Fatal(err)
		}
		client := New(Config{
			Endpoint:          endpoint,
			Credentials:       source,
			Logger:            slog.New(slog.DiscardHandler),
			UserAgent:         "benchmark",
			RequestsPerSecond: 10,
			RequestTimeout:    time.Minute,
			Transport:         transport,
		})
		creds, err := source.Get(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := client.send(b.Context(), creds, 1); err != nil {
				b.Fatal(err)
			}
		}
	})
}
