package io.graphwire;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import com.google.protobuf.MessageOrBuilder;

/** Refuses protobuf messages inside JSON: Jackson would write down how they are built. */
final class NoMessage extends StdSerializer<MessageOrBuilder> {
    private static final long serialVersionUID = 1L;

    NoMessage() {
        super(MessageOrBuilder.class);
    }

    @Override
    public void serialize(MessageOrBuilder message, JsonGenerator generator, SerializerProvider provider) throws JsonMappingException {
        throw JsonMappingException.from(generator, "a " + message.getClass().getSimpleName() + " is a protobuf message, and no JSON value");
    }
}
