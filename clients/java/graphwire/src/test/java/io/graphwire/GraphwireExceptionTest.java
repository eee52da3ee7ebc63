package io.graphwire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.BadRequest;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GraphwireExceptionTest {
    @Test
    void saysAllThatTheServiceSays() {
        BadRequest bad = BadRequest.newBuilder()
                .addFieldViolations(BadRequest.FieldViolation.newBuilder().setField("input").setDescription("must be JSON"))
                .build();
        StatusRuntimeException failed = Script.refusal(Status.Code.INVALID_ARGUMENT, "INVALID_FIELD", bad, Script.retryAfter(2));
        GraphwireException error = GraphwireException.of(failed);
        assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
        assertEquals("INVALID_FIELD", error.reason());
        assertEquals("refused", error.getMessage());
        assertEquals(Map.of("run_id", "run"), error.metadata());
        assertEquals(List.of(new FieldViolation("input", "must be JSON")), error.fields());
        assertEquals(Optional.of(Duration.ofSeconds(2)), error.retryAfter());
        assertSame(failed, error.getCause());
        assertEquals("io.graphwire.GraphwireException: INVALID_ARGUMENT INVALID_FIELD: refused", error.toString());
    }

    @Test
    void readsWhatHasNoDetails() {
        GraphwireException error = GraphwireException.of(Status.NOT_FOUND.asRuntimeException());
        assertEquals("NOT_FOUND", error.getMessage());
        assertEquals("", error.reason());
        assertTrue(error.metadata().isEmpty() && error.fields().isEmpty() && error.retryAfter().isEmpty());
    }

    @Test
    void tellsTheCauseOfWhatGrpcSays() {
        Status status = Status.UNAVAILABLE
                .withDescription("io exception\nChannel Pipeline: [...]")
                .withCause(new IOException("no handshake", new IOException(new IOException("a stranger"))));
        assertEquals("io exception: no handshake: a stranger", GraphwireException.of(status.asRuntimeException()).getMessage());
    }

    @Test
    void passesOverDetailsThatCannotBeRead() {
        Metadata broken = new Metadata();
        broken.put(Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER), "no protobuf".getBytes(StandardCharsets.UTF_8));
        assertEquals("", GraphwireException.of(Status.INTERNAL.asRuntimeException(broken)).reason());
        Metadata others = Script.refusal(Status.Code.NOT_FOUND, "RUN_NOT_FOUND").getTrailers();
        assertEquals("", GraphwireException.of(Status.INTERNAL.asRuntimeException(others)).reason());
    }
}
