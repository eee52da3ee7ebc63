package io.graphwire;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import java.io.IOException;

/** Reads integers as Long where that is large enough, else as BigInteger, and all other numbers as Double. */
final class ExactNumbers extends StdDeserializer<Number> {
    private static final long serialVersionUID = 1L;

    ExactNumbers() {
        super(Number.class);
    }

    @Override
    public Number deserialize(JsonParser parser, DeserializationContext context) throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NUMBER_FLOAT) {
            return parser.getDoubleValue();
        }
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
            return (Number) context.handleUnexpectedToken(Number.class, parser);
        }
        return parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER ? (Number) parser.getBigIntegerValue() : parser.getLongValue();
    }
}
