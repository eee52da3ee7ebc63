package graphwire

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ReasonStreamCut is the reason of a stream that ended too early, or with a piece of an event missing, and could not go on. Its code is DATA_LOSS.
const ReasonStreamCut = "STREAM_CUT"

const errorDomain = "graphwire"

// An Error is what the service failed a call for. Take it from any error of this package with [errors.As], and branch on Code and Reason, never on the
// text. status.Code and status.FromError know it as well, and [errors.Is] finds context.Canceled and context.DeadlineExceeded where the caller's
// own context ended the call.
type Error struct {
	// Code is gRPC's.
	Code codes.Code
	// Reason is the stable name of the situation, such as `RUN_NOT_FOUND`: those of graphwirev1.ErrorReason, without the prefix, and
	// [ReasonStreamCut]. Empty where the service did not answer itself.
	Reason string
	// Message is a sentence for people.
	Message string
	// Metadata has facts for programs, such as `oldest_seq`.
	Metadata map[string]string
	// Fields are the fields of the request that are wrong.
	Fields []FieldViolation
	// RetryAfter is how long to wait before the call is made again. 0 where the service did not say.
	RetryAfter time.Duration

	cause error
}

// A FieldViolation names a field of a request that is wrong.
type FieldViolation struct {
	// Field is its path in the request, such as `config.recursion_limit`.
	Field string
	// Description says what is wrong, and what it should be.
	Description string
}

// Error gives code, reason, message, and the fields that the message does not name.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(codeName(e.Code))
	if e.Reason != "" {
		fmt.Fprintf(&text, " (%s)", e.Reason)
	}
	fmt.Fprintf(&text, ": %s", e.Message)
	for _, violation := range e.Fields {
		if !strings.Contains(e.Message, violation.Field) || !strings.Contains(e.Message, violation.Description) {
			fmt.Fprintf(&text, "; %s: %s", violation.Field, violation.Description)
		}
	}
	return text.String()
}

// Unwrap gives the gRPC error, or the error of the context, that this one was made from.
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus gives the status, with its details where it came from a server.
func (e *Error) GRPCStatus() *status.Status {
	if found, ok := status.FromError(e.cause); ok && found != nil && found.Code() == e.Code {
		return found
	}
	return status.New(e.Code, e.Message)
}

// ErrorFrom makes an [*Error] of an error of gRPC, such as that of a generated stub's stream. nil stays nil, and an error that has an [*Error] in it
// stays as it is. An error that gRPC does not know becomes one with the code UNKNOWN.
func ErrorFrom(err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return toError(err)
}

// toError is ErrorFrom for an error that is there.
func toError(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	found, ok := status.FromError(err)
	if !ok {
		found = status.FromContextError(err)
	}
	made := &Error{Code: found.Code(), Message: found.Message(), Metadata: map[string]string{}, cause: err}
	for _, detail := range found.Details() {
		made.add(detail)
	}
	return made
}

// add takes what one detail of a status says.
func (e *Error) add(detail any) {
	switch d := detail.(type) {
	case *errdetails.ErrorInfo:
		// The reasons of others, of a proxy for one, are not ours, and may have the same names.
		if d.GetDomain() == errorDomain {
			e.Reason = d.GetReason()
			if d.GetMetadata() != nil {
				e.Metadata = d.GetMetadata()
			}
		}
	case *errdetails.BadRequest:
		for _, violation := range d.GetFieldViolations() {
			e.Fields = append(e.Fields, FieldViolation{Field: violation.GetField(), Description: violation.GetDescription()})
		}
	case *errdetails.RetryInfo:
		e.RetryAfter = d.GetRetryDelay().AsDuration()
	}
}

// cut is the error of a stream that is not whole: what the API promises did not come.
func cut(message string) *Error {
	return &Error{Code: codes.DataLoss, Reason: ReasonStreamCut, Message: message, Metadata: map[string]string{}}
}

// ended is the error of a call that the caller's own context ended; nil where it has not.
func ended(ctx context.Context) *Error {
	cause, why := ctx.Err(), context.Cause(ctx)
	if cause == nil {
		// gRPC looks at the deadline itself, and may be a moment before the context's timer.
		deadline, ok := ctx.Deadline()
		if !ok || time.Now().Before(deadline) {
			return nil
		}
		cause, why = context.DeadlineExceeded, context.DeadlineExceeded
	}
	return &Error{Code: status.FromContextError(cause).Code(), Message: why.Error(), Metadata: map[string]string{}, cause: cause}
}

// shut is the error of a stream whose client was closed.
func shut() *Error {
	return &Error{Code: codes.Canceled, Message: "the client was closed", Metadata: map[string]string{}}
}

// codeName is a code's name as the protocol writes it: NOT_FOUND.
func codeName(c codes.Code) string {
	return code.Code(c).String()
}
