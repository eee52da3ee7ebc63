package io.graphwire;

import io.graphwire.v1.Interrupt;
import io.graphwire.v1.Json;
import io.graphwire.v1.RunError;
import io.graphwire.v1.RunStatus;
import io.graphwire.v1.StreamEvent;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * One event of a run.
 *
 * <p>A view of the message that came: each method reads it, so an event costs no more than what is looked at. {@link #proto()} has every field typed.
 */
public final class Event {
    private static final Map<StreamEvent.PayloadCase, String> MODES = modes();

    private final StreamEvent proto;

    /** The view of a message, as a generated stub hands it out. */
    public Event(StreamEvent proto) {
        this.proto = proto;
    }

    private static Map<StreamEvent.PayloadCase, String> modes() {
        Map<StreamEvent.PayloadCase, String> names = new EnumMap<>(StreamEvent.PayloadCase.class);
        for (StreamEvent.PayloadCase payload : StreamEvent.PayloadCase.values()) {
            names.put(payload, payload == StreamEvent.PayloadCase.PAYLOAD_NOT_SET ? "" : payload.name().toLowerCase(Locale.ROOT));
        }
        return names;
    }

    /** The message as it came; its {@code getPayloadCase()} says which of the payloads it has. */
    public StreamEvent proto() {
        return proto;
    }

    /** The event's number on its thread: the cursor to go on from. */
    public long seq() {
        return proto.getSeq();
    }

    /** The run: a UUID. */
    public String runId() {
        return proto.getRunId();
    }

    /** The thread: a UUID. */
    public String threadId() {
        return proto.getThreadId();
    }

    /** When the server appended the event to its log. */
    public Instant time() {
        return Instant.ofEpochSecond(proto.getTime().getSeconds(), proto.getTime().getNanos());
    }

    /** The subgraph that the event comes from: {@code node_name:task_id} for each level; empty for the root graph. */
    public List<String> namespace() {
        return proto.getNamespaceList();
    }

    /**
     * What happened: {@code values}, {@code updates}, {@code messages}, {@code custom}, {@code debug}, {@code events}, {@code tasks}, {@code
     * checkpoints}, or {@code metadata}, {@code error}, {@code end}.
     *
     * <p>Mode {@code messages-tuple} arrives as {@code messages}. {@code raw} is a mode that this version has no case for. Empty for a payload that is
     * newer than this client: skip it.
     */
    public String mode() {
        return MODES.get(proto.getPayloadCase());
    }

    /**
     * The free-form value that the event carries, as {@link Values} reads it: the state of {@code values}, what the node returned for {@code updates},
     * the data of {@code custom} and {@code raw}. Null for all others, and where an event of {@code updates} carries interrupts.
     *
     * <p>JSON is parsed at each call.
     */
    public Object data() {
        return Values.read(carrier());
    }

    /**
     * The same, as a class of the caller's.
     *
     * @throws IllegalArgumentException the value does not fit the class
     */
    public <T> T data(Class<T> kind) {
        return Values.read(carrier(), kind);
    }

    private Json carrier() {
        return switch (proto.getPayloadCase()) {
            case VALUES -> proto.getValues().getState();
            case UPDATES -> proto.getUpdates().getUpdate();
            case CUSTOM -> proto.getCustom().getData();
            case RAW -> proto.getRaw().getData();
            default -> Json.getDefaultInstance();
        };
    }

    /** The text of a piece of a message; empty for all other events. */
    public String text() {
        return proto.getMessages().getText();
    }

    /** The node that the event comes from; empty where it comes from none. */
    public String node() {
        return switch (proto.getPayloadCase()) {
            case UPDATES -> proto.getUpdates().getNode();
            case MESSAGES -> proto.getMessages().getNode();
            case CUSTOM -> proto.getCustom().getNode();
            case EVENTS -> proto.getEvents().getNode();
            case TASKS -> proto.getTasks().hasStart() ? proto.getTasks().getStart().getName() : proto.getTasks().getResult().getName();
            case DEBUG -> proto.getDebug().hasTask() ? proto.getDebug().getTask().getName() : proto.getDebug().getTaskResult().getName();
            default -> "";
        };
    }

    /** The questions that wait for an answer; empty for most events. {@code Values.read(interrupt.getValue())} is the question. */
    public List<Interrupt> interrupts() {
        return switch (proto.getPayloadCase()) {
            case VALUES -> proto.getValues().getInterruptsList();
            case UPDATES -> proto.getUpdates().getInterruptsList();
            case END -> proto.getEnd().getInterruptsList();
            case TASKS -> proto.getTasks().getResult().getInterruptsList();
            case DEBUG -> proto.getDebug().getTaskResult().getInterruptsList();
            default -> List.of();
        };
    }

    /** Why the run failed, for {@code error} and for the {@code end} of a run that failed. */
    public Optional<RunError> error() {
        return switch (proto.getPayloadCase()) {
            case ERROR -> Optional.of(proto.getError().getError());
            case END -> proto.getEnd().hasError() ? Optional.of(proto.getEnd().getError()) : Optional.empty();
            default -> Optional.empty();
        };
    }

    /**
     * How the run ended, for {@code end}: {@code success}, {@code error}, {@code timeout} or {@code interrupted}; its number as text where it is newer than
     * this client. Empty for all other events.
     */
    public String status() {
        if (!proto.hasEnd()) {
            return "";
        }
        RunStatus status = proto.getEnd().getStatus();
        return status == RunStatus.UNRECOGNIZED
                ? Integer.toString(proto.getEnd().getStatusValue())
                : status.name().substring("RUN_STATUS_".length()).toLowerCase(Locale.ROOT);
    }

    @Override
    public String toString() {
        return "Event(seq=%d, mode=%s, data=%s)".formatted(seq(), mode(), Values.text(carrier()));
    }
}
