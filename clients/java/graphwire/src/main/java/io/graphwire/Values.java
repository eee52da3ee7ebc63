package io.graphwire;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.google.protobuf.Value;
import io.graphwire.v1.Json;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * JSON on its way through the API, in both directions.
 *
 * <p>Integers of any size stay integers, since JSON travels as text: they are {@link Long} where that is large enough, else {@link BigInteger}.
 * All other numbers are {@link Double}; objects are {@link Map}, arrays {@link List}, and null is null.
 * Values may be nested 1000 deep.
 */
public final class Values {
    /** In a pattern, a pair is one character, and only halves are surrogates. */
    private static final Pattern HALF_A_PAIR = Pattern.compile("\\p{IsCs}");

    private static final ObjectMapper MAPPER = mapper();

    private Values() {}

    private static ObjectMapper mapper() {
        StreamReadConstraints unbounded = StreamReadConstraints.builder()
                .maxNumberLength(Integer.MAX_VALUE)
                .maxStringLength(Integer.MAX_VALUE)
                .build();
        return JsonMapper.builder(JsonFactory.builder().streamReadConstraints(unbounded).build())
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .addModule(new SimpleModule().addSerializer(new NoMessage()).addDeserializer(Number.class, new ExactNumbers()))
                .build();
    }

    /**
     * A Java value as {@code Json} text.
     *
     * @param value null, a String, Boolean or Number, a Map with keys of text, a Collection, an array, a record, or another object as Jackson writes
     *     it. A {@code Json} message is passed through.
     * @throws IllegalArgumentException JSON has no form for it: NaN, an infinity, a protobuf message, a class that
     *     Jackson does not know how to write, a value that holds itself
     */
    public static Json json(Object value) {
        if (value instanceof Json carrier) {
            return carrier;
        }
        return Json.newBuilder().setText(wellFormed(write(value))).build();
    }

    /**
     * The value that a {@code Json} carries; null also where it carries nothing.
     *
     * <p>In the form {@code value} all numbers are doubles: those without a fraction become integers.
     *
     * @throws IllegalArgumentException its text is not one JSON value
     */
    public static Object read(Json carrier) {
        return carrier.hasText() ? parse(carrier.getText(), Object.class) : plain(carrier.getValue());
    }

    /**
     * The value that a {@code Json} carries, as a class of the caller's: a record, {@code Map}, {@code Long}, or any other that Jackson can read.
     * Names that the class does not have are passed over. Null for JSON null, and where it carries nothing.
     *
     * @throws IllegalArgumentException the value does not fit the class, or its text is not one JSON value
     */
    public static <T> T read(Json carrier, Class<T> kind) {
        return parse(text(carrier), kind);
    }

    /** The JSON text that a {@code Json} carries, for other JSON libraries; {@code null} as text also where it carries nothing. */
    public static String text(Json carrier) {
        return carrier.hasText() ? carrier.getText() : write(plain(carrier.getValue()));
    }

    private static String write(Object value) {
        StringWriter text = new StringWriter();
        try (JsonGenerator generator = new FiniteNumbers(MAPPER.createGenerator(text))) {
            MAPPER.writeValue(generator, value);
        } catch (IOException error) {
            throw new IllegalArgumentException("it cannot be sent as JSON: " + error.getMessage(), error);
        }
        return text.toString();
    }

    private static <T> T parse(String text, Class<T> kind) {
        try {
            return MAPPER.readValue(text, kind);
        } catch (JacksonException error) {
            throw new IllegalArgumentException("the JSON cannot be read: " + error.getOriginalMessage(), error);
        }
    }

    private static Number narrowed(BigInteger value) {
        return value.bitLength() < Long.SIZE ? (Number) value.longValue() : value;
    }

    private static Object plain(Value value) {
        return switch (value.getKindCase()) {
            case STRING_VALUE -> value.getStringValue();
            case BOOL_VALUE -> value.getBoolValue();
            case NUMBER_VALUE -> whole(value.getNumberValue());
            case LIST_VALUE -> {
                List<Object> items = new ArrayList<>(value.getListValue().getValuesCount());
                value.getListValue().getValuesList().forEach(item -> items.add(plain(item)));
                yield items;
            }
            case STRUCT_VALUE -> {
                Map<String, Object> fields = new LinkedHashMap<>();
                value.getStructValue().getFieldsMap().forEach((name, item) -> fields.put(name, plain(item)));
                yield fields;
            }
            case NULL_VALUE, KIND_NOT_SET -> null;
        };
    }

    private static Number whole(double value) {
        boolean hasFraction = Double.isNaN(value) || Double.isInfinite(value) || value != Math.rint(value);
        return hasFraction ? (Number) value : narrowed(new BigDecimal(value).toBigIntegerExact());
    }

    /** The text, with halves of surrogate pairs escaped: UTF-8 cannot carry them, and protobuf would put question marks in their place. */
    private static String wellFormed(String text) {
        return HALF_A_PAIR.matcher(text).replaceAll(half -> "\\\\u%04x".formatted((int) half.group().charAt(0)));
    }
}
