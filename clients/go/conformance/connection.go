package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	graphwire "github.com/graphwire/graphwire/clients/go"
)

// connection says how the client is opened. What is absent is left to the client. Times are in seconds.
type connection struct {
	APIKey           string   `json:"api_key"`
	TLS              bool     `json:"tls"`
	RootCertificates string   `json:"root_certificates"` // a file in PEM
	Patience         *float64 `json:"patience"`
	KeepEvents       *bool    `json:"keep_events"`
	KeepaliveTime    *float64 `json:"keepalive_time"`
	KeepaliveTimeout *float64 `json:"keepalive_timeout"`
}

func (c connection) open(address string) (*graphwire.Client, error) {
	options := []graphwire.Option{graphwire.WithAPIKey(c.APIKey)}
	if c.TLS {
		config, err := c.encryption()
		if err != nil {
			return nil, err
		}
		options = append(options, graphwire.WithTLS(config))
	}
	if c.Patience != nil {
		options = append(options, graphwire.WithPatience(seconds(*c.Patience)))
	}
	if c.KeepEvents != nil {
		options = append(options, graphwire.WithKeepEvents(*c.KeepEvents))
	}
	if c.KeepaliveTime != nil || c.KeepaliveTimeout != nil {
		options = append(options, graphwire.WithKeepalive(orElse(c.KeepaliveTime, 30), orElse(c.KeepaliveTimeout, 10)))
	}
	return graphwire.Open(address, options...)
}

func (c connection) encryption() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.RootCertificates == "" {
		return config, nil
	}
	certificates, err := os.ReadFile(c.RootCertificates)
	if err != nil {
		return nil, err
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(certificates) {
		return nil, fmt.Errorf("%s has no certificates", c.RootCertificates)
	}
	return config, nil
}

func seconds(number float64) time.Duration { return time.Duration(number * float64(time.Second)) }

func orElse(number *float64, other float64) time.Duration {
	if number == nil {
		return seconds(other)
	}
	return seconds(*number)
}
