package io.graphwire;

import io.graphwire.v1.CancelRunRequest;
import io.graphwire.v1.CancelRunResponse;
import io.graphwire.v1.CreateRunRequest;
import io.graphwire.v1.InvokeRunRequest;
import io.graphwire.v1.JoinRunRequest;
import io.graphwire.v1.Run;
import io.graphwire.v1.RunResult;
import io.graphwire.v1.RunServiceGrpc;
import io.graphwire.v1.StreamRunRequest;
import io.graphwire.v1.WaitRunRequest;
import io.graphwire.v1.WatchThreadRequest;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Flow;

/**
 * The calls of a server. {@link Graphwire} opens it; {@link #close} closes it. Threads may share it.
 *
 * <p>Every call throws {@link GraphwireException} where the service fails it. There is no time limit of its own: {@link #withTimeout} sets one. A call
 * ends when its thread is interrupted, with the code {@code CANCELLED}, or when the {@code io.grpc.Context} that it is made in is cancelled. A graph that
 * fails is data: in the events of {@code stream}, in the result of {@code invoke}.
 */
public final class GraphwireClient implements AutoCloseable {
    private static final long KEY_SECONDS = 600;
    private static final long LONGEST_KEY_SECONDS = 86_400;

    private final Line line;
    private final boolean keepEvents;
    private final Duration timeout;

    GraphwireClient(Line line, boolean keepEvents, Duration timeout) {
        this.line = line;
        this.keepEvents = keepEvents;
        this.timeout = timeout;
    }

    /**
     * The same client, on the same connection, whose calls may each take so long; a stream as a whole, with all the calls that it takes. Where the time is
     * over, the call throws {@code DEADLINE_EXCEEDED}, and a run that it watched goes on or stops as its {@code on_disconnect} says.
     */
    public GraphwireClient withTimeout(Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException("timeout: " + value + " is no time");
        }
        return new GraphwireClient(line, keepEvents, value);
    }

    /**
     * Creates a run and streams its events, one by one, until it has ended.
     *
     * <p>A request without a {@code request_id} gets a random one, so that the run is created once, however often its line breaks.
     */
    public RunStream stream(StreamRunRequest request) {
        return new RunStream(line, created(request), timeout);
    }

    /**
     * The same, for subscribers. Nothing is sent before there is one; the request has one {@code request_id} for all of them, so that the first creates the
     * run, and those after it get the same run from its start.
     *
     * <p>Events are delivered as they are asked for, on the client's executor, one at a time; what is not asked for stays with the server, but for 64
     * events and 8 messages. The subscription's {@code cancel()} ends the call at once.
     */
    public Flow.Publisher<Event> publish(StreamRunRequest request) {
        return new EventPublisher(line, created(request), timeout);
    }

    private Route created(StreamRunRequest request) {
        StreamRunRequest.Builder once = request.toBuilder();
        if (request.getRequestId().isEmpty()) {
            once.setRequestId(UUID.randomUUID().toString()).setRequestIdTtl(keyLifetime(line.patience()));
        }
        return new Route.Create(once.setStreamResumable(request.getStreamResumable() || keepEvents).build());
    }

    /** For how long the server is to know a key that this client has made: keys take room, and this one must outlive patience. */
    static com.google.protobuf.Duration keyLifetime(Duration patience) {
        long seconds = Math.min(Math.max(KEY_SECONDS, patience.getSeconds()), LONGEST_KEY_SECONDS);
        return com.google.protobuf.Duration.newBuilder().setSeconds(seconds).build();
    }

    /**
     * Attaches to a run: what it does from now on or, with a cursor, from there, until it has ended. {@code after_seq} is the {@code lastSeq()} of the
     * stream that was left; 0 means from the run's start. A cursor that is no longer held throws {@code CURSOR_EXPIRED}.
     */
    public RunStream join(JoinRunRequest request) {
        return new RunStream(line, new Route.Join(request), timeout);
    }

    /** Attaches to a run: what it does from now on. */
    public RunStream join(String runId) {
        return join(JoinRunRequest.newBuilder().setRunId(runId).build());
    }

    /** Attaches to a run, behind an event. */
    public RunStream join(String runId, long afterSeq) {
        return join(JoinRunRequest.newBuilder().setRunId(runId).setAfterSeq(afterSeq).build());
    }

    /** The same as {@code join}, for subscribers: each attaches for itself. */
    public Flow.Publisher<Event> publish(JoinRunRequest request) {
        return new EventPublisher(line, new Route.Join(request), timeout);
    }

    /** The events of all runs of a thread, those that happen from now on or, with a cursor, from there. It stays open between runs. */
    public ThreadStream watch(WatchThreadRequest request) {
        return new ThreadStream(line, new Route.Watch(request), timeout);
    }

    /** The events of all runs of a thread that happen from now on. */
    public ThreadStream watch(String threadId) {
        return watch(WatchThreadRequest.newBuilder().setThreadId(threadId).build());
    }

    /** The same as {@code watch}, for subscribers: each watches for itself. It does not complete. */
    public Flow.Publisher<Event> publish(WatchThreadRequest request) {
        return new EventPublisher(line, new Route.Watch(request), timeout);
    }

    /**
     * Creates a run, waits until it has ended, and returns its outcome, well or not: its run has {@code status}, {@code error} and {@code interrupts}.
     *
     * <p>With a {@code request_id} it is safe to call again after {@code UNAVAILABLE}.
     */
    public RunResult invoke(InvokeRunRequest request) {
        return call(RunServiceGrpc.getInvokeRunMethod(), request).getResult();
    }

    /** Creates a run and returns at once; it executes in the background. {@code join} and {@link #waitFor} follow it. */
    public Run create(CreateRunRequest request) {
        return call(RunServiceGrpc.getCreateRunMethod(), request).getRun();
    }

    /** Waits until a run has ended and returns its outcome, as {@link #invoke} does. */
    public RunResult waitFor(WaitRunRequest request) {
        return call(RunServiceGrpc.getWaitRunMethod(), request).getResult();
    }

    /** Waits until a run has ended and returns its outcome. */
    public RunResult waitFor(String runId) {
        return waitFor(WaitRunRequest.newBuilder().setRunId(runId).build());
    }

    /**
     * Cancels a run, wherever it executes. The wish is durable when this returns. One that has ended throws {@code RUN_FINISHED}.
     *
     * @return the run; with {@code wait}, as it ended. Empty after a rollback that waited: the run is deleted
     */
    public Optional<Run> cancel(CancelRunRequest request) {
        CancelRunResponse answer = call(RunServiceGrpc.getCancelRunMethod(), request);
        return answer.hasRun() ? Optional.of(answer.getRun()) : Optional.empty();
    }

    /** Cancels a run; what it has done stays. Returns at once. */
    public void cancel(String runId) {
        cancel(CancelRunRequest.newBuilder().setRunId(runId).build());
    }

    /** The calls of threads. */
    public Threads threads() {
        return new Threads(this);
    }

    /** The calls of runs that exist. */
    public Runs runs() {
        return new Runs(this);
    }

    /**
     * Any other unary call, with this client's errors: {@code client.call(AssistantServiceGrpc.getGetAssistantMethod(), request)}.
     *
     * @param method the method, from the generated class of its service
     * @throws GraphwireException the service failed the call
     */
    public <Q, A> A call(MethodDescriptor<Q, A> method, Q request) {
        return line.call(method, request, timeout);
    }

    /**
     * The channel, with the key and the metadata of this client, for generated stubs: {@code RunServiceGrpc.newFutureStub(client.channel())}. What they throw,
     * {@link GraphwireException#of} understands.
     */
    public Channel channel() {
        return line.calls();
    }

    /** Closes the connection, also for clients made by {@link #withTimeout}. Streams and calls that are under way throw {@code CANCELLED}. */
    @Override
    public void close() {
        line.close();
    }
}
