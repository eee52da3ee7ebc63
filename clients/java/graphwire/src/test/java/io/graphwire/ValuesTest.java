package io.graphwire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ListValue;
import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.graphwire.v1.Json;
import io.graphwire.v1.Run;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ValuesTest {
    private static Json text(String text) {
        return Json.newBuilder().setText(text).build();
    }

    private static Json number(double number) {
        return Json.newBuilder().setValue(Value.newBuilder().setNumberValue(number)).build();
    }

    private record Payment(String to, long amount) {}

    @Test
    void writesWhatJavaHas() {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("text", "a<b> \u00e9 \ud83d\ude00");
        value.put("whole", Long.MAX_VALUE);
        value.put("huge", BigInteger.TWO.pow(80));
        value.put("half", 0.5);
        value.put("none", null);
        value.put("list", Arrays.asList(true, null, Map.of()));
        value.put("record", new Payment("Ada", 10));
        assertEquals(
                "{\"text\":\"a<b> \u00e9 \ud83d\ude00\",\"whole\":9223372036854775807,\"huge\":1208925819614629174706176,\"half\":0.5,\"none\":null,"
                        + "\"list\":[true,null,{}],\"record\":{\"to\":\"Ada\",\"amount\":10}}",
                Values.json(value).getText());
        assertEquals("null", Values.json(null).getText());
        assertSame(Json.getDefaultInstance(), Values.json(Json.getDefaultInstance()));
    }

    @Test
    void refusesWhatJsonHasNoFormFor() {
        Map<String, Object> circle = new LinkedHashMap<>();
        circle.put("self", circle);
        List<Object> values = List.of(
                Double.NaN, Float.NaN, new double[] {Double.NaN}, new float[] {Float.NaN}, List.of(Double.POSITIVE_INFINITY),
                Map.of("run", Run.getDefaultInstance()), circle);
        for (Object value : values) {
            assertThrows(IllegalArgumentException.class, () -> Values.json(value));
        }
    }

    @Test
    void carriesHalfACharacter() {
        String halves = "\ude00 \ud83d\ude00 \ud83d";
        Json carrier = Values.json(List.of(halves));
        assertEquals("[\"\\ude00 \ud83d\ude00 \\ud83d\"]", carrier.getText());
        assertEquals(List.of(halves), Values.read(carrier));
    }

    @Test
    void readsNumbersExactly() {
        assertEquals(
                Arrays.asList(1L, -0L, 9223372036854775807L, -9223372036854775808L, new BigInteger("9223372036854775808"), 1.0, 1e3, "1", null, true),
                Values.read(text("[1, -0, 9223372036854775807, -9223372036854775808, 9223372036854775808, 1.0, 1e3, \"1\", null, true]")));
        String digits = "9".repeat(20_000);
        assertEquals(new BigInteger(digits), Values.read(text(digits)));
    }

    @Test
    void readsDeepValues() {
        Object value = Values.read(text("[".repeat(900) + "]".repeat(900)));
        for (int level = 1; level < 900; level++) {
            value = ((List<?>) value).get(0);
        }
        assertEquals(List.of(), value);
        assertThrows(IllegalArgumentException.class, () -> Values.read(text("[".repeat(100_000))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{'a': 1}", "1 2", "[1,]", "NaN", "// nothing\n1", "01", "nul", "{\"a\":1}}"})
    void refusesWhatIsNoJson(String wrong) {
        assertThrows(IllegalArgumentException.class, () -> Values.read(text(wrong)));
    }

    @Test
    void readsIntoClasses() {
        assertEquals(new Payment("Ada", 10), Values.read(text("{\"to\": \"Ada\", \"amount\": 10, \"more\": []}"), Payment.class));
        assertEquals(10L, Values.read(number(10), Long.class));
        assertNull(Values.read(text("null"), Payment.class));
        assertNull(Values.read(Json.getDefaultInstance(), Payment.class));
        assertThrows(IllegalArgumentException.class, () -> Values.read(text("[]"), Payment.class));
    }

    @Test
    void readsTheFormValue() {
        Value list = Value.newBuilder().setListValue(ListValue.newBuilder()
                .addValues(Value.newBuilder().setNumberValue(3))
                .addValues(Value.newBuilder().setNumberValue(0.5))
                .addValues(Value.newBuilder().setNullValue(NullValue.NULL_VALUE))).build();
        Struct struct = Struct.newBuilder().putFields("list", list).putFields("yes", Value.newBuilder().setBoolValue(true).build()).build();
        Json carrier = Json.newBuilder().setValue(Value.newBuilder().setStructValue(struct)).build();
        assertEquals(Map.of("list", Arrays.asList(3L, 0.5, null), "yes", true), Values.read(carrier));
    }

    @Test
    void readsWholeDoublesAsIntegers() {
        assertEquals(1L << 62, Values.read(number(0x1p62)));
        assertEquals(BigInteger.TWO.pow(70), Values.read(number(0x1p70)));
        assertEquals(0L, Values.read(number(-0.0)));
        assertEquals(-1.5, Values.read(number(-1.5)));
    }

    @Test
    void anEmptyCarrierIsNull() {
        assertNull(Values.read(Json.getDefaultInstance()));
        assertEquals("null", Values.text(Json.getDefaultInstance()));
        assertEquals("3", Values.text(number(3)));
        assertEquals(" 3", Values.text(text(" 3")));
    }
}
