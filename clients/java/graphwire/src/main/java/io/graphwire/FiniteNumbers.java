package io.graphwire;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.JsonGeneratorDelegate;
import com.fasterxml.jackson.databind.JsonMappingException;
import java.io.IOException;

/** Refuses NaN and infinities, which JSON has no form for: Jackson would write them as texts, and nobody would notice. */
final class FiniteNumbers extends JsonGeneratorDelegate {
    FiniteNumbers(JsonGenerator generator) {
        super(generator, false);
    }

    @Override
    public void writeNumber(double value) throws IOException {
        super.writeNumber(finite(value));
    }

    @Override
    public void writeNumber(float value) throws IOException {
        finite(value);
        super.writeNumber(value);
    }

    @Override
    public void writeArray(double[] values, int offset, int length) throws IOException {
        for (int place = offset; place < offset + length; place++) {
            finite(values[place]);
        }
        super.writeArray(values, offset, length);
    }

    private double finite(double value) throws JsonMappingException {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            throw JsonMappingException.from(this, "there is no " + value + " in JSON");
        }
        return value;
    }
}
