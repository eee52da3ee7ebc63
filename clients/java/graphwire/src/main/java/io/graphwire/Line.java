package io.graphwire;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;

/** The connection to a server, and what every call on it needs. */
final class Line implements AutoCloseable {
    private final ManagedChannel channel;
    private final Channel calls;
    private final Executor pool;
    private final Clock clock;
    private final DoubleSupplier random;
    private final Duration patience;
    private final Runnable release;
    private final Set<Feed> feeds = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    /**
     * @param headers what every call carries
     * @param pool where subscribers are told of events
     * @param random gives numbers from 0 to 1
     * @param release frees what the line owns beside its channel
     */
    Line(ManagedChannel channel, Metadata headers, Executor pool, Clock clock, DoubleSupplier random, Duration patience, Runnable release) {
        this.channel = channel;
        this.calls = ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers));
        this.pool = pool;
        this.clock = clock;
        this.random = random;
        this.patience = patience;
        this.release = release;
    }

    /** The channel, with what every call carries. */
    Channel calls() {
        return calls;
    }

    Executor pool() {
        return pool;
    }

    Clock clock() {
        return clock;
    }

    DoubleSupplier random() {
        return random;
    }

    Duration patience() {
        return patience;
    }

    boolean isClosed() {
        return closed;
    }

    /** The error of a call that ended because its client was closed. */
    static GraphwireException closed() {
        return GraphwireException.local(Status.Code.CANCELLED, "", "the client was closed", null);
    }

    /** Has a lost connection tried again now, however long the channel would wait. */
    void reconnect() {
        channel.resetConnectBackoff();
    }

    /** The answer to a request. */
    <Q, A> A call(MethodDescriptor<Q, A> method, Q request, Duration timeout) {
        CallOptions options = CallOptions.DEFAULT;
        if (timeout != null) {
            options = options.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
        }
        try {
            return ClientCalls.blockingUnaryCall(calls, method, options, request);
        } catch (StatusRuntimeException error) {
            throw closed ? closed() : GraphwireException.of(error);
        }
    }

    /** Counts a stream among those that end with the client; false where the client is closed. */
    boolean enter(Feed feed) {
        feeds.add(feed);
        return !closed;
    }

    void leave(Feed feed) {
        feeds.remove(feed);
    }

    @Override
    public void close() {
        closed = true;
        feeds.forEach(Feed::clientClosed);
        channel.shutdownNow();
        try {
            channel.awaitTermination(1, TimeUnit.SECONDS);
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
        release.run();
    }
}
