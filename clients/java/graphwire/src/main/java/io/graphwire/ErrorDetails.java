package io.graphwire;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The way from a gRPC status to a {@link GraphwireException}: what stands in the details of a call's end. */
final class ErrorDetails {
    private static final String DOMAIN = "graphwire";

    private ErrorDetails() {}

    /** The error of a call that ended with this status. Details that cannot be read count as absent: a proxy may have changed them. */
    static GraphwireException exception(Status status, Metadata trailers, Throwable cause) {
        com.google.rpc.Status rich = rich(status, trailers);
        ErrorInfo info = detail(rich, ErrorInfo.class).orElse(ErrorInfo.getDefaultInstance());
        List<FieldViolation> fields = detail(rich, BadRequest.class).orElse(BadRequest.getDefaultInstance())
                .getFieldViolationsList().stream()
                .map(violation -> new FieldViolation(violation.getField(), violation.getDescription()))
                .toList();
        Duration retryAfter = detail(rich, RetryInfo.class)
                .filter(RetryInfo::hasRetryDelay)
                .map(retry -> Duration.ofSeconds(retry.getRetryDelay().getSeconds(), retry.getRetryDelay().getNanos()))
                .orElse(null);
        return new GraphwireException(status.getCode(), info.getReason(), text(status), info.getMetadataMap(), fields, retryAfter, cause);
    }

    /** Whether graphwire itself has spoken: its status has an {@code ErrorInfo} of its domain. */
    static boolean ours(Status status, Metadata trailers) {
        return detail(rich(status, trailers), ErrorInfo.class).filter(info -> info.getDomain().equals(DOMAIN)).isPresent();
    }

    /** What a person reads. gRPC's own errors say little ({@code io exception}), and more in their causes: the first, and the one that began it. */
    private static String text(Status status) {
        String said = status.getDescription() == null ? status.getCode().name() : status.getDescription().lines().findFirst().orElse("");
        Throwable last = null;
        for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
            said = last == null ? with(said, cause) : said;
            last = cause;
        }
        return last == null ? said : with(said, last);
    }

    private static String with(String said, Throwable cause) {
        String more = cause.getMessage();
        return more == null || said.contains(more) ? said : said + ": " + more;
    }

    private static com.google.rpc.Status rich(Status status, Metadata trailers) {
        if (trailers == null) {
            return com.google.rpc.Status.getDefaultInstance();
        }
        try {
            com.google.rpc.Status found = StatusProto.fromStatusAndTrailers(status, trailers);
            return found == null ? com.google.rpc.Status.getDefaultInstance() : found;
        } catch (IllegalArgumentException unreadable) { // or its code is not that of the call
            return com.google.rpc.Status.getDefaultInstance();
        }
    }

    private static <T extends Message> Optional<T> detail(com.google.rpc.Status rich, Class<T> kind) {
        for (Any detail : rich.getDetailsList()) {
            if (detail.is(kind)) {
                try {
                    return Optional.of(detail.unpack(kind));
                } catch (InvalidProtocolBufferException unreadable) {
                    return Optional.empty();
                }
            }
        }
        return Optional.empty();
    }
}
