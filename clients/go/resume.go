package graphwire

import "google.golang.org/grpc/codes"

// mend answers a break: it waits until it is time for the next call, or gives the error that is final.
func (s *stream) mend(err error) error {
	if s.call != nil && (s.moved || s.pace.clock.now().Sub(s.taken) > longCall) {
		s.pace.progress()
	}
	s.drop()
	failed := toError(err)
	s.pace.answered = s.pace.answered || failed.Reason != ""
	if final := s.final(failed); final != nil {
		return final
	}
	wait, ok := s.pace.next(failed.RetryAfter)
	if !ok {
		return failed
	}
	s.pace.clock.sleep(s.ctx, s.client.closing, wait) // where it ends early, the next call says why
	return nil
}

// final gives the error with which a stream ends, where it must: who left it, or what the caller has to know.
func (s *stream) final(failed *Error) error {
	own := ended(s.outer)
	switch {
	case s.left.Load():
		return errOver
	case own != nil:
		return own
	case s.client.closed():
		return shut()
	case !broken(failed):
		return failed
	default:
		return nil
	}
}

// broken says whether an error is that of a connection, a proxy or a server that stops, so that another call can go on.
func broken(failed *Error) bool {
	switch failed.Code {
	case codes.Unavailable:
		return true
	case codes.DataLoss:
		return failed.Reason == ReasonStreamCut
	case codes.Canceled, codes.Unknown, codes.Internal, codes.DeadlineExceeded:
		return failed.Reason == ""
	default:
		return false
	}
}
