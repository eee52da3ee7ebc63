package io.graphwire;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The service failed the call. Every error that a call of this client can raise is one of these; a graph that fails is none: it is data.
 *
 * <p>Programs branch on {@link #code()} and {@link #reason()}, never on the text.
 */
public final class GraphwireException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Status.Code code;
    private final String reason;
    private final transient Map<String, String> metadata;
    private final transient List<FieldViolation> fields;
    private final transient Duration retryAfter;

    GraphwireException(
            Status.Code code,
            String reason,
            String message,
            Map<String, String> metadata,
            List<FieldViolation> fields,
            Duration retryAfter,
            Throwable cause) {
        super(message, cause);
        this.code = code;
        this.reason = reason;
        this.metadata = Map.copyOf(metadata);
        this.fields = List.copyOf(fields);
        this.retryAfter = retryAfter;
    }

    /** An error that this client found itself, without a word of the server. */
    static GraphwireException local(Status.Code code, String reason, String message, Throwable cause) {
        return new GraphwireException(code, reason, message, Map.of(), List.of(), null, cause);
    }

    /** Something that the contract promises did not come. */
    static GraphwireException cut(String message) {
        return local(Status.Code.DATA_LOSS, "STREAM_CUT", message, null);
    }

    /**
     * The error that a failed call of a generated stub means, with all that its rich status says.
     *
     * @param error what the stub threw
     */
    public static GraphwireException of(StatusRuntimeException error) {
        return ErrorDetails.exception(error.getStatus(), error.getTrailers(), error);
    }

    /** The gRPC status. */
    public Status.Code code() {
        return code;
    }

    /**
     * The stable name of the situation, such as {@code RUN_NOT_FOUND}; empty where the service did not say. {@link io.graphwire.v1.ErrorReason}
     * lists them. {@code STREAM_CUT} is this client's own: a stream ended without its terminal event, or a piece of an event is missing.
     */
    public String reason() {
        return reason;
    }

    /** Facts for programs, as text. Empty in an exception that was serialized. */
    public Map<String, String> metadata() {
        return metadata == null ? Map.of() : metadata;
    }

    /** The fields of the request that are wrong; empty for other errors. */
    public List<FieldViolation> fields() {
        return fields == null ? List.of() : fields;
    }

    /** How long to wait before the call is tried again; empty where the service did not say. */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfter);
    }

    @Override
    public String toString() {
        return "%s: %s%s: %s".formatted(getClass().getName(), code, reason.isEmpty() ? "" : " " + reason, getMessage());
    }
}
