package io.graphwire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import io.graphwire.v1.EndEvent;
import io.graphwire.v1.Interrupt;
import io.graphwire.v1.MessagesEvent;
import io.graphwire.v1.RunError;
import io.graphwire.v1.RunStatus;
import io.graphwire.v1.StreamEvent;
import io.graphwire.v1.TaskEvent;
import io.graphwire.v1.TaskStart;
import io.graphwire.v1.UpdatesEvent;
import io.graphwire.v1.ValuesEvent;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EventTest {
    private static Event event(StreamEvent.Builder proto) {
        return new Event(proto.build());
    }

    @Test
    void seesWhatAnEventHas() {
        StreamEvent.Builder proto = Script.custom(7).toBuilder().addNamespace("outer:1");
        proto.getTimeBuilder().setSeconds(1).setNanos(5);
        proto.getCustomBuilder().setNode("work");
        Event event = event(proto);
        assertEquals(7, event.seq());
        assertEquals("run", event.runId());
        assertEquals("thread", event.threadId());
        assertEquals(Instant.ofEpochSecond(1, 5), event.time());
        assertEquals(List.of("outer:1"), event.namespace());
        assertEquals("custom", event.mode());
        assertEquals("work", event.node());
        assertEquals(Map.of("i", 7L), event.data());
        assertEquals("Event(seq=7, mode=custom, data={\"i\":7})", event.toString());
    }

    @Test
    void readsEachPayloadsOwn() {
        Interrupt question = Interrupt.newBuilder().setId("q").setValue(Values.json("why?")).build();
        Event values = event(Script.event(1).setValues(ValuesEvent.newBuilder().setState(Values.json(Map.of("a", 1))).addInterrupts(question)));
        assertEquals(Map.of("a", 1L), values.data());
        assertEquals(List.of(question), values.interrupts());
        assertNull(event(Script.event(1).setUpdates(UpdatesEvent.newBuilder().setInterrupted(true))).data());
        assertEquals("hi", event(Script.event(1).setMessages(MessagesEvent.newBuilder().setText("hi"))).text());
        assertEquals("ask", event(Script.event(1).setTasks(TaskEvent.newBuilder().setStart(TaskStart.newBuilder().setName("ask")))).node());
        assertNull(event(Script.event(1).setMessages(MessagesEvent.newBuilder().setText("hi"))).data());
    }

    @Test
    void tellsHowARunEnded() {
        RunError error = RunError.newBuilder().setType("ValueError").build();
        Event end = event(Script.event(1).setEnd(EndEvent.newBuilder().setStatus(RunStatus.RUN_STATUS_ERROR).setError(error)));
        assertEquals("error", end.status());
        assertEquals(Optional.of(error), end.error());
        assertEquals("", new Event(Script.custom(1)).status());
        assertEquals(Optional.empty(), new Event(Script.end(1)).error());
    }

    @Test
    void keepsAnUnknownStatusAsItsNumber() {
        assertEquals("99", event(Script.event(1).setEnd(EndEvent.newBuilder().setStatusValue(99))).status());
    }

    @Test
    void handsOutAnUnknownPayloadWithoutAMode() throws InvalidProtocolBufferException {
        UnknownFieldSet.Field newer = UnknownFieldSet.Field.newBuilder().addLengthDelimited(ByteString.copyFromUtf8("?")).build();
        ByteString bytes = Script.event(3).setUnknownFields(UnknownFieldSet.newBuilder().addField(77, newer).build()).build().toByteString();
        Event event = new Event(StreamEvent.parseFrom(bytes));
        assertEquals("", event.mode());
        assertEquals(3, event.seq());
        assertNull(event.data());
        assertEquals("", event.node() + event.text() + event.status());
        assertTrue(event.interrupts().isEmpty());
    }
}
