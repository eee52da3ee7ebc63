package io.graphwire.conformance;

import com.google.protobuf.Message;
import io.graphwire.GraphwireClient;
import io.graphwire.v1.*;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** A unary method by its name: through the client's function for it where there is one, else as the generated code describes it. */
record Unary(Message prototype, BiFunction<GraphwireClient, Message, Message> function) {
    private static final List<ServiceDescriptor> SERVICES =
            List.of(
                    RunServiceGrpc.getServiceDescriptor(),
                    ThreadServiceGrpc.getServiceDescriptor(),
                    AssistantServiceGrpc.getServiceDescriptor(),
                    CronServiceGrpc.getServiceDescriptor(),
                    StoreServiceGrpc.getServiceDescriptor());

    private static final Map<String, Unary> FUNCTIONS = Map.ofEntries(
            by("CreateRun", CreateRunRequest.getDefaultInstance(),
                    (client, request) -> CreateRunResponse.newBuilder().setRun(client.create(request)).build()),
            by("InvokeRun", InvokeRunRequest.getDefaultInstance(),
                    (client, request) -> InvokeRunResponse.newBuilder().setResult(client.invoke(request)).build()),
            by("WaitRun", WaitRunRequest.getDefaultInstance(),
                    (client, request) -> WaitRunResponse.newBuilder().setResult(client.waitFor(request)).build()),
            by("CancelRun", CancelRunRequest.getDefaultInstance(), Unary::cancel),
            by("GetRun", GetRunRequest.getDefaultInstance(),
                    (client, request) -> GetRunResponse.newBuilder().setRun(client.runs().get(request)).build()),
            by("DeleteRun", DeleteRunRequest.getDefaultInstance(), Unary::delete),
            by("BatchCreateRuns", BatchCreateRunsRequest.getDefaultInstance(),
                    (client, request) -> BatchCreateRunsResponse.newBuilder().addAllRuns(client.runs().create(request)).build()),
            by("CancelRuns", CancelRunsRequest.getDefaultInstance(),
                    (client, request) -> CancelRunsResponse.newBuilder().addAllRunIds(client.runs().cancel(request)).build()),
            by("CreateThread", CreateThreadRequest.getDefaultInstance(),
                    (client, request) -> CreateThreadResponse.newBuilder().setThread(client.threads().create(request)).build()),
            by("GetThread", GetThreadRequest.getDefaultInstance(),
                    (client, request) -> GetThreadResponse.newBuilder().setThread(client.threads().get(request)).build()),
            by("UpdateThread", UpdateThreadRequest.getDefaultInstance(),
                    (client, request) -> UpdateThreadResponse.newBuilder().setThread(client.threads().update(request)).build()),
            by("DeleteThread", DeleteThreadRequest.getDefaultInstance(), Unary::delete),
            by("CopyThread", CopyThreadRequest.getDefaultInstance(),
                    (client, request) -> CopyThreadResponse.newBuilder().setThread(client.threads().copy(request.getThreadId())).build()),
            by("GetThreadState", GetThreadStateRequest.getDefaultInstance(),
                    (client, request) -> GetThreadStateResponse.newBuilder().setState(client.threads().state(request)).build()),
            by("UpdateThreadState", UpdateThreadStateRequest.getDefaultInstance(),
                    (client, request) -> UpdateThreadStateResponse.newBuilder().setCheckpoint(client.threads().updateState(request)).build()));

    static Unary of(String name) {
        Unary function = FUNCTIONS.get(name);
        return function == null ? described(name) : function;
    }

    Message.Builder request() {
        return prototype.newBuilderForType();
    }

    Message call(GraphwireClient client, Message request) {
        return function.apply(client, request);
    }

    private static <Q extends Message> Map.Entry<String, Unary> by(
            String name, Q prototype, BiFunction<GraphwireClient, Q, Message> function) {
        @SuppressWarnings("unchecked") // the request is made from the prototype
        BiFunction<GraphwireClient, Message, Message> any = (client, request) -> function.apply(client, (Q) request);
        return Map.entry(name, new Unary(prototype, any));
    }

    private static Message cancel(GraphwireClient client, CancelRunRequest request) {
        CancelRunResponse.Builder answer = CancelRunResponse.newBuilder();
        client.cancel(request).ifPresent(answer::setRun);
        return answer.build();
    }

    private static Message delete(GraphwireClient client, DeleteRunRequest request) {
        client.runs().delete(request);
        return DeleteRunResponse.getDefaultInstance();
    }

    private static Message delete(GraphwireClient client, DeleteThreadRequest request) {
        client.threads().delete(request.getThreadId());
        return DeleteThreadResponse.getDefaultInstance();
    }

    @SuppressWarnings("unchecked") // all methods take and give messages
    private static Unary described(String name) {
        MethodDescriptor<Message, Message> method = (MethodDescriptor<Message, Message>) SERVICES.stream()
                .flatMap(service -> service.getMethods().stream())
                .filter(one -> name.equals(one.getBareMethodName()))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no method " + name));
        Message prototype = ((MethodDescriptor.PrototypeMarshaller<Message>) method.getRequestMarshaller()).getMessagePrototype();
        return new Unary(prototype, (client, request) -> client.call(method, request));
    }
}
