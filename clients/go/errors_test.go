package graphwire

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

func TestAnErrorHasAllThatTheStatusSays(t *testing.T) {
	violations := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "config.tags", Description: "too many"}}}
	err := ErrorFrom(fault(codes.InvalidArgument, "INVALID_FIELD", violations, retryAfter(1500*time.Millisecond)))

	failed := told(t, err)

	same(t, "error", *failed, Error{
		Code: codes.InvalidArgument, Reason: "INVALID_FIELD", Message: "it failed", Metadata: map[string]string{"request_id": "q1"},
		Fields: []FieldViolation{{"config.tags", "too many"}}, RetryAfter: 1500 * time.Millisecond, cause: failed.cause,
	})
	same(t, "text", err, "INVALID_ARGUMENT (INVALID_FIELD): it failed; config.tags: too many")
	same(t, "gRPC's code and details", []any{status.Code(err), len(status.Convert(err).Details())}, []any{codes.InvalidArgument, 3})
	if again := ErrorFrom(fmt.Errorf("while paying: %w", err)); told(t, again) != failed {
		t.Error("an error was made of an error")
	}
}

func TestAReasonOfAnotherDomainIsNotOurs(t *testing.T) {
	err := ErrorFrom(fault(codes.Unavailable, "", &errdetails.ErrorInfo{Domain: "proxy.example.com", Reason: "DRAINING"}))

	same(t, "reason and metadata", []any{told(t, err).Reason, len(told(t, err).Metadata)}, []any{"", 0})
}

func TestOtherErrorsBecomeOurs(t *testing.T) {
	if ErrorFrom(nil) != nil {
		t.Error("nil became an error")
	}
	same(t, "a deadline", told(t, ErrorFrom(context.DeadlineExceeded)).Code, codes.DeadlineExceeded)
	same(t, "any other", told(t, ErrorFrom(errors.New("x"))).Code, codes.Unknown)
}

// refusing is a server that refuses every call of the threads.
type refusing struct {
	graphwirev1.UnimplementedThreadServiceServer
}

func (refusing) GetThread(context.Context, *graphwirev1.GetThreadRequest) (*graphwirev1.GetThreadResponse, error) {
	return nil, fault(codes.NotFound, "THREAD_NOT_FOUND")
}

func TestUnaryCallsRaiseOurErrors(t *testing.T) {
	client := serving(t, func(server *grpc.Server) { graphwirev1.RegisterThreadServiceServer(server, refusing{}) })

	_, ours := client.GetThread(t.Context(), &graphwirev1.GetThreadRequest{})
	_, stub := client.Threads().GetThread(t.Context(), &graphwirev1.GetThreadRequest{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, left := client.GetThread(ctx, nil)

	same(t, "reasons", []string{told(t, ours).Reason, told(t, stub).Reason}, []string{"THREAD_NOT_FOUND", "THREAD_NOT_FOUND"})
	if told(t, left).Code != codes.Canceled || !errors.Is(left, context.Canceled) {
		t.Errorf("a cancelled call gave %v", left)
	}
}
