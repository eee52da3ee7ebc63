package io.graphwire;

import io.graphwire.v1.BatchCreateRunsRequest;
import io.graphwire.v1.CancelRunsRequest;
import io.graphwire.v1.DeleteRunRequest;
import io.graphwire.v1.GetRunRequest;
import io.graphwire.v1.ListRunsRequest;
import io.graphwire.v1.ListRunsResponse;
import io.graphwire.v1.Run;
import io.graphwire.v1.RunServiceGrpc;
import java.util.List;

/** The calls of {@code client.runs()}. All of them throw {@link GraphwireException}: {@code RUN_NOT_FOUND} for a run that does not exist. */
public final class Runs {
    private final GraphwireClient client;

    Runs(GraphwireClient client) {
        this.client = client;
    }

    /** A run. */
    public Run get(GetRunRequest request) {
        return client.call(RunServiceGrpc.getGetRunMethod(), request).getRun();
    }

    /** A run. */
    public Run get(String runId) {
        return get(GetRunRequest.newBuilder().setRunId(runId).build());
    }

    /** The runs of a thread, the newest first, fetched page after page while they are read: {@code page_size} at a time, 10 where the request does not say. */
    public Iterable<Run> list(ListRunsRequest request) {
        return new Pages<>(
                page -> client.call(RunServiceGrpc.getListRunsMethod(), page.isEmpty() ? request : request.toBuilder().setPageToken(page).build()),
                ListRunsResponse::getRunsList,
                ListRunsResponse::getNextPageToken);
    }

    /** Deletes a run that has ended; one that has not throws {@code RUN_ACTIVE}. Its checkpoints stay with the thread. */
    public void delete(DeleteRunRequest request) {
        client.call(RunServiceGrpc.getDeleteRunMethod(), request);
    }

    /** Deletes a run that has ended. */
    public void delete(String runId) {
        delete(DeleteRunRequest.newBuilder().setRunId(runId).build());
    }

    /** Creates several runs, which execute in the background; all or none. They come in the order of the requests. */
    public List<Run> create(BatchCreateRunsRequest request) {
        return client.call(RunServiceGrpc.getBatchCreateRunsMethod(), request).getRunsList();
    }

    /** Cancels several runs, by id or by status; the ids of those that are being cancelled. Those that have ended are passed over. */
    public List<String> cancel(CancelRunsRequest request) {
        return client.call(RunServiceGrpc.getCancelRunsMethod(), request).getRunIdsList();
    }
}
