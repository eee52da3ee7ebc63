package graphwire

import (
	"crypto/tls"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// The channel's default service config: reads are repeated by gRPC, and several servers are used in turn. `make gen` copies it from clients/.
//
//go:embed service_config.json
var serviceConfig string

const (
	defaultPatience         = 60 * time.Second
	defaultKeepaliveTime    = 30 * time.Second
	defaultKeepaliveTimeout = 10 * time.Second
	// How long one try to connect may take. gRPC's own 20 s would let a wrong address look like a slow one.
	connectTimeout = 5 * time.Second
	// The windows of flow control, in bytes. Fixed ones cost tokens a fifth less CPU than gRPC's own, which measures with pings how large they should be. They
	// bound what waits here for a slow loop, and at a round trip of 50 ms one stream still brings 20 MiB a second.
	streamWindow     = 1 << 20
	connectionWindow = 4 << 20
)

// An Option says how a client is opened.
type Option func(*settings)

type settings struct {
	tls              *tls.Config
	metadata         map[string]string
	patience         time.Duration
	keepEvents       bool
	keepaliveTime    time.Duration
	keepaliveTimeout time.Duration
	dial             []grpc.DialOption
	clock            clock
}

func newSettings(options []Option) (*settings, error) {
	s := &settings{
		metadata:         map[string]string{},
		patience:         defaultPatience,
		keepEvents:       true,
		keepaliveTime:    defaultKeepaliveTime,
		keepaliveTimeout: defaultKeepaliveTimeout,
		clock:            wallClock,
	}
	for _, option := range options {
		option(s)
	}
	return s, s.check()
}

// WithTLS encrypts the connection. A nil config means the public root certificates; one with RootCAs trusts an authority of your own, one with
// Certificates shows the server who calls. Default: not encrypted, for loopback.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) {
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		s.tls = config
	}
}

// WithAPIKey sends a key with every call, as `x-api-key`. Without TLS it crosses the network readable. An empty key is not sent.
func WithAPIKey(key string) Option {
	if key == "" {
		return func(*settings) {}
	}
	return WithMetadata("x-api-key", key)
}

// WithMetadata sends a value with every call. Given twice for one key, the last counts.
func WithMetadata(key, value string) Option {
	return func(s *settings) { s.metadata[strings.ToLower(key)] = value }
}

// WithPatience says how long a stream goes on trying, without progress, after its call broke: then it fails with the last error. 0 means not to go
// on at all. Default: 60 s. Until the server has answered a stream for the first time, it is at most 2 s.
func WithPatience(patience time.Duration) Option {
	return func(s *settings) { s.patience = patience }
}

// WithKeepEvents says whether the runs that [Client.Stream] creates keep their events on the server, so that a stream outlives a lost connection and a
// restart of the server without a gap: it sets `stream_resumable`. Off, the request's own `stream_resumable` counts. Default: on.
func WithKeepEvents(keep bool) Option {
	return func(s *settings) { s.keepEvents = keep }
}

// WithKeepalive says after how much silence a connection with open calls is pinged, and how long after the ping it is given up. Default: 30 s and
// 10 s. gRPC takes a time below 10 s as 10 s. The server refuses more pings than one in 10 s.
func WithKeepalive(silence, timeout time.Duration) Option {
	return func(s *settings) { s.keepaliveTime, s.keepaliveTimeout = silence, timeout }
}

// WithDialOptions adds options of gRPC: interceptors, stats handlers, a dialer. They come after those of this client, and win.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.dial = append(s.dial, options...) }
}

// withClock replaces the time, for tests.
func withClock(c clock) Option {
	return func(s *settings) { s.clock = c }
}

var metadataKey = regexp.MustCompile(`^[0-9a-z_.-]+$`)

// check refuses what gRPC would fail every call for, or send as it is: a key read from a file often ends with a line break.
func (s *settings) check() error {
	for key, value := range s.metadata {
		if !metadataKey.MatchString(key) || strings.HasPrefix(key, "grpc-") {
			return fmt.Errorf("graphwire: %q cannot be a key of metadata", key)
		}
		if !strings.HasSuffix(key, "-bin") && strings.ContainsFunc(value, unprintable) {
			return fmt.Errorf("graphwire: the value of the metadata %q has characters other than printable ASCII, such as a line break", key)
		}
	}
	if s.patience < 0 || s.keepaliveTime <= 0 || s.keepaliveTimeout <= 0 {
		return errors.New("graphwire: patience must be 0 or more, and the times of keepalive more than 0")
	}
	return nil
}

func unprintable(r rune) bool { return r < 0x20 || r > 0x7e }

func (s *settings) dialOptions() []grpc.DialOption {
	retry := backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: 5 * time.Second}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(s.credentials()),
		grpc.WithDefaultServiceConfig(serviceConfig),
		// A state may be larger than gRPC's 4 MiB; the server splits events, but the answers of unary calls come whole.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: connectTimeout}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: s.keepaliveTime, Timeout: s.keepaliveTimeout}),
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connectionWindow),
		grpc.WithChainUnaryInterceptor(convertErrors),
	}
	if len(s.metadata) > 0 {
		options = append(options, grpc.WithPerRPCCredentials(callMetadata(s.metadata)))
	}
	return append(options, s.dial...)
}

func (s *settings) credentials() credentials.TransportCredentials {
	if s.tls == nil {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(s.tls)
}
