package io.graphwire;

import io.graphwire.v1.JoinRunRequest;
import io.graphwire.v1.JoinRunResponse;
import io.graphwire.v1.RunServiceGrpc;
import io.graphwire.v1.StreamRunRequest;
import io.graphwire.v1.StreamRunResponse;
import io.graphwire.v1.ThreadServiceGrpc;
import io.graphwire.v1.WatchThreadRequest;
import io.graphwire.v1.WatchThreadResponse;

/** Which call a stream makes next, from where it stands. */
interface Route {
    /** The cursor before the first call. */
    Cursor start();

    /** The next call. The first time it is what the caller asked for. */
    Ask<?, ?> next(Cursor cursor);

    /** Whether it is a run that is followed, which ends with its event {@code end}; else a thread, which does not end. */
    boolean ofRun();

    /** A run to create. Where it is known, the next call joins it; where it is not, the same request is sent again, which its {@code request_id} makes safe. */
    record Create(StreamRunRequest request) implements Route {
        @Override
        public Cursor start() {
            return new Cursor();
        }

        @Override
        public Ask<?, ?> next(Cursor cursor) {
            if (cursor.runId() == null) {
                return new Ask<>(RunServiceGrpc.getStreamRunMethod(), request, StreamRunResponse::getEventsList);
            }
            JoinRunRequest.Builder join = JoinRunRequest.newBuilder()
                    .setRunId(cursor.runId())
                    .setAfterSeq(cursor.afterSeq() == null ? 0 : cursor.afterSeq())
                    .setPayloadFormatValue(request.getPayloadFormatValue())
                    .setOnDisconnectValue(request.getOnDisconnectValue());
            if (request.hasFilter()) {
                join.setFilter(request.getFilter());
            }
            return Join.ask(join.build());
        }

        @Override
        public boolean ofRun() {
            return true;
        }
    }

    /** A run that exists. */
    record Join(JoinRunRequest request) implements Route {
        @Override
        public Cursor start() {
            Cursor cursor = new Cursor();
            cursor.asked(request.getRunId(), request.hasThreadId() ? request.getThreadId() : null, request.hasAfterSeq() ? request.getAfterSeq() : null);
            return cursor;
        }

        @Override
        public Ask<?, ?> next(Cursor cursor) {
            return ask(cursor.afterSeq() == null ? request : request.toBuilder().setAfterSeq(cursor.afterSeq()).build());
        }

        @Override
        public boolean ofRun() {
            return true;
        }

        static Ask<?, ?> ask(JoinRunRequest request) {
            return new Ask<>(RunServiceGrpc.getJoinRunMethod(), request, JoinRunResponse::getEventsList);
        }
    }

    /** All runs of a thread. */
    record Watch(WatchThreadRequest request) implements Route {
        @Override
        public Cursor start() {
            Cursor cursor = new Cursor();
            cursor.asked(null, request.getThreadId(), request.hasAfterSeq() ? request.getAfterSeq() : null);
            return cursor;
        }

        @Override
        public Ask<?, ?> next(Cursor cursor) {
            WatchThreadRequest next = cursor.afterSeq() == null ? request : request.toBuilder().setAfterSeq(cursor.afterSeq()).build();
            return new Ask<>(ThreadServiceGrpc.getWatchThreadMethod(), next, WatchThreadResponse::getEventsList);
        }

        @Override
        public boolean ofRun() {
            return false;
        }
    }
}
