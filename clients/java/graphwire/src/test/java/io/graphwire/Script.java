package io.graphwire;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.graphwire.v1.CustomEvent;
import io.graphwire.v1.EndEvent;
import io.graphwire.v1.EventFragment;
import io.graphwire.v1.Json;
import io.graphwire.v1.MetadataEvent;
import io.graphwire.v1.RunStatus;
import io.graphwire.v1.StreamEvent;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;

/** What servers of tests say. */
final class Script {
    private Script() {}

    static StreamEvent custom(long seq) {
        return event(seq).setCustom(CustomEvent.newBuilder().setData(Json.newBuilder().setText("{\"i\":" + seq + "}"))).build();
    }

    static StreamEvent attempt(long seq, int attempt) {
        return event(seq).setMetadata(MetadataEvent.newBuilder().setRunId("run").setAttempt(attempt)).build();
    }

    static StreamEvent end(long seq) {
        return event(seq).setEnd(EndEvent.newBuilder().setStatus(RunStatus.RUN_STATUS_SUCCESS)).build();
    }

    static StreamEvent piece(StreamEvent whole, int index, int count) {
        ByteString data = whole.toByteString();
        int size = data.size() / count;
        ByteString part = data.substring(index * size, index == count - 1 ? data.size() : (index + 1) * size);
        return event(whole.getSeq()).setFragment(EventFragment.newBuilder().setIndex(index).setCount(count).setData(part)).build();
    }

    static StreamEvent.Builder event(long seq) {
        return StreamEvent.newBuilder().setSeq(seq).setRunId("run").setThreadId("thread");
    }

    /** An error of the service, with its reason and what else it says. */
    static StatusRuntimeException refusal(Status.Code code, String reason, Message... details) {
        com.google.rpc.Status.Builder rich = com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage("refused");
        rich.addDetails(Any.pack(ErrorInfo.newBuilder().setDomain("graphwire").setReason(reason).putMetadata("run_id", "run").build()));
        List.of(details).forEach(detail -> rich.addDetails(Any.pack(detail)));
        return StatusProto.toStatusRuntimeException(rich.build());
    }

    static RetryInfo retryAfter(int seconds) {
        return RetryInfo.newBuilder().setRetryDelay(Duration.newBuilder().setSeconds(seconds)).build();
    }

    static Metadata headers(long afterSeq) {
        Metadata headers = new Metadata();
        put(headers, "graphwire-run-id", "run");
        put(headers, "graphwire-thread-id", "thread");
        put(headers, "graphwire-after-seq", Long.toString(afterSeq));
        return headers;
    }

    private static void put(Metadata headers, String name, String value) {
        headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
    }
}
