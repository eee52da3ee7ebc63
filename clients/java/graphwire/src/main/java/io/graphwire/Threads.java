package io.graphwire;

import io.graphwire.v1.CheckpointRef;
import io.graphwire.v1.CopyThreadRequest;
import io.graphwire.v1.CreateThreadRequest;
import io.graphwire.v1.DeleteThreadRequest;
import io.graphwire.v1.GetThreadRequest;
import io.graphwire.v1.GetThreadStateRequest;
import io.graphwire.v1.ListThreadHistoryRequest;
import io.graphwire.v1.ListThreadHistoryResponse;
import io.graphwire.v1.SearchThreadsRequest;
import io.graphwire.v1.SearchThreadsResponse;
import io.graphwire.v1.Thread;
import io.graphwire.v1.ThreadServiceGrpc;
import io.graphwire.v1.ThreadState;
import io.graphwire.v1.UpdateThreadRequest;
import io.graphwire.v1.UpdateThreadStateRequest;

/**
 * The calls of {@code client.threads()}. All of them throw {@link GraphwireException}: {@code THREAD_NOT_FOUND} for a thread that does not exist.
 *
 * <p>Lists are fetched page after page while they are read, {@code page_size} at a time: 10, where the request does not say.
 */
public final class Threads {
    private final GraphwireClient client;

    Threads(GraphwireClient client) {
        this.client = client;
    }

    /** Creates a thread. An id that is taken throws {@code THREAD_EXISTS}, unless {@code if_exists} says otherwise. */
    public Thread create(CreateThreadRequest request) {
        return client.call(ThreadServiceGrpc.getCreateThreadMethod(), request).getThread();
    }

    /** Creates an empty thread. */
    public Thread create() {
        return create(CreateThreadRequest.getDefaultInstance());
    }

    /** A thread. */
    public Thread get(GetThreadRequest request) {
        return client.call(ThreadServiceGrpc.getGetThreadMethod(), request).getThread();
    }

    /** A thread, with its values and the interrupts that wait. */
    public Thread get(String threadId) {
        return get(GetThreadRequest.newBuilder().setThreadId(threadId).build());
    }

    /** Merges metadata into a thread's, and returns the thread. */
    public Thread update(UpdateThreadRequest request) {
        return client.call(ThreadServiceGrpc.getUpdateThreadMethod(), request).getThread();
    }

    /** Deletes a thread with its runs and checkpoints. One on which a run executes or waits throws {@code THREAD_BUSY}. */
    public void delete(String threadId) {
        client.call(ThreadServiceGrpc.getDeleteThreadMethod(), DeleteThreadRequest.newBuilder().setThreadId(threadId).build());
    }

    /** The threads that a request describes; those changed last come first, unless it says otherwise. */
    public Iterable<Thread> search(SearchThreadsRequest request) {
        return new Pages<>(
                page -> client.call(ThreadServiceGrpc.getSearchThreadsMethod(), page.isEmpty() ? request : request.toBuilder().setPageToken(page).build()),
                SearchThreadsResponse::getThreadsList,
                SearchThreadsResponse::getNextPageToken);
    }

    /** A copy of a thread, with its state and history. */
    public Thread copy(String threadId) {
        return client.call(ThreadServiceGrpc.getCopyThreadMethod(), CopyThreadRequest.newBuilder().setThreadId(threadId).build()).getThread();
    }

    /** A thread's state, now or at a checkpoint. */
    public ThreadState state(GetThreadStateRequest request) {
        return client.call(ThreadServiceGrpc.getGetThreadStateMethod(), request).getState();
    }

    /** A thread's state as it is now. */
    public ThreadState state(String threadId) {
        return state(GetThreadStateRequest.newBuilder().setThreadId(threadId).build());
    }

    /** Changes a thread's state, as if a node had returned the change; the checkpoint that it made. */
    public CheckpointRef updateState(UpdateThreadStateRequest request) {
        return client.call(ThreadServiceGrpc.getUpdateThreadStateMethod(), request).getCheckpoint();
    }

    /** The states that a thread has had, the newest first. */
    public Iterable<ThreadState> history(ListThreadHistoryRequest request) {
        return new Pages<>(
                page -> client.call(ThreadServiceGrpc.getListThreadHistoryMethod(), page.isEmpty() ? request : request.toBuilder().setPageToken(page).build()),
                ListThreadHistoryResponse::getStatesList,
                ListThreadHistoryResponse::getNextPageToken);
    }

    /** The states that a thread has had, the newest first. */
    public Iterable<ThreadState> history(String threadId) {
        return history(ListThreadHistoryRequest.newBuilder().setThreadId(threadId).build());
    }
}
