package graphwire

import (
	"context"
	"iter"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// CreateThread creates a thread; an empty request lets the server choose its id.
func (c *Client) CreateThread(ctx context.Context, request *graphwirev1.CreateThreadRequest) (*graphwirev1.Thread, error) {
	answer, err := c.threads.CreateThread(ctx, request)
	return answer.GetThread(), err
}

// GetThread returns a thread with its values and interrupts, unless the request's `view` says otherwise.
func (c *Client) GetThread(ctx context.Context, request *graphwirev1.GetThreadRequest) (*graphwirev1.Thread, error) {
	answer, err := c.threads.GetThread(ctx, request)
	return answer.GetThread(), err
}

// UpdateThread merges metadata into a thread's and returns the thread.
func (c *Client) UpdateThread(ctx context.Context, request *graphwirev1.UpdateThreadRequest) (*graphwirev1.Thread, error) {
	answer, err := c.threads.UpdateThread(ctx, request)
	return answer.GetThread(), err
}

// CopyThread creates a thread with a copy of another's state and history.
func (c *Client) CopyThread(ctx context.Context, request *graphwirev1.CopyThreadRequest) (*graphwirev1.Thread, error) {
	answer, err := c.threads.CopyThread(ctx, request)
	return answer.GetThread(), err
}

// DeleteThread deletes a thread with its runs and checkpoints. One that is busy fails with FAILED_PRECONDITION.
func (c *Client) DeleteThread(ctx context.Context, request *graphwirev1.DeleteThreadRequest) error {
	_, err := c.threads.DeleteThread(ctx, request)
	return err
}

// State returns a thread's state, now or at a checkpoint.
func (c *Client) State(ctx context.Context, request *graphwirev1.GetThreadStateRequest) (*graphwirev1.ThreadState, error) {
	answer, err := c.threads.GetThreadState(ctx, request)
	return answer.GetState(), err
}

// UpdateState changes a thread's state, as if a node had returned the change, and returns the checkpoint that this has made.
func (c *Client) UpdateState(ctx context.Context, request *graphwirev1.UpdateThreadStateRequest) (*graphwirev1.CheckpointRef, error) {
	answer, err := c.threads.UpdateThreadState(ctx, request)
	return answer.GetCheckpoint(), err
}

// History gives the states that a thread has had, the newest first, page after page as [Client.ListRuns] does.
func (c *Client) History(ctx context.Context, request *graphwirev1.ListThreadHistoryRequest) iter.Seq2[*graphwirev1.ThreadState, error] {
	return pages(request, func(page *graphwirev1.ListThreadHistoryRequest, token string) ([]*graphwirev1.ThreadState, string, error) {
		page.PageToken = token
		answer, err := c.threads.ListThreadHistory(ctx, page)
		return answer.GetStates(), answer.GetNextPageToken(), err
	})
}

// SearchThreads gives the threads that a search finds, page after page as [Client.ListRuns] does.
func (c *Client) SearchThreads(ctx context.Context, request *graphwirev1.SearchThreadsRequest) iter.Seq2[*graphwirev1.Thread, error] {
	return pages(request, func(page *graphwirev1.SearchThreadsRequest, token string) ([]*graphwirev1.Thread, string, error) {
		page.PageToken = token
		answer, err := c.threads.SearchThreads(ctx, page)
		return answer.GetThreads(), answer.GetNextPageToken(), err
	})
}

// SearchAssistants gives the assistants that a search finds, page after page as [Client.ListRuns] does.
func (c *Client) SearchAssistants(
	ctx context.Context, request *graphwirev1.SearchAssistantsRequest,
) iter.Seq2[*graphwirev1.Assistant, error] {
	return pages(request, func(page *graphwirev1.SearchAssistantsRequest, token string) ([]*graphwirev1.Assistant, string, error) {
		page.PageToken = token
		answer, err := c.assistants.SearchAssistants(ctx, page)
		return answer.GetAssistants(), answer.GetNextPageToken(), err
	})
}
