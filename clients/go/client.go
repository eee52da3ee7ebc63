package graphwire

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// A Client is a connection to a server, and what may be asked of it. Make one with [Open] and use it from any number of goroutines.
type Client struct {
	conn       *grpc.ClientConn
	settings   *settings
	runs       graphwirev1.RunServiceClient
	threads    graphwirev1.ThreadServiceClient
	assistants graphwirev1.AssistantServiceClient
	crons      graphwirev1.CronServiceClient
	store      graphwirev1.StoreServiceClient
	closing    chan struct{}
	closeOnce  sync.Once
}

// Open makes a client of the server at an address: `host:port`, or any other target of gRPC, such as `unix:/run/graphwire.sock`.
//
// Nothing is sent before the first call, which fails with UNAVAILABLE where nobody answers. It fails itself where the address or an option cannot be
// right. Close the client when it is no longer needed.
func Open(address string, options ...Option) (*Client, error) {
	s, err := newSettings(options)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(address, s.dialOptions()...)
	if err != nil {
		return nil, err
	}
	return &Client{
		conn:       conn,
		settings:   s,
		runs:       graphwirev1.NewRunServiceClient(conn),
		threads:    graphwirev1.NewThreadServiceClient(conn),
		assistants: graphwirev1.NewAssistantServiceClient(conn),
		crons:      graphwirev1.NewCronServiceClient(conn),
		store:      graphwirev1.NewStoreServiceClient(conn),
		closing:    make(chan struct{}),
	}, nil
}

// Close ends the connection. Calls and streams that are under way fail with the code CANCELLED.
func (c *Client) Close() error {
	c.closeOnce.Do(func() { close(c.closing) })
	return c.conn.Close()
}

func (c *Client) closed() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

// Runs gives the generated stub of the runs, with this client's connection. The errors of its unary calls are [*Error]; of its streams, which do
// not go on by themselves, [ErrorFrom] makes them.
func (c *Client) Runs() graphwirev1.RunServiceClient { return c.runs }

// Threads gives the generated stub of the threads, as Runs does.
func (c *Client) Threads() graphwirev1.ThreadServiceClient { return c.threads }

// Assistants gives the generated stub of the assistants, as Runs does.
func (c *Client) Assistants() graphwirev1.AssistantServiceClient { return c.assistants }

// Crons gives the generated stub of the crons, as Runs does.
func (c *Client) Crons() graphwirev1.CronServiceClient { return c.crons }

// Store gives the generated stub of the store, as Runs does.
func (c *Client) Store() graphwirev1.StoreServiceClient { return c.store }

// Conn gives the connection, for the stubs of other services of the same server, such as health.
func (c *Client) Conn() grpc.ClientConnInterface { return c.conn }

// callMetadata goes with every call on a connection, those of generated stubs included.
type callMetadata map[string]string

func (m callMetadata) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return m, nil
}

// RequireTransportSecurity is false: a server on loopback may ask for a key as well.
func (m callMetadata) RequireTransportSecurity() bool { return false }

// convertErrors gives every unary call the one type of error.
func convertErrors(
	ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	err := ErrorFrom(invoke(ctx, method, request, answer, conn, options...))
	if own := ended(ctx); own != nil && own.Code == status.Code(err) {
		return own
	}
	return err
}
