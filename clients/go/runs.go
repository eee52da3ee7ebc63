package graphwire

import (
	"context"
	"iter"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// Invoke creates a run, waits until it has ended, and returns its outcome. A graph that failed is no error here: the result's run has a status, an error and
// interrupts. A call that was cut off may be made again without a second run where the request has a `request_id`.
func (c *Client) Invoke(ctx context.Context, request *graphwirev1.InvokeRunRequest) (*graphwirev1.RunResult, error) {
	answer, err := c.runs.InvokeRun(ctx, request)
	return answer.GetResult(), err
}

// Create creates a run and returns at once; it executes in the background. Join and Wait follow it. A call that was cut off may be made again without a
// second run where the request has a `request_id`.
func (c *Client) Create(ctx context.Context, request *graphwirev1.CreateRunRequest) (*graphwirev1.Run, error) {
	answer, err := c.runs.CreateRun(ctx, request)
	return answer.GetRun(), err
}

// Wait waits until a run has ended and returns its outcome, as Invoke does.
func (c *Client) Wait(ctx context.Context, request *graphwirev1.WaitRunRequest) (*graphwirev1.RunResult, error) {
	answer, err := c.runs.WaitRun(ctx, request)
	return answer.GetResult(), err
}

// Cancel stops a run wherever it executes. It returns when the wish is durable or, with `wait`, when the run has ended. One that has ended already fails
// with FAILED_PRECONDITION. The run is nil after a rollback that waited: it is deleted.
func (c *Client) Cancel(ctx context.Context, request *graphwirev1.CancelRunRequest) (*graphwirev1.Run, error) {
	answer, err := c.runs.CancelRun(ctx, request)
	return answer.GetRun(), err
}

// GetRun returns a run as it is now.
func (c *Client) GetRun(ctx context.Context, request *graphwirev1.GetRunRequest) (*graphwirev1.Run, error) {
	answer, err := c.runs.GetRun(ctx, request)
	return answer.GetRun(), err
}

// ListRuns gives the runs of a thread, the newest first. It asks for page after page, of `page_size` each, as far as the loop goes. An error comes alone
// and is final.
func (c *Client) ListRuns(ctx context.Context, request *graphwirev1.ListRunsRequest) iter.Seq2[*graphwirev1.Run, error] {
	return pages(request, func(page *graphwirev1.ListRunsRequest, token string) ([]*graphwirev1.Run, string, error) {
		page.PageToken = token
		answer, err := c.runs.ListRuns(ctx, page)
		return answer.GetRuns(), answer.GetNextPageToken(), err
	})
}
