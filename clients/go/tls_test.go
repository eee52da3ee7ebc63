package graphwire

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// certified makes a certificate of its own authority for 127.0.0.1, and the roots that trust it.
func certified(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(made)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{made}, PrivateKey: key}, roots
}

func TestTLS(t *testing.T) {
	certificate, roots := certified(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	graphwirev1.RegisterThreadServiceServer(server, refusing{})
	go server.Serve(listener)
	t.Cleanup(server.Stop)

	for name, c := range map[string]struct {
		options []Option
		want    codes.Code
	}{
		"its authority is trusted":    {[]Option{WithTLS(&tls.Config{RootCAs: roots}), WithAPIKey("k")}, codes.NotFound},
		"its authority is a stranger": {[]Option{WithTLS(nil)}, codes.Unavailable},
		"the client does not encrypt": {nil, codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := Open(listener.Addr().String(), c.options...)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			defer cancel()

			_, err = client.GetThread(ctx, &graphwirev1.GetThreadRequest{})

			same(t, "code", told(t, err).Code, c.want)
		})
	}
}
