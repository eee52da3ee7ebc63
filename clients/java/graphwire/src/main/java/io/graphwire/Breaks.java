package io.graphwire;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.EnumSet;
import java.util.Set;

/** Which ends of a call are broken lines, and which the caller must know. */
final class Breaks {
    /** What proxies and lost connections end calls with, and also, with an {@code ErrorInfo}, the service. */
    private static final Set<Status.Code> AMBIGUOUS =
            EnumSet.of(Status.Code.CANCELLED, Status.Code.UNKNOWN, Status.Code.INTERNAL, Status.Code.DEADLINE_EXCEEDED);

    private Breaks() {}

    /** Whether a call that ended with this status, and that the caller did not end, was cut off. */
    static boolean broken(Status status, Metadata trailers) {
        if (status.isOk() || status.getCode() == Status.Code.UNAVAILABLE) {
            return true;
        }
        return AMBIGUOUS.contains(status.getCode()) && !unreadable(status) && !ErrorDetails.ours(status, trailers);
    }

    /** Whether this side could not read a message: it would be the same the next time. */
    private static boolean unreadable(Status status) {
        for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof InvalidProtocolBufferException) {
                return true;
            }
        }
        return false;
    }
}
