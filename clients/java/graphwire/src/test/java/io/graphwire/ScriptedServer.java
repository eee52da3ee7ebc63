package io.graphwire;

import com.google.protobuf.Message;
import io.graphwire.v1.JoinRunResponse;
import io.graphwire.v1.RunServiceGrpc;
import io.graphwire.v1.StreamEvent;
import io.graphwire.v1.StreamRunResponse;
import io.graphwire.v1.ThreadServiceGrpc;
import io.graphwire.v1.WatchThreadResponse;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.function.Function;

/** A server that answers call after call as a test says, and keeps what it was asked. */
final class ScriptedServer implements AutoCloseable {
    final BlockingQueue<Message> asked = new LinkedBlockingQueue<>();
    final BlockingQueue<String> cancelled = new LinkedBlockingQueue<>();
    private final Queue<Consumer<Answer>> answers = new ArrayDeque<>();
    private final Server server;

    ScriptedServer(String name) throws IOException {
        server = InProcessServerBuilder.forName(name)
                .directExecutor()
                .addService(ServerServiceDefinition.builder("graphwire.v1.RunService")
                        .addMethod(RunServiceGrpc.getStreamRunMethod(), scripted(events -> StreamRunResponse.newBuilder().addAllEvents(events).build()))
                        .addMethod(RunServiceGrpc.getJoinRunMethod(), scripted(events -> JoinRunResponse.newBuilder().addAllEvents(events).build()))
                        .build())
                .addService(ServerServiceDefinition.builder("graphwire.v1.ThreadService")
                        .addMethod(ThreadServiceGrpc.getWatchThreadMethod(), scripted(events -> WatchThreadResponse.newBuilder().addAllEvents(events).build()))
                        .build())
                .build()
                .start();
    }

    /** The next call is answered like this. */
    ScriptedServer then(Consumer<Answer> answer) {
        answers.add(answer);
        return this;
    }

    @Override
    public void close() {
        server.shutdownNow();
    }

    private <Q extends Message, A> ServerCallHandler<Q, A> scripted(Function<List<StreamEvent>, A> message) {
        return (call, headers) -> {
            call.request(2);
            return new Listening<>(call, message);
        };
    }

    private final class Listening<Q extends Message, A> extends ServerCall.Listener<Q> {
        private final ServerCall<Q, A> call;
        private final Function<List<StreamEvent>, A> message;

        Listening(ServerCall<Q, A> call, Function<List<StreamEvent>, A> message) {
            this.call = call;
            this.message = message;
        }

        @Override
        public void onMessage(Q request) {
            asked.add(request);
        }

        @Override
        public void onHalfClose() {
            answers.remove().accept(new Answer() {
                @Override
                public Answer headers(long afterSeq) {
                    call.sendHeaders(Script.headers(afterSeq));
                    return this;
                }

                @Override
                public Answer events(StreamEvent... events) {
                    call.sendMessage(message.apply(List.of(events)));
                    return this;
                }

                @Override
                public void ends(Status status, Metadata trailers) {
                    call.close(status, trailers);
                }
            });
        }

        @Override
        public void onCancel() {
            MethodDescriptor<Q, A> method = call.getMethodDescriptor();
            cancelled.add(method.getBareMethodName());
        }
    }

    /** How one call is answered. */
    interface Answer {
        Answer headers(long afterSeq);

        /** One message. */
        Answer events(StreamEvent... events);

        void ends(Status status, Metadata trailers);

        default void ends(Status status) {
            ends(status, new Metadata());
        }

        default void ends(StatusRuntimeException error) {
            ends(error.getStatus(), error.getTrailers());
        }
    }
}
